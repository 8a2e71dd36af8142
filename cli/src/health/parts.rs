//! What both targets answer alike: the table, the queue, the query function.

use std::time::Instant;

use orders::query::Query;

use super::{Part, Pong, ReadModel, WriteModel};
use crate::aws::{Aws, AwsError};
use crate::failures::queue::{Depth, FailuresQueue};
use crate::settings::Target;
use crate::stack::functions::Functions;

pub(super) async fn write_model(aws: &Aws, table: &str) -> Part<WriteModel> {
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
    Ok(WriteModel {
        status: status.as_str().to_owned(),
        orders: table
            .item_count
            .and_then(|count| count.try_into().ok())
            .unwrap_or(0),
        is_approximate: aws.target() == Target::Aws,
    })
}

pub(super) async fn failures(aws: &Aws, queue: &str, stream: &str) -> Part<Depth> {
    Ok(FailuresQueue::new(aws, queue, stream).depth().await?)
}

/// Asks the query function for a sign of life, which reaches to the cache.
pub(super) async fn read_model(functions: &Functions) -> Part<ReadModel> {
    let asked = Instant::now();
    let answer = functions.query::<Pong>(&Query::Ping).await?;
    let Pong {
        version,
        cache_ms,
        orders,
        complete,
    } = answer.value;
    Ok(ReadModel {
        orders,
        cache_ms,
        answer_ms: u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX),
        version,
        is_complete: complete,
    })
}
