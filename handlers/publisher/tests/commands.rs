//! The publisher as Lambda runs it, on a scripted DynamoDB: what it sends, and what it makes of
//! each answer, faults included.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use test_support::http::{Reply, Request, Server};
use test_support::metrics::metrics;
use test_support::runtime_api::{FunctionError, Handler};
use test_support::tls::TlsProxy;

const BINARY: &str = env!("CARGO_BIN_EXE_publisher");

/// A DynamoDB that answers from a script and keeps what it was asked.
struct Scripted {
    _server: Server,
    publisher: Handler,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Scripted {
    /// Answers by `replies` in turn, the last one for ever.
    fn new(replies: Vec<Reply>) -> Self {
        let asked = Arc::<Mutex<Vec<Request>>>::default();
        let replies = Mutex::new(VecDeque::from(replies));
        let server = Server::start({
            let asked = Arc::clone(&asked);
            move |request| {
                asked.lock().unwrap().push(request);
                let mut replies = replies.lock().unwrap();
                if replies.len() > 1 {
                    replies.pop_front().unwrap()
                } else {
                    replies[0].clone()
                }
            }
        });
        let publisher = Handler::start(
            BINARY,
            &[
                ("WRITE_MODEL_TABLE", "orders"),
                ("AWS_ENDPOINT_URL", &server.url()),
            ],
        );
        Self {
            _server: server,
            publisher,
            asked,
        }
    }

    fn invoke(&mut self, command: &Value) -> Result<Value, FunctionError> {
        self.publisher.invoke(command)
    }

    fn bodies(&self) -> Vec<Value> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(Request::json)
            .collect()
    }
}

fn fault(status: u16, code: &str, rest: &Value) -> Reply {
    let mut body = rest.clone();
    body["__type"] = format!("com.amazonaws.dynamodb.v20120810#{code}").into();
    Reply::json(status, &body)
}

fn condition_failed(item: &Value) -> Reply {
    fault(
        400,
        "ConditionalCheckFailedException",
        &json!({"message": "The conditional request failed", "Item": item}),
    )
}

fn no_item() -> Reply {
    fault(
        400,
        "ConditionalCheckFailedException",
        &json!({"message": "The conditional request failed"}),
    )
}

fn item(status: &str, version: u64) -> Value {
    json!({
        "orderId": {"S": "o"}, "clientId": {"S": "c"}, "productId": {"S": "p"}, "quantity": {"N": "1"},
        "status": {"S": status}, "version": {"N": version.to_string()},
        "createdAt": {"S": "2026-11-23T03:00:00.000Z"}, "updatedAt": {"S": "2026-11-23T03:00:00.000Z"},
    })
}

fn order(status: &str, version: u64) -> Value {
    json!({
        "orderId": "o", "clientId": "c", "productId": "p", "quantity": 1, "status": status,
        "version": version, "createdAt": "2026-11-23T03:00:00.000Z", "updatedAt": "2026-11-23T03:00:00.000Z",
    })
}

fn ok() -> Reply {
    Reply::json(200, &json!({}))
}

#[test]
fn commands_are_counted_by_kind_and_refusals_apart() {
    let mut dynamo = Scripted::new(vec![ok()]);
    let create = json!({"clientId": "c", "productId": "p"});
    dynamo.invoke(&create).unwrap();
    dynamo.invoke(&create).unwrap();
    dynamo.invoke(&json!({"command": "eat"})).unwrap_err();
    let counted = |nth| -> Vec<_> {
        let metrics = metrics(&dynamo.publisher.log_line(nth)).into_iter();
        metrics
            .map(|(place, metric)| (place, metric.values))
            .collect()
    };
    let created = (
        "cqrs commands FunctionName=test command=create".to_owned(),
        vec![1.0],
    );
    let cold = ("cqrs coldStart FunctionName=test".to_owned(), vec![1.0]);
    let refused = ("cqrs refused FunctionName=test".to_owned(), vec![1.0]);
    assert_eq!(counted(0), [cold, created.clone()]);
    assert_eq!(counted(1), [created]);
    assert_eq!(counted(2), [refused]);
}

