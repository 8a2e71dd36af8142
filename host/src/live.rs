//! What happens right now, for whoever watches: counts and times since the host began to be watched,
//! and single changes on their way from the table to the read model.
//!
//! Counts only grow, so that several watchers can each take the difference between two looks. Where
//! nobody has looked for [`WATCHED`], nothing is counted, and what is served costs one look at a flag.

mod times;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub use times::Times;

use crate::clock;
use crate::store::{Record, Sequence};
use crate::sync::Mutex;

/// How long after a look things are still counted.
const WATCHED: Duration = Duration::from_secs(5);
/// Single changes that are kept for a watcher.
const KEPT: usize = 400;
/// Of so many changes in [`SAMPLED_IN`] each is reported by itself; the others are counted.
const SAMPLES: u32 = 40;
const SAMPLED_IN: Duration = Duration::from_millis(100);

/// See the module's documentation. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Live(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    watched: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    looked: Option<Instant>,
    now: Seen,
    ways: VecDeque<Way>,
    last: u64,
    /// The samples of this moment: when it began, and how many there are.
    samples: Option<(Instant, u32)>,
}

/// What was counted so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// By the function's name.
    pub functions: BTreeMap<String, Calls>,
    /// Calls that write to a table.
    pub writes: Calls,
    /// Calls that read a table.
    pub reads: Calls,
    /// What the mapping did.
    pub stream: Delivered,
    /// The newest single changes.
    #[serde(default)]
    pub ways: Vec<Way>,
}

/// Calls of one kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// Those that came to an end.
    pub done: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Those that were turned away, which are not among the others.
    pub throttled: u64,
    /// How long they took.
    pub times: Times,
}

/// What the mapping did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    /// Records that were given to the function, once more with each attempt.
    pub delivered: u64,
    /// Records that were projected.
    pub done: u64,
    /// Records of attempts that failed.
    pub failed: u64,
    /// Records that were given up.
    pub given_up: u64,
    /// From the write to the end of the projection, of each record that was projected.
    pub lag: Times,
}

/// One attempt to project one change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// Grows by one with each that is reported.
    pub number: u64,
    /// The key's value.
    pub id: String,
    /// The record's place in its stream.
    pub sequence: String,
    /// When it was written, in milliseconds since 1970.
    pub written_ms: f64,
    /// When it was handed to the function.
    pub delivered_ms: f64,
    /// When the function had answered.
    pub ended_ms: f64,
    /// The first is 1.
    pub attempt: u32,
    /// What came of it.
    pub outcome: WayOutcome,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WayOutcome {
    /// It is visible.
    Projected,
    /// It will be tried again.
    Failed,
    /// It is passed over.
    GivenUp,
}

/// A batch on its way.
#[derive(Debug)]
pub(crate) struct Departed {
    written: Vec<Sequence>,
    /// The keys of those that are reported by themselves, beginning with the first.
    keys: Vec<Box<str>>,
    attempt: u32,
    at_ms: f64,
}

impl Live {
    /// What was counted so far, and the single changes after number `after`; from now on and for a
    /// while things are counted.
    #[must_use]
    pub fn look(&self, after: u64) -> Seen {
        let mut known = self.0.known.lock();
        known.looked = Some(Instant::now());
        self.0.watched.store(true, Ordering::Relaxed);
        let newer = known.ways.iter().filter(|way| way.number > after);
        Seen {
            ways: newer.cloned().collect(),
            ..known.now.clone()
        }
    }

    /// Whether somebody watches.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.watched.load(Ordering::Relaxed)
    }

    /// An invocation came to its end.
    pub(crate) fn called(&self, function: &str, took: Duration, failed: bool) {
        self.count(|known| known.function(function).finished(took, failed));
    }

    /// An invocation was turned away.
    pub(crate) fn turned_away(&self, function: &str) {
        self.count(|known| known.function(function).throttled += 1);
    }

    /// A call to a table was answered.
    pub(crate) fn stored(&self, operation: &str, took: Duration, failed: bool) {
        let writes = match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems" => {
                true
            }
            "GetItem" | "Query" | "Scan" | "BatchGetItem" => false,
            _ => return,
        };
        self.count(|known| {
            let calls = match writes {
                true => &mut known.now.writes,
                false => &mut known.now.reads,
            };
            calls.finished(took, failed);
        });
    }

    /// A batch is handed to its function.
    pub(crate) fn departed(&self, records: &[Record], attempt: u32) -> Option<Departed> {
        if !self.is_watched() {
            return None;
        }
        let mut sampled = 0;
        self.count(|known| {
            known.now.stream.delivered += count(records.len());
            sampled = known.room(records.len());
        });
        let keys = records.iter().take(sampled);
        Some(Departed {
            written: records.iter().map(|record| record.sequence).collect(),
            keys: keys.map(|record| record.key.clone()).collect(),
            attempt,
            at_ms: now_ms(),
        })
    }

    /// The batch came back with its first `done` records projected.
    pub(crate) fn came_back(&self, batch: &Departed, done: usize) {
        let ended_ms = now_ms();
        self.count(|known| {
            let stream = &mut known.now.stream;
            stream.done += count(done);
            stream.failed += count(batch.written.len().saturating_sub(done));
            for written in batch.written.iter().take(done) {
                let took = (ended_ms - written_ms(*written)).max(0.0);
                stream.lag.add(Duration::from_secs_f64(took / 1_000.0));
            }
            for (at, (key, written)) in batch.keys.iter().zip(&batch.written).enumerate() {
                let outcome = match at < done {
                    true => WayOutcome::Projected,
                    false => WayOutcome::Failed,
                };
                let times = [batch.at_ms, ended_ms];
                known.tell(key, *written, times, batch.attempt, outcome);
            }
        });
    }

    /// These records are passed over.
    pub(crate) fn gave_up(&self, records: &[Record], attempts: u32) {
        let ended_ms = now_ms();
        self.count(|known| {
            known.now.stream.given_up += count(records.len());
            for record in records.iter().take(KEPT) {
                let times = [ended_ms, ended_ms];
                known.tell(
                    &record.key,
                    record.sequence,
                    times,
                    attempts,
                    WayOutcome::GivenUp,
                );
            }
        });
    }

    fn count(&self, add: impl FnOnce(&mut Known)) {
        if !self.is_watched() {
            return;
        }
        let mut known = self.0.known.lock();
        if known.looked.is_none_or(|at| at.elapsed() > WATCHED) {
            self.0.watched.store(false, Ordering::Relaxed);
            return;
        }
        add(&mut known);
    }
}

