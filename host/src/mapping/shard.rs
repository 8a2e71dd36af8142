//! The records of a stream's one shard on their way through the lanes, and how far all is done.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::time::Instant;

use super::batch::Batch;
use super::failure::Condition;
use super::lane::{Lane, Next, Now, Rules};
use crate::definition::Mapping;
use crate::lambda::Invoked;
use crate::store::{Record, Sequence};

/// How much is read ahead of what is done.
const MOST_RECORDS: usize = 10_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// What is next.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// Deliver this batch; what comes of it is for [`Shard::came_back`].
    Deliver(usize, &'a Batch),
    /// Give this batch up; then say so with [`Shard::passed_over`].
    GiveUp(usize, &'a Batch, Condition),
    /// Nothing, until something comes in or back, or until then.
    Wait(Option<Instant>),
}

/// The order of records is kept within a key: all records of a key take the same lane.
#[derive(Debug)]
pub(super) struct Shard {
    rules: Rules,
    lanes: Vec<Lane>,
    /// What was read and is above `done`, in the stream's order.
    order: VecDeque<Sequence>,
    /// Everything up to here is done: the low-water mark.
    done: Sequence,
    read_to: Sequence,
}

impl Shard {
    /// Begins after `done`.
    pub(super) fn new(mapping: &Mapping, done: Sequence) -> Self {
        let lanes = mapping.parallelization_factor.max(1);
        Self {
            rules: Rules::from(mapping),
            lanes: std::iter::repeat_with(Lane::default).take(lanes).collect(),
            order: VecDeque::new(),
            done,
            read_to: done,
        }
    }

    /// The low-water mark: what a restart needs not read again.
    pub(super) fn done(&self) -> Sequence {
        self.done
    }

    /// Where to read on.
    pub(super) fn read_to(&self) -> Sequence {
        self.read_to
    }

    /// How many more records may be read now. Batches of 10,000 leave no room to read ahead.
    pub(super) fn room(&self) -> usize {
        let bytes: usize = self.lanes.iter().map(|lane| lane.held().1).sum();
        match bytes < MOST_BYTES {
            true => MOST_RECORDS.saturating_sub(self.order.len()),
            false => 0,
        }
    }

    /// Whether all that was read is done.
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether a new record could be delivered at once.
    pub(super) fn is_idle(&self) -> bool {
        self.lanes.iter().any(Lane::is_idle)
    }

    /// The records that were read and are above the low-water mark but done.
    pub(super) fn done_above(&self) -> usize {
        let held: usize = self.lanes.iter().map(|lane| lane.held().0).sum();
        self.order.len().saturating_sub(held)
    }

    /// Takes records that were read, in the stream's order.
    pub(super) fn take(&mut self, records: Vec<Record>, now: Now) {
        for record in records {
            self.read_to = record.sequence;
            self.order.push_back(record.sequence);
            let lane = match self.lanes.len() {
                1 => 0,
                lanes => lane_of(&record.key, lanes),
            };
            if let Some(lane) = self.lanes.get_mut(lane) {
                lane.push(record, now);
            }
        }
    }

    /// Says what to do. Lanes that are under way are left out until they came back.
    pub(super) fn next(&mut self, now: Now) -> Step<'_> {
        let mut soonest: Option<Instant> = None;
        let mut found = None;
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            match lane.next(&self.rules, now) {
                Next::Nothing => {}
                Next::Wait(until) => {
                    soonest = Some(soonest.map_or(until, |soonest| soonest.min(until)))
                }
                Next::Deliver => {
                    found = Some((at, None));
                    break;
                }
                Next::GiveUp(condition) => {
                    found = Some((at, Some(condition)));
                    break;
                }
            }
        }
        let front = |at: usize| self.lanes.get(at).and_then(Lane::front);
        match found {
            None => Step::Wait(soonest),
            Some((at, condition)) => match (front(at), condition) {
                (None, _) => Step::Wait(soonest),
                (Some(batch), None) => Step::Deliver(at, batch),
                (Some(batch), Some(condition)) => Step::GiveUp(at, batch, condition),
            },
        }
    }

    /// What the low-water mark will be once the front batch of `lane` is passed over.
    pub(super) fn done_without(&self, lane: usize) -> Sequence {
        let lanes = self.lanes.iter().enumerate();
        let open = lanes
            .filter_map(|(at, other)| match at == lane {
                true => other.head_behind_front(),
                false => other.head(),
            })
            .min();
        let below = |sequence: &&Sequence| open.is_none_or(|open| **sequence < open);
        self.order
            .iter()
            .take_while(below)
            .last()
            .copied()
            .unwrap_or(self.done)
    }

    /// Takes what came of the delivery; returns how many of the batch's records are done.
    pub(super) fn came_back(&mut self, lane: usize, invoked: Option<Invoked>, now: Now) -> usize {
        let lane = self.lanes.get_mut(lane);
        let done = lane.map_or(0, |lane| lane.came_back(invoked, &self.rules, now));
        self.advance();
        done
    }

    /// The batch of `lane` was reported to its destination.
    pub(super) fn passed_over(&mut self, lane: usize, now: Now) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.passed_over(now);
        }
        self.advance();
    }

    fn advance(&mut self) {
        let open = self.lanes.iter().filter_map(Lane::head).min();
        while let Some(sequence) = self
            .order
            .pop_front_if(|next| open.is_none_or(|open| *next < open))
        {
            self.done = sequence;
        }
    }
}

fn lane_of(key: &str, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let lanes = u64::try_from(lanes).unwrap_or(1);
    usize::try_from(hasher.finish() % lanes).unwrap_or(0)
}