#[test]
fn a_create_is_one_conditional_put_and_answers_the_whole_order() {
    let mut dynamo = Scripted::new(vec![ok()]);
    let order = dynamo
        .invoke(&json!({"cliendId": "123456789", "productId": "abc-def-ghi"}))
        .unwrap();
    let bodies = dynamo.bodies();
    assert_eq!(bodies.len(), 1);
    let sent = &bodies[0];
    assert_eq!(sent["TableName"], "orders");
    assert_eq!(sent["ConditionExpression"], "attribute_not_exists(#id)");
    assert_eq!(sent["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
    assert_eq!(sent["Item"]["orderId"]["S"], order["orderId"]);
    assert_eq!(
        order,
        json!({
            "orderId": order["orderId"], "clientId": "123456789", "productId": "abc-def-ghi",
            "quantity": 1, "status": "placed", "version": 1,
            "createdAt": sent["Item"]["createdAt"]["S"], "updatedAt": sent["Item"]["createdAt"]["S"],
        })
    );
    let line = dynamo.publisher.log_line(0);
    assert_eq!(
        (&line["level"], &line["command"]),
        (&json!("INFO"), &json!("create"))
    );
    assert_eq!(
        (&line["orderId"], &line["version"]),
        (&order["orderId"], &json!(1))
    );
}

#[test]
fn a_create_whose_answer_got_lost_finds_its_own_order() {
    // The first attempt is carried out and its answer lost; the second meets what it wrote.
    let asked = Arc::<Mutex<Vec<Value>>>::default();
    let server = Server::start({
        let asked = Arc::clone(&asked);
        move |request| {
            let mut asked = asked.lock().unwrap();
            asked.push(request.json()["Item"].clone());
            match asked.len() {
                1 => Reply::HangUp,
                _ => condition_failed(&asked[0]),
            }
        }
    });
    let environment = [
        ("WRITE_MODEL_TABLE", "orders"),
        ("AWS_ENDPOINT_URL", &server.url()),
    ];
    let mut publisher = Handler::start(BINARY, &environment);
    let order = publisher
        .invoke(&json!({"clientId": "c", "productId": "p"}))
        .unwrap();
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], asked[1]);
    assert_eq!(order["orderId"], asked[0]["orderId"]["S"]);
}

#[test]
fn a_key_that_was_used_for_another_order_is_a_conflict() {
    let mut dynamo = Scripted::new(vec![condition_failed(&item("placed", 1))]);
    let error = dynamo
        .invoke(&json!({"clientId": "c", "productId": "other", "idempotencyKey": "k"}))
        .unwrap_err();
    assert_eq!(error.error_type, "IdempotencyConflict");
    assert!(
        error
            .message
            .contains("order o, which differs in productId"),
        "{error:?}"
    );
    let same = dynamo.invoke(&json!({"clientId": "c", "productId": "p", "idempotencyKey": "k"}));
    assert_eq!(same, Ok(order("placed", 1)));
}

#[test]
fn a_change_is_one_conditional_update() {
    let mut dynamo = Scripted::new(vec![Reply::json(
        200,
        &json!({"Attributes": item("shipped", 2)}),
    )]);
    let answer = dynamo.invoke(&json!({"command": "ship", "orderId": "o"}));
    assert_eq!(answer, Ok(order("shipped", 2)));
    dynamo
        .invoke(&json!({"command": "cancel", "orderId": "o", "expectedVersion": 1}))
        .unwrap();
    dynamo
        .invoke(&json!({"command": "cancel", "orderId": "o", "expectedVersion": 7}))
        .unwrap();
    let bodies = dynamo.bodies();
    let open = "attribute_exists(#id) AND (attribute_not_exists(#status) OR #status = :from0)";
    assert_eq!(
        bodies[0]["ConditionExpression"],
        format!("{open} AND (attribute_not_exists(#version) OR #version < :last)")
    );
    assert_eq!(bodies[0]["Key"], json!({"orderId": {"S": "o"}}));
    assert_eq!(
        bodies[0]["ExpressionAttributeValues"][":to"],
        json!({"S": "shipped"})
    );
    assert_eq!(
        bodies[0]["ExpressionAttributeValues"][":expected"],
        Value::Null
    );
    let first = format!("{open} AND (attribute_not_exists(#version) OR #version = :expected)");
    assert_eq!(bodies[1]["ConditionExpression"], first);
    assert_eq!(
        bodies[2]["ConditionExpression"],
        format!("{open} AND #version = :expected")
    );
    assert_eq!(
        bodies[2]["ExpressionAttributeValues"][":expected"],
        json!({"N": "7"})
    );
}

