//! The tables and their streams: DynamoDB's API on an embedded engine.

use std::fmt;
use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::definition::Table;

/// A record's place in its stream: the engine's own number, which grows. `Display` gives
/// DynamoDB's form, 21 digits of fixed width.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Sequence(pub i64);

/// An answer in AWS's JSON protocols, of any service here.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// JSON.
    pub body: Bytes,
}

/// A change in a table.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its place.
    pub sequence: Sequence,
    /// The item's key as DynamoDB JSON, the same text for the same key: what order holds for.
    pub key: Box<str>,
    /// When it was written, in milliseconds since 1970 (the engine keeps whole seconds).
    pub arrived_ms: i64,
    /// The whole record, as it stands in a Lambda event's `Records`.
    pub json: Box<str>,
}

/// The engine or its file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// See the text.
    #[error("{0}")]
    Unusable(String),
}

/// The tables of a stack. Clones share them.
#[derive(Clone, Debug)]
pub struct Store {}

/// What [`Store::apply`] did to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableChange {
    /// It was made.
    Created,
    /// Its settings were changed; the items stayed.
    Updated,
    /// It is as described.
    Unchanged,
}

impl Store {
    /// Opens the file, and makes it where it is missing.
    pub fn open(path: &Path, region: &str) -> Result<Self, StoreError> {
        let _ = (path, region);
        todo!()
    }

    /// Answers one call of DynamoDB's or its streams' API, such as `PutItem`.
    pub async fn call(&self, operation: &str, body: Bytes) -> Reply {
        let _ = (operation, body);
        todo!()
    }

    /// Makes or changes a table. Items stay; what would need another table (its keys) is an error.
    pub async fn apply(&self, table: &Table) -> Result<TableChange, StoreError> {
        let _ = table;
        todo!()
    }

    /// Removes a table with its items and its stream's records.
    pub async fn remove(&self, table: &str) -> Result<(), StoreError> {
        let _ = table;
        todo!()
    }

    /// The ARN of a table's stream, where it has one.
    pub async fn stream_arn(&self, table: &str) -> Result<Option<String>, StoreError> {
        let _ = table;
        todo!()
    }

    /// The stream of a table.
    pub fn stream(&self, table: &str) -> Stream {
        let _ = table;
        todo!()
    }

    /// Items of a table as DynamoDB JSON, `limit` of them after the one at `after`, and where to go
    /// on; for making the read model again.
    pub async fn scan(
        &self,
        table: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<Box<str>>, Option<String>), StoreError> {
        let _ = (table, after, limit);
        todo!()
    }

    /// Removes the streams' records that are older than DynamoDB would keep them (24 h).
    pub async fn trim(&self) -> Result<(), StoreError> {
        todo!()
    }
}

/// The stream of one table. Reading does not wait for writers.
#[derive(Clone, Debug)]
pub struct Stream {}

impl Stream {
    /// Up to `limit` records after `after`, the oldest first; reads the file and blocks the thread
    /// for as long.
    pub fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Record>, StoreError> {
        let _ = (after, limit);
        todo!()
    }

    /// The newest record's place; zero in an empty stream.
    pub fn newest(&self) -> Result<Sequence, StoreError> {
        todo!()
    }

    /// Changes whenever something may have been written to the table.
    pub fn changed(&self) -> watch::Receiver<u64> {
        todo!()
    }

    /// The stream's ARN.
    pub fn arn(&self) -> String {
        todo!()
    }

    /// The stream's one shard.
    pub fn shard(&self) -> String {
        todo!()
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}",
            100_000_000_000_000_000_000_u128 + u128::from(self.0.unsigned_abs())
        )
    }
}
