//! The table in DynamoDB.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use serde_dynamo::Item;

use super::table::{MoveStatus, Outcome, Replace, Table};
use crate::applied::REMEMBERED;
use crate::description::STATUS;
use crate::document::id_name;
use crate::error::{BoxError, CommandError, chain};
use crate::id::Id;
use crate::item::attribute;
use crate::settings::{self, InvalidSetting, Source};

mod http;

const TABLE: &str = "WRITE_MODEL_TABLE";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// DynamoDB answers in single milliseconds; an attempt that takes this long has got lost.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// Below the function's timeout, so that the caller gets an error that says what happened.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(7);
const ATTEMPTS: u32 = 3;

/// Error codes with which DynamoDB asks for patience.
const THROTTLES: [&str; 6] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "Throttling",
    "ReplicatedWriteConflictException",
    "TransactionInProgressException",
];

/// A table of DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoTable {
    pub(super) client: Client,
    pub(super) table: String,
    /// The name of the key.
    pub(super) id: String,
}

impl DynamoTable {
    /// Prepares the client of a table of `entity`s from `WRITE_MODEL_TABLE` and the variables that
    /// Lambda sets: credentials and `AWS_REGION`; `AWS_ENDPOINT_URL_DYNAMODB` or
    /// `AWS_ENDPOINT_URL` for another endpoint. Nothing is connected yet.
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn from_env(source: Source<'_>, entity: &str) -> Result<Self, InvalidSetting> {
        let table = settings::required(source, TABLE)?;
        let credentials = settings::credentials(source)?;
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings::region(source)?))
            .credentials_provider(Credentials::new(
                credentials.access_key_id,
                credentials.secret_access_key,
                credentials.session_token,
                None,
                "environment",
            ))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(COMMAND_TIMEOUT)
                    .build(),
            );
        let endpoint = endpoint(source)?;
        // An emulator's needs no certificates.
        let encrypts = !endpoint
            .as_deref()
            .is_some_and(|url| url.starts_with("http:"));
        config = config.http_client(http::client(encrypts, source)?);
        if let Some(url) = endpoint {
            config = config.endpoint_url(url);
        }
        Ok(Self {
            client: Client::from_conf(config.build()),
            table,
            id: id_name(entity),
        })
    }

    pub(super) fn update(&self, id: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key(&self.id, text(id))
            .expression_attribute_names("#id", &self.id)
    }
}

impl Table for DynamoTable {
    async fn get(&self, id: &Id) -> Result<Option<Item>, CommandError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(&self.id, text(id.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(classify)?;
        Ok(found.item.map(Item::from))
    }

    async fn create(&self, item: Item) -> Result<Option<Item>, CommandError> {
        let outcome = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.into()))
            .condition_expression("attribute_not_exists(#id)")
            .expression_attribute_names("#id", &self.id)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failure)) => {
                    let lacking =
                        || CommandError::fault("the failed condition came without its item");
                    failure
                        .item
                        .clone()
                        .map(Item::from)
                        .map(Some)
                        .ok_or_else(lacking)
                }
                _ => Err(classify(error)),
            },
        }
    }

    async fn move_status(&self, write: MoveStatus<'_>) -> Result<Outcome<Item>, CommandError> {
        let mut expression = Expression::default();
        // Items that others wrote may lack both attributes: they have their default status then,
        // and are at version 1.
        expression.holds("attribute_exists(#id)");
        expression.holds(&write.condition());
        let mut set = "#status = :to, #version = if_not_exists(#version, :one) + :one, \
                       #updatedAt = :now"
            .to_owned();
        let mut update = self
            .update(write.id)
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_names("#version", attribute::VERSION)
            .expression_attribute_names("#updatedAt", attribute::UPDATED_AT)
            .expression_attribute_values(":to", text(&write.to))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", text(write.now));
        for (at, status) in write.from.iter().enumerate() {
            update = update.expression_attribute_values(format!(":from{at}"), text(status));
        }
        if let Some(version) = write.expected_version {
            expression.holds(at_version(version));
            update = update.expression_attribute_values(":expected", number(version));
        }
        if write.may_be_at_last_version() {
            expression.holds("(attribute_not_exists(#version) OR #version < :last)");
            update = update.expression_attribute_values(":last", number(u64::MAX));
        }
        if let Some((key, used)) = &write.key {
            expression.holds(
                "attribute_exists(#applied) AND attribute_not_exists(#applied.#key) \
                 AND size(#applied) < :most",
            );
            set.push_str(", #applied.#key = :used");
            let used = serde_dynamo::to_attribute_value(used)
                .map_err(|error| CommandError::fault(error.to_string()))?;
            update = update
                .expression_attribute_names("#applied", attribute::APPLIED_KEYS)
                .expression_attribute_names("#key", *key)
                .expression_attribute_values(":most", number(REMEMBERED + 1))
                .expression_attribute_values(":used", used);
        }
        let outcome = update
            .update_expression(format!("SET {set}"))
            .condition_expression(expression.0)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match outcome {
            Ok(answer) => {
                let lacking = || CommandError::fault("the change was answered without its item");
                let item = answer.attributes.ok_or_else(lacking)?;
                Ok(Outcome::Written(item.into()))
            }
            Err(error) => refused(error).map(Outcome::Refused),
        }
    }

    async fn replace(&self, write: Replace<'_>) -> Result<Outcome<()>, CommandError> {
        let mut update = self
            .update(write.id)
            .expression_attribute_names("#version", attribute::VERSION)
            .expression_attribute_values(":expected", number(write.version))
            .condition_expression(format!(
                "attribute_exists(#id) AND {}",
                at_version(write.version)
            ));
        let mut set = Vec::with_capacity(write.set.len());
        for (at, (name, value)) in write.set.into_iter().enumerate() {
            set.push(format!("#set{at} = :set{at}"));
            update = update
                .expression_attribute_names(format!("#set{at}"), name)
                .expression_attribute_values(format!(":set{at}"), value.into());
        }
        let mut expression = format!("SET {}", set.join(", "));
        for (at, name) in write.remove.into_iter().enumerate() {
            let before = if at == 0 { " REMOVE " } else { ", " };
            expression.push_str(&format!("{before}#gone{at}"));
            update = update.expression_attribute_names(format!("#gone{at}"), name);
        }
        let outcome = update
            .update_expression(expression)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(Outcome::Written(())),
            Err(error) => refused(error).map(Outcome::Refused),
        }
    }
}

