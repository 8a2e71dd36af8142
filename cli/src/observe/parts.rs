//! Each part of a stack, asked by itself. Nothing is changed by asking.

use std::time::Instant;

use aws_sdk_lambda::types::InvocationType;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::base64;
use host::bucket::Buckets;
use pattern::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Function, Mapping, Part, Pong, ReadModel, Unseen, WriteModel};
use crate::aws::{Aws, AwsError};
use crate::domain::Domain;
use crate::failures::destination::{self, Destination};
use crate::failures::queue::Depth;
use crate::settings::Target;
use crate::stack::functions::Functions;

pub(crate) async fn function(aws: &Aws, name: &str) -> Part<Function> {
    let asked = aws.lambda();
    let asked = asked.get_function_configuration().function_name(name);
    let answer = asked.send().await;
    let found = answer.map_err(|e| AwsError::from_sdk("lambda:GetFunctionConfiguration", e))?;
    let state = found
        .state
        .as_ref()
        .map_or("Active", |state| state.as_str());
    let last_update = found.last_update_status.as_ref().map(|s| s.as_str());
    let reasons = (found.state_reason, found.last_update_status_reason);
    Ok(Function {
        state: state.to_owned(),
        reason: reason(state, last_update, reasons),
        last_update: last_update.map(str::to_owned),
        memory_mb: found.memory_size.and_then(|mb| mb.try_into().ok()),
        code: found.code_sha256.as_deref().and_then(hexadecimal),
        changed_at: found.last_modified.as_deref().and_then(moment),
        processes: None,
    })
}

/// Why a function's state, or else its last update, is what it is. Lambda keeps the reason of a
/// trouble that is over, which says nothing about another.
fn reason(
    state: &str,
    last_update: Option<&str>,
    (of_state, of_update): (Option<String>, Option<String>),
) -> Option<String> {
    let reason = match (state, last_update) {
        ("Active", None | Some("Successful")) => None,
        ("Active", Some(_)) => of_update,
        _ => of_state,
    };
    reason.filter(|reason| !reason.is_empty())
}

/// Lambda gives a hash in base64; artifacts are named by its hexadecimal form.
fn hexadecimal(hash: &str) -> Option<String> {
    let bytes = base64::decode(hash).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Lambda writes its offset without a colon.
fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(&text.replace("+0000", "Z")).ok()
}

/// Asks whether a function may be invoked, without invoking it.
pub(crate) async fn may_invoke(aws: &Aws, name: &str) -> Part<()> {
    let asked = aws.lambda().invoke().function_name(name);
    let asked = asked.invocation_type(InvocationType::DryRun).send().await;
    asked.map_err(|e| AwsError::from_sdk("lambda:InvokeFunction", e))?;
    Ok(())
}

pub(crate) async fn mapping(aws: &Aws, id: &str) -> Part<Mapping> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Plain {
        state: String,
        state_transition_reason: Option<String>,
        last_processing_result: Option<String>,
    }
    /// Reads an answer that the SDK refuses over a number in quotes, as emulators write them.
    fn plain(answer: &HttpResponse) -> Option<Plain> {
        let is_success = answer.status().is_success();
        let body = is_success.then(|| answer.body().bytes())?;
        serde_json::from_slice(body?).ok()
    }
    let asked = aws.lambda().get_event_source_mapping().uuid(id);
    let found = match asked.send().await {
        Ok(found) => Plain {
            state: found.state.unwrap_or_else(|| "Unknown".to_owned()),
            state_transition_reason: found.state_transition_reason,
            last_processing_result: found.last_processing_result,
        },
        Err(error) => match error.raw_response().and_then(plain) {
            Some(found) => found,
            None => return Err(AwsError::from_sdk("lambda:GetEventSourceMapping", error).into()),
        },
    };
    Ok(Mapping {
        id: id.to_owned(),
        state: found.state,
        reason: found.state_transition_reason,
        last_processing_result: found.last_processing_result,
        given_up: None,
    })
}

pub(crate) async fn write_model(aws: &Aws, table: &str, domain: &Domain) -> Part<WriteModel> {
    const ACTION: &str = "dynamodb:DescribeTable";
    let asked = aws.dynamodb().describe_table().table_name(table);
    let answer = asked.send().await;
    let table = answer
        .map_err(|e| AwsError::from_sdk(ACTION, e))?
        .table
        .ok_or_else(|| AwsError::incomplete(ACTION, "a table"))?;
    let status = table
        .table_status
        .ok_or_else(|| AwsError::incomplete(ACTION, "a status"))?;
    let count = table.item_count.and_then(|count| count.try_into().ok());
    let stream = table.stream_specification.filter(|s| s.stream_enabled);
    let view = stream.and_then(|stream| stream.stream_view_type);
    Ok(WriteModel {
        status: status.as_str().to_owned(),
        count: domain.count(count.unwrap_or(0)),
        is_approximate: aws.target() == Target::Aws,
        stream_view: view.map(|view| view.as_str().to_owned()),
    })
}

/// `here` are the buckets of a stack on this machine.
pub(crate) async fn failures<'a>(
    aws: &Aws,
    here: Option<&Buckets>,
    output: impl Fn(&'static str) -> Part<&'a str>,
) -> Part<Depth> {
    let stream = output("StreamArn")?;
    let destination = Destination::of(aws, here, stream, |name| output(name).ok());
    let lacks = Unseen::NoOutput(destination::QUEUE);
    Ok(destination.ok_or(lacks)?.depth().await?)
}

/// Asks the query function for a sign of life, which reaches to the cache.
pub(super) async fn read_model(functions: &Functions, domain: &Domain) -> Part<ReadModel> {
    let asked = Instant::now();
    let answer = functions.query::<Pong>(&json!({ "ping": true })).await?;
    let Pong {
        version,
        cache_ms,
        complete,
        others,
    } = answer.value;
    let count = others.get(&domain.plural).and_then(Value::as_u64);
    Ok(ReadModel {
        count: domain.count(count),
        cache_ms,
        answer_ms: u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX),
        version,
        is_complete: complete,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_that_of_the_trouble_there_is() {
        let reason = |state, update| {
            let reasons = (Some("old".to_owned()), Some("new".to_owned()));
            reason(state, update, reasons)
        };
        assert_eq!(reason("Active", Some("Failed")).as_deref(), Some("new"));
        assert_eq!(reason("Active", Some("Successful")), None);
        assert_eq!(reason("Failed", Some("Successful")).as_deref(), Some("old"));
        assert_eq!(reason("Inactive", None).as_deref(), Some("old"));
    }

    #[test]
    fn lambdas_forms_of_hashes_and_times_are_read() {
        assert_eq!(hexadecimal("Afg=").as_deref(), Some("01f8"));
        assert_eq!(hexadecimal("?"), None);
        let at = moment("2026-11-24T01:02:03.004+0000").unwrap();
        assert_eq!(at.to_string(), "2026-11-24T01:02:03.004Z");
        assert_eq!(moment("yesterday"), None);
    }
}
