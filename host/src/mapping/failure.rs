//! What is said of records that were given up, as Lambda says it to an on-failure destination.
//!
//! The form is that of the Lambda guide's page "Retain discarded records for a DynamoDB event source
//! in Lambda" (services-dynamodb-errors). A message to a queue leaves the records out; an object in a
//! bucket has them, as the event that the function was to be given.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
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
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) function_arn: String,
    pub(super) stream_arn: String,
    pub(super) shard_id: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Box<RawValue>>,
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

/// The message about `batch`.
pub(super) fn message(batch: &Batch, condition: Condition, route: &Route, now_ms: i64) -> String {
    said(batch, condition, route, now_ms, None)
}

/// The object about `batch`: the message, and the records.
pub(super) fn object(batch: &Batch, condition: Condition, route: &Route, now_ms: i64) -> String {
    let event = String::from_utf8_lossy(&batch.event()).into_owned();
    let payload = RawValue::from_string(event).ok();
    said(batch, condition, route, now_ms, payload)
}

/// The name of such an object: `aws/lambda/<mapping>/<shard>/2026/11/27/2026-11-27T06.30.00-<UUID>`.
pub(super) fn key(mapping: &str, shard_id: &str, now_ms: i64) -> String {
    let (day, second) = (clock::day(now_ms), clock::in_seconds(now_ms));
    let second = second.trim_end_matches('Z').replace(':', ".");
    let random = Uuid::new_v4();
    format!("aws/lambda/{mapping}/{shard_id}/{day}/{second}-{random}")
}

/// Records that grew too old were not tried for the last time, so there is
/// no response; where they were never tried, AWS still counts one invocation, with an id.
fn said(
    batch: &Batch,
    condition: Condition,
    route: &Route,
    now_ms: i64,
    payload: Option<Box<RawValue>>,
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
            function_arn: &route.function_arn,
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
            shard_id: &route.shard_id,
            start_sequence_number: number(oldest),
            end_sequence_number: number(newest),
            approximate_arrival_of_first_record: arrival(oldest),
            approximate_arrival_of_last_record: arrival(newest),
            batch_size: batch.records.len(),
            stream_arn: &route.stream_arn,
        },
        payload,
    };
    // Nothing here can fail to serialise: no map, no foreign `Serialize`.
    serde_json::to_string(&message).unwrap_or_default()
}
