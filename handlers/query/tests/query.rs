//! The query handler as Lambda runs it, on a real server, with no more rights than it gets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use serde_json::{Value, json};
use test_support::metrics::metrics;
use test_support::runtime_api::Handler;
use test_support::template::access_string;
use test_support::tls::TlsProxy;
use test_support::valkey::Valkey;

const BINARY: &str = env!("CARGO_BIN_EXE_query");

fn query(server: &Valkey) -> Handler {
    server.complete();
    Handler::start(BINARY, &[("CACHE_URL", &server.url())])
}

fn order(id: &str) -> Value {
    json!({
        "orderId": id, "clientId": "c", "productId": "p", "quantity": 1, "status": "placed",
        "version": 1, "createdAt": "1970-01-01T00:00:00.000Z", "updatedAt": "1970-01-01T00:00:00.000Z",
    })
}

/// Puts orders where the projection puts them.
fn fill(server: &Valkey, ids: &[&str]) {
    const EPOCH: &[u8] = b"\x80\0\0\0\0\0";
    server.complete();
    for id in ids {
        let mut order = order(id);
        order.as_object_mut().unwrap().remove("orderId");
        let held = [EPOCH, b"1  \n", order.to_string().as_bytes()].concat();
        let mut put = redis::cmd("SET");
        put.arg(format!("orders:v2:={id}")).arg(held);
        put.exec(&mut server.connection()).unwrap();
        let member = [EPOCH, b"\xFF", id.as_bytes()].concat();
        for list in ["clientId:c", "productId:p", "status:placed"] {
            let mut add = redis::cmd("ZADD");
            add.arg(format!("orders:v2:{list}")).arg(0).arg(&member);
            add.exec(&mut server.connection()).unwrap();
        }
    }
}

/// Every kind of query, with what it answers when `a` and `b` are there.
fn queries() -> Vec<(Value, Value)> {
    let (a, b) = (order("a"), order("b"));
    vec![
        (json!({"orderId": "a"}), a.clone()),
        (json!({"orderId": "x"}), Value::Null),
        (
            json!({"orderIds": ["b", "x", "a"]}),
            json!({"orders": [b, null, a]}),
        ),
        (
            json!({"list": {"limit": 1}}),
            json!({"orders": [b], "cursor": "1970-01-01T00:00:00.000Z_b"}),
        ),
        (
            json!({"list": {"clientId": "c", "cursor": "1970-01-01T00:00:00.000Z_b"}}),
            json!({"orders": [a], "cursor": null}),
        ),
        (
            json!({"list": {"productId": "p"}}),
            json!({"orders": [b, a], "cursor": null}),
        ),
        (
            json!({"list": {"status": "shipped"}}),
            json!({"orders": [], "cursor": null}),
        ),
        (
            json!({"compare": [
                {"orderId": "x"},
                {"item": {"orderId": {"S": "a"}, "clientId": {"S": "c"}, "productId": {"S": "p"}}},
            ]}),
            json!({"compared": [
                {"state": "same", "mark": ""},
                {"state": "same", "mark": "1  ", "version": 1, "written": 1},
            ]}),
        ),
    ]
}

#[test]
fn every_query_is_answered_and_logged_in_one_line() {
    let server = Valkey::start();
    fill(&server, &["a", "b"]);
    let mut query = query(&server);
    for (at, (question, answer)) in queries().into_iter().enumerate() {
        assert_eq!(query.invoke(&question), Ok(answer), "{question}");
        let line = query.log_line(at);
        assert_eq!(line["level"], "INFO");
        assert!(
            line["query"].is_string() && line["tookMs"].is_number(),
            "{line}"
        );
    }
    assert_eq!(query.log().len(), queries().len());
}

#[test]
fn a_line_has_metrics_of_the_round_trip_the_cold_start_and_refusals() {
    let server = Valkey::start();
    let mut query = query(&server);
    query.invoke(&json!({"orderId": "a"})).unwrap();
    query.invoke(&json!({"orderId": "a"})).unwrap();
    query.invoke(&json!("o")).unwrap_err();
    let counted = |nth| -> Vec<_> { metrics(&query.log_line(nth)).into_keys().collect() };
    let cache = "cqrs cacheMs FunctionName=test";
    assert_eq!(counted(0), [cache, "cqrs coldStart FunctionName=test"]);
    assert_eq!(counted(1), [cache]);
    assert_eq!(counted(2), ["cqrs refused FunctionName=test"]);
    assert!(metrics(&query.log_line(0))[cache].values[0] > 0.0);
}

