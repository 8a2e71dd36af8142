//! What the subscriber tells CloudWatch of what it projects.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{done, image, insert, record, subscriber, subscriber_with};
use test_support::metrics::{Metric, metrics};
use test_support::valkey::Valkey;

/// The metrics of `line` by their names.
fn counted(line: &Value) -> BTreeMap<String, Metric> {
    let metrics = metrics(line).into_iter();
    let named = metrics.map(|(place, metric)| {
        let name = place
            .strip_prefix("cqrs ")
            .and_then(|rest| rest.strip_suffix(" FunctionName=test"));
        let name = name.unwrap_or_else(|| panic!("{place}")).to_owned();
        (name, metric)
    });
    named.collect()
}

fn names(line: &Value) -> Vec<String> {
    counted(line).into_keys().collect()
}

#[test]
fn a_batch_logs_its_counts_the_lag_of_each_applied_change_and_the_round_trip() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let mut poison = image("bad", 1);
    poison["quantity"] = json!({"S": "many"});
    let event = json!({"Records": [
        insert("a", 1), insert("b", 2), insert("a", 1), record("INSERT", 3, &poison),
    ]});
    subscriber.invoke(&event).unwrap();
    let line = subscriber.log_line(0);
    let mut counted = counted(&line);
    let round_trip = counted.remove("cacheMs").unwrap();
    assert_eq!(round_trip.unit, "Milliseconds");
    assert!(round_trip.values[0] > 0.0);
    let lag = counted.remove("recordLagMs").unwrap();
    assert_eq!(lag.unit, "Milliseconds");
    // Two were applied, of three that could be read.
    assert_eq!(lag.values.len(), 2);
    let counts = counted.into_iter().map(|(name, metric)| {
        assert_eq!(metric.unit, "Count");
        (name, metric.values[0])
    });
    let expected = [
        ("applied", 2.0),
        ("coldStart", 1.0),
        ("failed", 1.0),
        ("stale", 1.0),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(counts.collect::<Vec<_>>(), expected);
    subscriber.invoke(&json!({"Records": []})).unwrap();
    let empty = subscriber.log_line(1);
    assert_eq!(names(&empty), Vec::<String>::new());
    assert_eq!(empty["stale"], 0);
    subscriber
        .invoke(&json!({"project": {"items": []}}))
        .unwrap();
    assert_eq!(names(&subscriber.log_line(2)), Vec::<String>::new());
}

#[test]
fn the_lag_is_to_the_millisecond_where_the_publisher_dated_the_order() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let mut dated = insert("a", 1);
    // The stream says 1,700,000,000 s.
    dated["dynamodb"]["NewImage"]["updatedAt"] = json!({"S": "2023-11-14T22:13:20.750Z"});
    subscriber
        .invoke(&json!({"Records": [dated, insert("b", 2)]}))
        .unwrap();
    let line = subscriber.log_line(0);
    let lags = line["recordLagMs"].as_array().unwrap();
    assert_eq!(lags[1].as_i64().unwrap() - lags[0].as_i64().unwrap(), 750);
    assert!((0..1000).contains(&(lags[0].as_i64().unwrap() - line["lagMs"].as_i64().unwrap())));
}

#[test]
fn a_time_that_is_nonsense_is_survived() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    for (sequence, time) in [(1, -1e300), (2, 1e300)] {
        let mut odd = insert("a", sequence);
        odd["dynamodb"]["ApproximateCreationDateTime"] = json!(time);
        assert_eq!(subscriber.invoke(&json!({"Records": [odd]})), Ok(done()));
    }
    assert_eq!(subscriber.log_line(1)["lagMs"], 0);
}

#[test]
fn a_large_batch_logs_no_more_lags_than_a_line_may_have() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let records: Vec<_> = (1..=250).map(|n| insert(&format!("o{n}"), n)).collect();
    subscriber.invoke(&json!({"Records": records})).unwrap();
    let line = subscriber.log_line(0);
    assert_eq!(line["recordLagMs"].as_array().unwrap().len(), 100);
    assert!(names(&line).contains(&"recordLagMs".to_owned()));
}

#[test]
fn metrics_can_be_turned_off_and_outlive_quiet_logs() {
    let server = Valkey::start();
    let event = json!({"Records": [insert("a", 1)]});
    let mut off = subscriber_with(&server, &[("METRICS", "off")]);
    off.invoke(&event).unwrap();
    let line = off.log_line(0);
    assert_eq!((&line["applied"], line.get("_aws")), (&json!(1), None));
    let mut quiet = subscriber_with(&server, &[("LOG_LEVEL", "ERROR")]);
    quiet.invoke(&event).unwrap();
    let line = quiet.log_line(0);
    assert_eq!(names(&line), ["cacheMs", "coldStart", "stale"]);
    assert_eq!(
        (&line["level"], line.get("message")),
        (&json!("INFO"), None)
    );
    let silent = [("LOG_LEVEL", "ERROR"), ("METRICS", "off")];
    let mut silent = subscriber_with(&server, &silent);
    silent.invoke(&event).unwrap();
    silent.invoke(&json!([])).unwrap_err();
    // The first line is the second invocation's.
    assert_eq!(silent.log_line(0)["message"], "failed");
}

#[test]
fn a_setting_that_is_neither_on_nor_off_ends_the_start() {
    let server = Valkey::start();
    let subscriber = subscriber_with(&server, &[("METRICS", "yes")]);
    let error = subscriber.init_error().unwrap();
    assert_eq!(
        (error.error_type.as_str(), error.message.as_str()),
        (
            "InvalidSetting",
            "the environment variable METRICS must be on or off"
        )
    );
}
