//! The event source mapping with everything real: table, function processes and queue.

use std::fs;

use host::definition::{Function, Mapping};
use host::mapping::Status;
use serde_json::{Value, json};

use crate::comes_true;
use crate::definitions::{self, mapping, orders};
use crate::support::Host;

impl Host {
    /// With a function that does as `script` says and notes what it was given.
    async fn scripted(timeout_seconds: u32, script: Value) -> Self {
        let host = Self::with([]).await;
        fs::write(host.path("script"), script.to_string()).unwrap();
        let path = |name: &str| host.path(name).to_str().unwrap().to_owned();
        let environment = [("SCRIPT", path("script")), ("RECORD", path("record"))];
        let environment = environment.map(|(name, value)| (name.to_owned(), value));
        let function = Function {
            timeout_seconds,
            environment: environment.into(),
            ..definitions::function()
        };
        host.functions.apply(vec![function]).await;
        host
    }

    async fn put(&self, id: &str) {
        let request = json!({"TableName": "orders", "Item": {"orderId": {"S": id}}});
        let reply = self.store.call("PutItem", request.to_string().into()).await;
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
        let text = fs::read_to_string(self.path("record")).unwrap_or_default();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_crashes_or_times_out_has_its_batch_halved() {
    for (timeout_seconds, script) in [
        (30, json!({ "exit": 3 })),
        (1, json!({ "sleepMs": 60_000 })),
    ] {
        let host = Host::scripted(timeout_seconds, script).await;
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
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_made_anew_is_read_from_its_beginning() {
    let host = Host::scripted(30, json!({ "answer": {} })).await;
    host.mappings.apply(vec![mapping()]).await.unwrap();
    host.put("a").await;
    assert!(host.catches_up().await);
    host.store.remove("orders").await.unwrap();
    host.store.apply(&orders()).await.unwrap();
    host.put("b").await;
    let record = host.path("record");
    let read = move || fs::read_to_string(&record).unwrap().lines().count() == 2;
    assert!(comes_true(read).await, "{:?}", host.status());
    assert_eq!(host.deliveries(), [["a"], ["b"]]);
}
