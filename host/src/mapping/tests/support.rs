//! A stream and a function that do as a test says.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::super::lane::Now;
use super::super::services::{Services, Source};
use crate::definition::{Destination, Mapping, StartingPosition};
use crate::journal::{Journal, JournalError};
use crate::lambda::{InvokeError, Invoked};
use crate::store::{Record, Sequence, StoreError};
use crate::sync::Mutex;

/// When every test begins, and when records arrive that say nothing else.
pub(super) const START_MS: i64 = 1_790_000_000_000;

pub(super) fn mapping() -> Mapping {
    Mapping {
        logical_id: "Mapping".into(),
        id: "11111111-2222-3333-4444-555555555555".into(),
        table: "orders".into(),
        function: "subscriber".into(),
        enabled: true,
        starting_position: StartingPosition::TrimHorizon,
        batch_size: 100,
        window_seconds: 0,
        parallelization_factor: 1,
        bisect_on_error: false,
        maximum_retry_attempts: Some(2),
        maximum_record_age_seconds: None,
        report_item_failures: true,
        on_failure: Some(Destination::Queue("failures".into())),
    }
}

pub(super) fn record(number: i64, key: &str) -> Record {
    let sequence = Sequence(number);
    let json = json!({"dynamodb": {"Keys": key, "SequenceNumber": sequence.to_string()}});
    Record {
        sequence,
        key: key.into(),
        arrived_ms: START_MS,
        json: json.to_string().into(),
    }
}

pub(super) fn now() -> Now {
    Now {
        instant: Instant::now(),
        unix_ms: START_MS,
    }
}

/// Records of one key, numbered from 1.
pub(super) fn records(count: i64) -> Vec<Record> {
    (1..=count).map(|number| record(number, "key")).collect()
}

/// The numbers of the records in an event.
pub(super) fn numbers(event: &[u8]) -> Vec<i64> {
    let event: Value = serde_json::from_slice(event).unwrap();
    let records = event["Records"].as_array().unwrap();
    let number = |record: &Value| {
        let text = record["dynamodb"]["SequenceNumber"].as_str().unwrap();
        i64::try_from(text.parse::<u128>().unwrap() - 100_000_000_000_000_000_000).unwrap()
    };
    records.iter().map(number).collect()
}

/// What a function does with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Says(String),
    Throws,
    IsThrottled,
    Panics,
    Hangs,
    /// Succeeds once [`Stand::let_go`] was called.
    Waits,
}

impl Reply {
    pub(super) fn ok() -> Self {
        Self::Says(r#"{"batchItemFailures":[]}"#.into())
    }

    /// These failed.
    pub(super) fn failed(numbers: &[i64]) -> Self {
        let failures: Vec<Value> = numbers
            .iter()
            .map(|number| json!({"itemIdentifier": Sequence(*number).to_string()}))
            .collect();
        Self::Says(json!({ "batchItemFailures": failures }).to_string())
    }

    pub(super) fn outcome(self, request_id: String) -> Option<Invoked> {
        let (payload, failed) = match self {
            Self::Says(payload) => (payload, false),
            Self::Throws => ("{}".into(), true),
            Self::IsThrottled | Self::Panics | Self::Hangs | Self::Waits => return None,
        };
        Some(Invoked {
            request_id,
            payload: payload.into(),
            failed,
            log_tail: None,
        })
    }
}

/// Reports the poisonous records of a batch.
pub(super) fn reports(poison: &[i64]) -> impl Fn(&[i64]) -> Reply + Send + Sync + 'static + use<> {
    let poison: BTreeSet<i64> = poison.iter().copied().collect();
    move |batch| {
        let failed: Vec<i64> = batch
            .iter()
            .copied()
            .filter(|number| poison.contains(number))
            .collect();
        Reply::failed(&failed)
    }
}

/// Throws at a batch with a poisonous record.
pub(super) fn throws(poison: &[i64]) -> impl Fn(&[i64]) -> Reply + Send + Sync + 'static + use<> {
    let poison: BTreeSet<i64> = poison.iter().copied().collect();
    move |batch| match batch.iter().any(|number| poison.contains(number)) {
        true => Reply::Throws,
        false => Reply::ok(),
    }
}

pub(super) fn later(now: Now, by: Duration) -> Now {
    Now {
        instant: now.instant + by,
        unix_ms: now.unix_ms + i64::try_from(by.as_millis()).unwrap(),
    }
}

type Function = dyn Fn(&[i64]) -> Reply + Send + Sync;

/// Stands in for table and function.
#[derive(Clone)]
pub(super) struct Stand(Arc<Inner>);

struct Inner {
    began: Instant,
    records: Mutex<Vec<Record>>,
    incarnation: Mutex<u32>,
    changes: watch::Sender<u64>,
    function: Mutex<Arc<Function>>,
    deliveries: Mutex<Vec<Vec<i64>>>,
    delivered: watch::Sender<usize>,
    gate: Notify,
    broken: Mutex<bool>,
    reads: Mutex<usize>,
}

