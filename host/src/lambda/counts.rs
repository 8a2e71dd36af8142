//! What a function's invocations came to in the last hour.

use std::collections::VecDeque;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::failure::Failure;
use crate::clock::now_ms;
use crate::sync::Mutex;

const MINUTES: u64 = 60;
/// What counts as now.
const RECENT_MINUTES: u64 = 5;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Counts {
    began: Instant,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The last hour's minutes in which something happened, the newest at the end.
    minutes: VecDeque<(u64, Counted)>,
    last_error: Option<LastError>,
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
            known: Mutex::default(),
        }
    }

    /// An invocation has come to its end.
    pub(super) fn finished(&self, answer: &Result<Bytes, Failure>) {
        let mut known = self.known.lock();
        let counted = known.now(self.minute());
        counted.invocations += 1;
        let Err(failure) = answer else { return };
        counted.errors += 1;
        counted.crashes += u64::from(!matches!(failure, Failure::Reported(_)));
        known.last_error = Some(LastError {
            at_ms: now_ms(),
            error_type: failure.error_type(),
            message: failure.message(),
        });
    }

    /// An invocation was turned away.
    pub(super) fn throttled(&self) {
        self.known.lock().now(self.minute()).throttles += 1;
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
        let known = self.known.lock();
        let recent = known.minutes.iter().filter(|(at, _)| at + minutes > now);
        recent.fold(Counted::default(), |sum, (_, one)| Counted {
            invocations: sum.invocations + one.invocations,
            errors: sum.errors + one.errors,
            crashes: sum.crashes + one.crashes,
            throttles: sum.throttles + one.throttles,
        })
    }

    pub(super) fn last_error(&self) -> Option<LastError> {
        self.known.lock().last_error.clone()
    }

    fn minute(&self) -> u64 {
        self.began.elapsed().as_secs() / 60
    }
}

impl Known {
    fn now(&mut self, minute: u64) -> &mut Counted {
        self.minutes.retain(|(at, _)| at + MINUTES > minute);
        if self.minutes.back().is_none_or(|(at, _)| *at != minute) {
            self.minutes.push_back((minute, Counted::default()));
        }
        let last = self.minutes.len() - 1;
        &mut self.minutes[last].1
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

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
