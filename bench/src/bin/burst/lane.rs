//! One lane of the event source mapping: the records of some keys of one shard, in their order.
//!
//! Lambda gives each shard as many lanes as the mapping's `ParallelizationFactor` says, and has at
//! most one batch of a lane in the function at a time.

use std::collections::VecDeque;

/// Seconds since the simulation began.
pub(crate) type Seconds = f64;

/// Lambda asks a shard without records four times a second (Lambda guide, "Using Lambda with
/// Amazon DynamoDB": "Lambda polls shards ... at a base rate of four times per second").
pub(crate) const POLL: Seconds = 0.25;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Lane {
    /// When the waiting records were written, the oldest first.
    waiting: VecDeque<Seconds>,
    /// When its shard is asked, as an offset into each [`POLL`].
    phase: Seconds,
    busy: bool,
    /// The next batch has been scheduled.
    scheduled: bool,
    warm: bool,
}

impl Lane {
    pub(crate) fn new(phase: Seconds) -> Self {
        Self {
            waiting: VecDeque::new(),
            phase,
            busy: false,
            scheduled: false,
            warm: false,
        }
    }

    /// Takes a record that can be read from the stream from `readable` on. Answers when the lane's
    /// next batch begins, where the record is what makes it begin.
    pub(crate) fn arrives(&mut self, written: Seconds, readable: Seconds) -> Option<Seconds> {
        self.waiting.push_back(written);
        if self.busy || self.scheduled {
            return None;
        }
        self.scheduled = true;
        Some(self.next_poll(readable))
    }

    /// Takes the next batch out: at most `most` records. The second value says that the function's
    /// environment is a new one.
    pub(crate) fn take(&mut self, most: usize) -> (Vec<Seconds>, bool) {
        self.scheduled = false;
        self.busy = true;
        let cold = !std::mem::replace(&mut self.warm, true);
        let count = self.waiting.len().min(most);
        (self.waiting.drain(..count).collect(), cold)
    }

    /// The batch is done; whether the next one begins at once, because records wait.
    pub(crate) fn done(&mut self) -> bool {
        self.busy = false;
        self.scheduled = !self.waiting.is_empty();
        self.scheduled
    }

    fn next_poll(&self, from: Seconds) -> Seconds {
        let polls = ((from - self.phase) / POLL).ceil();
        self.phase + polls * POLL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_lane_finds_a_record_at_its_shards_next_poll() {
        let mut lane = Lane::new(0.1);
        assert_eq!(lane.arrives(1.0, 1.0), Some(1.1));
        assert_eq!(lane.arrives(1.05, 1.05), None, "the batch is on its way");
        assert_eq!(lane.take(10).0, [1.0, 1.05]);
    }

    #[test]
    fn a_lane_that_is_behind_does_not_wait_for_a_poll() {
        let mut lane = Lane::new(0.0);
        for written in [0.1, 0.2, 0.3] {
            lane.arrives(written, written);
        }
        assert_eq!(lane.take(2), (vec![0.1, 0.2], true));
        assert!(lane.done(), "one record waits");
        assert_eq!(lane.take(2), (vec![0.3], false));
        assert!(!lane.done());
    }
}
