//! How fast the store is on this machine, as ratios to plain SQLite in the same run.
//!
//! `cargo run --release -p host --example store_rate [items]`; 300,000 items by default.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use host::definition::Table;
use host::store::{Sequence, Store};
use serde_json::{Value, json};

const PUTS: usize = 10_000;
const FEW: usize = 300;

fn main() {
    let items = std::env::args()
        .nth(1)
        .map_or(300_000, |n| n.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(items));
}

async fn run(items: usize) {
    let folder = tempfile::tempdir().unwrap();
    let raw = raw_rate(&folder.path().join("raw.db"));
    println!("plain SQLite, item and record in one transaction: {raw:.0}/s");
    for callers in [1, 8, 32] {
        let store = open(&folder.path().join(format!("{callers}.db"))).await;
        let rate = put_rate(&store, "r", PUTS, callers).await;
        println!(
            "{callers:>2} callers: {rate:.0} puts/s, {:.2} of plain SQLite",
            rate / raw
        );
    }

    let store = open(&folder.path().join("many.db")).await;
    fill(&store, FEW, 0).await;
    let few = put_rate(&store, "few", 3000, 1).await;
    let start = Instant::now();
    fill(&store, items, FEW).await;
    println!(
        "filled with {items} items in batches: {:.0}/s",
        rate(items - FEW, start)
    );
    let many = put_rate(&store, "many", 3000, 1).await;
    println!(
        "a put with {items} items costs {:.2} of one with {FEW}",
        few / many
    );

    let start = Instant::now();
    let (mut after, mut count) = (None, 0);
    loop {
        let (page, next) = store.scan("orders", after, 500).await.unwrap();
        count += page.len();
        after = next;
        if after.is_none() {
            break;
        }
    }
    println!("scan: {:.0} items/s", rate(count, start));
    let start = Instant::now();
    let (stream, mut place, mut count) = (store.stream("orders"), Sequence(0), 0);
    loop {
        let records = stream.read(place, 100).unwrap();
        let Some(last) = records.last() else { break };
        place = last.sequence;
        count += records.len();
    }
    println!(
        "stream: {:.0} records/s in pages of 100",
        rate(count, start)
    );
}

fn rate(count: usize, start: Instant) -> f64 {
    count as f64 / start.elapsed().as_secs_f64()
}

async fn open(path: &Path) -> Store {
    let store = Store::open(path, "eu-central-1").unwrap();
    let Value::Object(properties) = json!({
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "orderId", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "orderId", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    }) else {
        unreachable!()
    };
    let table = Table {
        logical_id: "OrdersTable".to_owned(),
        name: "orders".to_owned(),
        properties,
        time_to_live: None,
    };
    store.apply(&table).await.unwrap();
    store
}

fn item(id: &str) -> Value {
    json!({
        "orderId": {"S": id}, "clientId": {"S": "123456789"}, "productId": {"S": "abc-def-ghi"},
        "quantity": {"N": "1"}, "status": {"S": "placed"}, "version": {"N": "1"},
        "createdAt": {"S": "2026-11-23T03:00:00.000Z"},
        "updatedAt": {"S": "2026-11-23T03:00:00.000Z"},
    })
}

fn put(id: &str) -> String {
    json!({
        "TableName": "orders", "Item": item(id),
        "ConditionExpression": "attribute_not_exists(orderId)",
    })
    .to_string()
}

async fn put_rate(store: &Store, name: &str, puts: usize, callers: usize) -> f64 {
    let requests: Vec<Vec<String>> = (0..callers)
        .map(|caller| {
            let each = 0..puts / callers;
            each.map(|n| put(&format!("01938{n:04}-{name}-{caller}")))
                .collect()
        })
        .collect();
    let start = Instant::now();
    let callers: Vec<_> = requests
        .into_iter()
        .map(|requests| {
            let store = store.clone();
            tokio::spawn(async move {
                for request in requests {
                    assert_eq!(store.call("PutItem", request.into()).await.status, 200);
                }
            })
        })
        .collect();
    let count = callers.len() * (puts / callers.len());
    for caller in callers {
        caller.await.unwrap();
    }
    rate(count, start)
}

async fn fill(store: &Store, up_to: usize, from: usize) {
    let ids: Vec<usize> = (from..up_to).collect();
    for ids in ids.chunks(25) {
        let write = |n: &usize| json!({"PutRequest": {"Item": item(&format!("019{n:09}"))}});
        let writes: Vec<Value> = ids.iter().map(write).collect();
        let request = json!({"RequestItems": {"orders": writes}}).to_string();
        assert_eq!(
            store.call("BatchWriteItem", request.into()).await.status,
            200
        );
    }
}

fn raw_rate(path: &Path) -> f64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    connection
        .pragma_update(None, "synchronous", "NORMAL")
        .unwrap();
    connection
        .execute_batch(
            "CREATE TABLE items (pk TEXT PRIMARY KEY, item TEXT NOT NULL);
             CREATE TABLE records (id INTEGER PRIMARY KEY, keys TEXT, image TEXT);",
        )
        .unwrap();
    let rows: Vec<(String, String)> = (0..PUTS)
        .map(|n| {
            let id = format!("01938{n:04}-raw");
            let text = item(&id).to_string();
            (id, text)
        })
        .collect();
    let start = Instant::now();
    for (id, text) in &rows {
        let transaction = connection.unchecked_transaction().unwrap();
        transaction
            .prepare_cached("INSERT INTO items VALUES (?1, ?2)")
            .unwrap()
            .execute([id, text])
            .unwrap();
        transaction
            .prepare_cached("INSERT INTO records (keys, image) VALUES (?1, ?2)")
            .unwrap()
            .execute([id, text])
            .unwrap();
        transaction.commit().unwrap();
    }
    rate(PUTS, start)
}
