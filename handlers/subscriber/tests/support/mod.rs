//! Stream records as DynamoDB writes them, and the subscriber to give them to.
#![allow(dead_code, reason = "not every test file needs all")]

use serde_json::{Value, json};
use test_support::runtime_api::Handler;
use test_support::valkey::Valkey;

/// The real subscriber, on `server`.
pub(crate) fn subscriber(server: &Valkey) -> Handler {
    subscriber_with(server, &[])
}

/// The real subscriber, on `server`, whose read model is complete, with more variables.
pub(crate) fn subscriber_with(server: &Valkey, variables: &[(&str, &str)]) -> Handler {
    server.complete();
    let url = server.url();
    let variables = [&[("CACHE_URL", url.as_str())], variables].concat();
    Handler::start(env!("CARGO_BIN_EXE_subscriber"), &variables)
}

/// An item of version `version`.
pub(crate) fn image(id: &str, version: u64) -> Value {
    let status = if version == 1 { "placed" } else { "shipped" };
    json!({
        "orderId": {"S": id}, "clientId": {"S": "c"}, "productId": {"S": "p"},
        "quantity": {"N": "1"}, "status": {"S": status}, "version": {"N": version.to_string()},
        "createdAt": {"S": "2026-11-23T03:00:00.000Z"}, "updatedAt": {"S": "2026-11-23T03:00:00.000Z"},
    })
}

/// A record with the image that it leaves or takes away.
pub(crate) fn record(name: &str, sequence: u64, image: &Value) -> Value {
    let side = if name == "REMOVE" {
        "OldImage"
    } else {
        "NewImage"
    };
    json!({
        "eventID": format!("{sequence:032x}"), "eventName": name, "eventVersion": "1.1",
        "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000.0,
            "Keys": {"orderId": image["orderId"]},
            side: image,
            "SequenceNumber": number(sequence), "SizeBytes": 200, "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:000000000000:table/orders/stream/2026-11-23T00:00:00.000",
    })
}

/// A sequence number of the usual length.
pub(crate) fn number(sequence: u64) -> String {
    format!("4{sequence:020}")
}

/// An order's creation.
pub(crate) fn insert(id: &str, sequence: u64) -> Value {
    record("INSERT", sequence, &image(id, 1))
}

/// What Lambda is answered when the record of `sequence` is the first that failed.
pub(crate) fn failed(sequence: u64) -> Value {
    json!({"batchItemFailures": [{"itemIdentifier": number(sequence)}]})
}

/// What Lambda is answered when nothing failed.
pub(crate) fn done() -> Value {
    json!({"batchItemFailures": []})
}

/// Ids of all orders that the read model shows; none is a UUID.
pub(crate) fn shown(server: &Valkey) -> Vec<String> {
    let mut ids = Vec::new();
    for status in ["placed", "shipped", "cancelled"] {
        let mut command = redis::cmd("ZRANGE");
        command
            .arg(format!("orders:v2:status:{status}"))
            .arg(0)
            .arg(-1);
        let members: Vec<Vec<u8>> = command.query(&mut server.connection()).unwrap();
        let id = |member: &Vec<u8>| String::from_utf8(member[7..].to_vec()).unwrap();
        ids.extend(members.iter().map(id));
    }
    ids.sort_unstable();
    ids
}

/// The item of an order's document.
pub(crate) fn item(order: &Value) -> Value {
    let mut item = json!({});
    for (name, value) in order.as_object().unwrap() {
        item[name] = match value {
            Value::Number(number) => json!({"N": number.to_string()}),
            other => json!({"S": other}),
        };
    }
    item
}

/// What the read model holds of an order: its mark, and its document or null of a tombstone.
pub(crate) fn held(server: &Valkey, id: &str) -> Option<(String, Value)> {
    let mut command = redis::cmd("GET");
    command.arg(format!("orders:v2:={id}"));
    let held: Option<Vec<u8>> = command.query(&mut server.connection()).unwrap();
    let held = held?;
    let text = std::str::from_utf8(&held[6..]).unwrap();
    let (mark, document) = text.split_once('\n').unwrap();
    Some((
        mark.to_owned(),
        serde_json::from_str(document).unwrap_or_default(),
    ))
}
