//! Applies changes to the read model: one script per change, one round trip per batch.
//!
//! The first command of a batch carries the script's text and the others its hash: the server
//! keeps a script that it has run once, so no load is needed, nor a permission for one. What a
//! change did to an entity depends on that entity alone, so a change that fails leaves the others
//! standing.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use redis::{Cmd, Pipeline, Script, Value};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::cache::{CacheError, ReadModel, is_servers_fault, server_error};
use super::keys;
use crate::document::WithoutId;
use crate::entity::Entity;
use crate::error::{ProjectionError, chain};
use crate::few::FewIds;
use crate::payload::{Failed, Projected};
use crate::projection::{Change, Record, Replacement, Sequence, State};
use crate::timestamp::Timestamp;

/// Most changes of one round trip. A batch of the stream is smaller unless the mapping is set
/// otherwise; a rebuild sends more, and each round trip has the command timeout to be done in.
const CHUNK: usize = 1000;
/// How long a removed entity's version is remembered: twice the time that the stream keeps records,
/// so that none of them can bring it back.
const TOMBSTONE_SECONDS: u32 = 48 * 60 * 60;

/// What the arguments of a command hold beside script and document, as a rule: more makes it grow.
const ROOM: usize = 384;

static PROJECT: LazyLock<Script> = LazyLock::new(|| Script::new(TEXT));
const TEXT: &str = include_str!("project.lua");

/// What became of a batch of the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamOutcome {
    /// How many changes were applied, how many were stale, and which could not be projected.
    pub projected: Projected,
    /// Why the cache was not to be had, where that is what the batch failed for.
    pub unavailable: Option<String>,
    /// Whether the read model lacks what others have projected: it lost its contents.
    pub incomplete: bool,
    /// The entities of the records that could be read.
    pub ids: FewIds,
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
            reason,
            ..Failed::default()
        });
        outcome
    }
}

/// What Lambda expects of a handler that reports failures of a batch's items.
impl From<&StreamOutcome> for DynamoDbEventResponse {
    fn from(outcome: &StreamOutcome) -> Self {
        let mut response = Self::default();
        if let Some(failed) = outcome.first_failure() {
            let mut item = DynamoDbBatchItemFailure::default();
            item.item_identifier.clone_from(&failed.sequence_number);
            response.batch_item_failures.push(item);
        }
        response
    }
}

impl<E: Entity> ReadModel<E> {
    /// Projects a batch of the stream.
    ///
    /// # Errors
    /// When it fails and no record can be named for that.
    pub async fn project_stream(
        &self,
        records: Vec<Record<E>>,
    ) -> Result<StreamOutcome, ProjectionError> {
        let first = records.first().and_then(|first| first.identifier.clone());
        match (self.project_records(records).await, first) {
            (Err(ProjectionError::ReadModelUnavailable { reason, .. }), Some(first)) => {
                Ok(StreamOutcome::unavailable(first, reason))
            }
            (outcome, _) => outcome,
        }
    }

