//! Messages in the journal: what is kept of them, and how they come and go.
//!
//! Nothing here reads the clock or ticks. A message is visible once its time has come, and gone once
//! it is older than its queue keeps messages, both as seen by the call that looks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{OptionalExtension, Transaction, params};
use uuid::Uuid;

use crate::definition::Queue;

/// The tables. `AUTOINCREMENT`, so that a receipt handle never fits a later message.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS queue (
    name TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_message (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    first_received_ms INTEGER,
    last_received_ms INTEGER,
    receipt TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS queue_message_visible ON queue_message (queue, visible_ms);
";

/// Makes the tables where they are missing.
pub(super) fn prepare(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(SCHEMA)
}

/// Makes the queues these, and forgets the messages of all others.
pub(super) fn keep_queues(
    transaction: &Transaction<'_>,
    names: &[&str],
    now_ms: i64,
) -> rusqlite::Result<()> {
    let known: Vec<String> = transaction
        .prepare("SELECT name FROM queue")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for gone in known.iter().filter(|name| !names.contains(&name.as_str())) {
        transaction.execute("DELETE FROM queue WHERE name = ?1", [gone])?;
        purge(transaction, gone)?;
    }
    for name in names {
        transaction.execute(
            "INSERT OR IGNORE INTO queue (name, created_ms) VALUES (?1, ?2)",
            params![name, now_ms],
        )?;
    }
    Ok(())
}

/// When the queue was made, in milliseconds since 1970.
pub(super) fn created_ms(transaction: &Transaction<'_>, queue: &str) -> rusqlite::Result<i64> {
    transaction
        .prepare_cached("SELECT created_ms FROM queue WHERE name = ?1")?
        .query_row([queue], |row| row.get(0))
}

/// Keeps a message and returns its id. Where the queue is not there, nothing is kept.
pub(super) fn add(
    transaction: &Transaction<'_>,
    queue: &str,
    body: &str,
    delay_seconds: i64,
    now_ms: i64,
) -> rusqlite::Result<String> {
    let id = Uuid::new_v4().to_string();
    transaction
        .prepare_cached(
            "INSERT INTO queue_message (queue, id, body, sent_ms, visible_ms)
             SELECT name, ?2, ?3, ?4, ?5 FROM queue WHERE name = ?1",
        )?
        .execute(params![
            queue,
            id,
            body,
            now_ms,
            now_ms + delay_seconds * 1000,
        ])?;
    Ok(id)
}

/// A message that was received.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) sent_ms: i64,
    pub(super) receives: i64,
    pub(super) first_received_ms: i64,
    pub(super) handle: Handle,
}

/// Takes up to `limit` visible messages, the oldest first, and hides them for `hidden_ms`.
pub(super) fn receive(
    transaction: &Transaction<'_>,
    queue: &Queue,
    limit: i64,
    hidden_ms: i64,
    now_ms: i64,
) -> rusqlite::Result<Vec<Message>> {
    expire(transaction, queue, now_ms)?;
    let numbers: Vec<i64> = transaction
        .prepare_cached(
            "SELECT number FROM queue_message WHERE queue = ?1 AND visible_ms <= ?2
             ORDER BY number LIMIT ?3",
        )?
        .query_map(params![queue.name, now_ms, limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut take = transaction.prepare_cached(
        "UPDATE queue_message SET visible_ms = ?2, receives = receives + 1, receipt = ?3,
             first_received_ms = coalesce(first_received_ms, ?4), last_received_ms = ?4
         WHERE number = ?1
         RETURNING id, body, sent_ms, receives, first_received_ms",
    )?;
    let mut messages = Vec::with_capacity(numbers.len());
    for number in numbers {
        let receipt = Uuid::new_v4().simple().to_string();
        let values = params![number, now_ms + hidden_ms, receipt, now_ms];
        messages.push(take.query_row(values, |row| {
            Ok(Message {
                id: row.get(0)?,
                body: row.get(1)?,
                sent_ms: row.get(2)?,
                receives: row.get(3)?,
                first_received_ms: row.get(4)?,
                handle: Handle {
                    queue: queue.name.clone(),
                    number,
                    receipt: receipt.clone(),
                },
            })
        })?);
    }
    Ok(messages)
}

/// When the next hidden message comes to be seen, in milliseconds since 1970.
pub(super) fn next_visible_ms(
    transaction: &Transaction<'_>,
    queue: &str,
    now_ms: i64,
) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached(
            "SELECT min(visible_ms) FROM queue_message WHERE queue = ?1 AND visible_ms > ?2",
        )?
        .query_row(params![queue, now_ms], |row| row.get(0))
}

/// Removes the message, unless it is gone or was received again since.
pub(super) fn delete(transaction: &Transaction<'_>, handle: &Handle) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "DELETE FROM queue_message WHERE number = ?1 AND queue = ?2 AND receipt = ?3",
        )?
        .execute(params![handle.number, handle.queue, handle.receipt])?;
    Ok(())
}

