//! The event source mapping: from a table's stream to a function, as AWS documents it.
//!
//! `lane` and `answer` hold AWS's rules: which records are delivered again, when a batch is halved
//! or given up. `shard` spreads keys over lanes and knows how far everything is done. `driver` reads,
//! invokes and writes; `positions` is what survives the end of this process, and `failure` is the
//! message about records that were given up. Records are delivered at least once. Retries and halves
//! are not kept: a restart delivers from the last position on with a fresh count.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bucket::Buckets;
use crate::definition::Mapping;
use crate::journal::{Journal, JournalError};
use crate::lambda::Functions;
use crate::queue::Queues;
use crate::store::Store;

mod answer;
mod batch;
mod control;
mod driver;
mod failure;
mod lane;
mod positions;
mod services;
mod shard;
#[cfg(test)]
mod tests;

pub(crate) use batch::Batch;
use control::{Order, Processed, Progress, lock};
use driver::Driver;
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
pub struct Mappings(Arc<Engine<Local>>);

impl fmt::Debug for Mappings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = lock(&self.0.workers);
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
        let local = Local {
            store,
            functions,
            queues,
            buckets,
        };
        Engine::new(region, journal, local).map(|engine| Self(Arc::new(engine)))
    }

    /// Makes the mappings these. A mapping that stays keeps its checkpoint; one that changed lets
    /// its batch in flight finish first; one that is gone loses its checkpoint.
    ///
    /// # Errors
    /// The journal cannot be used. Mappings that could be changed before are.
    pub async fn apply(&self, mappings: Vec<Mapping>) -> Result<(), JournalError> {
        self.0.apply(mappings).await
    }

    /// How they are doing. It reads the streams, and blocks the thread for as long.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        self.0.status()
    }

    /// What they are. It reads the streams, and blocks the thread for as long.
    pub(crate) fn describe(&self) -> Vec<Described> {
        self.0.describe()
    }

    /// Ends delivery, within about a second; what is in flight then may be delivered again by the
    /// next start.
    pub async fn stop(&self) {
        self.0.stop().await;
    }
}

/// [`Mappings`] over any services.
struct Engine<S: Services> {
    region: Arc<str>,
    services: S,
    positions: Positions,
    workers: Mutex<BTreeMap<String, Worker<S::Source>>>,
    /// One change at a time.
    applying: tokio::sync::Mutex<()>,
}

/// A driver, seen from outside.
struct Worker<T> {
    mapping: Arc<Mapping>,
    /// For looking; the driver has its own.
    source: Arc<T>,
    orders: watch::Sender<Order>,
    progress: Arc<Mutex<Progress>>,
    changed_ms: i64,
    task: JoinHandle<()>,
}

/// What a worker's status is made of.
struct Seen<T> {
    mapping: Arc<Mapping>,
    source: Arc<T>,
    progress: Arc<Mutex<Progress>>,
    changed_ms: i64,
}

impl<T> Worker<T> {
    fn seen(&self) -> Seen<T> {
        Seen {
            mapping: Arc::clone(&self.mapping),
            source: Arc::clone(&self.source),
            progress: Arc::clone(&self.progress),
            changed_ms: self.changed_ms,
        }
    }
}

impl<S: Services> Engine<S> {
    fn new(region: &str, journal: Journal, services: S) -> Result<Self, JournalError> {
        Ok(Self {
            region: region.into(),
            services,
            positions: Positions::new(journal)?,
            workers: Mutex::default(),
            applying: tokio::sync::Mutex::default(),
        })
    }

    async fn apply(&self, mappings: Vec<Mapping>) -> Result<(), JournalError> {
        let _turn = self.applying.lock().await;
        let ids: BTreeSet<&str> = mappings.iter().map(|mapping| mapping.id.as_str()).collect();
        let gone = lock(&self.workers)
            .extract_if(.., |id, _| !ids.contains(id.as_str()))
            .map(|(_, worker)| worker)
            .collect();
        end(gone).await;
        self.positions.forget_others(&ids)?;
        for mapping in mappings {
            self.follow(Arc::new(mapping))?;
        }
        Ok(())
    }

