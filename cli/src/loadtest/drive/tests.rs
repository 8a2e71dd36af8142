use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use aws_smithy_http_client::test_util::infallible_client_fn;
use serde_json::{Value, json};

use super::*;
use crate::aws::Aws;
use crate::domain::Domain;
use crate::loadtest::mix::Mix;
use crate::loadtest::subject::Subject;
use crate::settings::StackName;

/// What the functions were asked, by function.
type Asked = Arc<Mutex<BTreeMap<String, Vec<Value>>>>;

/// Functions whose read model shows an order at the third look at it, and whose log's end, where it
/// is asked for, has Lambda's report of a cold start.
fn functions() -> (Functions, Functions, Asked) {
    const REPORT: &str = r#"{"type":"platform.report","record":{"metrics":{"billedDurationMs":25,"initDurationMs":20.0}}}"#;
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let looks = Mutex::new(HashMap::<String, u32>::new());
    let http = infallible_client_fn(move |request| {
        let function = request.uri().path().split('/').nth_back(1).unwrap();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let answer = match (body["orderId"].as_str(), body.get("list")) {
            (Some(id), None) if function == "cqrs-query" => {
                let mut looks = looks.lock().unwrap();
                let looks = looks.entry(id.to_owned()).or_default();
                *looks += 1;
                if *looks < 3 {
                    Value::Null
                } else {
                    json!({ "orderId": id })
                }
            }
            (Some(id), _) => json!({ "orderId": id }),
            (None, Some(_)) => json!({ "orders": [], "cursor": null }),
            (None, None) => json!({ "orderId": body["idempotencyKey"] }),
        };
        let mut asked = seen.lock().unwrap();
        asked.entry(function.to_owned()).or_default().push(body);
        let mut reply = http::Response::builder().status(200);
        if request.headers().get("x-amz-log-type").is_some() {
            let log = aws_smithy_types::base64::encode(REPORT);
            reply = reply.header("x-amz-log-result", log);
        }
        reply.body(answer.to_string()).unwrap()
    });
    let aws = Aws::replay(http);
    let stack: StackName = "cqrs".parse().unwrap();
    let with_logs = Functions::new(&aws, stack.clone(), true);
    (Functions::new(&aws, stack, false), with_logs, asked)
}

fn plan(mix: &str, orders: u64) -> Plan {
    Plan {
        subject: Subject::of(&Domain::bundled(), "1").unwrap(),
        mix: mix.parse::<Mix>().unwrap(),
        pace: Pace::Closed { concurrency: 3 },
        until: Until::Created(orders),
    }
}

#[tokio::test]
async fn each_order_is_shipped_at_most_once_and_what_is_read_is_of_this_run() {
    let (functions, _, asked) = functions();
    let load = Load::begin(plan("create=2,ship=2,get=1,list=1", 60), functions, None).unwrap();
    load.run().await;
    let asked = asked.lock().unwrap();
    let (ships, creates): (Vec<_>, Vec<_>) = asked["cqrs-publisher"]
        .iter()
        .partition(|command| command["command"] == "ship");
    assert_eq!(creates.len(), 60);
    assert!(
        creates
            .iter()
            .all(|create| create["clientId"] == "cqrs-bench-1")
    );
    let placed: Vec<_> = creates
        .iter()
        .map(|create| &create["idempotencyKey"])
        .collect();
    let mut shipped: Vec<_> = ships
        .iter()
        .map(|ship| ship["orderId"].to_string())
        .collect();
    assert!(ships.iter().all(|ship| placed.contains(&&ship["orderId"])));
    shipped.sort();
    shipped.dedup();
    assert_eq!(shipped.len(), ships.len());
    for question in &asked["cqrs-query"] {
        let of_the_run = match question.get("list") {
            Some(list) => list["clientId"] == "cqrs-bench-1",
            None => placed.contains(&&question["orderId"]),
        };
        assert!(of_the_run, "{question}");
    }
    let record = load.record();
    assert_eq!(
        record.steps[&Step::Change("ship".to_owned())].count(),
        ships.len() as u64
    );
    assert_eq!((record.failed(), load.progress()), (0, 1.0));
}

#[tokio::test]
async fn one_order_in_ten_is_followed_until_it_is_visible() {
    let (functions, _, asked) = functions();
    let load = Load::begin(plan("create=1", 30), functions, None).unwrap();
    load.run().await;
    let record = load.record();
    assert_eq!((record.visible.lag.count(), record.visible.unseen), (3, 0));
    // Three looks each, which are calls of the function and no steps of the mix.
    assert_eq!(asked.lock().unwrap()["cqrs-query"].len(), 9);
    assert_eq!((record.query.count, record.operations()), (9, 30));
    assert!(record.visible.within.max() <= record.visible.lag.max());
    assert_eq!(record.early_reads, 0);
}

#[tokio::test]
async fn lambdas_reports_are_read_where_logs_are_asked_for() {
    let (functions, with_logs, _) = functions();
    let load = Load::begin(plan("create=1", 20), functions.clone(), Some(with_logs)).unwrap();
    load.run().await;
    {
        let publisher = &load.record().publisher;
        assert_eq!((publisher.reports, publisher.init.count()), (20, 20));
        assert_eq!(publisher.mean_billed_ms(), Some(25.0));
    }

    let without = Load::begin(plan("create=1", 20), functions, None).unwrap();
    without.run().await;
    assert_eq!(without.record().publisher.reports, 0);
}

#[tokio::test]
async fn a_run_that_is_stopped_begins_nothing_more() {
    let (functions, _, _) = functions();
    let mut plan = plan("create=1", 1);
    plan.until = Until::Time(Duration::from_secs(3600));
    let load = Load::begin(plan, functions, None).unwrap();
    load.stop();
    load.run().await;
    assert_eq!(load.record().operations(), 0);
}
