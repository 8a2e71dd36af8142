//! The subscriber as Lambda runs it: batches of the stream, good and bad.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use serde_json::{Value, json};
use support::{
    done, failed, held, image, insert, item, number, record, shown, subscriber, subscriber_with,
};
use test_support::metrics::metrics;
use test_support::runtime_api::{FunctionError, Handler};
use test_support::valkey::Valkey;

fn poison(sequence: u64) -> Value {
    let mut image = image("bad", 1);
    image["quantity"] = json!({"S": "many"});
    record("INSERT", sequence, &image)
}

#[test]
fn a_batch_is_projected_in_one_go_and_logged_in_one_line() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let event = json!({"Records": [
        insert("a", 1),
        record("MODIFY", 2, &image("a", 2)),
        insert("b", 3),
        insert("a", 1),
        record("REMOVE", 4, &image("b", 1)),
    ]});
    assert_eq!(subscriber.invoke(&event), Ok(done()));
    assert_eq!(shown(&server), ["a"]);
    assert_eq!(held(&server, "a").unwrap().1["version"], 2);
    let line = subscriber.log_line(0);
    assert_eq!(line["level"], "INFO");
    assert_eq!(
        (
            &line["records"],
            &line["applied"],
            &line["stale"],
            &line["failed"]
        ),
        (&json!(5), &json!(4), &json!(1), &json!(0))
    );
    assert_eq!(line["orderIds"], "a b");
    assert!(line["lagMs"].as_i64().unwrap() > 0, "{line}");
    assert!(
        line["timestamp"].is_string() && line["requestId"].is_string(),
        "{line}"
    );
    subscriber.invoke(&json!({"Records": []})).unwrap();
    assert_eq!(subscriber.log_line(1)["lagMs"], Value::Null);
    assert_eq!(subscriber.log().len(), 2);
}

#[test]
fn an_empty_batch_is_done() {
    let server = Valkey::start();
    assert_eq!(
        subscriber(&server).invoke(&json!({"Records": []})),
        Ok(done())
    );
}

#[test]
fn duplicates_and_replays_leave_the_read_model_as_it_was() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let event = json!({"Records": [
        insert("a", 1), record("MODIFY", 2, &image("a", 2)), insert("b", 3), record("REMOVE", 4, &image("b", 1)),
    ]});
    let content = |server: &Valkey| (held(server, "a"), held(server, "b"), shown(server));
    subscriber.invoke(&event).unwrap();
    let before = content(&server);
    for _ in 0..3 {
        assert_eq!(subscriber.invoke(&event), Ok(done()));
        assert_eq!(content(&server), before);
    }
    assert_eq!(subscriber.log_line(3)["stale"], 4);
}

#[test]
fn a_poison_record_is_named_wherever_it_stands_and_the_others_are_projected() {
    for (place, expected) in [(0, 10), (1, 11), (2, 12)] {
        let server = Valkey::start();
        let mut subscriber = subscriber(&server);
        let mut records = vec![insert("a", 10), insert("b", 11), insert("c", 12)];
        records[place] = poison(expected);
        let answer = subscriber.invoke(&json!({"Records": records}));
        assert_eq!(answer, Ok(failed(expected)), "place {place}");
        let mut rest = vec!["a", "b", "c"];
        rest.remove(place);
        assert_eq!(shown(&server), rest);
        let line = subscriber.log_line(0);
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["failed"], 1);
        assert_eq!(
            line["error"],
            "quantity must be a whole number from 1 to 1000000, not a string"
        );
    }
}

#[test]
fn of_several_poison_records_the_first_is_named() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let some = json!({"Records": [insert("a", 1), poison(2), insert("b", 3), poison(4)]});
    assert_eq!(subscriber.invoke(&some), Ok(failed(2)));
    let all = json!({"Records": [poison(9), poison(10), poison(11)]});
    assert_eq!(subscriber.invoke(&all), Ok(failed(9)));
    assert_eq!(subscriber.log_line(1)["failed"], 3);
    assert_eq!(shown(&server), ["a", "b"]);
}

