//! The event source mapping: from a table's stream to a function, as AWS documents it.
//!
//! `lane` and `answer` hold AWS's rules: which records are delivered again, when a batch is halved
//! or given up. `shard` spreads keys over lanes and knows how far everything is done. `driver` reads,
//! invokes and writes; `positions` is what survives the end of this process, and `failure` is the
//! message about records that were given up. Records are delivered at least once. Retries and halves
//! are not kept: a restart delivers from the last position on with a fresh count.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bucket::Buckets;
use crate::definition::Mapping;
use crate::faults::Faults;
use crate::journal::{Journal, JournalError};
use crate::lambda::Functions;
use crate::live::Live;
use crate::queue::Queues;
use crate::store::Store;
use crate::sync::Mutex;

mod answer;
mod batch;
mod driver;
mod failure;
mod lane;
mod positions;
mod services;
mod shard;
#[cfg(test)]
mod tests;

pub(crate) use batch::Batch;
use driver::{Driver, Order, Processed, Progress};
use positions::{BeginError, Positions};
use services::{Local, Services, Source};

/// Longer than a driver takes to end.
const END: Duration = Duration::from_secs(2);

/// The most records that are counted for a status.
const COUNTED: usize = 10_000;

/// How a mapping is doing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The mapping's UUID.
    pub id: String,
    /// It delivers.
    pub enabled: bool,
    /// In AWS's words: `OK`, `PROBLEM: Function call failed`, `No records processed`. Where the host
    /// itself fails, `PROBLEM: ` and why.
    pub last_processing_result: String,
    /// The newest record that needs no more delivery, and all before it.
    pub checkpoint: String,
    /// Records that wait or are in flight, counted up to 10,000.
    pub behind: u64,
    /// The age of the oldest of them in milliseconds; zero where none is.
    pub lag_ms: u64,
    /// Records passed over since the host began, said to the destination or, without one, not.
    pub given_up: u64,
}

/// A mapping, as it is asked about by clients of Lambda's API.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) status: Status,
    /// The table's name where it has no stream.
    pub(crate) stream_arn: String,
    /// When its settings last changed, in milliseconds since 1970; no earlier than the host's start.
    pub(crate) changed_ms: i64,
}

/// The mappings of a stack. Clones share them.
#[derive(Clone)]
pub struct Mappings(Arc<Inner>);

struct Inner {
    parts: Arc<Parts>,
    workers: Mutex<BTreeMap<String, Worker>>,
    /// One change at a time.
    applying: tokio::sync::Mutex<()>,
}

/// What all drivers work with.
struct Parts {
    region: String,
    positions: Positions,
    services: Arc<dyn Services>,
    queues: Queues,
    buckets: Buckets,
    live: Live,
    faults: Faults,
}

/// A driver, seen from outside.
struct Worker {
    seen: Seen,
    orders: watch::Sender<Order>,
    task: JoinHandle<()>,
}

/// What a worker's status is made of.
#[derive(Clone)]
struct Seen {
    mapping: Arc<Mapping>,
    /// For looking; the driver has its own.
    source: Arc<dyn Source>,
    progress: Arc<Mutex<Progress>>,
    changed_ms: i64,
}

impl fmt::Debug for Mappings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = self.0.workers.lock();
        f.debug_tuple("Mappings").field(&workers.keys()).finish()
    }
}

impl Mappings {
    /// Delivers nothing yet. `region` stands in the failures' ARNs.
    ///
    /// # Errors
    /// The journal cannot be used.
    pub fn new(
        region: &str,
        journal: Journal,
        store: Store,
        functions: Functions,
        queues: Queues,
        buckets: Buckets,
    ) -> Result<Self, JournalError> {
        Ok(Self::over(Parts {
            region: region.into(),
            positions: Positions::new(journal)?,
            queues,
            buckets,
            live: functions.live().clone(),
            faults: functions.faults().clone(),
            services: Arc::new(Local { store, functions }),
        }))
    }

