//! One lane: the batches of some keys, delivered one after the other, retried, halved, given up.
//!
//! This is the part where AWS's rules are. It knows no clock, no function and no file: it is given
//! the time and the result of each delivery, and says what is next.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::answer::{self, Answer};
use super::batch::{Batch, Invocation};
use super::failure::Condition;
use crate::definition::Mapping;
use crate::lambda::Invoked;
use crate::store::{Record, Sequence};

/// How long a stream keeps its records (DynamoDB guide, Streams), and so the greatest age that a
/// record is delivered at, whatever `MaximumRecordAgeInSeconds` says.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause before the first retry. AWS says nothing of its own; the pauses here are for people
/// who wait for the outcome.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause. With 10 retries a record is given up after 13 seconds.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The settings of a mapping that a lane follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) batch_size: usize,
    pub(super) window: Duration,
    pub(super) bisect: bool,
    pub(super) retries: Option<u32>,
    pub(super) age: Duration,
    pub(super) item_failures: bool,
}

impl From<&Mapping> for Rules {
    fn from(mapping: &Mapping) -> Self {
        let age = mapping
            .maximum_record_age_seconds
            .map_or(RETENTION, |age| Duration::from_secs(age.into()));
        Self {
            batch_size: mapping.batch_size.max(1),
            window: Duration::from_secs(mapping.window_seconds.into()),
            bisect: mapping.bisect_on_error,
            retries: mapping.maximum_retry_attempts,
            age: age.min(RETENTION),
            item_failures: mapping.report_item_failures,
        }
    }
}

/// The time, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// For pauses and windows.
    pub(super) instant: Instant,
    /// For the age of records: milliseconds since 1970.
    pub(super) unix_ms: i64,
}

/// What a lane does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Nothing, until something comes in or back.
    Nothing,
    /// Nothing, until then.
    Wait(Instant),
    /// The front batch is to be delivered now; [`Lane::came_back`] takes the result.
    Deliver,
    /// The front batch is to be given up; [`Lane::passed_over`] follows.
    GiveUp(Condition),
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Not in a batch yet.
    waiting: VecDeque<Record>,
    waiting_bytes: usize,
    held_records: usize,
    held_bytes: usize,
    /// The parts of one batch, in order. The front one is in flight, or next.
    batches: VecDeque<Batch>,
    in_flight: bool,
    /// Deliveries that came to nothing since the last that moved something.
    in_vain: u32,
    paused_until: Option<Instant>,
    /// When the batch that waits began to gather.
    gathering_since: Option<Instant>,
}

impl Lane {
    /// Adds the next record of the lane's keys.
    pub(super) fn push(&mut self, record: Record, now: Now) {
        if self.is_idle() {
            self.gathering_since.get_or_insert(now.instant);
        }
        self.waiting_bytes += record.json.len();
        self.held_bytes += record.json.len();
        self.held_records += 1;
        self.waiting.push_back(record);
    }

    /// Whether a new record could make this lane deliver.
    pub(super) fn is_idle(&self) -> bool {
        self.batches.is_empty()
    }

    /// The oldest record that is not done.
    pub(super) fn head(&self) -> Option<Sequence> {
        let waiting = || self.waiting.front().map(|record| record.sequence);
        self.batches.front().and_then(Batch::head).or_else(waiting)
    }

    /// The records held, and the bytes of their JSON.
    pub(super) fn held(&self) -> (usize, usize) {
        (self.held_records, self.held_bytes)
    }

    /// The oldest record that would not be done if the front batch were.
    pub(super) fn head_behind_front(&self) -> Option<Sequence> {
        let waiting = || self.waiting.front().map(|record| record.sequence);
        self.batches.get(1).and_then(Batch::head).or_else(waiting)
    }

    /// The batch that [`Lane::next`] spoke of.
    pub(super) fn front(&self) -> Option<&Batch> {
        self.batches.front()
    }

