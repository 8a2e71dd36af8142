//! The streams' API, where the engine's own answers are not DynamoDB's.
//!
//! The engine knows a stream by its table and takes any label and any shard, has no `KeySchema`,
//! counts the bytes of JSON texts, and ends its one shard, so that readers would leave it.

use dynoxide::actions::describe_stream::{
    DescribeStreamRequest, DescribeStreamResponse, StreamDescription,
};
use dynoxide::actions::get_records::{GetRecordsRequest, GetRecordsResponse, StreamRecord};
use dynoxide::actions::get_shard_iterator::{GetShardIteratorRequest, GetShardIteratorResponse};
use dynoxide::types::item_size;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde_json::value::RawValue;

use super::api::Api;
use super::{Sequence, stream};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    stream_description: Description,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    #[serde(flatten)]
    engines: StreamDescription,
    key_schema: Box<RawValue>,
}

/// `DescribeStream`
pub(super) fn describe(
    api: &Api,
    database: &Database,
    request: DescribeStreamRequest,
) -> Result<Described, DynoxideError> {
    let live = Live::find(api, &request.stream_arn)?;
    let after = request.exclusive_start_shard_id.clone();
    let DescribeStreamResponse {
        stream_description: mut engines,
    } = database.describe_stream(request)?;
    for shard in &mut engines.shards {
        shard.shard_id = stream::shard_id(&live.table);
        let range = &mut shard.sequence_number_range;
        // Also a shard without a record has a beginning.
        range
            .starting_sequence_number
            .get_or_insert_with(|| Sequence(1).to_string());
        range.ending_sequence_number = None;
    }
    if let Some(after) = after {
        engines.shards.retain(|shard| shard.shard_id > after);
    }
    Ok(Described {
        stream_description: Description {
            engines,
            key_schema: live.key_schema,
        },
    })
}

/// `GetShardIterator`
pub(super) fn iterator(
    api: &Api,
    database: &Database,
    mut request: GetShardIteratorRequest,
) -> Result<GetShardIteratorResponse, DynoxideError> {
    let live = Live::find(api, &request.stream_arn)?;
    if request.shard_id != stream::shard_id(&live.table) {
        return Err(DynoxideError::ResourceNotFoundException(
            "Requested resource not found: Shard does not exist".to_owned(),
        ));
    }
    request.shard_id = dynoxide::streams::shard_id(&live.table);
    database.get_shard_iterator(request)
}

/// `GetRecords`
pub(super) fn records(
    api: &Api,
    database: &Database,
    request: GetRecordsRequest,
) -> Result<GetRecordsResponse, DynoxideError> {
    let mut answer = database.get_records(request)?;
    for record in &mut answer.records {
        record.aws_region = api.region.to_string();
        record.dynamodb.size_bytes = size(&record.dynamodb);
    }
    Ok(answer)
}

fn size(record: &StreamRecord) -> i64 {
    let images = [&record.new_image, &record.old_image];
    let images = images.into_iter().flatten().map(item_size).sum::<usize>();
    i64::try_from(item_size(&record.keys) + images).unwrap_or(i64::MAX)
}

/// A stream that is enabled.
struct Live {
    table: String,
    key_schema: Box<RawValue>,
}

impl Live {
    /// The stream of this ARN, its label included.
    fn find(api: &Api, arn: &str) -> Result<Self, DynoxideError> {
        let found = match arn.split('/').collect::<Vec<_>>().as_slice() {
            [_, table, "stream", label] if arn == stream::arn(&api.region, table, label) => {
                let found = api.stream(table).map_err(|error| {
                    DynoxideError::InternalServerError(format!("the stream of {table}: {error}"))
                })?;
                found
                    .filter(|found| found.enabled && found.label == *label)
                    .map(|found| Self {
                        table: (*table).to_owned(),
                        key_schema: found.key_schema,
                    })
            }
            _ => None,
        };
        found.ok_or_else(|| {
            DynoxideError::ResourceNotFoundException(format!(
                "Requested resource not found: Stream: {arn} not found"
            ))
        })
    }
}
