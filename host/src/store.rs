//! The tables and their streams: DynamoDB's API on an embedded engine.
//!
//! The engine is `dynoxide`, on one SQLite file. One thread owns it and takes calls in turn, since
//! SQLite has one writer anyway. Streams and whole-table reads go past it: they read the file by
//! connections of their own, which neither wait for writers nor hold them up. That leans on the
//! engine's private tables, so its version is pinned and [`Store::open`] checks them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::definition::Table;

mod api;
mod engine;
mod file;
mod records;
mod request;
mod rows;
mod segments;
mod stream;
mod streams;
mod table;
mod unchanged;
mod wire;

use api::Api;
use engine::Engine;
pub use stream::{Record, Stream};

/// A record's place in its stream: the engine's own number, which grows. `Display` gives
/// DynamoDB's form, 21 digits of fixed width.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Sequence(pub i64);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}",
            100_000_000_000_000_000_000_u128 + u128::from(self.0.unsigned_abs())
        )
    }
}

/// An answer in AWS's JSON protocols, of any service here.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// JSON.
    pub body: Bytes,
}

/// The engine or its file cannot be used, or a table cannot become what it is to be.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the file. Stop it, or use another file.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The file is something else, or of another version. It was left as it is.
    #[error("{} cannot hold tables: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk is full. Make room; what was acknowledged is kept.
    #[error("the disk that holds the tables is full")]
    Full,
    /// The change would need another table, which would have none of the items.
    #[error("table {table}: a change of {property} needs another table")]
    Replacement {
        /// The table's name.
        table: String,
        /// The property's name in the template.
        property: &'static str,
    },
    /// DynamoDB would refuse the table. Correct its properties.
    #[error("table {table}: {message}")]
    Refused {
        /// The table's name.
        table: String,
        /// The engine's words.
        message: String,
    },
    /// See the text.
    #[error("{0}")]
    Unusable(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Unusable(format!("the tables' file cannot be used: {error}")),
        }
    }
}

/// The tables of a stack. Clones share them; the file is closed with the last of them and of their
/// [`Stream`]s.
#[derive(Clone, Debug)]
pub struct Store(Arc<Shared>);