#[test]
fn a_record_of_another_shape_is_poison_too_and_not_the_end_of_its_batch() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let bad = |dynamodb: Value| json!({"eventName": "INSERT", "dynamodb": dynamodb});
    for dynamodb in [
        json!({"SequenceNumber": number(5)}),
        json!({"SequenceNumber": number(5), "NewImage": "text"}),
        json!({"SequenceNumber": number(5), "NewImage": {"orderId": {"S": 5}}}),
        json!({"SequenceNumber": number(5), "NewImage": {"orderId": {"N": "5"}}}),
    ] {
        let event = json!({"Records": [bad(dynamodb), insert("a", 6)]});
        assert_eq!(subscriber.invoke(&event), Ok(failed(5)), "{event}");
        assert_eq!(shown(&server), ["a"]);
        server.run::<()>(&["FLUSHALL"]);
    }
}

#[test]
fn a_failure_that_cannot_be_named_is_thrown_after_the_others_are_projected() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let mut nameless = insert("a", 1);
    nameless["dynamodb"]
        .as_object_mut()
        .unwrap()
        .remove("SequenceNumber");
    let event = json!({"Records": [nameless, insert("b", 2)]});
    let error = subscriber.invoke(&event).unwrap_err();
    assert_eq!(error.error_type, "UnnamedRecord");
    assert!(
        error
            .message
            .contains("SequenceNumber must be a string of digits"),
        "{error:?}"
    );
    assert_eq!(shown(&server), ["b"]);
}

#[test]
fn a_key_of_the_wrong_type_fails_its_own_record_alone() {
    let server = Valkey::start();
    server.run::<()>(&["HSET", "orders:v2:=b", "in", "the way"]);
    let mut subscriber = subscriber(&server);
    let event = json!({"Records": [insert("a", 1), insert("b", 2), insert("c", 3)]});
    assert_eq!(subscriber.invoke(&event), Ok(failed(2)));
    assert_eq!(shown(&server), ["a", "c"]);
    let error = subscriber.log_line(0)["error"].as_str().unwrap().to_owned();
    assert!(error.contains("WRONGTYPE"), "{error}");
}

#[test]
fn a_full_cache_fails_records_by_name_and_takes_them_when_there_is_room() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    server.run::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    let event = json!({"Records": [insert("a", 1), insert("b", 2)]});
    assert_eq!(subscriber.invoke(&event), Ok(failed(1)));
    let error = subscriber.log_line(0)["error"].as_str().unwrap().to_owned();
    assert!(error.contains("OOM"), "{error}");
    server.run::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(subscriber.invoke(&event), Ok(done()));
    assert_eq!(shown(&server), ["a", "b"]);
}

#[test]
fn a_removal_holds_against_an_older_replay() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let replay = json!({"Records": [insert("a", 1), record("MODIFY", 2, &image("a", 2))]});
    subscriber.invoke(&replay).unwrap();
    let removal = json!({"Records": [record("REMOVE", 3, &image("a", 2))]});
    assert_eq!(subscriber.invoke(&removal), Ok(done()));
    assert_eq!(subscriber.invoke(&replay), Ok(done()));
    assert!(shown(&server).is_empty());
    assert_eq!(held(&server, "a").unwrap().1, Value::Null);
}

#[test]
fn items_of_the_original_sample_are_projected_with_defaults() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let image = json!({"orderId": {"S": "old"}, "clientId": {"S": "c"}, "productId": {"S": "p"}});
    let event = json!({"Records": [record("INSERT", 1, &image)]});
    assert_eq!(subscriber.invoke(&event), Ok(done()));
    assert_eq!(
        held(&server, "old").unwrap().1,
        json!({
            "clientId": "c", "productId": "p", "quantity": 1, "status": "placed",
            "version": 1, "createdAt": "1970-01-01T00:00:00.000Z", "updatedAt": "1970-01-01T00:00:00.000Z",
        })
    );
    let removal = json!({"Records": [record("REMOVE", 2, &image)]});
    assert_eq!(subscriber.invoke(&removal), Ok(done()));
    assert!(shown(&server).is_empty());
}

