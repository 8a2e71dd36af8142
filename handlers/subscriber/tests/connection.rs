//! The subscriber's connection: lost and found again, encrypted, signed in, held to its rights.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use serde_json::{Value, json};
use support::{done, failed, image, insert, item, record, shown, subscriber};
use test_support::runtime_api::Handler;
use test_support::template::access_string;
use test_support::tls::{TlsProxy, version};
use test_support::valkey::Valkey;

/// Gives a batch that the cache fails: its first record is named, and a line, from the one of that
/// number on, says why.
fn unavailable(subscriber: &mut Handler, event: &Value, first: u64, line: usize) -> String {
    assert_eq!(subscriber.invoke(event), Ok(failed(first)));
    let mut lines = (line..).map(|line| subscriber.log_line(line));
    let line = lines
        .find(|line| line["message"] == "not projected")
        .unwrap();
    assert_eq!(line["errorType"], "ReadModelUnavailable", "{line}");
    line["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_cache_that_is_down_is_an_error_to_retry_and_its_return_is_found() {
    let mut server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let event = json!({"Records": [insert("a", 1)]});
    assert_eq!(subscriber.invoke(&event), Ok(done()));
    server.stop();
    for line in [1, 3] {
        let error = unavailable(&mut subscriber, &event, 1, line);
        let address = format!("127.0.0.1:{}", server.port());
        assert!(error.contains(&address), "{error}");
        assert!(error.contains("refused"), "{error}");
    }
    server.start_again();
    assert_eq!(subscriber.invoke(&event), Ok(done()));
    assert_eq!(shown(&server), ["a"]);
}

#[test]
fn a_connection_that_was_dropped_meanwhile_costs_no_error() {
    let mut server = Valkey::start();
    let mut subscriber = subscriber(&server);
    subscriber
        .invoke(&json!({"Records": [insert("a", 1)]}))
        .unwrap();
    server.run::<i64>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    assert_eq!(
        subscriber.invoke(&json!({"Records": [insert("b", 2)]})),
        Ok(done())
    );
    server.stop();
    server.start_again();
    assert_eq!(
        subscriber.invoke(&json!({"Records": [insert("c", 3)]})),
        Ok(done())
    );
    assert_eq!(shown(&server), ["c"]);
}

#[test]
fn a_cache_that_does_not_answer_is_given_up_and_then_found_again() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let event = json!({"Records": [insert("a", 1)]});
    subscriber.invoke(&event).unwrap();
    server.pause();
    let error = unavailable(&mut subscriber, &event, 1, 1);
    assert!(error.contains("timed out"), "{error}");
    server.resume();
    assert_eq!(subscriber.invoke(&event), Ok(done()));
}

#[test]
fn a_demoted_server_is_an_error_to_retry_not_a_failure_of_the_records() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    subscriber
        .invoke(&json!({"Records": [insert("a", 1)]}))
        .unwrap();
    let event = json!({"Records": [insert("b", 2)]});
    server.run::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = unavailable(&mut subscriber, &event, 2, 1);
    assert!(error.contains("read only replica"), "{error}");
    server.run::<()>(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(subscriber.invoke(&event), Ok(done()));
}