    fn over(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts: Arc::new(parts),
            workers: Mutex::default(),
            applying: tokio::sync::Mutex::default(),
        }))
    }

    /// Makes the mappings these. A mapping that stays keeps its checkpoint; one that changed lets
    /// its batch in flight finish first; one that is gone loses its checkpoint.
    ///
    /// # Errors
    /// The journal cannot be used. Mappings that could be changed before are.
    pub async fn apply(&self, mappings: Vec<Mapping>) -> Result<(), JournalError> {
        let Inner {
            parts,
            workers,
            applying,
        } = &*self.0;
        let _turn = applying.lock().await;
        let ids: BTreeSet<&str> = mappings.iter().map(|mapping| mapping.id.as_str()).collect();
        let gone = workers
            .lock()
            .extract_if(.., |id, _| !ids.contains(id.as_str()))
            .map(|(_, worker)| worker)
            .collect();
        end(gone).await;
        parts.positions.forget_others(&ids)?;
        for mapping in mappings {
            self.follow(Arc::new(mapping))?;
        }
        Ok(())
    }

    fn follow(&self, mapping: Arc<Mapping>) -> Result<(), JournalError> {
        let parts = &self.0.parts;
        let source = parts.services.source(&mapping.table);
        // Also a mapping that does not deliver yet has its place: LATEST is now. Where there is no
        // stream, the driver tries again and says what is wrong.
        if let Ok(arn) = source.arn()
            && let Err(BeginError::Journal(error)) = parts.positions.begin(&mapping, &*source, &arn)
        {
            return Err(error);
        }
        let changed_ms = parts.services.unix_ms();
        let mut workers = self.0.workers.lock();
        if let Some(Worker { seen, orders, .. }) = workers.get_mut(&mapping.id) {
            if seen.mapping != mapping {
                seen.mapping = Arc::clone(&mapping);
                seen.source = source;
                seen.changed_ms = changed_ms;
                orders.send_replace(Order::Follow(mapping));
            }
            return Ok(());
        }
        let (orders, received) = watch::channel(Order::Follow(Arc::clone(&mapping)));
        let progress = Arc::<Mutex<Progress>>::default();
        let driver = Driver {
            parts: Arc::clone(parts),
            orders: received,
            progress: Arc::clone(&progress),
        };
        let id = mapping.id.clone();
        let worker = Worker {
            task: tokio::spawn(driver.run()),
            orders,
            seen: Seen {
                mapping,
                source,
                progress,
                changed_ms,
            },
        };
        workers.insert(id, worker);
        Ok(())
    }

    /// How they are doing. It reads the streams, and blocks the thread for as long.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        self.seen()
            .iter()
            .map(|seen| self.status_of(seen))
            .collect()
    }

    /// What they are. It reads the streams, and blocks the thread for as long.
    pub(crate) fn describe(&self) -> Vec<Described> {
        let described = |seen: Seen| Described {
            status: self.status_of(&seen),
            stream_arn: seen
                .source
                .arn()
                .unwrap_or_else(|_| seen.mapping.table.clone()),
            changed_ms: seen.changed_ms,
            mapping: seen.mapping,
        };
        self.seen().into_iter().map(described).collect()
    }

    /// A copy, since what is made of it blocks.
    fn seen(&self) -> Vec<Seen> {
        let workers = self.0.workers.lock();
        workers.values().map(|worker| worker.seen.clone()).collect()
    }

    fn status_of(&self, seen: &Seen) -> Status {
        let Seen {
            mapping, source, ..
        } = seen;
        let Progress {
            processed,
            mut done,
            done_above,
            given_up,
        } = seen.progress.lock().clone();
        // Nobody drives it: what the journal knows is what there is.
        if !mapping.enabled
            && let Ok(arn) = source.arn()
            && let Ok(kept) = self.0.parts.positions.begin(mapping, &**source, &arn)
        {
            done = kept;
        }
        let (mut behind, mut lag_ms, mut trouble) = (0, 0, None);
        match source.read(done, COUNTED) {
            Ok(records) => {
                let above = u64::try_from(records.len()).unwrap_or(u64::MAX);
                behind = above.saturating_sub(done_above);
                let oldest = records.first().map(|record| record.arrived_ms);
                let age = oldest.map_or(0, |oldest| self.0.parts.services.unix_ms() - oldest);
                lag_ms = u64::try_from(age).unwrap_or(0);
            }
            Err(error) => trouble = Some(error.to_string()),
        }
        let last_processing_result = match (trouble, processed) {
            (Some(why), _) | (None, Processed::Trouble(why)) => format!("PROBLEM: {why}"),
            (None, Processed::Nothing) => "No records processed".to_owned(),
            (None, Processed::Well) => "OK".to_owned(),
            (None, Processed::Badly) => "PROBLEM: Function call failed".to_owned(),
        };
        Status {
            id: mapping.id.clone(),
            enabled: mapping.enabled,
            last_processing_result,
            checkpoint: done.to_string(),
            behind,
            lag_ms,
            given_up,
        }
    }

    /// Ends delivery, within about a second; what is in flight then may be delivered again by the
    /// next start.
    pub async fn stop(&self) {
        let _turn = self.0.applying.lock().await;
        let workers = std::mem::take(&mut *self.0.workers.lock());
        end(workers.into_values().collect()).await;
    }
}

/// Ends drivers, all at once.
async fn end(workers: Vec<Worker>) {
    for worker in &workers {
        worker.orders.send_replace(Order::Stop);
    }
    for mut worker in workers {
        if tokio::time::timeout(END, &mut worker.task).await.is_err() {
            worker.task.abort();
        }
    }
}
