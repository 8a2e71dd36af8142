//! How a stack's parts are, as the services themselves tell it. Nothing is changed by asking.

use aws_sdk_lambda::types::InvocationType;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::Deserialize;

use crate::aws::{Aws, AwsError};

/// A function, as Lambda has it.
#[derive(Clone, Debug)]
pub(crate) struct FunctionState {
    /// `Active`, `Inactive`, `Pending` or `Failed`; absent where there is nothing like it.
    pub(crate) state: Option<String>,
    /// Why it is so, see [`reason`].
    pub(crate) reason: Option<String>,
    /// `Successful`, `InProgress` or `Failed`.
    pub(crate) last_update: Option<String>,
}

/// Why a function's state, or else its last update, is what it is. Lambda keeps the reason of a
/// trouble that is over, which says nothing about another.
pub(crate) fn reason(
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

/// An event source mapping, as Lambda has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MappingState {
    /// `Enabled`, `Disabled`, or a change between them.
    pub(crate) state: String,
    #[serde(rename = "StateTransitionReason")]
    pub(crate) reason: Option<String>,
    /// What became of the last batch, in Lambda's words.
    #[serde(rename = "LastProcessingResult")]
    pub(crate) last_result: Option<String>,
}

/// A table, as DynamoDB has it.
#[derive(Clone, Debug)]
pub(crate) struct TableState {
    pub(crate) status: String,
    /// What its stream records of a change, where there is a stream.
    pub(crate) stream_view: Option<String>,
    /// Counted by DynamoDB about every six hours.
    pub(crate) items: i64,
}

/// Asks for a function; none where there is no such function.
pub(crate) async fn function(aws: &Aws, name: &str) -> Result<Option<FunctionState>, AwsError> {
    let asked = aws
        .lambda()
        .get_function_configuration()
        .function_name(name)
        .send()
        .await;
    let action = "lambda:GetFunctionConfiguration";
    let found = unless_missing(asked.map_err(|e| AwsError::from_sdk(action, e)))?;
    Ok(found.map(|found| {
        let state = found.state.as_ref().map(|state| state.as_str());
        let last_update = found.last_update_status.as_ref().map(|s| s.as_str());
        let reasons = (found.state_reason, found.last_update_status_reason);
        FunctionState {
            reason: reason(state.unwrap_or("Active"), last_update, reasons),
            state: state.map(str::to_owned),
            last_update: last_update.map(str::to_owned),
        }
    }))
}

/// Asks whether the function may be invoked, without invoking it.
pub(crate) async fn may_invoke(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let asked = aws
        .lambda()
        .invoke()
        .function_name(name)
        .invocation_type(InvocationType::DryRun)
        .send()
        .await;
    asked
        .map(|_| ())
        .map_err(|e| AwsError::from_sdk("lambda:InvokeFunction", e))
}

/// Asks for a mapping; none where there is no such mapping.
pub(crate) async fn mapping(aws: &Aws, id: &str) -> Result<Option<MappingState>, AwsError> {
    unless_missing(mapping_that_is_there(aws, id).await)
}

/// Asks for a mapping; one that is not there is an error.
pub(crate) async fn mapping_that_is_there(aws: &Aws, id: &str) -> Result<MappingState, AwsError> {
    let asked = aws
        .lambda()
        .get_event_source_mapping()
        .uuid(id)
        .send()
        .await;
    match asked {
        Ok(found) => Ok(MappingState {
            state: found.state.unwrap_or_else(|| "Unknown".to_owned()),
            reason: found.state_transition_reason,
            last_result: found.last_processing_result,
        }),
        Err(error) => match error.raw_response().and_then(read_mapping) {
            Some(state) => Ok(state),
            None => Err(AwsError::from_sdk("lambda:GetEventSourceMapping", error)),
        },
    }
}

/// Reads an answer by itself that the SDK refuses over a number in quotes, as emulators write them.
fn read_mapping(answer: &HttpResponse) -> Option<MappingState> {
    let body = answer
        .status()
        .is_success()
        .then(|| answer.body().bytes())?;
    serde_json::from_slice(body?).ok()
}

/// Asks for a table; none where there is no such table.
pub(crate) async fn table(aws: &Aws, name: &str) -> Result<Option<TableState>, AwsError> {
    let asked = aws
        .dynamodb()
        .describe_table()
        .table_name(name)
        .send()
        .await;
    let action = "dynamodb:DescribeTable";
    let found = unless_missing(asked.map_err(|e| AwsError::from_sdk(action, e)))?;
    let Some(table) = found.and_then(|found| found.table) else {
        return Ok(None);
    };
    let stream = table
        .stream_specification
        .filter(|stream| stream.stream_enabled);
    let view = stream.and_then(|stream| stream.stream_view_type);
    Ok(Some(TableState {
        status: table
            .table_status
            .map_or_else(|| "UNKNOWN".to_owned(), |s| s.as_str().to_owned()),
        stream_view: view.map(|view| view.as_str().to_owned()),
        items: table.item_count.unwrap_or_default(),
    }))
}

fn unless_missing<T>(asked: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(error),
    }
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
}
