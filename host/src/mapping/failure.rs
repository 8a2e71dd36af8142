//! The message about records that were given up, as Lambda sends it to an on-failure destination.
//!
//! The form is that of the Lambda guide's page "Retain discarded records for a DynamoDB event source
//! in Lambda" (services-dynamodb-errors). The records themselves are not in it.

use std::borrow::Cow;

use serde::Serialize;
use uuid::Uuid;

use super::batch::Batch;
use crate::clock;
use crate::store::Record;

/// Why records were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Condition {
    /// `MaximumRetryAttempts` retries failed too.
    RetryAttemptsExhausted,
    /// They are older than `MaximumRecordAgeInSeconds`, or than the stream keeps records.
    RecordAgeExceeded,
}

/// Where the records came from and went to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route<'a> {
    pub(super) function_arn: &'a str,
    pub(super) stream_arn: &'a str,
    pub(super) shard_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_context: Option<ResponseContext>,
    version: &'static str,
    timestamp: String,
    #[serde(rename = "DDBStreamBatchInfo")]
    batch: BatchInfo<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: Cow<'a, str>,
    function_arn: &'a str,
    condition: Condition,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext {
    status_code: u16,
    executed_version: &'static str,
    /// `Unhandled`, and null where the function answered that records failed: so AWS has it.
    function_error: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchInfo<'a> {
    shard_id: &'a str,
    start_sequence_number: String,
    end_sequence_number: String,
    approximate_arrival_of_first_record: String,
    approximate_arrival_of_last_record: String,
    batch_size: usize,
    stream_arn: &'a str,
}

/// The message about `batch`. Records that grew too old were not tried for the last time, so there is
/// no response; where they were never tried, AWS still counts one invocation, with an id.
pub(super) fn message(
    batch: &Batch,
    condition: Condition,
    route: Route<'_>,
    now_ms: i64,
) -> String {
    let number = |record: Option<&Record>| {
        record.map_or_else(String::new, |record| record.sequence.to_string())
    };
    // A DynamoDB stream has whole seconds.
    let arrival = |record: Option<&Record>| {
        let seconds = record.map_or(0, |record| record.arrived_ms.div_euclid(1_000));
        clock::in_seconds(seconds * 1_000)
    };
    let (oldest, newest) = (batch.records.first(), batch.records.last());
    let last = match condition {
        Condition::RetryAttemptsExhausted => batch.last.as_ref(),
        Condition::RecordAgeExceeded => None,
    };
    let message = Message {
        request_context: RequestContext {
            request_id: batch.last.as_ref().map_or_else(
                || Uuid::new_v4().to_string().into(),
                |last| last.request_id.as_str().into(),
            ),
            function_arn: route.function_arn,
            condition,
            approximate_invoke_count: batch.invocations.max(1),
        },
        response_context: last.map(|last| ResponseContext {
            status_code: 200,
            executed_version: "$LATEST",
            function_error: last.threw.then_some("Unhandled"),
        }),
        version: "1.0",
        timestamp: clock::in_milliseconds(now_ms),
        batch: BatchInfo {
            shard_id: route.shard_id,
            start_sequence_number: number(oldest),
            end_sequence_number: number(newest),
            approximate_arrival_of_first_record: arrival(oldest),
            approximate_arrival_of_last_record: arrival(newest),
            batch_size: batch.records.len(),
            stream_arn: route.stream_arn,
        },
    };
    // Nothing here can fail to serialise: no map, no foreign `Serialize`.
    serde_json::to_string(&message).unwrap_or_default()
}
