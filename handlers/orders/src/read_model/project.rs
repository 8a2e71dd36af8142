//! Applies changes to the read model: one script per change, one round trip per batch.
//!
//! The first command of a batch carries the script's text and the others its hash: the server
//! keeps a script that it has run once, so no load is needed, nor a permission for one. What a
//! change did to an order depends on that order alone, so a change that fails leaves the others
//! standing.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use redis::{Cmd, Pipeline, Script, Value, cmd};
use serde::Serialize;
use serde::ser::SerializeStruct;
use serde_json::value::RawValue;

use super::cache::{CacheError, ReadModel, is_servers_fault, server_error};
use super::complete::WITNESS;
use super::keys;
use crate::error::{ProjectionError, chain};
use crate::few::FewOrders;
use crate::ids::OrderId;
use crate::projection::{Change, Failed, Projected, Record, Replacement, Sequence, State};
use crate::timestamp::Timestamp;

/// Most changes of one round trip. A batch of the stream is smaller unless the mapping is set
/// otherwise; a rebuild sends more, and each round trip has the command timeout to be done in.
const CHUNK: usize = 1000;
/// How long a removed order's version is remembered: twice the time that the stream keeps records,
/// so that none of them can bring it back.
const TOMBSTONE_SECONDS: u32 = 48 * 60 * 60;

static PROJECT: LazyLock<Script> = LazyLock::new(|| Script::new(TEXT));
const TEXT: &str = include_str!("project.lua");

/// What became of a batch of the stream. Serialises to what Lambda expects of a handler that
/// reports failures of a batch's items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamOutcome {
    /// How many changes were applied, how many were stale, and which could not be projected.
    pub projected: Projected,
    /// Why the cache was not to be had, where that is what the batch failed for.
    pub unavailable: Option<String>,
    /// Whether the read model lacks what others have projected: it lost its contents.
    pub incomplete: bool,
    /// The orders of the records that could be read.
    pub orders: FewOrders,
    /// From the newest record's write to now, in milliseconds; `None` when no record says.
    pub lag_ms: Option<i64>,
    /// The same for each applied change whose record says, from its write to the cache's answer.
    pub lags_ms: Vec<i64>,
    /// How long the cache took to answer, connecting included where needed; `None` when it was not
    /// asked.
    pub cache: Option<Duration>,
}

impl StreamOutcome {
    /// The failed record that comes first in the stream. AWS delivers from there on again.
    #[must_use]
    pub fn first_failure(&self) -> Option<&Failed> {
        let number = |failed: &&Failed| failed.sequence_number.as_deref().and_then(Sequence::new);
        self.projected.failed.iter().min_by_key(number)
    }

    /// The cache failed the whole batch: its first record is named, so that AWS keeps the batch in
    /// one piece. An error would have it halved each time, down to single records.
    fn unavailable(first: String, reason: String) -> Self {
        let mut outcome = Self {
            unavailable: Some(reason.clone()),
            ..Self::default()
        };
        outcome.projected.failed.push(Failed {
            sequence_number: Some(first),
            order_id: None,
            reason,
        });
        outcome
    }
}

impl Serialize for StreamOutcome {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Item<'a> {
            item_identifier: Option<&'a str>,
        }
        let items: Vec<_> = self
            .first_failure()
            .map(|failed| Item {
                item_identifier: failed.sequence_number.as_deref(),
            })
            .into_iter()
            .collect();
        let mut answer = serializer.serialize_struct("BatchResponse", 1)?;
        answer.serialize_field("batchItemFailures", &items)?;
        answer.end()
    }
}

impl ReadModel {
    /// Projects a batch of the stream.
    ///
    /// # Errors
    /// When it fails and no record can be named for that.
    pub async fn project_stream(
        &self,
        records: &[&RawValue],
    ) -> Result<StreamOutcome, ProjectionError> {
        match self.project_records(records).await {
            Err(ProjectionError::ReadModelUnavailable { reason, source }) => {
                match records.first().and_then(|raw| Record::read(raw).identifier) {
                    Some(first) => Ok(StreamOutcome::unavailable(first, reason)),
                    None => Err(ProjectionError::ReadModelUnavailable { reason, source }),
                }
            }
            outcome => outcome,
        }
    }

    /// Projects records of a stream, each on its own: what is wrong with one does not keep the
    /// others from being projected.
    ///
    /// # Errors
    /// When the cache is not to be had, or a record failed that cannot be named.
    pub async fn project_records(
        &self,
        records: &[&RawValue],
    ) -> Result<StreamOutcome, ProjectionError> {
        let mut outcome = StreamOutcome::default();
        let mut newest = None;
        let mut unnamed = None;
        for chunk in records.chunks(CHUNK) {
            let mut sent = Vec::with_capacity(chunk.len());
            let mut pipeline = Pipeline::with_capacity(chunk.len() + 1);
            for raw in chunk {
                let record = Record::read(raw);
                newest = newest.max(record.written_at);
                match (record.change, record.identifier) {
                    (Ok(change), Some(identifier)) => {
                        outcome.orders.add(change.order_id());
                        pipeline.add_command(command(&change, pipeline.is_empty())?);
                        sent.push((raw, identifier, record.written_at));
                    }
                    (Err(reason), Some(identifier)) => outcome.projected.failed.push(Failed {
                        sequence_number: Some(identifier),
                        order_id: None,
                        reason: reason.to_string(),
                    }),
                    (Err(reason), None) => unnamed = Some(reason.to_string()),
                    // A change is read with its sequence number, which is its name.
                    (Ok(_), None) => unnamed = Some("it has no sequence number".to_owned()),
                }
            }
            if pipeline.is_empty() {
                continue;
            }
            pipeline.cmd("HMGET").arg(keys::COMPLETE).arg(WITNESS);
            let asked = Instant::now();
            let mut answers = self.apply(&pipeline).await?;
            *outcome.cache.get_or_insert_default() += asked.elapsed();
            let witness = answers.pop();
            outcome.incomplete = !matches!(
                witness.as_ref().and_then(Value::as_sequence),
                Some([Value::BulkString(_)])
            );
            let now = Timestamp::now().as_millis();
            for ((raw, identifier, written_at), answer) in sent.into_iter().zip(answers) {
                match count(&mut outcome.projected, &answer) {
                    Ok(applied) => {
                        let written_at = written_at.filter(|_| applied);
                        outcome.lags_ms.extend(written_at.map(|at| lag(now, at)));
                    }
                    Err(error) => {
                        let change = Record::read(raw).change;
                        outcome.projected.failed.push(Failed {
                            sequence_number: Some(identifier),
                            order_id: change.ok().map(|change| change.order_id().clone()),
                            reason: chain(&error),
                        });
                    }
                }
            }
        }
        if let Some(reason) = unnamed {
            return Err(ProjectionError::UnnamedRecord(reason));
        }
        let now = Timestamp::now().as_millis();
        outcome.lag_ms = newest.map(|newest| lag(now, newest));
        Ok(outcome)
    }

