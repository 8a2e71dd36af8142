//! What a function's invocations came to in the last hour.
//!
//! Counting takes one atomic exchange and no lock; only an invocation that failed takes one, to
//! leave its error.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::failure::Failure;
use super::log::now_ms;

const MINUTES: u64 = 60;
/// What counts as now.
const RECENT_MINUTES: u64 = 5;
/// Of a slot's word; the rest is the minute that it counts.
const COUNT_BITS: u32 = 40;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Counts {
    began: Instant,
    invocations: Hour,
    errors: Hour,
    crashes: Hour,
    throttles: Hour,
    last_error: Mutex<Option<LastError>>,
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Invocations that reached the function, also those for which no process could start.
    pub invocations: u64,
    /// Those of them that failed, also where the function said so itself.
    pub errors: u64,
    /// Errors that the function did not report itself: its process ended, took too long, could not
    /// start, or answered too much.
    pub crashes: u64,
    /// Invocations that were turned away.
    pub throttles: u64,
}

/// The newest error of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// `errorType`
    pub error_type: String,
    /// `errorMessage`
    pub message: String,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            invocations: Hour::default(),
            errors: Hour::default(),
            crashes: Hour::default(),
            throttles: Hour::default(),
            last_error: Mutex::default(),
        }
    }

    /// An invocation has come to its end.
    pub(super) fn finished(&self, answer: &Result<Bytes, Failure>) {
        let minute = self.minute();
        self.invocations.count(minute);
        let Err(failure) = answer else { return };
        self.errors.count(minute);
        if !matches!(failure, Failure::Reported(_)) {
            self.crashes.count(minute);
        }
        let error = LastError {
            at_ms: now_ms(),
            error_type: failure.error_type(),
            message: failure.message(),
        };
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// An invocation was turned away.
    pub(super) fn throttled(&self) {
        self.throttles.count(self.minute());
    }

    /// Of the last hour.
    pub(super) fn counted(&self) -> Counted {
        self.last(MINUTES)
    }

    /// Of the last five minutes.
    pub(super) fn recent(&self) -> Counted {
        self.last(RECENT_MINUTES)
    }

    fn last(&self, minutes: u64) -> Counted {
        let now = self.minute();
        Counted {
            invocations: self.invocations.sum(now, minutes),
            errors: self.errors.sum(now, minutes),
            crashes: self.crashes.sum(now, minutes),
            throttles: self.throttles.sum(now, minutes),
        }
    }

    pub(super) fn last_error(&self) -> Option<LastError> {
        let last = self.last_error.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn minute(&self) -> u64 {
        self.began.elapsed().as_secs() / 60
    }
}

/// A count for each of the last sixty minutes, in a slot each. A slot's word holds the minute too,
/// so that it is taken over from an hour before and counted in one exchange.
#[derive(Debug)]
struct Hour([AtomicU64; MINUTES as usize]);

impl Default for Hour {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Hour {
    fn count(&self, minute: u64) {
        let slot = &self.0[(minute % MINUTES) as usize];
        let count = |word: u64| {
            Some(if word >> COUNT_BITS == minute {
                word + 1
            } else {
                minute << COUNT_BITS | 1
            })
        };
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count);
    }

    /// The sum of the last `minutes`, `now` included.
    fn sum(&self, now: u64, minutes: u64) -> u64 {
        let words = self.0.iter().map(|slot| slot.load(Ordering::Relaxed));
        words
            .filter(|word| (word >> COUNT_BITS) + minutes > now)
            .map(|word| word & ((1 << COUNT_BITS) - 1))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn minutes_add_up_and_leave_after_an_hour() {
        let hour = Hour::default();
        for minute in [0, 0, 1, 59] {
            hour.count(minute);
        }
        assert_eq!((hour.sum(59, 60), hour.sum(59, 5)), (4, 1));
        assert_eq!(hour.sum(60, 60), 2);
        // Takes the slot of the first minute over.
        hour.count(60);
        assert_eq!(hour.sum(60, 60), 3);
        assert_eq!(hour.sum(118, 60), 2);
        assert_eq!(hour.sum(1_000, 60), 0);
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let hour = Hour::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|n| hour.count(n / 1_000)));
            }
        });
        assert_eq!(hour.sum(9, 60), 40_000);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_function_reports_is_an_error_and_no_crash() {
        let counts = Counts::new();
        counts.finished(&Ok(Bytes::new()));
        let report = Bytes::from_static(br#"{"errorType":"Bad","errorMessage":"no"}"#);
        counts.finished(&Err(Failure::Reported(report)));
        let error = counts.last_error().unwrap();
        assert_eq!(
            (error.error_type.as_str(), error.message.as_str()),
            ("Bad", "no")
        );
        counts.finished(&Err(Failure::TimedOut(Duration::from_secs(3))));
        counts.throttled();
        let counted = Counted {
            invocations: 3,
            errors: 2,
            crashes: 1,
            throttles: 1,
        };
        assert_eq!(counts.counted(), counted);
        assert_eq!(counts.last_error().unwrap().error_type, "Sandbox.Timedout");
        assert_eq!(counts.recent(), counted);
        tokio::time::advance(Duration::from_secs(300)).await;
        assert_eq!(
            (counts.counted(), counts.recent()),
            (counted, Counted::default())
        );
        tokio::time::advance(Duration::from_secs(3_300)).await;
        assert_eq!(counts.counted(), Counted::default());
    }
}
