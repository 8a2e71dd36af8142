//! The SQLite file: opening it, checking it, and what is added to the engine's tables.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dynoxide::Database;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{StoreError, unchanged, wire};
use crate::sync::Mutex;

/// What every SQLite file begins with. <https://www.sqlite.org/fileformat2.html>
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How long to wait for another connection's lock.
const BUSY: Duration = Duration::from_secs(5);

/// How long to wait for another process's when opening; a store's own were released.
const OPENING: Duration = Duration::from_millis(500);

/// The columns of the engine's private tables that this crate reads and writes.
const COLUMNS: [(&str, &[&str]); 2] = [
    (
        "_stream_records",
        &[
            "id",
            "table_name",
            "event_name",
            "keys_json",
            "new_image",
            "old_image",
            "sequence_number",
            "shard_id",
            "created_at",
            "user_identity",
            "event_id",
        ],
    ),
    (
        "_tables",
        &[
            "table_name",
            "key_schema",
            "stream_enabled",
            "stream_view_type",
            "stream_label",
            "ttl_enabled",
        ],
    ),
];

/// What the engine lacks.
///
/// Without the index it reads all of a table's records for each write, to number the next. With
/// `shard_id` in it, `DescribeStream` needs the index alone.
///
/// A stream's records go with its table, and with its label, which changes when a stream is
/// enabled anew: the next stream begins empty, as DynamoDB's would. The label is made what
/// DynamoDB's is, an ISO 8601 time; the engine's is a number of seconds.
const ADDITIONS: &str = "
    CREATE INDEX IF NOT EXISTS host_stream_records
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id);
    CREATE TRIGGER IF NOT EXISTS host_table_deleted AFTER DELETE ON _tables BEGIN
        DELETE FROM _stream_records WHERE table_name = OLD.table_name;
    END;
    CREATE TRIGGER IF NOT EXISTS host_stream_labelled AFTER UPDATE OF stream_label ON _tables
        WHEN NEW.stream_label IS NOT OLD.stream_label AND NEW.stream_label NOT LIKE '%T%'
    BEGIN
        DELETE FROM _stream_records WHERE table_name = NEW.table_name;
        UPDATE _tables
            SET stream_label = strftime('%Y-%m-%dT%H:%M:%f', CAST(NEW.stream_label AS REAL), 'unixepoch')
            WHERE table_name = NEW.table_name;
    END;";

/// The engine makes and deletes a table in several transactions. Where the process ended between
/// them, the table is listed but has no rows to be; nobody was informed that it exists, or that it
/// still does.
const REPAIR: &str = "
    DELETE FROM _tables
        WHERE table_name NOT IN (SELECT name FROM sqlite_master WHERE type = 'table');";

/// The right to use the file, which one store has at a time; another process's engine would not
/// hear of changes to tables. The system takes it back from a process that ends, however it does.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it. It is on a file of its own, beside the store's: SQLite has locks on that one,
    /// which closing it anywhere in the process would drop.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let name = PathBuf::from(name);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&name)
            .map_err(|error| unusable(&name, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(&name, &error)),
        }
    }
}

/// Opens the file by the engine, and by a connection of our own.
pub(super) fn open(path: &Path) -> Result<(Database, Connection), StoreError> {
    let foreign = |reason: String| StoreError::Foreign {
        path: path.to_owned(),
        reason,
    };
    let name = path
        .to_str()
        .ok_or_else(|| foreign("its name is not UTF-8".to_owned()))?;
    check_kind(path)?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(OPENING)?;
    check_owner(&connection, path)?;
    connection.busy_timeout(BUSY)?;

    let database = Database::new(name).map_err(|error| match wire::store_error(error) {
        StoreError::Unusable(reason) => foreign(reason),
        error => error,
    })?;
    // The two leave `synchronous` at NORMAL: a commit is handed to the system and outlives the
    // process, but is not forced to the disk each time.
    database
        .enable_bulk_loading()
        .and_then(|()| database.disable_bulk_loading())
        .map_err(wire::store_error)?;

    check_columns(&connection, path)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let more = unchanged::ADDITIONS;
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {ADDITIONS} {more} {REPAIR} COMMIT;"
    ))?;
    unchanged::compare_writes(&connection)?;
    Ok((database, connection))
}

/// A connection for reading, made when it is first needed. It sees what was committed before each
/// statement, waits for no writer, and cannot write.
#[derive(Debug)]
pub(super) struct Reader {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
}

impl Reader {
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            connection: Mutex::default(),
        }
    }

    /// Reads; blocks the thread for as long.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut slot = self.connection.lock();
        let connection = match slot.take() {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(&self.path, flags)?;
                connection.busy_timeout(BUSY)?;
                connection
            }
        };
        work(slot.insert(connection))
    }
}

/// Checks that the file is one of SQLite's, where there is one.
fn check_kind(path: &Path) -> Result<(), StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unusable(path, &error)),
    };
    let mut magic = Vec::new();
    file.take(MAGIC.len() as u64)
        .read_to_end(&mut magic)
        .map_err(|error| unusable(path, &error))?;
    if magic.is_empty() || magic == MAGIC {
        return Ok(());
    }
    Err(StoreError::Foreign {
        path: path.to_owned(),
        reason: "it is no SQLite file".to_owned(),
    })
}

/// Before the engine adds its tables to another program's file, or waits half a minute for a
/// lock.
fn check_owner(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let in_use = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            StoreError::InUse(path.to_owned())
        }
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            StoreError::Foreign {
                path: path.to_owned(),
                reason: error.to_string(),
            }
        }
        _ => error.into(),
    };
    connection
        .execute_batch("BEGIN IMMEDIATE; ROLLBACK;")
        .map_err(in_use)?;
    let table: Option<String> = connection
        .query_row(
            "SELECT name FROM sqlite_master WHERE type = 'table'
                 AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_stream_records')
             LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()
        .map_err(in_use)?;
    match table {
        None => Ok(()),
        Some(table) => Err(StoreError::Foreign {
            path: path.to_owned(),
            reason: format!("another program keeps its table {table} in it"),
        }),
    }
}

fn check_columns(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    for (table, expected) in COLUMNS {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let names = statement
            .query_map([table], |row| row.get(0))?
            .collect::<Result<Vec<String>, _>>()?;
        if let Some(missing) = expected
            .iter()
            .find(|name| !names.iter().any(|n| n == *name))
        {
            return Err(StoreError::Foreign {
                path: path.to_owned(),
                reason: format!("its table {table} has no column {missing}"),
            });
        }
    }
    Ok(())
}

fn unusable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unusable(format!("{} cannot be used: {error}", path.display()))
}