#[test]
fn orders_are_projected_by_hand_beside_the_stream() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let order = json!({"orderId": "a", "clientId": "c", "productId": "p"});
    let orders = json!({"project": {"items": [item(&order), item(&order)]}});
    assert_eq!(
        subscriber.invoke(&orders),
        Ok(json!({"applied": 1, "stale": 1, "failed": []}))
    );
    let removed = json!({"project": {"removed": [{"orderId": "a", "version": 1}]}});
    assert_eq!(
        subscriber.invoke(&removed),
        Ok(json!({"applied": 1, "stale": 0, "failed": []}))
    );
    assert!(shown(&server).is_empty());
    let broken = json!({"project": {"items": [{"orderId": {"S": "a"}}, item(&order)]}});
    let answer = subscriber.invoke(&broken).unwrap();
    let failed =
        json!([{"orderId": "a", "reason": "clientId is missing from the item", "malformed": true}]);
    assert_eq!((&answer["stale"], &answer["failed"]), (&json!(1), &failed));
    let error = subscriber
        .invoke(&json!({"project": {"orders": []}}))
        .unwrap_err();
    assert_eq!(error.error_type, "InvalidEvent");
    assert!(
        error.message.starts_with("project must have one of"),
        "{error:?}"
    );
}

#[test]
fn records_given_by_hand_are_answered_each_that_fails_with_its_reason() {
    let server = Valkey::start();
    server.run::<()>(&["HSET", "orders:v2:=c", "in", "the way"]);
    let mut subscriber = subscriber(&server);
    let records = json!([
        insert("a", 1),
        poison(2),
        insert("b", 3),
        poison(4),
        insert("c", 5)
    ]);
    let answer = subscriber
        .invoke(&json!({"project": {"records": records}}))
        .unwrap();
    assert_eq!(
        (&answer["applied"], &answer["stale"]),
        (&json!(2), &json!(0))
    );
    let failed = answer["failed"].as_array().unwrap();
    let numbers: Vec<_> = failed
        .iter()
        .map(|failed| &failed["sequenceNumber"])
        .collect();
    assert_eq!(numbers, [&number(2), &number(4), &number(5)]);
    for poison in &failed[..2] {
        assert_eq!(
            poison["reason"],
            "quantity must be a whole number from 1 to 1000000, not a string"
        );
    }
    assert_eq!(failed[2]["orderId"], "c");
    assert!(failed[2]["reason"].as_str().unwrap().contains("WRONGTYPE"));
    assert_eq!(shown(&server), ["a", "b"]);
}

#[test]
fn orders_given_by_hand_are_answered_each_that_fails_with_its_reason() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    server.run::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    let order = |id: &str| json!({"orderId": id, "clientId": "c", "productId": "p"});
    let answer = subscriber
        .invoke(&json!({"project": {"items": [item(&order("a")), item(&order("b"))]}}))
        .unwrap();
    let failed = answer["failed"].as_array().unwrap();
    let ids: Vec<_> = failed.iter().map(|failed| &failed["orderId"]).collect();
    assert_eq!(ids, ["a", "b"], "{answer}");
    assert!(
        failed[1]["reason"].as_str().unwrap().contains("OOM"),
        "{answer}"
    );
}

#[test]
fn a_batch_that_the_cache_fails_stays_whole_and_rings_the_alarm() {
    let mut server = Valkey::start();
    let mut subscriber = subscriber_with(&server, &[("METRICS", "off")]);
    let event = json!({"Records": [insert("a", 1), poison(2), insert("b", 3)]});
    server.stop();
    assert_eq!(subscriber.invoke(&event), Ok(failed(1)));
    let line = subscriber.log_line(0);
    assert_eq!(
        (&line["level"], &line["records"]),
        (&json!("ERROR"), &json!(3))
    );
    let counted: Vec<_> = metrics(&line).into_keys().collect();
    assert_eq!(counted, ["cqrs errors FunctionName=test"]);
    // What cannot be named must not be taken for done.
    let mut nameless = insert("a", 1);
    nameless["dynamodb"]
        .as_object_mut()
        .unwrap()
        .remove("SequenceNumber");
    let event = json!({"Records": [nameless, insert("b", 2)]});
    let error = subscriber.invoke(&event).unwrap_err();
    assert_eq!(error.error_type, "ReadModelUnavailable");
}