impl Known {
    fn function(&mut self, name: &str) -> &mut Calls {
        self.now.functions.entry(name.to_owned()).or_default()
    }

    /// How many of `wanted` may be reported by themselves.
    fn room(&mut self, wanted: usize) -> usize {
        let (began, used) = match self.samples {
            Some((began, used)) if began.elapsed() < SAMPLED_IN => (began, used),
            _ => (Instant::now(), 0),
        };
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        let taken = wanted.min(SAMPLES - used);
        self.samples = Some((began, used + taken));
        taken as usize
    }

    fn tell(
        &mut self,
        key: &str,
        written: Sequence,
        [delivered_ms, ended_ms]: [f64; 2],
        attempt: u32,
        outcome: WayOutcome,
    ) {
        self.last += 1;
        if self.ways.len() == KEPT {
            self.ways.pop_front();
        }
        self.ways.push_back(Way {
            number: self.last,
            id: id_of(key),
            sequence: written.to_string(),
            written_ms: written_ms(written),
            delivered_ms,
            ended_ms,
            attempt,
            outcome,
        });
    }
}

impl Calls {
    fn finished(&mut self, took: Duration, failed: bool) {
        self.done += 1;
        self.errors += u64::from(failed);
        self.times.add(took);
    }
}

/// A sequence number is the microsecond of the write, or the next where two fell on one.
fn written_ms(sequence: Sequence) -> f64 {
    sequence.0 as f64 / 1_000.0
}

fn now_ms() -> f64 {
    clock::since_1970().as_secs_f64() * 1_000.0
}

fn count(records: usize) -> u64 {
    u64::try_from(records).unwrap_or(u64::MAX)
}

/// The text of a key in DynamoDB JSON, `{"orderId":{"S":"0199…"}}`, or the key where it is no text.
fn id_of(key: &str) -> String {
    let read = serde_json::from_str::<BTreeMap<String, BTreeMap<String, String>>>(key);
    let text = read.ok().and_then(|key| {
        let (_, value) = key.into_iter().next()?;
        value.into_values().next()
    });
    text.unwrap_or_else(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: i64) -> Record {
        Record {
            sequence: Sequence(number),
            key: r#"{"orderId":{"S":"one"}}"#.into(),
            arrived_ms: number / 1_000,
            json: "{}".into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_counted_unless_somebody_has_looked_lately() {
        let live = Live::default();
        let call = || live.called("f", Duration::from_millis(2), false);
        call();
        assert!(live.departed(&[record(1)], 1).is_none());
        assert!(live.look(0).functions.is_empty());
        call();
        assert_eq!(live.look(0).functions["f"].done, 1);
        tokio::time::advance(WATCHED + Duration::from_millis(1)).await;
        call();
        assert!(!live.is_watched());
        assert_eq!(live.look(0).functions["f"].done, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_batch_that_fails_in_part_the_first_are_projected_and_the_others_failed() {
        let live = Live::default();
        let _ = live.look(0);
        let records = [record(1), record(2), record(3)];
        let departed = live.departed(&records, 2).unwrap();
        live.came_back(&departed, 1);
        let seen = live.look(0);
        let stream = &seen.stream;
        assert_eq!((stream.delivered, stream.done, stream.failed), (3, 1, 2));
        let outcomes: Vec<_> = seen
            .ways
            .iter()
            .map(|way| (&*way.id, way.outcome))
            .collect();
        let (projected, failed) = (WayOutcome::Projected, WayOutcome::Failed);
        assert_eq!(
            outcomes,
            [("one", projected), ("one", failed), ("one", failed)]
        );
        assert_eq!(live.look(2).ways.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn under_load_all_are_counted_and_some_are_reported() {
        let live = Live::default();
        let _ = live.look(0);
        let records: Vec<_> = (0..1_000).map(record).collect();
        let departed = live.departed(&records, 1).unwrap();
        live.came_back(&departed, 1_000);
        let seen = live.look(0);
        assert_eq!((seen.stream.done, seen.ways.len()), (1_000, 40));
        tokio::time::advance(SAMPLED_IN).await;
        let departed = live.departed(&records[..1], 1).unwrap();
        live.came_back(&departed, 1);
        assert_eq!(live.look(40).ways.len(), 1);
    }
}
