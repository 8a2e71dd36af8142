//! Batches of stream records, as DynamoDB and Lambda write them.

use serde_json::json;

use crate::fill::item;

/// The event of `count` new orders, the first with the number `first`.
pub(crate) fn batch(first: usize, count: usize) -> String {
    let records: Vec<_> = (first..first + count).map(insert).collect();
    json!({"Records": records}).to_string()
}

/// The id of the order with this number.
pub(crate) fn id(number: usize) -> String {
    format!("0199d3c2-8d5f-7a10-b3a4-{number:012}")
}

fn insert(number: usize) -> serde_json::Value {
    let image = item(&id(number));
    json!({
        "eventID": format!("{number:032x}"),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000.0,
            "Keys": {"orderId": image["orderId"]},
            "NewImage": image,
            "SequenceNumber": format!("4{number:020}"),
            "SizeBytes": 200,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN":
            "arn:aws:dynamodb:eu-west-1:000000000000:table/orders/stream/2026-11-23T00:00:00.000",
    })
}