#[test]
fn the_read_model_is_complete_when_nothing_was_lost_since_the_beginning() {
    let server = Valkey::start();
    let url = server.url();
    let mut subscriber = Handler::start(env!("CARGO_BIN_EXE_subscriber"), &[("CACHE_URL", &url)]);
    let mut project = |name: &str, token: &str| {
        let answer = subscriber.invoke(&json!({"project": {name: token}}));
        answer.map(|answer| answer["applied"] == 1)
    };
    let witness = || -> Option<String> { server.run(&["GET", "orders:v2:complete"]) };
    let lost = |answer: Result<bool, FunctionError>| answer.unwrap_err().error_type;
    assert_eq!(lost(project("complete", "t")), "ReadModelIncomplete");
    assert_eq!(project("begin", "t"), Ok(true));
    assert_eq!(project("begin", "t"), Ok(false));
    server.run::<()>(&["FLUSHALL"]);
    assert_eq!(project("begin", "other"), Ok(true));
    assert_eq!(lost(project("complete", "t")), "ReadModelIncomplete");
    assert_eq!(witness(), None);
    assert_eq!(project("complete", "other"), Ok(true));
    assert!(witness().is_some());
    // What somebody else put in its place is made anew.
    server.run::<()>(&["EXPIRE", "orders:v2:complete", "0"]);
    server.run::<()>(&["HSET", "orders:v2:complete", "junk", "junk"]);
    server.run::<()>(&["SET", "orders:v2:status:placed", "junk"]);
    assert_eq!(project("begin", "t"), Ok(true));
    assert_eq!(project("complete", "t"), Ok(true));
    assert!(witness().is_some() && shown(&server).is_empty());
}

#[test]
fn what_an_older_layout_left_is_removed_and_nothing_else() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    subscriber
        .invoke(&json!({"Records": [insert("a", 1)]}))
        .unwrap();
    let mut others: Vec<String> = server.run(&["KEYS", "*"]);
    others.push("accounts:v1:order:a".to_owned());
    server.run::<()>(&["SET", "accounts:v1:order:a", "another's"]);
    let mut fill = redis::pipe();
    for n in 0..15_000 {
        fill.cmd("SET").arg(format!("orders:v1:order:{n}")).arg("");
    }
    fill.exec(&mut server.connection()).unwrap();
    let (mut removed, mut calls, mut cursor) = (0, 0, json!(0));
    while !cursor.is_null() {
        let mut answer = subscriber
            .invoke(&json!({"project": {"outdated": cursor}}))
            .unwrap();
        removed += answer["removed"].as_u64().unwrap();
        cursor = answer["cursor"].take();
        calls += 1;
    }
    assert_eq!(removed, 15_000);
    assert!(calls > 1);
    let mut left: Vec<String> = server.run(&["KEYS", "*"]);
    left.sort_unstable();
    others.sort_unstable();
    assert_eq!(left, others);
}

#[test]
fn a_read_model_that_is_not_complete_is_projected_into_and_rings_the_alarm() {
    let server = Valkey::start();
    let mut subscriber = subscriber_with(&server, &[("METRICS", "off")]);
    let counted = |subscriber: &Handler, line| -> Vec<_> {
        metrics(&subscriber.log_line(line)).into_keys().collect()
    };
    subscriber
        .invoke(&json!({"Records": [insert("a", 1)]}))
        .unwrap();
    assert_eq!(subscriber.log_line(0).get("_aws"), None);
    server.run::<()>(&["FLUSHALL"]);
    let event = json!({"Records": [insert("b", 2)]});
    assert_eq!(subscriber.invoke(&event), Ok(done()));
    assert_eq!(shown(&server), ["b"]);
    assert_eq!(
        counted(&subscriber, 1),
        ["cqrs incomplete FunctionName=test"]
    );
}

#[test]
fn what_is_neither_a_stream_nor_a_projection_is_refused_by_name() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    for event in [
        json!({}),
        json!([]),
        json!("x"),
        json!({"Records": 1}),
        json!({"project": 1}),
    ] {
        let error = subscriber.invoke(&event).unwrap_err();
        assert_eq!(error.error_type, "InvalidEvent", "{event}");
    }
}
