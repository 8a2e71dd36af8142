//! What was answered survives the process.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use host::store::Store;
use serde_json::json;

use super::support::{Home, REGION, key, orders, put};

/// Where the child finds the folder; the test below is the child where it is set.
const FOLDER: &str = "STORE_TEST_FOLDER";

#[tokio::test]
async fn the_writer_that_the_next_test_kills() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let path = std::path::Path::new(&folder).join("tables.db");
    let store = Store::open(&path, REGION).unwrap();
    store.apply(&orders()).await.unwrap();
    for n in 0_u64.. {
        let request = put(&format!("o{n}"), 1).to_string();
        let reply = store.call("PutItem", request.into()).await;
        assert_eq!(reply.status, 200);
        // Straight to the descriptor: the harness captures what is printed.
        std::io::Write::write_all(&mut std::io::stderr(), format!("wrote {n}\n").as_bytes())
            .unwrap();
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("store::durability::the_writer_that_the_next_test_kills")
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut last = 0;
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(n) = line.strip_prefix("wrote ") {
                last = n.parse::<u64>().unwrap();
            }
            if last == round * 150 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(last >= round * 150, "the writer ended by itself");

        let store = Store::open(&folder.path().join("tables.db"), REGION).unwrap();
        let keys = |n: u64| json!({"orderId": {"S": format!("o{n}")}});
        for n in 0..=last {
            let request = json!({"TableName": "orders", "Key": keys(n)}).to_string();
            let reply = store.call("GetItem", request.into()).await;
            let item: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
            assert!(item["Item"].is_object(), "{n} of {last}");
        }
        let records = store
            .stream("orders")
            .read(host::store::Sequence(0), 100_000);
        let records = records.unwrap();
        assert!(records.len() as u64 > last, "{} of {last}", records.len());
    }
}

#[tokio::test]
async fn items_and_tables_survive_a_reopening() {
    let home = Home::with_orders().await;
    home.put("a", 7).await;
    let arn = home.store.stream("orders").arn();
    let home = home.reopened();
    assert_eq!(
        home.call("GetItem", key("a")).await["Item"]["quantity"]["N"],
        "7"
    );
    assert_eq!(home.store.stream("orders").arn(), arn);
}