    /// Projects records of a stream, each on its own: what is wrong with one does not keep the
    /// others from being projected.
    ///
    /// # Errors
    /// When the cache is not to be had, or a record failed that cannot be named.
    pub async fn project_records(
        &self,
        records: Vec<Record<E>>,
    ) -> Result<StreamOutcome, ProjectionError> {
        let mut outcome = StreamOutcome::default();
        let mut newest = None;
        let mut unnamed = None;
        let mut records = records.into_iter();
        while records.len() > 0 {
            let room = records.len().min(CHUNK);
            let mut sent = Vec::with_capacity(room);
            let mut pipeline = Pipeline::with_capacity(room + 1);
            for record in records.by_ref().take(CHUNK) {
                newest = newest.max(record.written_at);
                match (record.change, record.identifier) {
                    (Ok(change), Some(identifier)) => {
                        outcome.ids.add(change.id());
                        pipeline.add_command(self.command(&change, None, pipeline.is_empty())?);
                        sent.push((change.into_id(), identifier, record.written_at));
                    }
                    (Err(reason), Some(identifier)) => outcome.projected.failed.push(Failed {
                        sequence_number: Some(identifier),
                        ..Failed::malformed::<E>(None, reason)
                    }),
                    (Err(reason), None) => unnamed = Some(reason.to_string()),
                    // A change is read with its sequence number, which is its name.
                    (Ok(_), None) => unnamed = Some("it has no sequence number".to_owned()),
                }
            }
            if pipeline.is_empty() {
                continue;
            }
            pipeline.cmd("MGET").arg(&self.keys.complete);
            let asked = Instant::now();
            let mut answers = self.apply(&pipeline).await?;
            *outcome.cache.get_or_insert_default() += asked.elapsed();
            let witness = answers.pop();
            outcome.incomplete = !matches!(
                witness.as_ref().and_then(Value::as_sequence),
                Some([Value::BulkString(_)])
            );
            let now = Timestamp::now().as_millis();
            for ((id, identifier, written_at), answer) in sent.into_iter().zip(answers) {
                match count(&mut outcome.projected, &answer) {
                    Ok(applied) => {
                        let written_at = written_at.filter(|_| applied);
                        outcome.lags_ms.extend(written_at.map(|at| lag(now, at)));
                    }
                    Err(error) => {
                        outcome.projected.failed.push(Failed {
                            sequence_number: Some(identifier),
                            ..Failed::refused::<E>(Some(id), chain(&error))
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
    pub async fn project(
        &self,
        changes: Vec<Result<Change<E>, Failed>>,
    ) -> Result<Projected, ProjectionError> {
        let unmarked = |change| (change, None);
        let changes = changes.into_iter().map(|change| change.map(unmarked));
        self.by_hand(changes).await
    }

    /// Replaces what the rules would keep, where it is still what `replacements` say. Those of which
    /// it is not count as stale.
    ///
    /// # Errors
    /// When the cache is not to be had.
    pub async fn replace(
        &self,
        replacements: Vec<Result<Replacement<E>, Failed>>,
    ) -> Result<Projected, ProjectionError> {
        let marked = |Replacement { document, mark }| {
            let change = Change {
                state: State::Present(document),
                sequence: None,
            };
            (change, Some(mark))
        };
        let changes = replacements.into_iter().map(|one| one.map(marked));
        self.by_hand(changes).await
    }

    /// Applies changes, each with the mark of what it is to replace, and says of each what came of
    /// it.
    async fn by_hand(
        &self,
        changes: impl Iterator<Item = Result<(Change<E>, Option<String>), Failed>>,
    ) -> Result<Projected, ProjectionError> {
        let mut projected = Projected::default();
        let mut changes = changes.peekable();
        while changes.peek().is_some() {
            let mut pipeline = Pipeline::new();
            let mut ids = Vec::new();
            for change in changes.by_ref().take(CHUNK) {
                match change {
                    Ok((change, mark)) => {
                        let first = pipeline.is_empty();
                        pipeline.add_command(self.command(&change, mark.as_deref(), first)?);
                        ids.push(change.id().clone());
                    }
                    Err(failed) => projected.failed.push(failed),
                }
            }
            if pipeline.is_empty() {
                continue;
            }
            let answers = self.apply(&pipeline).await?;
            for (id, answer) in ids.into_iter().zip(answers) {
                if let Err(error) = count(&mut projected, &answer) {
                    projected
                        .failed
                        .push(Failed::refused::<E>(Some(id), chain(&error)));
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

/// The members of a document, in their order: they are few, and looked for by name a few times.
#[derive(Default)]
struct Members<'a>(Vec<(&'a str, ListValue<'a>)>);

impl Members<'_> {
    fn value(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(member, _)| *member == name);
        found.map_or("", |(_, value)| &value.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsTheyCome;
        impl<'de> Visitor<'de> for AsTheyCome {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(AsTheyCome)
    }
}

/// The value of a field as the name of a list has it; empty where there is no list of it. It borrows
/// from the document where that has no escape.
#[derive(Default)]
struct ListValue<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for ListValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let text = match raw.as_bytes().first() {
            Some(b'"') => {
                let plain = raw
                    .get(1..raw.len() - 1)
                    .filter(|text| !text.contains('\\'));
                match plain {
                    Some(text) => Cow::Borrowed(text),
                    None => serde_json::from_str(raw).map_err(D::Error::custom)?,
                }
            }
            Some(b'n' | b'[' | b'{') | None => Cow::Borrowed(""),
            Some(_) => Cow::Borrowed(raw),
        };
        Ok(Self(text))
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

impl<E: Entity> ReadModel<E> {
    /// The command that applies `change`, in the place of the state of mark `replaced`, if any.
    fn command(
        &self,
        change: &Change<E>,
        replaced: Option<&str>,
        first: bool,
    ) -> Result<Cmd, CacheError> {
        let (script, body) = if first {
            ("EVAL", TEXT)
        } else {
            ("EVALSHA", PROJECT.get_hash())
        };
        let sequence = change.sequence.as_ref().map_or("", Sequence::as_str);
        let (kind, version, time, document) = match &change.state {
            State::Present(document) => {
                let text = serde_json::to_string(&WithoutId(document))
                    .map_err(|error| CacheError::Unexpected(error.to_string()))?;
                let time = keys::time(document.created_at);
                ("present", document.version, time, text)
            }
            State::Removed { version, .. } => ("removed", *version, [0; 6], String::new()),
        };
        let lists = &self.description.lists;
        let mut command =
            Cmd::with_capacity(11 + 2 * lists.len(), body.len() + document.len() + ROOM);
        command
            .arg(script)
            .arg(body)
            .arg(1)
            .arg(self.keys.entity(change.id()))
            .arg(&self.keys.prefix)
            .arg(kind)
            .arg(version)
            .arg(sequence)
            .arg(keys::tail(change.id()))
            .arg(&time)
            .arg(&document)
            .arg(TOMBSTONE_SECONDS)
            .arg(replaced.map(|mark| format!("={mark}")).unwrap_or_default());
        let members = match document.as_str() {
            "" => Members::default(),
            document => serde_json::from_str(document)
                .map_err(|error| CacheError::Unexpected(error.to_string()))?,
        };
        for list in lists {
            command.arg(list).arg(members.value(list));
        }
        Ok(command)
    }
}
