//! What becomes of rows whose answers do not come, against recorded answers of Lambda.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::super::Format;
use super::*;
use crate::aws::Aws;
use crate::domain::Domain;

/// How the publisher answers a row, given its product and how often it was asked about it.
type Script = fn(&str, u32) -> Answer;

enum Answer {
    Order,
    Throttled,
    Crash,
    Fault,
    Denied,
}

fn row(line: u64, product: &str) -> Row {
    let key = line.to_string();
    let draft = json!({ "clientId": "c", "productId": product, "idempotencyKey": key });
    let draft = Domain::bundled().draft_of(draft).unwrap();
    Row { line, draft }
}

fn response(status: u16, error: Option<&str>, body: String) -> http::Response<SdkBody> {
    let mut response = http::Response::builder().status(status);
    if let Some(error) = error {
        response = response.header(error, "Unhandled");
    }
    response.body(SdkBody::from(body)).unwrap()
}

fn publisher(script: Script) -> Functions {
    let asked = Arc::new(Mutex::new(Vec::<String>::new()));
    let http = infallible_client_fn(move |request| {
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        let draft: Value = serde_json::from_str(&body).unwrap();
        let mut asked = asked.lock().unwrap();
        asked.push(body.clone());
        let times = asked.iter().filter(|earlier| **earlier == body).count();
        let failed = Some("x-amz-function-error");
        match script(draft["productId"].as_str().unwrap(), times as u32) {
            Answer::Order => {
                let order = json!({
                    "orderId": "o", "status": "placed", "version": 1,
                    "createdAt": clock::now(), "updatedAt": clock::now(),
                });
                response(200, None, order.to_string())
            }
            Answer::Throttled => {
                let body = r#"{"__type":"TooManyRequestsException","message":"Rate Exceeded."}"#;
                response(429, None, body.to_owned())
            }
            Answer::Denied => {
                let body = r#"{"__type":"AccessDeniedException","message":"no"}"#;
                response(403, None, body.to_owned())
            }
            Answer::Crash => {
                let body = r#"{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}"#;
                response(200, failed, body.to_owned())
            }
            Answer::Fault => {
                let body = r#"{"errorType":"WriteModelFault","errorMessage":"no order"}"#;
                response(200, failed, body.to_owned())
            }
        }
    });
    Functions::new(&Aws::replay(http), "cqrs".parse().unwrap(), false).one_attempt_each()
}

/// The events, in words, and how it ended.
async fn sent(
    script: Script,
    concurrency: u16,
    products: &[&str],
) -> (Vec<String>, Result<(), Halt>) {
    let (to, rows) = mpsc::channel(products.len());
    for (line, product) in (2..).zip(products) {
        to.try_send(Ok(row(line, product))).unwrap();
    }
    drop(to);
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("o.csv");
    let mut failed = FailedFile::create(Some(&input), Format::Csv, &Domain::bundled()).unwrap();
    let functions = publisher(script);
    let mut events = Vec::new();
    let ended = send(
        rows,
        &functions,
        concurrency,
        &mut failed,
        std::future::pending(),
        |event| match event {
            Event::Failed { line, reason } => events.push(format!("{line} failed: {reason}")),
            Event::Retried { line, .. } => events.push(format!("{line} retried")),
            Event::Slowed { limit } => events.push(format!("slowed to {limit}")),
            other => events.push(format!("{other:?}")),
        },
    );
    let ended = ended.await;
    (events, ended)
}