#[test]
fn a_diagnosis_connects_to_the_cache_and_projects_nothing() {
    let server = Valkey::start();
    let mut subscriber = subscriber(&server);
    let diagnosis = subscriber.invoke(&json!({"diagnose": true})).unwrap();
    let steps = diagnosis["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["ok"] == true), "{diagnosis}");
    assert_eq!(steps.last().unwrap()["step"], "ping");
    assert!(shown(&server).is_empty());
}

fn signed_in(proxy: &TlsProxy) -> Handler {
    Handler::start(
        env!("CARGO_BIN_EXE_subscriber"),
        &[
            ("CACHE_URL", &proxy.url()),
            ("CACHE_CA_FILE", proxy.authority().to_str().unwrap()),
            ("CACHE_NAME", "cqrs-cache"),
            ("CACHE_USER", "cqrs-subscriber"),
            ("AWS_SESSION_TOKEN", "tok/en+="),
        ],
    )
}

#[test]
fn under_the_templates_access_string_the_subscriber_does_all_it_must() {
    let server = Valkey::start();
    server.set_user(
        "cqrs-subscriber",
        &format!("{} nopass", access_string("SubscriberCacheUser")),
    );
    let proxy = TlsProxy::before(server.port());
    let mut subscriber = signed_in(&proxy);
    for (event, expected) in [
        (json!({"Records": [insert("a", 1), insert("b", 2)]}), done()),
        (
            json!({"Records": [record("MODIFY", 3, &image("a", 2))]}),
            done(),
        ),
        (
            json!({"Records": [record("REMOVE", 4, &image("b", 1))]}),
            done(),
        ),
        (
            json!({"project": {"removed": [{"orderId": "a", "version": 2}]}}),
            json!({"applied": 1, "stale": 0, "failed": []}),
        ),
        (
            json!({"project": {"begin": "t"}}),
            json!({"applied": 1, "stale": 0, "failed": []}),
        ),
        (
            json!({"project": {"complete": "t"}}),
            json!({"applied": 1, "stale": 0, "failed": []}),
        ),
        (
            json!({"project": {"outdated": 0}}),
            json!({"removed": 0, "cursor": null}),
        ),
        // Over a tombstone, which takes a command of its own.
        (
            json!({"project": {"items": [item(&json!({"orderId": "a", "clientId": "c", "productId": "p", "version": 3}))]}}),
            json!({"applied": 1, "stale": 0, "failed": []}),
        ),
    ] {
        assert_eq!(subscriber.invoke(&event), Ok(expected), "{event}");
    }
    assert_eq!(shown(&server), ["a"]);
}

#[test]
fn the_templates_access_string_refuses_the_subscriber_everything_else() {
    let server = Valkey::start();
    server.set_user(
        "cqrs-subscriber",
        &format!("{} nopass", access_string("SubscriberCacheUser")),
    );
    server.run::<()>(&["SET", "other", "1"]);
    let mut connection = server.connection();
    redis::cmd("AUTH")
        .arg("cqrs-subscriber")
        .arg("any")
        .exec(&mut connection)
        .unwrap();
    redis::cmd("PING").exec(&mut connection).unwrap();
    for words in [
        "DEL orders:v2:=a",
        "KEYS *",
        "FLUSHALL",
        "CONFIG GET *",
        "ACL LIST",
        "SCRIPT FLUSH",
        "SUBSCRIBE orders",
        "SET other b",
        "GET other",
        "ZADD elsewhere 0 a",
    ] {
        let mut command = redis::Cmd::new();
        command.arg(words.split(' ').collect::<Vec<_>>());
        let error = command.exec(&mut connection).unwrap_err();
        assert_eq!(error.code(), Some("NOPERM"), "{words}: {error}");
    }
    // Servers word it differently.
    let script = "return redis.call('HSET', 'elsewhere', 'a', 'b')";
    redis::cmd("EVAL")
        .arg(script)
        .arg(0)
        .exec(&mut connection)
        .unwrap_err();
    assert_eq!(server.run::<i64>(&["EXISTS", "elsewhere"]), 0);
}

#[test]
fn a_denied_permission_is_said_and_is_no_failure_of_the_records() {
    let server = Valkey::start();
    server.set_user("cqrs-subscriber", "on nopass ~orders:* -@all +ping");
    let proxy = TlsProxy::before(server.port());
    let event = json!({"Records": [insert("a", 1)]});
    let error = unavailable(&mut signed_in(&proxy), &event, 1, 0);
    assert!(error.contains("no permissions"), "{error}");
}

#[test]
fn iam_signs_each_connection_in_with_a_token_of_its_own_over_tls() {
    let server = Valkey::start();
    server.set_user("cqrs-subscriber", "on nopass ~* +@all");
    let proxy = TlsProxy::before(server.port());
    let mut subscriber = signed_in(&proxy);
    subscriber
        .invoke(&json!({"Records": [insert("a", 1)]}))
        .unwrap();
    let heard = proxy.heard();
    assert!(
        heard.starts_with("*3\r\n$4\r\nAUTH\r\n$15\r\ncqrs-subscriber\r\n"),
        "{heard}"
    );
    for part in [
        "cqrs-cache/?Action=connect&User=cqrs-subscriber&",
        "X-Amz-Expires=900",
        "%2Feu-west-1%2Felasticache%2Faws4_request",
        "X-Amz-Security-Token=tok%2Fen%2B%3D",
        "X-Amz-Signature=",
    ] {
        assert!(heard.contains(part), "{part} in {heard}");
    }
    assert_eq!(heard.matches("AUTH\r\n").count(), 1);
    subscriber
        .invoke(&json!({"Records": [insert("b", 2)]}))
        .unwrap();
    assert_eq!(proxy.heard().matches("AUTH\r\n").count(), 1);
    server.run::<i64>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    subscriber
        .invoke(&json!({"Records": [insert("c", 3)]}))
        .unwrap();
    assert_eq!(proxy.heard().matches("AUTH\r\n").count(), 2);
}

#[test]
fn a_refused_sign_in_is_said() {
    let server = Valkey::start();
    server.set_user("cqrs-subscriber", "on >another ~* +@all");
    let proxy = TlsProxy::before(server.port());
    let event = json!({"Records": [insert("a", 1)]});
    let error = unavailable(&mut signed_in(&proxy), &event, 1, 0);
    assert!(!error.contains("X-Amz-Signature"), "{error}");
    assert!(
        error.contains("cannot connect to the cache at localhost:"),
        "{error}"
    );
}

#[test]
fn a_server_whose_authority_is_unknown_is_not_trusted() {
    let server = Valkey::start();
    let proxy = TlsProxy::before(server.port());
    let mut subscriber = Handler::start(
        env!("CARGO_BIN_EXE_subscriber"),
        &[("CACHE_URL", &proxy.url())],
    );
    let event = json!({"Records": [insert("a", 1)]});
    let error = unavailable(&mut subscriber, &event, 1, 0);
    assert!(error.contains("UnknownIssuer"), "{error}");
    assert_eq!(proxy.heard(), "");
}

#[test]
fn a_server_that_speaks_one_version_of_tls_only_is_spoken_to_in_that() {
    // ElastiCache speaks 1.2.
    for (version, said) in [(&version::TLS12, "TLS 1.2"), (&version::TLS13, "TLS 1.3")] {
        let server = Valkey::start();
        let proxy = TlsProxy::speaking(&[version], server.port());
        let mut subscriber = Handler::start(
            env!("CARGO_BIN_EXE_subscriber"),
            &[
                ("CACHE_URL", &proxy.url()),
                ("CACHE_CA_FILE", proxy.authority().to_str().unwrap()),
            ],
        );
        let event = json!({"Records": [insert("a", 1)]});
        assert_eq!(subscriber.invoke(&event), Ok(done()), "{said}");
        assert_eq!(shown(&server), ["a"]);
        let diagnosis = subscriber.invoke(&json!({"diagnose": true})).unwrap();
        let mut steps = diagnosis["steps"].as_array().unwrap().iter();
        let tls = steps.find(|step| step["step"] == "tls").unwrap();
        assert_eq!(tls["detail"], said);
    }
}

#[test]
fn tls_without_iam_needs_no_user() {
    let server = Valkey::start();
    let proxy = TlsProxy::before(server.port());
    let mut subscriber = Handler::start(
        env!("CARGO_BIN_EXE_subscriber"),
        &[
            ("CACHE_URL", &proxy.url()),
            ("CACHE_CA_FILE", proxy.authority().to_str().unwrap()),
        ],
    );
    assert_eq!(
        subscriber.invoke(&json!({"Records": [insert("a", 1)]})),
        Ok(done())
    );
    assert!(!proxy.heard().contains("AUTH"));
}
