//! The read model made again from the table, and compared with it, on both targets.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::support::{Stage, block_on, on_both};

on_both!(
    an_emptied_cache_is_filled_again_and_rid_of_what_the_table_does_not_have,
    each_kind_of_drift_is_seen_and_repaired,
    an_item_that_is_no_order_is_named_and_the_rest_is_done,
    an_interrupted_rebuild_is_repeated_and_completes,
);

/// Projects an order that the table does not have.
fn haunt(stage: &impl Stage) {
    let ghost = json!({"orderId": "ghost", "clientId": "c", "productId": "p", "version": 3});
    let payload = json!({"project": {"orders": [ghost]}}).to_string();
    let (error, answer) = stage.invoke("cqrs-subscriber", &payload);
    assert_eq!((error, &answer["applied"]), (None, &json!(1)), "{answer}");
}

fn listed(stage: &impl Stage) -> usize {
    let list: Value = stage.cqrs(["order", "list"]).json();
    list["orders"].as_array().unwrap().len()
}

fn an_emptied_cache_is_filled_again_and_rid_of_what_the_table_does_not_have<S: Stage>() {
    let stage = S::deployed();
    for _ in 0..3 {
        stage.place_order();
    }
    stage.cache().run::<()>(&["FLUSHALL"]);
    haunt(&stage);
    let rebuilt: Value = stage.cqrs(["rebuild", "--segments", "3"]).json();
    assert_eq!(
        (&rebuilt["orders"], &rebuilt["removed"]),
        (&json!(3), &json!(1)),
        "{rebuilt}"
    );
    assert_eq!(listed(&stage), 3);
    let verified: Value = stage.cqrs(["verify"]).json();
    assert_eq!(
        (&verified["orders"], &verified["remaining"]),
        (&json!(3), &json!(0))
    );
}

fn each_kind_of_drift_is_seen_and_repaired<S: Stage>() {
    let stage = S::deployed();
    let (missing, stale, different) = (
        stage.place_order(),
        stage.place_order(),
        stage.place_order(),
    );
    stage.cqrs(["order", "ship", &stale, "--wait"]).succeeds();
    let cache = stage.cache();
    let key = |id: &str| format!("orders:v1:order:{id}");
    cache.run::<()>(&["DEL", &key(&missing)]);
    let text: String = cache.run(&["HGET", &key(&stale), "d"]);
    let text = text.replace(r#""version":2"#, r#""version":1"#);
    cache.run::<()>(&["HSET", &key(&stale), "v", "1", "d", &text]);
    let text: String = cache.run(&["HGET", &key(&different), "d"]);
    let text = text.replace(r#""abc""#, r#""xyz""#);
    cache.run::<()>(&["HSET", &key(&different), "d", &text]);
    haunt(&stage);

    let seen = stage.cqrs(["verify", "--output", "json"]).outcome();
    assert_eq!(seen.code, 1, "{seen}");
    let report: Value = serde_json::from_str(&seen.stdout).unwrap();
    let counts = json!({"different": 1, "missing": 1, "orphaned": 1, "stale": 1});
    assert_eq!(report["counts"], counts, "{report}");
    let sampled = stage
        .cqrs(["verify", "--sample", "3", "--output", "json"])
        .outcome();
    let sample: Value = serde_json::from_str(&sampled.stdout).unwrap();
    assert_eq!(
        (sampled.code, &sample["orders"], &sample["remaining"]),
        (1, &json!(3), &json!(3))
    );

    let repaired: Value = stage.cqrs(["verify", "--repair"]).json();
    assert_eq!(
        (&repaired["repaired"], &repaired["remaining"]),
        (&json!(4), &json!(0))
    );
    stage.cqrs(["verify"]).succeeds();
    assert_eq!(listed(&stage), 3);
}

fn an_item_that_is_no_order_is_named_and_the_rest_is_done<S: Stage>() {
    let stage = S::deployed();
    stage.place_order();
    let outputs: Value = stage.cqrs(["outputs"]).json();
    let client = aws_sdk_dynamodb::Client::new(&stage.sdk());
    let put = client
        .put_item()
        .table_name(outputs["TableName"].as_str().unwrap())
        .item("orderId", AttributeValue::S("odd".to_owned()));
    block_on(put.send()).unwrap();
    stage.cache().run::<()>(&["FLUSHALL"]);
    let rebuilt = stage.cqrs(["rebuild", "--output", "json"]).outcome();
    assert_eq!(rebuilt.code, 1, "{rebuilt}");
    let report: Value = serde_json::from_str(&rebuilt.stdout).unwrap();
    assert_eq!(report["malformedItems"][0]["orderId"], "odd", "{report}");
    assert_eq!(listed(&stage), 1);
}

fn an_interrupted_rebuild_is_repeated_and_completes<S: Stage>() {
    let stage = S::deployed();
    stage.place_order();
    let cache = stage.cache();
    cache.run::<()>(&["FLUSHALL"]);
    cache.pause();
    let mut running = stage.cqrs(["rebuild"]).start();
    running.until("Projecting").interrupt();
    let stopped = running.outcome();
    cache.resume();
    assert_eq!(stopped.code, 130, "{stopped}");
    stage.cqrs(["rebuild"]).succeeds();
    assert_eq!(listed(&stage), 1);
    assert!(
        std::fs::read_dir(stage.project().join(".cqrs/rebuild"))
            .unwrap()
            .next()
            .is_none()
    );
}
