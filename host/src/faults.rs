//! Faults on purpose: what goes wrong on AWS one day, made to go wrong here and now, so that people and
//! tests see that it heals.
//!
//! Each fault ends by itself, after so many records or so long. Nothing of them is kept: a host that
//! starts again has none. [`cache`] are those that the cache has; the others are asked about where they
//! matter, at the cost of a look at a flag while there is none.

mod cache;
mod poison;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::cache::Cache;
use crate::clock;
use crate::lambda::Functions;
use crate::mapping::Batch;
use crate::sync::Mutex;
use poison::Poison;

/// Between two looks whether a process has come up that is to be killed.
const KILLING: Duration = Duration::from_millis(100);

/// What is to go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "fault",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Fault {
    /// The next records cannot be read by the function, however often they come.
    Poison {
        /// How many.
        records: u64,
    },
    /// Invocations of a function are turned away.
    Throttle {
        /// The function's name.
        function: String,
        /// For how long, in milliseconds.
        ms: u64,
    },
    /// A function's processes are killed as soon as they come up.
    Kill {
        /// The function's name.
        function: String,
        /// For how long, in milliseconds.
        ms: u64,
    },
    /// The cache does not answer; it keeps what it has.
    StopCache {
        /// For how long, in milliseconds.
        ms: u64,
    },
    /// The cache takes long to answer.
    SlowCache {
        /// For how long, in milliseconds.
        ms: u64,
    },
    /// The cache loses what it has.
    LoseCache,
    /// The next records come twice.
    Duplicate {
        /// How many.
        records: u64,
    },
    /// The next records come once more when newer ones have come.
    Late {
        /// How many.
        records: u64,
        /// How much later, in milliseconds.
        after_ms: u64,
    },
}

/// A fault that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Active {
    /// As it was asked for.
    #[serde(flatten)]
    pub fault: Fault,
    /// When it began, in milliseconds since 1970.
    pub since_ms: u64,
    /// When it ends by itself, where it has a time.
    pub until_ms: Option<u64>,
    /// Records that it will still take, where it takes records.
    pub left: Option<u64>,
}

/// Why a fault cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// There is no function of this name.
    #[error("there is no function {0}")]
    NoFunction(String),
    /// Use a cache that the stack starts itself.
    #[error("the cache is not a process of this stack's, and cannot be made to fail")]
    NotOurCache,
}

/// See the module's documentation. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    any: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    active: Vec<Running>,
    poison: Poison,
}

#[derive(Debug)]
struct Running {
    active: Active,
    /// When it ends by itself, where it has a time.
    until: Option<Instant>,
    /// What brings it about, where something has to.
    task: Option<AbortHandle>,
}

impl Faults {
    /// Lets something go wrong from now on.
    ///
    /// # Errors
    /// What is to fail is not there.
    pub async fn begin(
        &self,
        fault: Fault,
        functions: &Functions,
        cache: &Cache,
    ) -> Result<(), FaultError> {
        let there = |function: &String| match functions.get(function) {
            Some(_) => Ok(()),
            None => Err(FaultError::NoFunction(function.clone())),
        };
        let (left, ms, task) = match &fault {
            Fault::Poison { records }
            | Fault::Duplicate { records }
            | Fault::Late { records, .. } => (Some(*records), None, None),
            Fault::Throttle { function, ms } => {
                there(function)?;
                (None, Some(*ms), None)
            }
            Fault::Kill { function, ms } => {
                there(function)?;
                let lasts = Duration::from_millis(*ms);
                let task = tokio::spawn(kill(functions.clone(), function.clone(), lasts));
                (None, Some(*ms), Some(task.abort_handle()))
            }
            Fault::StopCache { ms } => {
                let task = cache::stop(cache, Duration::from_millis(*ms)).await?;
                (None, Some(*ms), Some(task))
            }
            Fault::SlowCache { ms } => {
                let task = cache::slow(cache, Duration::from_millis(*ms)).await?;
                (None, Some(*ms), Some(task))
            }
            Fault::LoseCache => return cache::lose(cache).await,
        };
        let now_ms = now_ms();
        let mut known = self.0.known.lock();
        known.end_finished();
        known.active.push(Running {
            active: Active {
                fault,
                since_ms: now_ms,
                until_ms: ms.map(|ms| now_ms.saturating_add(ms)),
                left,
            },
            until: ms.map(|ms| Instant::now() + Duration::from_millis(ms)),
            task,
        });
        self.0.any.store(true, Ordering::Release);
        Ok(())
    }

    /// Those that are not over.
    #[must_use]
    pub fn list(&self) -> Vec<Active> {
        let mut known = self.0.known.lock();
        known.end_finished();
        let some = !known.active.is_empty() || known.poison.holds_some();
        self.0.any.store(some, Ordering::Release);
        let active = known.active.iter();
        active.map(|running| running.active.clone()).collect()
    }