#[tokio::test(start_paused = true)]
async fn a_throttled_row_is_sent_again_and_fewer_are_under_way() {
    let script = |_: &str, times: u32| match times {
        1..=2 => Answer::Throttled,
        _ => Answer::Order,
    };
    let (events, ended) = sent(script, 4, &["a", "b", "c", "d", "e"]).await;
    assert!(ended.is_ok(), "{ended:?}");
    let count = |what: &str| events.iter().filter(|events| events.contains(what)).count();
    assert_eq!((count("Created"), count("retried")), (5, 10), "{events:?}");
    assert!(count("slowed to 2") > 0, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn when_nothing_gets_through_the_sending_ends_with_the_cause() {
    let (events, ended) = sent(|_, _| Answer::Throttled, 1, &["a", "b"]).await;
    let Err(Halt::Function(error)) = ended else {
        panic!("{ended:?}");
    };
    assert!(matches!(
        error,
        FunctionError::Aws(AwsError::Throttled { .. })
    ));
    let retried = events
        .iter()
        .filter(|events| *events == "2 retried")
        .count();
    assert_eq!(retried as u32, ATTEMPTS - 1, "{events:?}");
    assert!(
        !events.iter().any(|events| events.contains("failed")),
        "{events:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_row_that_stays_throttled_while_others_get_through_fails_alone() {
    let script = |product: &str, times: u32| match (product, times) {
        ("poor", _) | ("late", 1..=6) | ("later", 1..=7) => Answer::Throttled,
        _ => Answer::Order,
    };
    let lates = ["late", "later"].into_iter().cycle().take(10);
    let products: Vec<_> = std::iter::once("poor").chain(lates).collect();
    let (events, ended) = sent(script, 20, &products).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(
        events.iter().filter(|events| *events == "Created").count(),
        10
    );
    let failed = events
        .iter()
        .find(|events| events.contains("failed"))
        .unwrap();
    assert!(
        failed.starts_with("2 failed: AWS still throttles"),
        "{failed}"
    );
}

#[tokio::test(start_paused = true)]
async fn rows_that_were_under_way_when_the_publisher_went_are_not_said_to_have_failed() {
    // The first answers come while others are refused already.
    let script = |product: &str, _: u32| match product {
        "before" => Answer::Order,
        _ => Answer::Throttled,
    };
    let products: Vec<_> = ["before"; 3].into_iter().chain(["after"; 20]).collect();
    let (events, ended) = sent(script, 8, &products).await;
    assert!(matches!(ended, Err(Halt::Function(_))), "{ended:?}");
    assert!(
        !events.iter().any(|events| events.contains("failed")),
        "{events:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_row_that_the_publisher_crashes_on_is_tried_again_and_fails_alone() {
    let script = |product: &str, times: u32| match (product, times) {
        ("poison", _) | ("shaky", 1) => Answer::Crash,
        _ => Answer::Order,
    };
    let (events, ended) = sent(script, 1, &["poison", "shaky", "a"]).await;
    assert!(ended.is_ok(), "{ended:?}");
    let rest: BTreeSet<_> = events
        .iter()
        .filter(|events| *events != "2 retried")
        .collect();
    let failed = "2 failed: `cqrs-publisher` failed: exit status 1".to_owned();
    let expected = [failed, "3 retried".to_owned(), "Created".to_owned()];
    assert_eq!(rest, expected.iter().collect());
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_fails_at_row_after_row_ends_the_sending() {
    let (events, ended) = sent(|_, _| Answer::Fault, 1, &["a"; 10]).await;
    assert!(matches!(ended, Err(Halt::Function(_))), "{ended:?}");
    let failed = events
        .iter()
        .filter(|events| events.contains("failed"))
        .count();
    assert_eq!(failed as u32, HOPELESS - 1, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn what_no_row_can_overcome_ends_the_sending_at_once() {
    let (events, ended) = sent(|_, _| Answer::Denied, 1, &["a"; 10]).await;
    let Err(Halt::Function(error)) = ended else {
        panic!("{ended:?}");
    };
    assert!(matches!(error, FunctionError::Aws(AwsError::Denied { .. })));
    assert_eq!(events, ["Stopping { under_way: 0 }"]);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_waits_for_its_next_attempt_does_not_hold_up_the_end() {
    let (to, rows) = mpsc::channel(1);
    to.try_send(Ok(row(2, "a"))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("o.csv");
    let mut failed = FailedFile::create(Some(&input), Format::Csv, &Domain::bundled()).unwrap();
    let (pressed, stop) = tokio::sync::oneshot::channel::<()>();
    let mut pressed = Some(pressed);
    let mut events = Vec::new();
    let functions = publisher(|_, _| Answer::Throttled);
    let stop = async {
        let _ = stop.await;
    };
    let ended = send(rows, &functions, 1, &mut failed, stop, |event| {
        if matches!(event, Event::Retried { .. }) {
            // A second one would mean that it was tried again.
            pressed.take().unwrap().send(()).unwrap();
        }
        events.push(format!("{event:?}"));
    });
    assert!(matches!(ended.await, Err(Halt::Interrupted)));
    assert_eq!(events.last().unwrap(), "Stopping { under_way: 1 }");
}

#[test]
fn pauses_double_and_differ_from_row_to_row() {
    for (attempt, most) in [(1, 100), (2, 200), (7, 6_400)] {
        let pauses: Vec<_> = (1..100).map(|line| pause(line, attempt)).collect();
        let most = Duration::from_millis(most);
        assert!(pauses.iter().all(|pause| (most / 2..=most).contains(pause)));
        let distinct: BTreeSet<_> = pauses.iter().collect();
        assert!(distinct.len() > 90);
    }
}
