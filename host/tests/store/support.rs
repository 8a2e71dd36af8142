//! A store in a folder of its own, and calls to it.

use host::store::{Sequence, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use crate::definitions::{orders, table};

pub(crate) const REGION: &str = "eu-central-1";

pub(crate) struct Home {
    pub(crate) store: Store,
    pub(crate) folder: TempDir,
}

impl Home {
    /// A store with the table `orders`.
    pub(crate) async fn with_orders() -> Self {
        let home = Self::empty();
        home.store.apply(&orders()).await.unwrap();
        home
    }

    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("tables.db"), REGION).unwrap();
        Self { store, folder }
    }

    /// Closes the file and opens it again.
    pub(crate) fn reopened(self) -> Self {
        let Self { store, folder } = self;
        drop(store);
        let store = Store::open(&folder.path().join("tables.db"), REGION).unwrap();
        Self { store, folder }
    }

    /// The file, by a connection of the test's own.
    pub(crate) fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("tables.db")).unwrap()
    }

    pub(crate) async fn call(&self, operation: &str, request: Value) -> Value {
        let (status, body) = call(&self.store, operation, request).await;
        assert_eq!(status, 200, "{operation}: {body}");
        body
    }

    pub(crate) async fn refused(&self, operation: &str, request: Value) -> Value {
        let (status, body) = call(&self.store, operation, request).await;
        assert_eq!(status, 400, "{operation}: {body}");
        body
    }

    pub(crate) async fn put(&self, id: &str, quantity: u32) -> Value {
        self.call("PutItem", put(id, quantity)).await
    }

    /// All that the stream of `orders` has, as JSON.
    pub(crate) fn records(&self) -> Vec<Value> {
        let records = self.store.stream("orders").read(Sequence(0), 10_000);
        let json = |record: host::store::Record| serde_json::from_str(&record.json).unwrap();
        records.unwrap().into_iter().map(json).collect()
    }

    /// All that `GetRecords` has of it.
    pub(crate) async fn got_records(&self) -> Vec<Value> {
        let stream = self.store.stream("orders");
        let beginning = json!({"StreamArn": stream.arn().unwrap(), "ShardId": stream.shard(),
            "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = self.call("GetShardIterator", beginning).await;
        let mut page = self.call("GetRecords", iterator).await;
        serde_json::from_value(page["Records"].take()).unwrap()
    }
}

pub(crate) async fn call(store: &Store, operation: &str, request: Value) -> (u16, Value) {
    let reply = store.call(operation, request.to_string().into()).await;
    let body = serde_json::from_slice(&reply.body).unwrap();
    (reply.status, body)
}

pub(crate) fn item(id: &str, quantity: u32) -> Value {
    json!({
        "orderId": {"S": id}, "clientId": {"S": "c\"\u{e9}\u{1f980}"},
        "quantity": {"N": quantity.to_string()},
        "foreign": {"M": {"list": {"L": [{"BOOL": true}, {"NULL": true}, {"B": "AAE="}]}}},
    })
}

pub(crate) fn put(id: &str, quantity: u32) -> Value {
    json!({"TableName": "orders", "Item": item(id, quantity)})
}

pub(crate) fn key(id: &str) -> Value {
    json!({"TableName": "orders", "Key": {"orderId": {"S": id}}})
}
