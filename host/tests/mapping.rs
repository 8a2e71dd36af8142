//! The event source mapping with everything real: table, function processes, queue and cache.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use host::definition::{Function, Mapping};
use host::mapping::Status;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::eventually;
use test_support::valkey::Valkey;

use crate::definitions::{self, mapping, orders};
use crate::gateway::support::Host;

impl Host {
    async fn with(function: impl FnOnce(&TempDir) -> Function) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let function = function(&folder);
        Self::over(folder, function).await
    }

    async fn put(&self, id: &str) {
        let item = json!({
            "orderId": {"S": id}, "clientId": {"S": "c"}, "productId": {"S": "p"},
            "quantity": {"N": "1"}, "status": {"S": "placed"}, "version": {"N": "1"},
            "createdAt": {"S": "2026-11-23T03:00:00.000Z"},
            "updatedAt": {"S": "2026-11-23T03:00:00.000Z"},
        });
        let request = json!({"TableName": "orders", "Item": item}).to_string();
        let reply = self.store.call("PutItem", request.into()).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
    }

    fn status(&self) -> Status {
        self.mappings.status().remove(0)
    }

    async fn catches_up(&self) -> bool {
        let mappings = self.mappings.clone();
        comes_true(move || mappings.status()[0].behind == 0).await
    }

    /// The ids in each event that the function was given.
    fn deliveries(&self) -> Vec<Vec<String>> {
        let text = fs::read_to_string(self.folder.path().join("record")).unwrap_or_default();
        let ids = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap();
            let records = event["Records"].as_array().unwrap();
            let id = |record: &Value| {
                record["dynamodb"]["Keys"]["orderId"]["S"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            records.iter().map(id).collect()
        };
        text.lines().map(ids).collect()
    }

    async fn message(&self) -> Value {
        let request = json!({
            "QueueUrl": host::queue::url("http://127.0.0.1:4000", "failures"), "WaitTimeSeconds": 10,
        });
        let body = request.to_string().into();
        let answer = self
            .queues
            .call("http://127.0.0.1:4000", "ReceiveMessage", body)
            .await;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        serde_json::from_str(answer["Messages"][0]["Body"].as_str().unwrap()).unwrap()
    }
}

async fn comes_true(condition: impl FnMut() -> bool + Send + 'static) -> bool {
    tokio::task::spawn_blocking(move || eventually(Duration::from_secs(20), condition))
        .await
        .unwrap()
}

fn function(program: PathBuf, environment: BTreeMap<String, String>) -> Function {
    Function {
        program,
        environment,
        ..definitions::function()
    }
}

/// A function that does as the file `script` says and notes what it was given.
fn scripted(folder: &TempDir, script: &Value) -> Function {
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("script"), script.to_string()).unwrap();
    let environment = [("SCRIPT", path("script")), ("RECORD", path("record"))];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    function(
        env!("CARGO_BIN_EXE_scripted-handler").into(),
        environment.into(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_a_function_reports_is_retried_and_given_up_and_the_rest_is_not() {
    let host = Host::with(|folder| scripted(folder, &json!({ "failKeys": ["bad"] }))).await;
    for id in ["a", "b", "bad"] {
        host.put(id).await;
    }
    host.mappings.apply(vec![mapping()]).await.unwrap();
    let message = host.message().await;
    assert_eq!(
        message["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert_eq!(message["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(message["responseContext"]["functionError"], Value::Null);
    let bad = host.store.stream("orders").newest().unwrap().to_string();
    let info = &message["DDBStreamBatchInfo"];
    assert_eq!(info["startSequenceNumber"], bad);
    assert_eq!(info["streamArn"], host.store.stream("orders").arn());
    host.put("c").await;
    assert!(host.catches_up().await);
    assert_eq!(
        host.deliveries(),
        [
            vec!["a", "b", "bad"],
            vec!["bad"],
            vec!["bad"],
            vec!["bad"],
            vec!["c"]
        ]
    );
    assert_eq!(host.status().given_up, 1);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_crashes_or_times_out_has_its_batch_halved() {
    for (timeout_seconds, script) in [
        (30, json!({ "exit": 3 })),
        (1, json!({ "sleepMs": 60_000 })),
    ] {
        let function = |folder: &TempDir| Function {
            timeout_seconds,
            ..scripted(folder, &script)
        };
        let host = Host::with(function).await;
        for id in ["a", "b"] {
            host.put(id).await;
        }
        let once = Mapping {
            maximum_retry_attempts: Some(0),
            ..mapping()
        };
        host.mappings.apply(vec![once]).await.unwrap();
        for _ in ["a", "b"] {
            let message = host.message().await;
            assert_eq!(message["responseContext"]["functionError"], "Unhandled");
            assert_eq!(message["DDBStreamBatchInfo"]["batchSize"], 1);
        }
        assert_eq!(host.deliveries(), [vec!["a", "b"], vec!["a"], vec!["b"]]);
        host.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_starts_again_goes_on_where_it_was() {
    let host = Host::with(|folder| scripted(folder, &json!({ "failKeys": ["none"] }))).await;
    host.mappings.apply(vec![mapping()]).await.unwrap();
    host.put("a").await;
    assert!(host.catches_up().await);
    let checkpoint = host.status().checkpoint;
    let folder = host.end().await;
    let function = scripted(&folder, &json!({ "failKeys": ["none"] }));
    let host = Host::over(folder, function).await;
    host.put("b").await;
    host.mappings.apply(vec![mapping()]).await.unwrap();
    assert!(host.catches_up().await);
    assert_eq!(host.deliveries(), [["a"], ["b"]]);
    assert!(host.status().checkpoint > checkpoint);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_made_anew_is_read_from_its_beginning() {
    let host = Host::with(|folder| scripted(folder, &json!({ "failKeys": ["none"] }))).await;
    host.mappings.apply(vec![mapping()]).await.unwrap();
    host.put("a").await;
    assert!(host.catches_up().await);
    host.store.remove("orders").await.unwrap();
    host.store.apply(&orders()).await.unwrap();
    host.put("b").await;
    let record = host.folder.path().join("record");
    let read = move || fs::read_to_string(&record).unwrap().lines().count() == 2;
    assert!(comes_true(read).await, "{:?}", host.status());
    assert_eq!(host.deliveries(), [["a"], ["b"]]);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_subscriber_projects_what_is_written_also_after_the_cache_was_away() {
    let mut valkey = Valkey::start();
    let environment = [("CACHE_URL".to_owned(), valkey.url())].into();
    let subscriber = function(test_support::binary("subscriber"), environment);
    let host = Host::with(|_| subscriber).await;
    let patient = Mapping {
        maximum_retry_attempts: None,
        ..mapping()
    };
    host.mappings.apply(vec![patient]).await.unwrap();
    for number in 0..500 {
        host.put(&format!("order {number}")).await;
    }
    assert!(host.catches_up().await);
    let held = |valkey: &Valkey| {
        let keys: Vec<String> = valkey.run(&["KEYS", "orders:v2:=*"]);
        keys.len()
    };
    assert_eq!(held(&valkey), 500);
    valkey.stop();
    host.put("while it was away").await;
    let mappings = host.mappings.clone();
    let failing =
        move || mappings.status()[0].last_processing_result == "PROBLEM: Function call failed";
    assert!(comes_true(failing).await);
    valkey.start_again();
    assert!(host.catches_up().await);
    assert_eq!(held(&valkey), 1);
    assert_eq!(host.status().last_processing_result, "OK");
    host.end().await;
}
