//! What goes wrong on purpose on this machine, and that it heals.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{LocalStage, Parts, Stage};

const CREATE: [&str; 6] = ["order", "create", "--client", "42", "--product", "abc"];

fn stage() -> LocalStage {
    Parts::with(LocalStage::empty(), &["MaximumRetryAttempts=1"]).stage
}

fn fault(stage: &LocalStage, words: &[&str]) -> Value {
    stage.cqrs(["local", "fault"]).args(words).json()
}

/// Creates an order and waits until it is seen.
fn is_seen(stage: &LocalStage) {
    stage.cqrs(CREATE).arg("--wait=60").succeeds();
}

fn are_the_same(stage: &LocalStage) {
    let outcome = stage.cqrs(["verify"]).outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
}

#[test]
fn poisoned_records_are_given_up_and_can_be_retried_once_the_fault_is_cleared() {
    let stage = stage();
    fault(&stage, &["poison", "--records", "1"]);
    let lost = stage.cqrs(CREATE).succeeds();
    // It is neither in its way nor lost with it.
    is_seen(&stage);
    let failures = || {
        let listed: Value = stage.cqrs(["failures", "list"]).json();
        listed["failures"].as_array().unwrap().len()
    };
    while failures() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let cleared: Value = fault(&stage, &["clear"]);
    assert_eq!(cleared, json!({ "faults": [] }));
    let retried: Value = stage.cqrs(["failures", "retry", "--all", "--yes"]).json();
    assert_eq!(retried["retried"], 1, "{retried}");
    stage.cqrs(["order", "get", lost.trim()]).succeeds();
    are_the_same(&stage);
}

#[test]
fn a_throttled_subscriber_a_killed_one_and_a_cache_that_stands_still_lose_nothing() {
    let stage = stage();
    for words in [
        &["throttle", "--for", "2"][..],
        &["kill", "--for", "1"],
        &["slow-cache", "--for", "1"],
        &["stop-cache", "--for", "1"],
    ] {
        let begun = fault(&stage, words);
        assert_eq!(begun["faults"][0]["fault"], words[0], "{begun}");
        is_seen(&stage);
        fault(&stage, &["clear"]);
    }
    are_the_same(&stage);
}

#[test]
fn a_cache_that_lost_its_contents_is_made_again() {
    let stage = stage();
    let id = stage.cqrs(CREATE).arg("--wait=60").succeeds();
    fault(&stage, &["lose-cache"]);
    stage
        .cqrs(["order", "get", id.trim(), "--wait=60"])
        .succeeds();
    are_the_same(&stage);
}

#[test]
fn records_that_come_twice_or_late_change_nothing() {
    let stage = stage();
    fault(&stage, &["duplicate", "--records", "2"]);
    fault(&stage, &["late", "--records", "2", "--after", "1"]);
    let id = stage.cqrs(CREATE).arg("--wait=60").succeeds();
    stage
        .cqrs(["order", "ship", id.trim(), "--wait=60"])
        .succeeds();
    is_seen(&stage);
    is_seen(&stage);
    while fault(&stage, &["list"]) != json!({ "faults": [] }) {
        is_seen(&stage);
    }
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let got: Value = stage.cqrs(["order", "get", id.trim()]).json();
    assert_eq!(
        (&got["status"], &got["version"]),
        (&json!("shipped"), &json!(2))
    );
    are_the_same(&stage);
}

#[test]
fn faults_are_listed_and_end_when_they_are_told_to() {
    let stage = stage();
    assert_snapshot!(stage.cqrs(["local", "fault", "list"]).outcome(), @"
    exit code 0
    --- stderr
    Nothing goes wrong
    ");
    fault(&stage, &["throttle", "--function", "query", "--for", "60"]);
    let refused = stage.cqrs(["order", "list"]).outcome();
    assert_eq!(refused.code, 1, "{refused}");
    assert_snapshot!(stage.cqrs(["local", "fault", "clear"]).outcome(), @"
    exit code 0
    --- stderr
    1 fault ended
    ");
    stage.cqrs(["order", "list"]).succeeds();
}
