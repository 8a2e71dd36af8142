//! Records that cannot be projected and a cache that goes away, on this machine: here the stream's
//! retries and the failures queue can be had, which the emulator of AWS does not keep to.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use test_support::wire::Connection;

use crate::support::{LocalStage, Parts, Stage, block_on};

const BEFORE: &str = "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11";
const POISON: &str = "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b12";
const AFTER: &str = "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b13";

type Item = HashMap<String, AttributeValue>;

/// An order as the original sample writes it.
fn item(id: &str) -> Item {
    [("orderId", id), ("clientId", "42"), ("productId", "abc")]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
        .into()
}

/// One that nobody can read: its quantity is no number.
fn poison() -> Item {
    let mut item = item(POISON);
    let quantity = AttributeValue::S("a few".to_owned());
    item.insert("quantity".to_owned(), quantity);
    item
}

impl Parts<LocalStage> {
    /// Writes straight into the table, all at once, as a client of DynamoDB can.
    fn write(&self, items: impl IntoIterator<Item = Item>) {
        let client = aws_sdk_dynamodb::Client::new(&self.stage.sdk());
        let puts = items.into_iter().map(|item| {
            let put = Put::builder()
                .table_name(self.output("TableName"))
                .set_item(Some(item))
                .build();
            TransactWriteItem::builder().put(put.unwrap()).build()
        });
        let written = client
            .transact_write_items()
            .set_transact_items(Some(puts.collect()))
            .send();
        block_on(written).unwrap();
    }

    /// Takes what is in the failures queue, waiting for a message this many seconds.
    fn given_up(&self, seconds: i32) -> Vec<Message> {
        let client = aws_sdk_sqs::Client::new(&self.stage.sdk());
        let received = client
            .receive_message()
            .queue_url(self.output("FailuresQueueUrl"))
            .max_number_of_messages(10)
            .wait_time_seconds(seconds)
            .send();
        block_on(received).unwrap().messages.unwrap_or_default()
    }

    /// The record at this place of the stream and those after it.
    fn records(&self, shard: &Value, sequence: &Value) -> Value {
        let port = self.stage.host("cqrs")["port"].as_u64().unwrap();
        let mut connection = Connection::open(u16::try_from(port).unwrap()).unwrap();
        let mut ask = |operation: &str, question: Value| {
            let answer = connection.streams(operation, &question.to_string());
            answer.unwrap().json().unwrap()
        };
        let place = json!({
            "StreamArn": self.output("StreamArn"),
            "ShardId": shard,
            "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "SequenceNumber": sequence,
        });
        let iterator = ask("GetShardIterator", place)["ShardIterator"].clone();
        ask("GetRecords", json!({ "ShardIterator": iterator }))["Records"].take()
    }

    fn get(&self, id: &str) -> Value {
        self.stage.cqrs(["order", "get", id, "--wait"]).json()
    }

    /// The ids of all orders in the read model.
    fn ids_read(&self) -> Vec<String> {
        let listed: Value = self.stage.cqrs(["order", "list"]).json();
        let orders = listed["orders"].as_array().unwrap().iter();
        let mut ids: Vec<_> = orders
            .map(|order| order["orderId"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    }
}

#[test]
fn a_record_that_cannot_be_projected_goes_to_the_failures_queue_and_its_neighbours_are_read() {
    let parts = Parts::with(LocalStage::empty(), &["MaximumRetryAttempts=1"]);
    // In one transaction, so that they come in one batch.
    parts.write([item(BEFORE), poison(), item(AFTER)]);
    assert_eq!(parts.get(BEFORE)["quantity"], 1);
    assert_eq!(parts.get(AFTER)["status"], "placed");

    let failures = parts.given_up(20);
    assert_eq!(failures.len(), 1, "{failures:?}");
    let body = failures[0].body().unwrap();
    let message: Value = serde_json::from_str(body).unwrap();
    assert_eq!(message["version"], "1.0");
    assert!(message["timestamp"].is_string(), "{message}");
    let context = &message["requestContext"];
    assert_eq!(context["condition"], "RetryAttemptsExhausted");
    assert_eq!(
        context["functionArn"],
        parts.output("SubscriberFunctionArn")
    );
    assert!(context["requestId"].is_string(), "{message}");
    assert!(
        context["approximateInvokeCount"].as_u64() >= Some(2),
        "{message}"
    );
    let response = &message["responseContext"];
    assert_eq!(response["statusCode"], 200);
    assert_eq!(response["executedVersion"], "$LATEST");
    let batch = &message["DDBStreamBatchInfo"];
    assert_eq!(batch["streamArn"], parts.output("StreamArn"));
    for name in ["First", "Last"] {
        let arrival = &batch[format!("approximateArrivalOf{name}Record")];
        assert!(arrival.is_string(), "{message}");
    }

    // The message says where the record is, and there it can be read again.
    let records = parts.records(&batch["shardId"], &batch["startSequenceNumber"]);
    let first = &records[0];
    assert_eq!(first["eventName"], "INSERT");
    assert_eq!(first["dynamodb"]["Keys"]["orderId"]["S"], POISON);
    let image = &first["dynamodb"]["NewImage"];
    assert_eq!(image["quantity"]["S"], "a few");

    // Its message came once, it holds up nothing, and once it is mended it is projected.
    assert_eq!(parts.given_up(0).len(), 0);
    assert_eq!(parts.ids_read(), [BEFORE, AFTER]);
    parts.write([item(POISON)]);
    assert_eq!(parts.get(POISON)["quantity"], 1);
    assert_eq!(parts.ids_read(), [BEFORE, POISON, AFTER]);
}

#[test]
fn what_an_outage_of_the_cache_outlasts_is_one_failure_and_not_one_for_each_record() {
    let parts = Parts::with(LocalStage::empty(), &["MaximumRetryAttempts=1"]);
    let cache = parts.stage.cache();
    cache.pause();
    parts.write([item(BEFORE), item(POISON), item(AFTER)]);
    let failures = parts.given_up(20);
    cache.resume();
    assert_eq!(failures.len(), 1, "{failures:?}");
    let message: Value = serde_json::from_str(failures[0].body().unwrap()).unwrap();
    assert_eq!(message["DDBStreamBatchInfo"]["batchSize"], 3, "{message}");
    assert_eq!(parts.given_up(0).len(), 0);
}

#[test]
fn without_the_cache_orders_are_written_and_all_are_read_when_it_is_back() {
    let parts = Parts::<LocalStage>::deployed();
    let create = || {
        let id = parts
            .stage
            .cqrs(["order", "create", "--client", "42", "--product", "abc"])
            .succeeds();
        id.trim().to_owned()
    };
    let first = create();
    parts.get(&first);
    let cache = parts.stage.cache();
    cache.pause();
    let second = create();
    let get = parts.stage.cqrs(["order", "get", &first]);
    let outcome = get.args(["--output", "json"]).outcome();
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(outcome.error()["kind"], "ReadModelUnavailable");

    // What comes in its place is empty: the read model is made again from the table.
    cache.kill();
    assert_eq!(parts.get(&first)["orderId"], first.as_str());
    assert_eq!(parts.get(&second)["orderId"], second.as_str());
    let mut ids = [first, second];
    ids.sort();
    assert_eq!(parts.ids_read(), ids);
    assert!(parts.given_up(0).is_empty());
}
