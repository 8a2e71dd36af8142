//! The handlers as they are deployed, each on a Runtime API, between real or scripted parts.
//!
//! What one invocation takes is the difference of two runs that differ in how many there are.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::http::{Reply, Server};
use test_support::runtime_api::Handler;
use test_support::valkey::Valkey;

use super::HotPath;
use super::callgrind::Counted;
use crate::handlers::AS_ON_AWS;
use crate::options::Options;
use crate::stream;

const END: Duration = Duration::from_secs(30);
/// What the first invocations do for all that follow is in both runs.
const FIRST: usize = 10;
const MORE: usize = 100;
const RECORDS: usize = 100;
const BATCHES: usize = 10;

pub(super) const ALL: [HotPath; 7] = [
    HotPath {
        name: "publisher: start",
        count: |options| start(options, "publisher"),
    },
    HotPath {
        name: "publisher: a create",
        count: a_create,
    },
    HotPath {
        name: "subscriber: start",
        count: |options| start(options, "subscriber"),
    },
    HotPath {
        name: "subscriber: a record",
        count: a_record,
    },
    HotPath {
        name: "query: start",
        count: |options| start(options, "query"),
    },
    HotPath {
        name: "query: one order",
        count: |options| a_query(options, &json!({"orderId": stream::id(0)})),
    },
    HotPath {
        name: "query: a list of 20",
        count: |options| a_query(options, &json!({"list": {"limit": 20}})),
    },
];

/// Runs the handler until all events are answered and it has ended.
fn run(
    options: &Options,
    name: &str,
    environment: &[(&str, &str)],
    events: impl Iterator<Item = String>,
) -> u64 {
    let counted = Counted::new(&options.handlers.join(name), name);
    let mut handler = Handler::start(&counted.stand_in, environment);
    handler.first_poll();
    for event in events {
        handler.invoke_raw(event).unwrap();
    }
    handler.close_api();
    let ended = handler.ended(END);
    assert!(ended.is_some(), "{name} does not end: {:#?}", handler.log());
    counted.instructions()
}

fn start(options: &Options, name: &str) -> u64 {
    run(options, name, &AS_ON_AWS, std::iter::empty())
}

fn a_create(options: &Options) -> u64 {
    let table = Server::start(|_| Reply::json(200, &json!({})));
    let url = table.url();
    let environment = [("ORDERS_TABLE", "orders"), ("AWS_ENDPOINT_URL", &url)];
    let event = json!({"clientId": "123456789", "productId": "abc-def-ghi"}).to_string();
    let creates = |count| {
        let events = std::iter::repeat_n(event.clone(), count);
        run(options, "publisher", &environment, events)
    };
    each(creates(FIRST + MORE), creates(FIRST), MORE)
}

fn a_record(options: &Options) -> u64 {
    let batches = |count: usize| {
        let cache = Valkey::start();
        cache.complete();
        let url = cache.url();
        let events = (0..count).map(|batch| stream::batch(batch * RECORDS, RECORDS));
        run(options, "subscriber", &[("CACHE_URL", &url)], events)
    };
    each(batches(1 + BATCHES), batches(1), BATCHES * RECORDS)
}

fn a_query(options: &Options, query: &Value) -> u64 {
    let cache = Valkey::start();
    cache.complete();
    let url = cache.url();
    let environment = [("CACHE_URL", url.as_str())];
    let program = options.handlers.join("subscriber");
    let mut subscriber = Handler::start(program, &environment);
    let batch = stream::batch(0, RECORDS);
    subscriber.invoke_raw(batch).unwrap();
    let queries = |count| {
        let events = std::iter::repeat_n(query.to_string(), count);
        run(options, "query", &environment, events)
    };
    each(queries(FIRST + MORE), queries(FIRST), MORE)
}

/// What each of `count` more took.
pub(super) fn each(many: u64, few: u64, count: usize) -> u64 {
    many.saturating_sub(few) / count as u64
}
