//! A stream's record as Lambda gives it to a function: JSON of the form of the Lambda guide's page
//! "Using AWS Lambda with Amazon DynamoDB".

use std::collections::HashMap;

use aws_sdk_dynamodbstreams::types::{AttributeValue, Record};
use aws_smithy_types::DateTime;
use serde_json::{Map, Value, json};

/// The record, with the members that it has.
pub(crate) fn record(record: &Record, stream_arn: &str) -> Value {
    let mut event = Map::new();
    let texts = [
        ("eventID", record.event_id()),
        ("eventName", record.event_name().map(|name| name.as_str())),
        ("eventVersion", record.event_version()),
        ("eventSource", record.event_source()),
        ("awsRegion", record.aws_region()),
        ("eventSourceARN", Some(stream_arn)),
    ];
    for (name, text) in texts {
        put(&mut event, name, text.map(Value::from));
    }
    // Deletions by time to live say so here.
    if let Some(identity) = record.user_identity() {
        let mut who = Map::new();
        put(&mut who, "type", identity.r#type().map(Value::from));
        let principal = identity.principal_id().map(Value::from);
        put(&mut who, "principalId", principal);
        event.insert("userIdentity".to_owned(), Value::Object(who));
    }
    if let Some(change) = record.dynamodb() {
        let created = change.approximate_creation_date_time();
        let view = change.stream_view_type();
        let members = [
            ("ApproximateCreationDateTime", created.map(seconds)),
            ("Keys", change.keys().map(item)),
            ("NewImage", change.new_image().map(item)),
            ("OldImage", change.old_image().map(item)),
            ("SequenceNumber", change.sequence_number().map(Value::from)),
            ("SizeBytes", change.size_bytes().map(Value::from)),
            ("StreamViewType", view.map(|view| view.as_str().into())),
        ];
        let mut inner = Map::new();
        for (name, value) in members {
            put(&mut inner, name, value);
        }
        event.insert("dynamodb".to_owned(), Value::Object(inner));
    }
    Value::Object(event)
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
}

/// DynamoDB's streams have whole seconds, this machine's a fraction.
fn seconds(time: &DateTime) -> Value {
    if time.subsec_nanos() == 0 {
        Value::from(time.secs())
    } else {
        Value::from(time.as_secs_f64())
    }
}

fn item(item: &HashMap<String, AttributeValue>) -> Value {
    json!(serde_dynamo::Item::from(item.clone()))
}

#[cfg(test)]
mod tests;
