//! The write model: orders in a DynamoDB table, the source of truth.
//!
//! Each command is one conditional write, one round trip. A condition that fails brings the item
//! that stood in the way back with it, and what the failure means is decided from that
//! ([`crate::command`]): no read before, so no race between reading and writing, and a retry, the
//! SDK's own or a client's, finds what its first attempt did.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};

use crate::command::{self, ChangeOrder, Command, CreateOrder};
use crate::error::{BoxError, CommandError, chain};
use crate::item::{self, Item, attribute};
use crate::order::{Order, Status};
use crate::settings::{self, InvalidSetting, Source};
use crate::timestamp::Timestamp;

mod diagnose;

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

/// The table of orders.
#[derive(Debug, Clone)]
pub struct WriteModel {
    client: Client,
    table: String,
}

type Attributes = HashMap<String, AttributeValue>;

impl WriteModel {
    /// Prepares the client from `ORDERS_TABLE` and the variables that Lambda sets: credentials and
    /// `AWS_REGION`; `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL` for another endpoint.
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn from_env(source: Source<'_>) -> Result<Self, InvalidSetting> {
        let table = settings::required(source, "ORDERS_TABLE")?;
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
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(COMMAND_TIMEOUT)
                    .build(),
            );
        let endpoint = endpoint(source)?;
        let plain = endpoint
            .as_ref()
            .is_some_and(|url| url.starts_with("http:"));
        let http = aws_smithy_http_client::Builder::new();
        config = if plain {
            // No certificates to load for an emulator.
            config.http_client(http.build_http())
        } else {
            let ring = tls::Provider::Rustls(CryptoMode::Ring);
            config.http_client(http.tls_provider(ring).build_https())
        };
        if let Some(url) = endpoint {
            config = config.endpoint_url(url);
        }
        Ok(Self {
            client: Client::from_conf(config.build()),
            table,
        })
    }

    /// Carries out `command` and answers the order as it then is.
    ///
    /// # Errors
    /// Every [`CommandError`] but `InvalidCommand`.
    pub async fn execute(&self, command: Command) -> Result<Order, CommandError> {
        match command {
            Command::Create(create) => self.create(create).await,
            Command::Change(change) => self.change(change).await,
        }
    }

    async fn create(&self, create: CreateOrder) -> Result<Order, CommandError> {
        let order = create.order(Timestamp::now());
        let outcome = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(attributes(&order)))
            .condition_expression("attribute_not_exists(#orderId)")
            .expression_attribute_names("#orderId", attribute::ORDER_ID)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(order),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failure)) => {
                    let existing = read(failure.item.as_ref())?
                        .ok_or_else(|| fault("the failed condition came without its item"))?;
                    command::already_created(&order, existing)
                }
                _ => Err(classify(error)),
            },
        }
    }

    async fn change(&self, change: ChangeOrder) -> Result<Order, CommandError> {
        // Items that others wrote may lack both attributes: their status is `placed` then, and
        // their version 1.
        let mut condition = "attribute_exists(#orderId) \
             AND (attribute_not_exists(#status) OR #status = :placed)"
            .to_owned();
        match change.expected_version {
            None => {}
            Some(1) => {
                condition.push_str(" AND (attribute_not_exists(#version) OR #version = :expected)")
            }
            Some(_) => condition.push_str(" AND #version = :expected"),
        }
        // The next version would be a number that nobody reads.
        let may_be_last = change
            .expected_version
            .is_none_or(|version| version == u64::MAX);
        if may_be_last {
            condition.push_str(" AND (attribute_not_exists(#version) OR #version < :last)");
        }
        let expected = change.expected_version.map(number);
        let mut values = vec![
            (":placed", text(Status::Placed)),
            (":target", text(change.change.target())),
            (":one", number(1)),
            (":now", text(Timestamp::now())),
        ];
        values.extend(expected.map(|version| (":expected", version)));
        values.extend(may_be_last.then(|| (":last", number(u64::MAX))));
        let outcome = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(attribute::ORDER_ID, text(change.order_id.as_str()))
            .update_expression(
                "SET #status = :target, #version = if_not_exists(#version, :one) + :one, \
                 #updatedAt = :now",
            )
            .condition_expression(condition)
            .expression_attribute_names("#orderId", attribute::ORDER_ID)
            .expression_attribute_names("#status", attribute::STATUS)
            .expression_attribute_names("#version", attribute::VERSION)
            .expression_attribute_names("#updatedAt", attribute::UPDATED_AT)
            .set_expression_attribute_values(Some(owned(values)))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match outcome {
            Ok(answer) => read(answer.attributes.as_ref())?
                .ok_or_else(|| fault("the change was answered without its item")),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failure)) => {
                    let Some(existing) = read(failure.item.as_ref())? else {
                        return Err(CommandError::OrderNotFound {
                            order_id: change.order_id,
                        });
                    };
                    let is_last = existing.version == u64::MAX;
                    command::not_changed(&change, existing).unwrap_or_else(|| {
                        Err(fault(if is_last {
                            let id = &change.order_id;
                            format!("order {id} is at version {}, the last there is", u64::MAX)
                        } else {
                            "the condition failed of an item that fulfils it".to_owned()
                        }))
                    })
                }
                _ => Err(classify(error)),
            },
        }
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

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn owned(pairs: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> Attributes {
    let own = |(name, value): (&str, _)| (name.to_owned(), value);
    pairs.into_iter().map(own).collect()
}

fn attributes(order: &Order) -> Attributes {
    owned([
        (attribute::ORDER_ID, text(&order.order_id)),
        (attribute::CLIENT_ID, text(&order.client_id)),
        (attribute::PRODUCT_ID, text(&order.product_id)),
        (attribute::QUANTITY, number(order.quantity)),
        (attribute::STATUS, text(order.status)),
        (attribute::VERSION, number(order.version)),
        (attribute::CREATED_AT, text(order.created_at)),
        (attribute::UPDATED_AT, text(order.updated_at)),
    ])
}

/// An item of the SDK.
struct SdkItem<'a>(&'a Attributes);

impl Item for SdkItem<'_> {
    fn value(&self, name: &str) -> Option<item::Value<'_>> {
        match self.0.get(name)? {
            AttributeValue::S(text) => Some(item::Value::Text(text)),
            AttributeValue::N(text) => Some(item::Value::Number(text)),
            AttributeValue::Null(true) => None,
            _ => Some(item::Value::Other),
        }
    }
}

/// The order in `attributes`; `None` when there are none.
fn read(attributes: Option<&Attributes>) -> Result<Option<Order>, CommandError> {
    match attributes {
        None => Ok(None),
        Some(attributes) if attributes.is_empty() => Ok(None),
        Some(attributes) => item::order(&SdkItem(attributes))
            .map(Some)
            .map_err(|error| fault(format!("the table holds an item that is no order: {error}"))),
    }
}

fn fault(reason: impl Into<String>) -> CommandError {
    let reason = reason.into();
    CommandError::WriteModelFault {
        source: reason.clone().into(),
        reason,
    }
}

/// Whether a later attempt may succeed, and why this one did not. By the type and code of the
/// error: the text of a service error says only that it is one.
fn classify<E>(error: SdkError<E>) -> CommandError
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