    fn follow(&self, mapping: Arc<Mapping>) -> Result<(), JournalError> {
        let source = Arc::new(self.services.source(&mapping.table));
        // Also a mapping that does not deliver yet has its place: LATEST is now. Where there is no
        // stream, the driver tries again and says what is wrong.
        if let Ok(arn) = source.arn()
            && let Err(BeginError::Journal(error)) = self.positions.begin(&mapping, &*source, &arn)
        {
            return Err(error);
        }
        let mut workers = lock(&self.workers);
        if let Some(worker) = workers.get_mut(&mapping.id) {
            if worker.mapping != mapping {
                worker.mapping = Arc::clone(&mapping);
                worker.source = source;
                worker.changed_ms = self.services.unix_ms();
                worker.orders.send_replace(Order::Follow(mapping));
            }
            return Ok(());
        }
        let (orders, received) = watch::channel(Order::Follow(Arc::clone(&mapping)));
        let progress = Arc::<Mutex<Progress>>::default();
        let driver = Driver {
            services: self.services.clone(),
            positions: self.positions.clone(),
            region: Arc::clone(&self.region),
            orders: received,
            progress: Arc::clone(&progress),
        };
        let worker = Worker {
            task: tokio::spawn(driver.run()),
            mapping: Arc::clone(&mapping),
            source,
            orders,
            progress,
            changed_ms: self.services.unix_ms(),
        };
        workers.insert(mapping.id.clone(), worker);
        Ok(())
    }

    fn status(&self) -> Vec<Status> {
        let seen: Vec<_> = lock(&self.workers).values().map(Worker::seen).collect();
        seen.iter().map(|seen| self.status_of(seen)).collect()
    }

    fn describe(&self) -> Vec<Described> {
        let seen: Vec<_> = lock(&self.workers).values().map(Worker::seen).collect();
        let described = |seen: &Seen<S::Source>| {
            let table = &seen.mapping.table;
            Described {
                mapping: Arc::clone(&seen.mapping),
                status: self.status_of(seen),
                stream_arn: seen.source.arn().unwrap_or_else(|_| table.clone()),
                changed_ms: seen.changed_ms,
            }
        };
        seen.iter().map(described).collect()
    }

    fn status_of(&self, seen: &Seen<S::Source>) -> Status {
        let Seen {
            mapping,
            source,
            progress,
            ..
        } = seen;
        let Progress {
            processed,
            mut done,
            done_above,
            given_up,
        } = lock(progress).clone();
        // Nobody drives it: what the journal knows is what there is.
        if !mapping.enabled
            && let Ok(arn) = source.arn()
            && let Ok(kept) = self.positions.begin(mapping, &**source, &arn)
        {
            done = kept;
        }
        let (mut behind, mut lag_ms, mut trouble) = (0, 0, None);
        match source.read(done, COUNTED) {
            Ok(records) => {
                let above = u64::try_from(records.len()).unwrap_or(u64::MAX);
                behind = above.saturating_sub(done_above);
                let oldest = records.first().map(|record| record.arrived_ms);
                let age = oldest.map_or(0, |oldest| self.services.unix_ms() - oldest);
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

    async fn stop(&self) {
        let _turn = self.applying.lock().await;
        let workers = std::mem::take(&mut *lock(&self.workers));
        end(workers.into_values().collect()).await;
    }
}

/// Ends drivers, all at once.
async fn end<T>(workers: Vec<Worker<T>>) {
    for worker in &workers {
        worker.orders.send_replace(Order::Stop);
    }
    for mut worker in workers {
        if tokio::time::timeout(END, &mut worker.task).await.is_err() {
            worker.task.abort();
        }
    }
}
