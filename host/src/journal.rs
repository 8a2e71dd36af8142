//! What the services must still know after `kill -9`: one SQLite file for mappings and queues.
//!
//! They share it so that a batch that is given up is reported to its queue and passed over by its
//! mapping in one transaction. Writes are in the operating system's hands when a call returns: they
//! survive the end of this process at any moment, though not a loss of power.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Transaction};

use crate::sync::Mutex;

/// The journal cannot be read or written, for example because the disk is full.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be used: {0}")]
pub struct JournalError(#[from] pub rusqlite::Error);

/// See the module's documentation. Clones share the file.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Mutex<Connection>>);

impl Journal {
    /// Opens the file, and makes it where it is missing.
    ///
    /// # Errors
    /// The file cannot be opened, or is none of SQLite's.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// A journal in memory, for tests.
    ///
    /// # Errors
    /// Memory is short.
    pub fn in_memory() -> Result<Self, JournalError> {
        Ok(Self(Arc::new(Mutex::new(Connection::open_in_memory()?))))
    }

    /// Runs `work` in one transaction, which is kept where it succeeds and undone where it fails.
    /// It takes some tens of microseconds and blocks the thread.
    ///
    /// # Errors
    /// Those of `work`, and those of the file.
    pub fn transact<T, E: From<JournalError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.0.lock();
        let transaction = connection.transaction().map_err(JournalError)?;
        let value = work(&transaction)?;
        transaction.commit().map_err(JournalError)?;
        Ok(value)
    }
}