    /// Ends all of them, and says how many there were. Records that are poisoned can be read again.
    pub async fn clear(&self, cache: &Cache) -> usize {
        let (count, had_cache) = {
            let mut known = self.0.known.lock();
            known.end_finished();
            let had_cache = known.active.iter().any(|running| {
                let fault = &running.active.fault;
                matches!(fault, Fault::StopCache { .. } | Fault::SlowCache { .. })
            });
            let poisoned = usize::from(known.poison.holds_some());
            let active = std::mem::take(&mut known.active);
            known.poison = Poison::default();
            self.0.any.store(false, Ordering::Release);
            for task in active.iter().filter_map(|running| running.task.as_ref()) {
                task.abort();
            }
            (active.len().max(poisoned), had_cache)
        };
        if had_cache {
            cache::go_on(cache).await;
        }
        count
    }

    /// Whether invocations of this function are turned away.
    pub(crate) fn throttles(&self, name: &str) -> bool {
        let is_meant = |running: &Running| {
            let fault = &running.active.fault;
            matches!(fault, Fault::Throttle { function, .. } if function == name)
                && !running.is_over()
        };
        self.are_some() && self.0.known.lock().active.iter().any(is_meant)
    }

    /// The event of a batch, with the records spoiled that are to be.
    pub(crate) fn event(&self, batch: &Batch) -> Bytes {
        if !self.are_some() {
            return batch.event();
        }
        let mut known = self.0.known.lock();
        let Known { active, poison } = &mut *known;
        poison.event(batch, || {
            let meant = active.iter_mut();
            let mut meant =
                meant.filter(|running| matches!(running.active.fault, Fault::Poison { .. }));
            let left = meant.find_map(Running::left);
            left.map(|left| *left -= 1).is_some()
        })
    }

    /// Whether a batch of so many records is to come once more, and how much later.
    pub(crate) fn again(&self, records: usize) -> Option<Duration> {
        if !self.are_some() {
            return None;
        }
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        let mut known = self.0.known.lock();
        for running in &mut known.active {
            let after = match running.active.fault {
                Fault::Duplicate { .. } => Duration::ZERO,
                Fault::Late { after_ms, .. } => Duration::from_millis(after_ms),
                _ => continue,
            };
            if let Some(left) = running.left() {
                *left = left.saturating_sub(records);
                return Some(after);
            }
        }
        None
    }

    fn are_some(&self) -> bool {
        self.0.any.load(Ordering::Acquire)
    }
}

impl Known {
    /// Forgets what is over. Records that are poisoned stay so until all faults are cleared.
    fn end_finished(&mut self) {
        self.active
            .retain(|running| !running.is_over() && running.active.left != Some(0));
    }
}

impl Running {
    /// Its time is over, where it has one.
    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    /// How many records it will still take, where it takes some.
    fn left(&mut self) -> Option<&mut u64> {
        self.active.left.as_mut().filter(|left| **left > 0)
    }
}

async fn kill(functions: Functions, function: String, lasts: Duration) {
    let until = Instant::now() + lasts;
    while Instant::now() < until {
        functions.kill(&function);
        tokio::time::sleep(KILLING).await;
    }
}

fn now_ms() -> u64 {
    u64::try_from(clock::now_ms()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(fault: Fault, left: u64) -> Faults {
        let faults = Faults::default();
        faults.0.known.lock().active.push(Running {
            active: Active {
                fault,
                since_ms: 0,
                until_ms: None,
                left: Some(left),
            },
            until: None,
            task: None,
        });
        faults.0.any.store(true, Ordering::Release);
        faults
    }

    #[test]
    fn a_fault_of_records_ends_with_the_last_of_them() {
        let faults = running(Fault::Duplicate { records: 3 }, 3);
        assert_eq!(faults.again(2), Some(Duration::ZERO));
        assert_eq!(faults.list()[0].left, Some(1));
        assert_eq!(faults.again(2), Some(Duration::ZERO));
        assert_eq!(faults.again(1), None);
        assert_eq!(faults.list(), []);
    }

    #[test]
    fn a_late_record_comes_again_after_its_time() {
        let late = Fault::Late {
            records: 1,
            after_ms: 4_000,
        };
        let faults = running(late, 1);
        assert_eq!(faults.again(1), Some(Duration::from_secs(4)));
        assert_eq!(faults.again(1), None);
    }

    #[test]
    fn without_a_fault_nothing_comes_twice_and_nothing_is_turned_away() {
        let faults = Faults::default();
        assert_eq!(faults.again(1), None);
        assert!(!faults.throttles("cqrs-subscriber"));
    }
}