/// What a store and its streams share.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    api: Arc<Api>,
    engine: Engine,
    // After the engine, so that the file is closed when the next process may have it.
    _lock: file::Lock,
}

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
    /// Opens the file, and makes it where it is missing. `region` stands in every ARN. A write that was answered outlives this process, however it ends; one of the
    /// last few may be lost with the machine's power.
    ///
    /// # Errors
    /// Another process has the file; it is no SQLite file or not one of this version's; it cannot
    /// be read or written.
    pub fn open(path: &Path, region: &str) -> Result<Self, StoreError> {
        let lock = file::Lock::take(path)?;
        let (database, maintenance) = file::open(path)?;
        Ok(Self(Arc::new(Shared {
            path: path.to_owned(),
            engine: Engine::start(database, maintenance)?,
            api: Arc::new(Api::new(region, file::Reader::of(path))),
            _lock: lock,
        })))
    }

    /// Answers one call of DynamoDB's or its streams' API, such as `PutItem`. A call that was
    /// begun is finished even where nobody waits for its answer.
    pub async fn call(&self, operation: &str, body: Bytes) -> Reply {
        let Some(handler) = api::handler(operation) else {
            return wire::not_implemented(operation);
        };
        let request = request::prepare(body);
        let brief = api::is_brief(operation) && request.is_shallow();
        let here = brief.then(|| self.0.engine.try_here()).flatten();
        let answer = match here {
            Some(here) => Ok(handler(&self.0.api, here.database(), &request.body)),
            None => self.call_in_turn(operation, handler, request).await,
        };
        match answer {
            Ok(Ok(body)) => Reply {
                status: 200,
                body: body.into(),
            },
            Ok(Err(error)) => wire::refusal(operation, error),
            Err(engine::Stopped) => wire::stopped(),
        }
    }

    /// Answers a call in the engine's thread.
    async fn call_in_turn(
        &self,
        operation: &str,
        handler: api::Handler,
        request: request::Prepared,
    ) -> Result<api::Answer, engine::Stopped> {
        let api = Arc::clone(&self.0.api);
        let segmented = segments::table(operation, &request.body);
        let makes_table = operation == "CreateTable";
        let work = move |parts: &engine::Parts| {
            if let Some(table) = segmented {
                // Without it the answer is the same and takes longer.
                let _ = segments::index(&parts.maintenance, &table);
            }
            let answer = handler(&api, &parts.database, &request.body);
            if makes_table {
                // Without it a write that changes nothing makes a record.
                let _ = unchanged::compare_writes(&parts.maintenance);
            }
            answer.map(|answer| request.answered(answer))
        };
        self.0.engine.run(work).await
    }

    /// Makes or changes a table. Items stay, and so does the stream where its view is the same.
    ///
    /// # Errors
    /// The change needs another table; DynamoDB would refuse the properties; the file cannot be
    /// written.
    pub async fn apply(&self, table: &Table) -> Result<TableChange, StoreError> {
        let api = Arc::clone(&self.0.api);
        let table = table.clone();
        self.0
            .engine
            .run(move |parts| {
                let change = table::apply(&api, &parts.database, &table)?;
                unchanged::compare_writes(&parts.maintenance)?;
                Ok(change)
            })
            .await?
    }

    /// Removes a table with its items and its stream's records; none is fine too.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn remove(&self, table: &str) -> Result<(), StoreError> {
        let api = Arc::clone(&self.0.api);
        let table = table.to_owned();
        self.0
            .engine
            .run(move |parts| table::remove(&api, &parts.database, &table))
            .await?
    }

    /// The ARN of a table's stream, where it has one that is enabled.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn stream_arn(&self, table: &str) -> Result<Option<String>, StoreError> {
        let found = self.0.api.stream(table)?.filter(|found| found.enabled);
        Ok(found.map(|found| stream::arn(&self.0.api.region, table, &found.label)))
    }

    /// The stream of a table.
    #[must_use]
    pub fn stream(&self, table: &str) -> Stream {
        Stream::new(Arc::clone(&self.0), table)
    }

    /// Items of a table as DynamoDB JSON, up to `limit` of them after the place `after`, and where
    /// to go on; for making the read model again. They come in the order of their keys, so that
    /// what is not written meanwhile comes exactly once.
    ///
    /// # Errors
    /// There is no such table; the place is none; the file cannot be read.
    pub async fn scan(
        &self,
        table: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<Box<str>>, Option<String>), StoreError> {
        let api = Arc::clone(&self.0.api);
        let table = table.to_owned();
        blocking(move || {
            let page = |connection: &_| rows::page(connection, &table, after.as_deref(), limit);
            api.reader.read(page)
        })
        .await
    }

    /// Removes the streams' records that are older than DynamoDB would keep them (24 h), but for
    /// each stream's newest, which its numbers grow from. Calls are answered in between.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn trim(&self) -> Result<(), StoreError> {
        let before = records::horizon();
        while self
            .0
            .engine
            .run(move |parts| records::trim_some(&parts.maintenance, before))
            .await??
        {}
        Ok(())
    }

    /// Removes the items whose time to live is over, and says how many; the stream tells of each.
    /// DynamoDB does so within days, this with each call.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let database = self
            .0
            .engine
            .run(|parts| {
                let any = records::some_table_has_a_time_to_live(&parts.maintenance)?;
                Ok::<_, StoreError>(any.then(|| parts.database.clone()))
            })
            .await??;
        let Some(database) = database else {
            return Ok(0);
        };
        // Not in the engine's thread: the sweep steps aside for calls between its pages.
        let removed = blocking(move || database.sweep_ttl().map_err(wire::store_error)).await?;
        if removed > 0 {
            self.0.api.bump();
        }
        Ok(removed)
    }
}

/// Runs what blocks its thread where that hinders nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StoreError::Unusable(error.to_string()))?
}