    /// Says what to do.
    pub(super) fn next(&mut self, rules: &Rules, now: Now) -> Next {
        if self.in_flight {
            return Next::Nothing;
        }
        if self.batches.is_empty() {
            if let Some(wait) = self.gathers_until(rules, now) {
                return Next::Wait(wait);
            }
            let Some(batch) = Batch::form(&mut self.waiting, rules.batch_size) else {
                return Next::Nothing;
            };
            self.waiting_bytes -= bytes(&batch.records);
            self.gathering_since = None;
            self.batches.push_back(batch);
        }
        let Some(front) = self.batches.front_mut() else {
            return Next::Nothing;
        };
        if rules
            .retries
            .is_some_and(|retries| front.failures > retries)
        {
            return Next::GiveUp(Condition::RetryAttemptsExhausted);
        }
        if let Some(until) = self.paused_until.filter(|until| *until > now.instant) {
            return Next::Wait(until);
        }
        let oldest = now.unix_ms - i64::try_from(rules.age.as_millis()).unwrap_or(i64::MAX);
        let expired = front
            .records
            .iter()
            .take_while(|record| record.arrived_ms < oldest)
            .count();
        if expired > 0 {
            if expired < front.records.len() {
                let rest = front.split_off(expired);
                self.batches.insert(1, rest);
            }
            return Next::GiveUp(Condition::RecordAgeExceeded);
        }
        self.in_flight = true;
        self.paused_until = None;
        Next::Deliver
    }

    /// The front batch was reported to its destination and is passed over.
    pub(super) fn passed_over(&mut self, now: Now) {
        self.drop_front();
        self.moved(now);
    }

    /// Takes what came of the delivery; returns how many of the batch's records are done, from the
    /// first on. The others are delivered again. Where the function was not reached, since it is
    /// throttled or missing, that uses up no retries (Lambda guide, services-dynamodb-errors, "Before
    /// invocation").
    pub(super) fn came_back(&mut self, invoked: Option<Invoked>, rules: &Rules, now: Now) -> usize {
        self.in_flight = false;
        let Some(front) = self.batches.front_mut() else {
            return 0;
        };
        let Some(Invoked {
            request_id,
            payload,
            failed: threw,
            ..
        }) = invoked
        else {
            self.pause(now);
            return 0;
        };
        front.invocations += 1;
        front.last = Some(Invocation { request_id, threw });
        let answer = match (threw, rules.item_failures) {
            (true, _) => Answer::Malformed,
            (false, true) => answer::read(&payload, |number| front.place(number)),
            (false, false) => Answer::Done,
        };
        match answer {
            Answer::Done => {
                let done = front.records.len();
                self.drop_front();
                self.moved(now);
                return done;
            }
            // The checkpoint moves, and the retries begin anew for what is left.
            Answer::From(at) if at > 0 => {
                let rest = front.records.split_off(at);
                let done = std::mem::replace(&mut front.records, rest);
                self.held_records -= done.len();
                self.held_bytes -= bytes(&done);
                front.failures = 0;
                front.invocations = 0;
                self.moved(now);
                return at;
            }
            // Splitting uses up no retries.
            Answer::Malformed if rules.bisect && front.records.len() > 1 => {
                let second = front.split_off(front.records.len().div_ceil(2));
                self.batches.insert(1, second);
                self.moved(now);
            }
            Answer::From(_) | Answer::Malformed => {
                front.failures += 1;
                self.pause(now);
            }
        }
        0
    }

    /// Until when records are gathered for a batch, where they still are.
    fn gathers_until(&self, rules: &Rules, now: Now) -> Option<Instant> {
        let gathers = !rules.window.is_zero()
            && !self.waiting.is_empty()
            && self.waiting.len() < rules.batch_size
            && !Batch::is_full(self.waiting.len(), self.waiting_bytes);
        let until = self.gathering_since? + rules.window;
        (gathers && until > now.instant).then_some(until)
    }

    fn drop_front(&mut self) {
        if let Some(batch) = self.batches.pop_front() {
            self.held_records -= batch.records.len();
            self.held_bytes -= bytes(&batch.records);
        }
    }

    fn moved(&mut self, now: Now) {
        self.in_vain = 0;
        self.paused_until = None;
        // The next window begins when the invocation completes (Lambda guide,
        // invocation-eventsourcemapping), or with the first record after it.
        if self.batches.is_empty() && !self.waiting.is_empty() {
            self.gathering_since = Some(now.instant);
        }
    }

    fn pause(&mut self, now: Now) {
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(self.in_vain.min(16));
        self.in_vain += 1;
        self.paused_until = Some(now.instant + pause.min(LONGEST_PAUSE));
    }
}

fn bytes(records: &[Record]) -> usize {
    records.iter().map(|record| record.json.len()).sum()
}