/// A condition that is being put together.
#[derive(Default)]
struct Expression(String);

impl Expression {
    fn holds(&mut self, condition: &str) {
        if !self.0.is_empty() {
            self.0.push_str(" AND ");
        }
        self.0.push_str(condition);
    }
}

impl MoveStatus<'_> {
    fn condition(&self) -> String {
        let names: Vec<String> = (0..self.from.len())
            .map(|at| format!(":from{at}"))
            .collect();
        let said = match names.as_slice() {
            [only] => format!("#status = {only}"),
            several => format!("#status IN ({})", several.join(", ")),
        };
        if self.from_default() {
            format!("(attribute_not_exists(#status) OR {said})")
        } else {
            said
        }
    }
}

fn at_version(version: u64) -> &'static str {
    if version == 1 {
        "(attribute_not_exists(#version) OR #version = :expected)"
    } else {
        "#version = :expected"
    }
}

/// The item that a failed condition was about.
fn refused(error: SdkError<UpdateItemError>) -> Result<Option<Item>, CommandError> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failure)) => {
            let item = failure.item.clone().filter(|item| !item.is_empty());
            Ok(item.map(Item::from))
        }
        _ => Err(classify(error)),
    }
}

fn endpoint(source: Source<'_>) -> Result<Option<String>, InvalidSetting> {
    for name in ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"] {
        if let Some(url) = settings::optional(source, name) {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(InvalidSetting::new(
                    name,
                    "must begin with http:// or https://",
                ));
            }
            return Ok(Some(url));
        }
    }
    Ok(None)
}

pub(super) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Whether a later attempt may succeed, and why this one did not. By the type and code of the
/// error: the text of a service error says only that it is one.
pub(super) fn classify<E>(error: SdkError<E>) -> CommandError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let retryable = match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            true
        }
        SdkError::ServiceError(service) => {
            let throttled = service
                .err()
                .code()
                .is_some_and(|code| THROTTLES.contains(&code));
            throttled || service.raw().status().is_server_error()
        }
        _ => false,
    };
    let reason = match &error {
        SdkError::ServiceError(service) => match (service.err().code(), service.err().message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => format!("HTTP status {}", service.raw().status().as_u16()),
        },
        other => chain(other),
    };
    let source: BoxError = Box::new(error);
    if retryable {
        CommandError::WriteModelUnavailable { reason, source }
    } else {
        CommandError::WriteModelFault { reason, source }
    }
}
