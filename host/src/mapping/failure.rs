//! The message about records that were given up, as Lambda sends it to an on-failure destination.
//!
//! The form is that of the Lambda guide's page "Retain discarded records for a DynamoDB event source
//! in Lambda" (services-dynamodb-errors). The records themselves are not in it.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

use super::batch::Batch;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
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

/// The message about `batch`. Without an invocation it has no request id and no response.
pub(super) fn message(
    batch: &Batch,
    condition: Condition,
    route: Route<'_>,
    now_ms: i64,
) -> String {
    let number = |record: Option<&Record>| {
        record.map_or_else(String::new, |record| record.sequence.to_string())
    };
    let arrival = |record: Option<&Record>| instant(record.map_or(0, |record| record.arrived_ms));
    let (first, last) = (batch.records.first(), batch.records.last());
    let message = Message {
        request_context: RequestContext {
            request_id: batch.last.as_ref().map(|last| last.request_id.as_str()),
            function_arn: route.function_arn,
            condition,
            approximate_invoke_count: batch.invocations,
        },
        response_context: batch.last.as_ref().map(|last| ResponseContext {
            status_code: 200,
            executed_version: "$LATEST",
            function_error: last.threw.then_some("Unhandled"),
        }),
        version: "1.0",
        timestamp: instant_with_milliseconds(now_ms),
        batch: BatchInfo {
            shard_id: route.shard_id,
            start_sequence_number: number(first),
            end_sequence_number: number(last),
            approximate_arrival_of_first_record: arrival(first),
            approximate_arrival_of_last_record: arrival(last),
            batch_size: batch.records.len(),
            stream_arn: route.stream_arn,
        },
    };
    // Nothing here can fail to serialise: no map, no foreign `Serialize`.
    serde_json::to_string(&message).unwrap_or_default()
}

const SECONDS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const MILLISECONDS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Whole seconds, which are all that a DynamoDB stream has, stand without a fraction.
fn instant(ms: i64) -> String {
    let form = if ms % 1_000 == 0 {
        SECONDS
    } else {
        MILLISECONDS
    };
    formatted(ms, form)
}

fn instant_with_milliseconds(ms: i64) -> String {
    formatted(ms, MILLISECONDS)
}

fn formatted(ms: i64, form: &[FormatItem<'_>]) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|time| time.format(form).ok())
        .unwrap_or_default()
}
