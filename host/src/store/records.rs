//! The age of things: records that a stream keeps no longer, items with a time to live.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Sequence, StoreError};
use crate::clock;

/// How long a stream keeps a record.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html>
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How many records go at once; calls wait for so many.
const CHUNK: usize = 500;

/// Records before this place are older than a stream keeps them. The engine numbers a record by
/// the microseconds since 1970, or by the next number where that would not grow.
pub(super) fn horizon() -> Sequence {
    let oldest = clock::since_1970().saturating_sub(KEPT);
    Sequence(i64::try_from(oldest.as_micros()).unwrap_or(i64::MAX))
}

/// Removes some records from before `horizon`; whether more may be left.
pub(super) fn trim_some(connection: &Connection, horizon: Sequence) -> Result<bool, StoreError> {
    // Each stream's newest record stays: the engine counts on from it, also after a clock that
    // was set back.
    let table: Option<(String, i64)> = connection
        .prepare_cached(
            "SELECT table_name, newest FROM (
                 SELECT table_name,
                     (SELECT MIN(CAST(sequence_number AS INTEGER)) FROM _stream_records
                      WHERE table_name = _tables.table_name) AS oldest,
                     (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
                      WHERE table_name = _tables.table_name) AS newest
                 FROM _tables)
             WHERE oldest < MIN(newest, ?1) LIMIT 1",
        )?
        .query_row([horizon.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((table, newest)) = table else {
        return Ok(false);
    };
    connection
        .prepare_cached(
            "DELETE FROM _stream_records WHERE id IN (
                 SELECT id FROM _stream_records
                 WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2
                 ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?3)",
        )?
        .execute(params![table, newest.min(horizon.0), CHUNK])?;
    Ok(true)
}

/// Whether there is anything to sweep.
pub(super) fn some_table_has_a_time_to_live(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM _tables WHERE ttl_enabled = 1)")?
        .query_row([], |row| row.get(0))?)
}
