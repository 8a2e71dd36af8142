//! What the handlers are asked, as DynamoDB, Lambda and users write it.

use serde_json::{Value, json};

/// The least order that can be asked for.
pub(crate) fn draft() -> Value {
    json!({"clientId": "123456789", "productId": "abc-def-ghi"})
}

/// The id of the order with this number.
pub(crate) fn id(number: usize) -> String {
    format!("0199d3c2-8d5f-7a10-b3a4-{number:012}")
}

/// The stream's event of `count` new orders, the first with the number `first`.
pub(crate) fn batch(first: usize, count: usize) -> String {
    let records: Vec<_> = (first..first + count).map(insert).collect();
    json!({"Records": records}).to_string()
}

fn insert(number: usize) -> Value {
    let id = json!({"S": id(number)});
    json!({
        "eventID": format!("{number:032x}"),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000.0,
            "Keys": {"orderId": id},
            "NewImage": {
                "orderId": id,
                "clientId": {"S": "123456789"},
                "productId": {"S": "abc-def-ghi"},
                "quantity": {"N": "1"},
                "status": {"S": "placed"},
                "version": {"N": "1"},
                "createdAt": {"S": "2026-11-23T03:00:00.000Z"},
                "updatedAt": {"S": "2026-11-23T03:00:00.000Z"},
            },
            "SequenceNumber": format!("4{number:020}"),
            "SizeBytes": 200,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN":
            "arn:aws:dynamodb:eu-west-1:000000000000:table/orders/stream/2026-11-23T00:00:00.000",
    })
}