impl Stand {
    pub(super) fn new(function: impl Fn(&[i64]) -> Reply + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            records: Mutex::default(),
            incarnation: Mutex::new(1),
            changes: watch::channel(0).0,
            function: Mutex::new(Arc::new(function)),
            deliveries: Mutex::default(),
            delivered: watch::channel(0).0,
            gate: Notify::new(),
            broken: Mutex::default(),
            reads: Mutex::default(),
        }))
    }

    pub(super) fn now_does(&self, function: impl Fn(&[i64]) -> Reply + Send + Sync + 'static) {
        *self.0.function.lock() = Arc::new(function);
    }

    /// Lets one invocation end that [waits](Reply::Waits).
    pub(super) fn let_go(&self) {
        self.0.gate.notify_one();
    }

    pub(super) fn append(&self, numbers: impl IntoIterator<Item = i64>) {
        let arrived_ms = self.unix_ms();
        let record = |number: i64| Record {
            arrived_ms,
            ..record(number, &format!("key {}", number % 7))
        };
        self.0
            .records
            .lock()
            .extend(numbers.into_iter().map(record));
        self.0.changes.send_modify(|changes| *changes += 1);
    }

    /// Another table of the same name takes the place of this one.
    pub(super) fn recreate(&self) {
        self.0.records.lock().clear();
        *self.0.incarnation.lock() += 1;
        self.0.changes.send_modify(|changes| *changes += 1);
    }

    pub(super) fn break_reading(&self, broken: bool) {
        *self.0.broken.lock() = broken;
    }

    pub(super) fn reads(&self) -> usize {
        *self.0.reads.lock()
    }

    pub(super) fn deliveries(&self) -> Vec<Vec<i64>> {
        self.0.deliveries.lock().clone()
    }

    /// Waits until there were so many deliveries, and answers to them.
    pub(super) async fn delivered(&self, count: usize) {
        let mut delivered = self.0.delivered.subscribe();
        delivered
            .wait_for(|delivered| *delivered >= count)
            .await
            .unwrap();
        run_all().await;
    }
}

/// Lets everything run that can without time passing.
pub(super) async fn run_all() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// The bodies in the queues.
pub(super) fn messages(journal: &Journal) -> Vec<Value> {
    let texts: Result<Vec<String>, JournalError> = journal.transact(|transaction| {
        let mut select = transaction.prepare("SELECT body FROM queue_message ORDER BY number")?;
        let texts = select.query_map([], |row| row.get(0))?;
        Ok(texts.collect::<Result<_, _>>()?)
    });
    texts
        .unwrap()
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

impl Stand {
    async fn invoked(&self, function: &str, event: Bytes) -> Result<Invoked, InvokeError> {
        assert_eq!(function, "subscriber");
        let batch = numbers(&event);
        let request_id = {
            let mut deliveries = self.0.deliveries.lock();
            deliveries.push(batch.clone());
            format!("request {}", deliveries.len())
        };
        let function = Arc::clone(&self.0.function.lock());
        let reply = function(&batch);
        self.0.delivered.send_modify(|delivered| *delivered += 1);
        let reply = match reply {
            Reply::Panics => panic!("as the test asked"),
            Reply::Hangs => std::future::pending().await,
            Reply::Waits => {
                self.0.gate.notified().await;
                Reply::ok()
            }
            reply => reply,
        };
        reply.outcome(request_id).ok_or(InvokeError::Throttled)
    }
}

impl Services for Stand {
    fn source(&self, _table: &str) -> Arc<dyn Source> {
        Arc::new(self.clone())
    }

    fn invoke<'a>(
        &'a self,
        function: &'a str,
        event: Bytes,
    ) -> BoxFuture<'a, Result<Invoked, InvokeError>> {
        self.invoked(function, event).boxed()
    }

    fn unix_ms(&self) -> i64 {
        START_MS + i64::try_from(self.0.began.elapsed().as_millis()).unwrap()
    }
}

impl Source for Stand {
    fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Record>, StoreError> {
        *self.0.reads.lock() += 1;
        if *self.0.broken.lock() {
            return Err(StoreError::Unusable("disk I/O error".into()));
        }
        let records = self.0.records.lock();
        let above = records.iter().filter(|record| record.sequence > after);
        Ok(above.take(limit).cloned().collect())
    }

    fn newest(&self) -> Result<Sequence, StoreError> {
        Ok(self
            .0
            .records
            .lock()
            .last()
            .map_or(Sequence(0), |record| record.sequence))
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn arn(&self) -> Result<String, StoreError> {
        let label = self.0.incarnation.lock();
        Ok(format!(
            "arn:aws:dynamodb:eu-west-1:000000000000:table/orders/stream/{label}"
        ))
    }

    fn shard(&self) -> String {
        "shardId-00000000000000000000-00000001".into()
    }
}