#[test]
fn what_does_not_work_is_not_counted_as_refused() {
    let mut server = Valkey::start();
    let mut query = query(&server);
    server.stop();
    query.invoke(&json!({"ping": true})).unwrap_err();
    let counted = metrics(&query.log_line(0));
    assert_eq!(
        counted.into_keys().collect::<Vec<_>>(),
        ["cqrs coldStart FunctionName=test"]
    );
}

#[test]
fn a_ping_answers_the_version_the_round_trip_and_the_count() {
    let server = Valkey::start();
    fill(&server, &["a", "b"]);
    let answer = query(&server).invoke(&json!({"ping": true})).unwrap();
    assert_eq!(answer["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&answer["orders"], &answer["complete"]),
        (&json!(2), &json!(true))
    );
    assert!(answer["cacheMs"].as_f64().unwrap() > 0.0, "{answer}");
}

#[test]
fn a_read_model_that_lost_its_contents_never_says_that_there_is_no_order() {
    let server = Valkey::start();
    let environment = [("CACHE_URL", server.url()), ("METRICS", "off".to_owned())];
    let environment = environment
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let mut query = Handler::start(BINARY, &environment);
    fill(&server, &["a", "b"]);
    assert_eq!(query.invoke(&json!({"orderId": "x"})), Ok(Value::Null));
    server.run::<()>(&["FLUSHALL"]);
    let questions = [
        json!({"orderId": "a"}),
        json!({"orderIds": ["a", "x"]}),
        json!({"list": {}}),
        json!({"list": {"clientId": "c"}}),
    ];
    let mut lines = 0;
    let mut refuse = |query: &mut Handler| {
        for question in &questions {
            let error = query.invoke(question).unwrap_err();
            assert_eq!(error.error_type, "ReadModelIncomplete", "{question}");
            let line = loop {
                let line = query.log_line(lines);
                lines += 1;
                if line["errorType"] == "ReadModelIncomplete" {
                    break line;
                }
            };
            let counted: Vec<_> = metrics(&line).into_keys().collect();
            assert_eq!(counted, ["cqrs incomplete FunctionName=test"]);
        }
    };
    refuse(&mut query);
    // What somebody else puts in its place is no witness.
    server.run::<()>(&["HSET", "orders:v2:complete", "complete", "1"]);
    refuse(&mut query);
    // What the stream has brought since can be read.
    server.run::<()>(&["FLUSHALL"]);
    fill(&server, &["b"]);
    server.run::<()>(&["DEL", "orders:v2:complete"]);
    assert_eq!(query.invoke(&json!({"orderId": "b"})), Ok(order("b")));
    assert_eq!(
        query.invoke(&json!({"orderIds": ["b", "b"]})),
        Ok(json!({"orders": [order("b"), order("b")]}))
    );
    let pong = query.invoke(&json!({"ping": true})).unwrap();
    assert_eq!(
        (&pong["orders"], &pong["complete"]),
        (&json!(1), &json!(false))
    );
}

#[test]
fn a_query_that_breaks_a_rule_is_refused_by_name() {
    let server = Valkey::start();
    let mut query = query(&server);
    for (question, message) in [
        (
            json!({"list": {"limit": 0}}),
            "list.limit must be a whole number from 1 to 500, not 0",
        ),
        (json!("o"), "the query must be a JSON object, not a string"),
    ] {
        let error = query.invoke(&question).unwrap_err();
        assert_eq!(
            (error.error_type.as_str(), error.message.as_str()),
            ("InvalidQuery", message)
        );
    }
    let line = query.log_line(0);
    assert_eq!(
        (&line["level"], &line["errorType"]),
        (&json!("ERROR"), &json!("InvalidQuery"))
    );
}

#[test]
fn a_cache_that_is_down_is_an_error_to_retry_and_its_return_is_found() {
    let mut server = Valkey::start();
    let mut query = query(&server);
    server.stop();
    let error = query.invoke(&json!({"ping": true})).unwrap_err();
    assert_eq!(error.error_type, "ReadModelUnavailable");
    assert!(error.message.contains("refused"), "{error:?}");
    server.start_again();
    server.complete();
    assert_eq!(query.invoke(&json!({"orderId": "a"})), Ok(Value::Null));
}

#[test]
fn under_the_templates_access_string_every_query_is_answered() {
    let server = Valkey::start();
    fill(&server, &["a", "b"]);
    server.set_user(
        "cqrs-query",
        &format!("{} nopass", access_string("QueryCacheUser")),
    );
    let proxy = TlsProxy::before(server.port());
    let mut query = Handler::start(
        BINARY,
        &[
            ("CACHE_URL", &proxy.url()),
            ("CACHE_CA_FILE", proxy.authority().to_str().unwrap()),
            ("CACHE_NAME", "cqrs-cache"),
            ("CACHE_USER", "cqrs-query"),
        ],
    );
    for (question, answer) in queries() {
        assert_eq!(query.invoke(&question), Ok(answer), "{question}");
    }
    assert_eq!(query.invoke(&json!({"ping": true})).unwrap()["orders"], 2);
}

#[test]
fn the_templates_access_string_lets_the_query_side_write_nothing() {
    let server = Valkey::start();
    fill(&server, &["a"]);
    server.run::<()>(&["SET", "other", "1"]);
    server.set_user(
        "cqrs-query",
        &format!("{} nopass", access_string("QueryCacheUser")),
    );
    let mut connection = server.connection();
    redis::cmd("AUTH")
        .arg("cqrs-query")
        .arg("any")
        .exec(&mut connection)
        .unwrap();
    redis::cmd("MGET")
        .arg("orders:v2:=a")
        .exec(&mut connection)
        .unwrap();
    for words in [
        "SET orders:v2:=a 2",
        "DEL orders:v2:=a",
        "ZADD orders:v2:status:placed 0 x",
        "ZREM orders:v2:status:placed x",
        "EXPIRE orders:v2:status:placed 1",
        "EVAL return 0",
        "FLUSHALL",
        "KEYS *",
        "MGET other",
        "ZCARD other",
        "ZSCORE other a",
    ] {
        let mut command = redis::Cmd::new();
        command.arg(words.split(' ').collect::<Vec<_>>());
        let error = command.exec(&mut connection).unwrap_err();
        assert_eq!(error.code(), Some("NOPERM"), "{words}: {error}");
    }
    for script in [
        "return redis.call('ZADD', 'orders:v2:status:placed', 0, 'x')",
        "return redis.call('MGET', 'other')",
    ] {
        let refused = redis::cmd("EVAL_RO")
            .arg(script)
            .arg(0)
            .exec(&mut connection);
        assert!(refused.is_err(), "{script}");
    }
    assert_eq!(server.run::<i64>(&["ZCARD", "orders:v2:status:placed"]), 1);
}

#[test]
fn a_setting_that_is_missing_or_malformed_is_reported_to_lambda_by_name() {
    for (environment, message) in [
        (vec![], "the environment variable CACHE_URL is missing"),
        (
            vec![("CACHE_URL", "localhost")],
            "the environment variable CACHE_URL must be redis://host:port or rediss://host:port",
        ),
        (
            vec![("CACHE_URL", "rediss://h:1"), ("CACHE_USER", "u")],
            "the environment variable CACHE_NAME must go with CACHE_USER",
        ),
    ] {
        let mut query = Handler::start(BINARY, &environment);
        let error = query.init_error().unwrap();
        assert_eq!(
            (error.error_type.as_str(), error.message.as_str()),
            ("InvalidSetting", message)
        );
        let status = query.ended(Duration::from_secs(5)).unwrap();
        assert_eq!(status.code(), Some(1));
        assert_eq!(query.log_line(0)["error"], message);
    }
}

#[test]
fn the_handler_ends_when_the_runtime_api_closes() {
    let server = Valkey::start();
    let mut query = query(&server);
    query.invoke(&json!({"ping": true})).unwrap();
    query.first_poll();
    query.close_api();
    assert!(query.ended(Duration::from_secs(2)).is_some());
}

#[test]
fn run_by_hand_it_says_what_it_is() {
    let output = std::process::Command::new(BINARY)
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        text,
        "error: this is a Lambda handler, to be deployed with `cqrs deploy`: \
         it runs on Lambda, which sets AWS_LAMBDA_RUNTIME_API\n"
    );
}
