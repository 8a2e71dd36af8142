//! When operations are due.
//!
//! In a closed loop the next one is due when one before it is done: a stack that answers slowly is
//! asked less often. In an open loop they are due at times that were fixed beforehand, whatever the
//! stack does: an operation that has to wait for its turn is late from the time at which it was
//! due, and no slow moment hides itself by holding up the questions.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::domain::Domain;

/// The most operations that are in flight at once in an open loop.
pub(crate) const MOST_IN_FLIGHT: usize = 256;
/// The longest that the pacer sleeps, so that it ends soon after the run.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// How fast a stack is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// So many operations at all times, each after another.
    Closed { concurrency: usize },
    /// So many operations a second.
    Open { rate: u32 },
}

impl Pace {
    /// The most operations in flight.
    pub(crate) fn in_flight(self) -> usize {
        match self {
            Self::Closed { concurrency } => concurrency,
            Self::Open { .. } => MOST_IN_FLIGHT,
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { concurrency } => write!(f, "{concurrency} at a time"),
            Self::Open { rate } => write!(f, "{rate} a second"),
        }
    }
}

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Time(Duration),
    /// So many were created.
    Created(u64),
}

impl Until {
    /// In the domain's words.
    pub(crate) fn words(self, domain: &Domain) -> String {
        match self {
            Self::Time(time) => format!("for {} s", time.as_secs_f64()),
            Self::Created(1) => format!("until {} is created", domain.counted(1)),
            Self::Created(count) => format!("until {} are created", domain.counted(count)),
        }
    }
}

#[derive(Debug)]
pub(super) struct Schedule {
    start: Instant,
    end: Option<Instant>,
    open: Option<Open>,
    stopped: Cell<bool>,
}

#[derive(Debug)]
struct Open {
    rate: u32,
    taken: Cell<u64>,
    /// A permit is an operation that is due and was not begun.
    due: Arc<Semaphore>,
}

impl Schedule {
    /// Begins now.
    pub(super) fn begin(pace: Pace, until: Until) -> io::Result<Self> {
        let start = Instant::now();
        let end = match until {
            Until::Time(time) => Some(start + time),
            Until::Created(_) => None,
        };
        let open = match pace {
            Pace::Closed { .. } => None,
            Pace::Open { rate } => Some(Open::begin(rate, start, end)?),
        };
        Ok(Self {
            start,
            end,
            open,
            stopped: Cell::new(false),
        })
    }

    pub(super) fn start(&self) -> Instant {
        self.start
    }

    /// Waits for the next operation; gives when it is due, unless the run is over.
    pub(super) async fn next(&self) -> Option<Instant> {
        if self.stopped.get() {
            return None;
        }
        let Some(open) = &self.open else {
            let now = Instant::now();
            return self.end.is_none_or(|end| now < end).then_some(now);
        };
        open.due.acquire().await.ok()?.forget();
        let number = open.taken.replace(open.taken.get() + 1);
        Some(due(self.start, open.rate, number))
    }

    /// Begins no more operations.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
        if let Some(open) = &self.open {
            open.due.close();
        }
    }

    /// Operations that were due before the end and were not begun by then.
    pub(super) fn unsent(&self) -> u64 {
        let open = self.open.as_ref().filter(|_| self.end.is_some());
        open.map_or(0, |open| open.due.available_permits() as u64)
    }
}

impl Open {
    /// The pacer is a thread of its own: the runtime's timers are exact to a millisecond only, which
    /// is more than an operation takes on this machine.
    fn begin(rate: u32, start: Instant, end: Option<Instant>) -> io::Result<Self> {
        let permits = Arc::new(Semaphore::new(0));
        let pacer = Arc::clone(&permits);
        thread::Builder::new()
            .name("pacer".to_owned())
            .spawn(move || pace(rate, start, end, &pacer))?;
        Ok(Self {
            rate,
            taken: Cell::new(0),
            due: permits,
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.due.close();
    }
}

fn pace(rate: u32, start: Instant, end: Option<Instant>, permits: &Semaphore) {
    let mut given = 0;
    while !permits.is_closed() {
        let now = Instant::now();
        let until = end.map_or(now, |end| end.min(now));
        while due(start, rate, given) < until {
            permits.add_permits(1);
            given += 1;
        }
        if end.is_some_and(|end| now >= end) {
            return permits.close();
        }
        let next = due(start, rate, given);
        let next = end.map_or(next, |end| end.min(next));
        thread::sleep(next.saturating_duration_since(now).min(LONGEST_SLEEP));
    }
}

/// When an operation of an open loop is due.
fn due(start: Instant, rate: u32, number: u64) -> Instant {
    start + Duration::from_secs_f64(number as f64 / f64::from(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_open_loops_times_are_fixed_however_late_they_are_asked_for() {
        let pace = Pace::Open { rate: 1000 };
        let schedule = Schedule::begin(pace, Until::Created(1)).unwrap();
        let first = schedule.next().await.unwrap();
        // Nobody takes any for a while.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut before = first;
        for _ in 0..19 {
            let due = schedule.next().await.unwrap();
            assert_eq!(due - before, Duration::from_millis(1));
            assert!(due <= Instant::now());
            before = due;
        }
        assert_eq!(first, schedule.start());
        schedule.stop();
        assert_eq!(schedule.next().await, None);
    }

    #[tokio::test]
    async fn what_is_not_begun_before_the_end_is_counted() {
        let pace = Pace::Open { rate: 1000 };
        let until = Until::Time(Duration::from_millis(50));
        let schedule = Schedule::begin(pace, until).unwrap();
        for _ in 0..10 {
            schedule.next().await.unwrap();
        }
        let open = schedule.open.as_ref().unwrap();
        while !open.due.is_closed() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(schedule.next().await, None);
        assert_eq!(schedule.unsent(), 40);
    }

    #[tokio::test]
    async fn a_closed_loop_is_always_due_until_it_is_over() {
        let pace = Pace::Closed { concurrency: 1 };
        let schedule = Schedule::begin(pace, Until::Created(1)).unwrap();
        assert!(schedule.next().await.is_some());
        assert!(schedule.next().await.is_some());
        schedule.stop();
        assert_eq!(schedule.next().await, None);
        let over = Schedule::begin(pace, Until::Time(Duration::ZERO)).unwrap();
        assert_eq!((over.next().await, over.unsent()), (None, 0));
    }
}