#[test]
fn a_failed_condition_says_by_its_item_what_stood_in_the_way() {
    let ship = json!({"command": "ship", "orderId": "o"});
    let ship_at_1 = json!({"command": "ship", "orderId": "o", "expectedVersion": 1});
    for (reply, command, kind, message) in [
        (no_item(), &ship, "OrderNotFound", "there is no order o"),
        (
            condition_failed(&item("placed", 4)),
            &ship_at_1,
            "VersionConflict",
            "order o is at version 4, not at the expected version 1",
        ),
        (
            condition_failed(&item("cancelled", 2)),
            &ship,
            "IllegalTransition",
            "order o is cancelled and can no longer become shipped",
        ),
    ] {
        let error = Scripted::new(vec![reply]).invoke(command).unwrap_err();
        assert_eq!(
            (error.error_type.as_str(), error.message.as_str()),
            (kind, message)
        );
    }
    // Done already: by a retry of this very command, for all anyone knows.
    let mut dynamo = Scripted::new(vec![condition_failed(&item("shipped", 2))]);
    assert_eq!(dynamo.invoke(&ship), Ok(order("shipped", 2)));
    assert_eq!(dynamo.invoke(&ship_at_1), Ok(order("shipped", 2)));
}

#[test]
fn an_encrypted_endpoint_is_reached_by_the_authorities_of_a_file() {
    let server = Server::start(|_| ok());
    let proxy = TlsProxy::before(server.address().port());
    let url = format!("https://localhost:{}", proxy.port());
    let authority = proxy.authority();
    let environment = [
        ("WRITE_MODEL_TABLE", "orders"),
        ("AWS_ENDPOINT_URL", &url),
        ("SSL_CERT_FILE", authority.to_str().unwrap()),
    ];
    let command = json!({"clientId": "c", "productId": "p"});
    let order = Handler::start(BINARY, &environment)
        .invoke(&command)
        .unwrap();
    assert_eq!(order["version"], 1);
    assert!(proxy.heard().contains("DynamoDB_20120810.PutItem"));

    let error = Handler::start(BINARY, &environment[..2])
        .invoke(&command)
        .unwrap_err();
    assert_eq!(error.error_type, "WriteModelUnavailable");
    assert!(error.message.contains("UnknownIssuer"), "{error:?}");
}

#[test]
fn throttling_is_retried_and_then_an_error_to_retry() {
    let throttled = || {
        fault(
            400,
            "ProvisionedThroughputExceededException",
            &json!({"message": "Too fast"}),
        )
    };
    let create = json!({"clientId": "c", "productId": "p"});
    let mut dynamo = Scripted::new(vec![throttled(), ok()]);
    dynamo.invoke(&create).unwrap();
    assert_eq!(dynamo.bodies().len(), 2);
    let mut dynamo = Scripted::new(vec![throttled()]);
    let error = dynamo.invoke(&create).unwrap_err();
    assert_eq!(dynamo.bodies().len(), 3);
    assert_eq!(error.error_type, "WriteModelUnavailable");
    assert_eq!(
        error.message,
        "the write model is unavailable: ProvisionedThroughputExceededException: Too fast"
    );
}

