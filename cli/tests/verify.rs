//! Each way in which the read model can differ from the table, made by hand, seen and repaired, on
//! both targets.

use serde_json::{Value, json};

use crate::support::read_model::{HOLD, REMARK, REPLACE, UNLIST, key, list};
use crate::support::{Stage, on_both};

on_both!(
    each_kind_of_difference_is_seen_and_repaired,
    what_the_rules_keep_from_being_repaired_is_replaced_and_changes_go_on,
    what_is_in_order_is_left_alone,
);

/// Runs a script on the cache, which is to change one thing.
fn spoil(stage: &impl Stage, script: &str, keys: &[String], arguments: &[&str]) {
    let count = keys.len().to_string();
    let mut words = vec!["EVAL", script, &count];
    words.extend(keys.iter().map(String::as_str));
    words.extend(arguments);
    assert_eq!(stage.cache().run::<i64>(&words), 1);
}

/// The item of an order's document.
fn item(order: &Value) -> Value {
    let attribute = |(name, value): (&String, &Value)| match value {
        Value::Number(number) => (name.clone(), json!({ "N": number.to_string() })),
        other => (name.clone(), json!({ "S": other })),
    };
    order.as_object().unwrap().iter().map(attribute).collect()
}

/// Gives the subscriber something to project by hand.
fn project(stage: &impl Stage, project: Value) {
    let payload = json!({ "project": project }).to_string();
    let (error, answer) = stage.invoke("cqrs-subscriber", &payload);
    assert_eq!((error, &answer["applied"]), (None, &json!(1)), "{answer}");
}

/// Writes an order that the table does not have, past the subscriber.
fn haunt(stage: &impl Stage, id: &str) {
    let time = "2026-11-23T03:00:00.000Z";
    let order = json!({
        "clientId": "c", "productId": "p", "quantity": 1, "status": "placed",
        "version": 3, "createdAt": time, "updatedAt": time,
    });
    let mut keys = vec![key(id)];
    keys.extend(["clientId:c", "productId:p", "status:placed"].map(list));
    spoil(stage, HOLD, &keys, &[id, &order.to_string()]);
}

/// What `cqrs verify` reports: its exit code, how many of each kind, and the whole document.
fn verify(stage: &impl Stage, arguments: &[&str]) -> (i32, Value, Value) {
    let run = stage.cqrs(["verify", "--output", "json"]);
    let outcome = run.args(arguments).outcome();
    let report: Value =
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e} in {outcome}"));
    (outcome.code, report["counts"].clone(), report)
}

fn listed(stage: &impl Stage, arguments: &[&str]) -> usize {
    let list: Value = stage.cqrs(["order", "list"]).args(arguments).json();
    list["orders"].as_array().unwrap().len()
}

fn each_kind_of_difference_is_seen_and_repaired<S: Stage>() {
    let stage = S::deployed();
    let [missing, stale, different, unlisted, misguarded] = [(); 5].map(|()| stage.place_order());
    stage.cqrs(["order", "ship", &stale, "--wait"]).succeeds();
    stage.cache().run::<()>(&["DEL", &key(&missing)]);
    let spoil = |script, id: &str, arguments: &[&str]| spoil(&stage, script, &[key(id)], arguments);
    spoil(REPLACE, &stale, &[r#""version":2"#, r#""version":1"#]);
    spoil(REMARK, &stale, &["1  "]);
    spoil(REPLACE, &different, &[r#""abc""#, r#""xyz""#]);
    spoil(REMARK, &misguarded, &["7  "]);
    let of_client = [key(&unlisted), list("clientId:42")];
    self::spoil(&stage, UNLIST, &of_client, &[&unlisted.replace('-', "")]);
    haunt(&stage, "ghost");

    let kinds = json!({"different": 1, "inconsistent": 2, "missing": 1, "orphaned": 1, "stale": 1});
    let (code, counts, report) = verify(&stage, &[]);
    assert_eq!((code, &counts), (1, &kinds), "{report}");
    let (code, _, sample) = verify(&stage, &["--sample", "5"]);
    assert_eq!(
        (code, &sample["orders"], &sample["remaining"]),
        (1, &json!(5), &json!(5))
    );
    let text = stage.cqrs(["verify"]).outcome();
    let line = format!("missing      {missing}  table 1, read model -\n");
    assert!(text.stdout.contains(&line), "{text}");

    let (code, counts, report) = verify(&stage, &["--repair"]);
    assert_eq!((code, &counts), (0, &kinds), "{report}");
    assert_eq!(
        (&report["repaired"], &report["remaining"]),
        (&json!(6), &json!(0))
    );
    assert_eq!(verify(&stage, &[]).1, json!({}));
    assert_eq!(
        (listed(&stage, &[]), listed(&stage, &["--client", "42"])),
        (5, 5)
    );
    stage
        .cqrs(["order", "ship", &misguarded, "--wait"])
        .succeeds();
}

fn what_the_rules_keep_from_being_repaired_is_replaced_and_changes_go_on<S: Stage>() {
    let stage = S::deployed();
    let [ahead, buried] = [(); 2].map(|()| stage.place_order());
    let mut order: Value = stage.cqrs(["order", "get", &ahead]).json();
    order["version"] = json!(9);
    order["status"] = json!("shipped");
    project(&stage, json!({ "items": [item(&order)] }));
    project(
        &stage,
        json!({"removed": [{"orderId": buried, "version": 4}]}),
    );

    // A rebuild gives every order to the same rules: it changes nothing here, and says no loss.
    stage.cqrs(["rebuild"]).succeeds();
    let kinds = json!({"ahead": 1, "missing": 1});
    let (code, counts, report) = verify(&stage, &["--sample", "2"]);
    assert_eq!((code, &counts), (1, &kinds), "{report}");
    let (code, counts, report) = verify(&stage, &["--repair"]);
    assert_eq!((code, &counts), (0, &kinds), "{report}");
    assert_eq!(verify(&stage, &[]).1, json!({}));
    assert_eq!(listed(&stage, &["--status", "placed"]), 2);
    assert_eq!(listed(&stage, &["--status", "shipped"]), 0);
    for order in [&ahead, &buried] {
        let shipped: Value = stage.cqrs(["order", "ship", order, "--wait"]).json();
        assert_eq!(shipped["version"], 2);
    }
    assert_eq!(verify(&stage, &[]).1, json!({}));
}

fn what_is_in_order_is_left_alone<S: Stage>() {
    let stage = S::deployed();
    let id = stage.place_order();
    let held = || stage.cache().run::<Vec<u8>>(&["GET", &key(&id)]);
    let before = held();
    let (code, counts, report) = verify(&stage, &["--repair"]);
    assert_eq!(
        (code, counts, &report["orders"]),
        (0, json!({}), &json!(1)),
        "{report}"
    );
    assert_eq!(held(), before);
}