    /// Projects `changes`, each on its own. Sending all of them again is harmless.
    ///
    /// # Errors
    /// When the cache is not to be had.
    pub async fn project(&self, changes: &[Change]) -> Result<Projected, ProjectionError> {
        let commands = changes
            .iter()
            .map(|change| (change.order_id(), move |first| command(change, first)));
        self.by_hand(commands).await
    }

    /// Replaces what the rules would keep, where it is still what `replacements` say. Those of which
    /// it is not count as stale.
    ///
    /// # Errors
    /// When the cache is not to be had.
    pub async fn replace(
        &self,
        replacements: &[Replacement],
    ) -> Result<Projected, ProjectionError> {
        let commands = replacements.iter().map(|Replacement { order, mark }| {
            let command = move |first| {
                let change = Change {
                    state: State::Present(order.clone()),
                    sequence: None,
                };
                let mut command = command(&change, first)?;
                command.arg(mark);
                Ok(command)
            };
            (&order.order_id, command)
        });
        self.by_hand(commands).await
    }

    /// Sends commands, each with the order that it is about, and says of each what came of it.
    async fn by_hand<'a, F>(
        &self,
        commands: impl Iterator<Item = (&'a OrderId, F)>,
    ) -> Result<Projected, ProjectionError>
    where
        F: FnOnce(bool) -> Result<Cmd, CacheError>,
    {
        let mut projected = Projected::default();
        let mut commands = commands.peekable();
        while commands.peek().is_some() {
            let mut pipeline = Pipeline::new();
            let mut ids = Vec::new();
            for (id, command) in commands.by_ref().take(CHUNK) {
                pipeline.add_command(command(pipeline.is_empty())?);
                ids.push(id);
            }
            let answers = self.apply(&pipeline).await?;
            for (id, answer) in ids.into_iter().zip(answers) {
                if let Err(error) = count(&mut projected, &answer) {
                    projected.failed.push(Failed {
                        sequence_number: None,
                        order_id: Some(id.clone()),
                        reason: chain(&error),
                    });
                }
            }
        }
        Ok(projected)
    }

    async fn apply(&self, pipeline: &Pipeline) -> Result<Vec<Value>, CacheError> {
        let answers = self.send(pipeline).await?;
        match answers.iter().find(|answer| is_servers_fault(answer)) {
            Some(answer) => Err(server_error(answer)
                .unwrap_or_else(|| CacheError::Unexpected("a fault without an error".into()))),
            None => Ok(answers),
        }
    }
}

/// Milliseconds from a write to `now`. None are negative, whatever a record says of its time.
fn lag(now: i64, written_at: i64) -> i64 {
    now.saturating_sub(written_at).max(0)
}

/// Counts what `answer` says of a change, and whether it was applied.
fn count(projected: &mut Projected, answer: &Value) -> Result<bool, CacheError> {
    match answer {
        Value::Int(1) => projected.applied += 1,
        Value::Int(0) => projected.stale += 1,
        other => {
            return Err(
                server_error(other).unwrap_or_else(|| CacheError::Unexpected(format!("{other:?}")))
            );
        }
    }
    Ok(*answer == Value::Int(1))
}

fn command(change: &Change, first: bool) -> Result<Cmd, CacheError> {
    let (script, body) = if first {
        ("EVAL", TEXT)
    } else {
        ("EVALSHA", PROJECT.get_hash())
    };
    let sequence = change.sequence.as_ref().map_or("", Sequence::as_str);
    let mut command = cmd(script);
    command.arg(body).arg(1);
    match &change.state {
        State::Present(order) => {
            let document = serde_json::to_string(order)
                .map_err(|error| CacheError::Unexpected(error.to_string()))?;
            command
                .arg(keys::order(&order.order_id))
                .arg(keys::PREFIX)
                .arg("present")
                .arg(order.version)
                .arg(sequence)
                .arg(document)
                .arg(order.created_at.to_string())
                .arg(order.order_id.as_str())
                .arg(order.client_id.as_str())
                .arg(order.product_id.as_str())
                .arg(order.status.as_str());
        }
        State::Removed(removed) => {
            command
                .arg(keys::order(&removed.order_id))
                .arg(keys::PREFIX)
                .arg("removed")
                .arg(removed.version)
                .arg(sequence)
                .arg(removed.order_id.as_str())
                .arg(TOMBSTONE_SECONDS);
        }
    }
    Ok(command)
}