/// What came of [`change_visibility`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Made,
    /// The receipt ran out: the message is visible, or another receiver has it.
    Late,
    /// No such message.
    Gone,
    /// It would be hidden for longer than 12 hours since it was received.
    TooLong,
}

/// The longest that a message can be hidden after it was received.
pub(super) const MAXIMUM_VISIBILITY_SECONDS: i64 = 43_200;

/// Hides a message that is in flight for `hidden_ms` from now.
pub(super) fn change_visibility(
    transaction: &Transaction<'_>,
    handle: &Handle,
    hidden_ms: i64,
    now_ms: i64,
) -> rusqlite::Result<Change> {
    let found: Option<(i64, i64, String)> = transaction
        .prepare_cached(
            "SELECT visible_ms, last_received_ms, receipt FROM queue_message
             WHERE number = ?1 AND queue = ?2 AND receipt IS NOT NULL",
        )?
        .query_row(params![handle.number, handle.queue], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((visible_ms, received_ms, receipt)) = found else {
        return Ok(Change::Gone);
    };
    if receipt != handle.receipt || visible_ms <= now_ms {
        return Ok(Change::Late);
    }
    if now_ms + hidden_ms > received_ms + MAXIMUM_VISIBILITY_SECONDS * 1000 {
        return Ok(Change::TooLong);
    }
    transaction
        .prepare_cached("UPDATE queue_message SET visible_ms = ?2 WHERE number = ?1")?
        .execute(params![handle.number, now_ms + hidden_ms])?;
    Ok(Change::Made)
}

/// How many messages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) visible: i64,
    /// Received, and neither deleted nor visible again.
    pub(super) in_flight: i64,
    /// Sent, and not visible yet.
    pub(super) delayed: i64,
}

/// Counts a queue's messages.
pub(super) fn count(
    transaction: &Transaction<'_>,
    queue: &Queue,
    now_ms: i64,
) -> rusqlite::Result<Counts> {
    expire(transaction, queue, now_ms)?;
    transaction
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE visible_ms <= ?2),
                    count(*) FILTER (WHERE visible_ms > ?2 AND receives > 0),
                    count(*) FILTER (WHERE visible_ms > ?2 AND receives = 0)
             FROM queue_message WHERE queue = ?1",
        )?
        .query_row(params![queue.name, now_ms], |row| {
            Ok(Counts {
                visible: row.get(0)?,
                in_flight: row.get(1)?,
                delayed: row.get(2)?,
            })
        })
}

/// Removes all messages.
pub(super) fn purge(transaction: &Transaction<'_>, queue: &str) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM queue_message WHERE queue = ?1", [queue])?;
    Ok(())
}

/// Removes what is older than the queue keeps messages, also where it is in flight.
fn expire(transaction: &Transaction<'_>, queue: &Queue, now_ms: i64) -> rusqlite::Result<()> {
    let oldest_ms = now_ms - i64::from(queue.message_retention_seconds) * 1000;
    transaction
        .prepare_cached("DELETE FROM queue_message WHERE queue = ?1 AND sent_ms < ?2")?
        .execute(params![queue.name, oldest_ms])?;
    Ok(())
}

/// What a receiver holds: this message, as it was received this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    queue: String,
    number: i64,
    receipt: String,
}

impl Handle {
    /// Reads what `Display` wrote; [`None`] for other texts and for another queue's handles.
    pub(super) fn parse(text: &str, queue: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let mut parts = std::str::from_utf8(&bytes).ok()?.split(' ');
        let handle = Self {
            queue: parts.next()?.to_owned(),
            number: parts.next()?.parse().ok()?,
            receipt: parts.next()?.to_owned(),
        };
        (parts.next().is_none() && handle.queue == queue).then_some(handle)
    }
}

impl std::fmt::Display for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{} {} {}", self.queue, self.number, self.receipt);
        f.write_str(&STANDARD.encode(text))
    }
}