#[test]
fn an_error_of_the_service_is_an_error_to_retry() {
    for reply in [
        fault(500, "InternalServerError", &json!({"message": "Internal"})),
        Reply::json(503, &json!({})),
        Reply::HangUp,
    ] {
        let error = Scripted::new(vec![reply])
            .invoke(&json!({"command": "ship", "orderId": "o"}))
            .unwrap_err();
        assert_eq!(error.error_type, "WriteModelUnavailable", "{error:?}");
    }
}

#[test]
fn an_endpoint_that_is_not_there_is_said_with_its_cause() {
    let closed = test_support::ClosedPort::take();
    let port = closed.number();
    let mut publisher = Handler::start(
        BINARY,
        &[
            ("WRITE_MODEL_TABLE", "orders"),
            ("AWS_ENDPOINT_URL", &format!("http://127.0.0.1:{port}")),
        ],
    );
    let error = publisher
        .invoke(&json!({"clientId": "c", "productId": "p"}))
        .unwrap_err();
    assert_eq!(error.error_type, "WriteModelUnavailable");
    assert!(error.message.contains("Connection refused"), "{error:?}");
}

#[test]
fn what_no_retry_mends_is_not_called_unavailable() {
    for (code, message) in [
        ("ResourceNotFoundException", "Requested resource not found"),
        (
            "AccessDeniedException",
            "not authorized to perform: dynamodb:PutItem",
        ),
    ] {
        let mut dynamo = Scripted::new(vec![fault(400, code, &json!({"message": message}))]);
        let error = dynamo
            .invoke(&json!({"clientId": "c", "productId": "p"}))
            .unwrap_err();
        assert_eq!(error.error_type, "WriteModelFault");
        assert_eq!(
            error.message,
            format!("the write model cannot serve this: {code}: {message}")
        );
        assert_eq!(dynamo.bodies().len(), 1);
    }
    let mut broken = item("placed", 1);
    broken["version"] = json!({"S": "one"});
    let mut dynamo = Scripted::new(vec![condition_failed(&broken)]);
    let error = dynamo
        .invoke(&json!({"command": "ship", "orderId": "o"}))
        .unwrap_err();
    assert_eq!(error.error_type, "WriteModelFault");
    assert!(
        error.message.contains("version must be a whole number"),
        "{error:?}"
    );
}

#[test]
fn a_command_that_breaks_a_rule_reaches_no_table() {
    let mut dynamo = Scripted::new(vec![ok()]);
    for (command, message) in [
        (json!({"productId": "p"}), "clientId is required"),
        (
            json!(["x"]),
            "the command must be a JSON object, not an array",
        ),
        (json!(null), "the command must be a JSON object, not null"),
    ] {
        let error = dynamo.invoke(&command).unwrap_err();
        assert_eq!(
            (error.error_type.as_str(), error.message.as_str()),
            ("InvalidCommand", message)
        );
    }
    assert!(dynamo.bodies().is_empty());
}

#[test]
fn a_setting_that_is_missing_or_malformed_is_reported_to_lambda_by_name() {
    for (environment, name) in [
        (vec![], "WRITE_MODEL_TABLE"),
        (
            vec![
                ("WRITE_MODEL_TABLE", "t"),
                ("AWS_ENDPOINT_URL", "localhost"),
            ],
            "AWS_ENDPOINT_URL",
        ),
        (
            vec![("WRITE_MODEL_TABLE", "t"), ("AWS_ACCESS_KEY_ID", "")],
            "AWS_ACCESS_KEY_ID",
        ),
    ] {
        let mut publisher = Handler::start(BINARY, &environment);
        let error = publisher.init_error().unwrap();
        assert_eq!(error.error_type, "InvalidSetting");
        assert!(error.message.contains(name), "{error:?}");
        assert!(!publisher.ended(Duration::from_secs(5)).unwrap().success());
    }
}

#[test]
fn the_handler_ends_when_the_runtime_api_closes() {
    let mut dynamo = Scripted::new(vec![ok()]);
    dynamo.publisher.first_poll();
    dynamo.publisher.close_api();
    assert!(dynamo.publisher.ended(Duration::from_secs(2)).is_some());
}
