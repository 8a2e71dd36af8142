//! A batch: consecutive records of one lane that are delivered together.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::store::{Record, Sequence};

/// The most that an event may have, in bytes ("payload size reaches 6 MB", Lambda guide,
/// invocation-eventsourcemapping).
pub(super) const EVENT_LIMIT: usize = 6 * 1024 * 1024;

const OPENING: &str = r#"{"Records":["#;
const CLOSING: &str = "]}";

/// An invocation that reached the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invocation {
    /// Its id.
    pub(super) request_id: String,
    /// The function threw, crashed or timed out.
    pub(super) threw: bool,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Batch {
    /// At least one, the oldest first.
    pub(crate) records: Vec<Record>,
    /// Deliveries that failed and count against `MaximumRetryAttempts`.
    pub(crate) failures: u32,
    /// Deliveries that reached the function.
    pub(super) invocations: u32,
    /// The last of them.
    pub(super) last: Option<Invocation>,
}

impl Batch {
    fn new(records: Vec<Record>) -> Self {
        Self {
            records,
            failures: 0,
            invocations: 0,
            last: None,
        }
    }

    /// Takes the next batch out of `waiting`: `most` records, fewer where the event would exceed
    /// [`EVENT_LIMIT`], one at least; none where nothing waits.
    pub(crate) fn form(waiting: &mut VecDeque<Record>, most: usize) -> Option<Self> {
        let mut bytes = OPENING.len() + CLOSING.len();
        let fitting = waiting
            .iter()
            .take(most)
            .take_while(|record| {
                bytes += record.json.len() + 1;
                // The last record has no comma.
                bytes - 1 <= EVENT_LIMIT
            })
            .count();
        let records: Vec<Record> = waiting.drain(..fitting.max(1).min(waiting.len())).collect();
        (!records.is_empty()).then(|| Self::new(records))
    }

    /// Whether records of `bytes` in all are more than an event may have.
    pub(super) fn is_full(records: usize, bytes: usize) -> bool {
        OPENING.len() + CLOSING.len() + bytes + records.saturating_sub(1) > EVENT_LIMIT
    }

    /// The event.
    pub(crate) fn event(&self) -> Bytes {
        let json: usize = self
            .records
            .iter()
            .map(|record| record.json.len() + 1)
            .sum();
        let mut event = Vec::with_capacity(OPENING.len() + json + CLOSING.len());
        event.extend_from_slice(OPENING.as_bytes());
        for (at, record) in self.records.iter().enumerate() {
            if at > 0 {
                event.push(b',');
            }
            event.extend_from_slice(record.json.as_bytes());
        }
        event.extend_from_slice(CLOSING.as_bytes());
        Bytes::from(event)
    }

    /// The event with other texts in the records' places.
    pub(crate) fn event_of(&self, text: impl Fn(&Record) -> Box<str>) -> Bytes {
        let texts: Vec<Box<str>> = self.records.iter().map(text).collect();
        Bytes::from([OPENING, &texts.join(","), CLOSING].concat())
    }

    /// The oldest record's place.
    pub(super) fn head(&self) -> Option<Sequence> {
        self.records.first().map(|record| record.sequence)
    }

    /// The place in the batch of the record with this number, as it stands in an event.
    pub(super) fn place(&self, number: &str) -> Option<usize> {
        // Numbers have a fixed width, so their texts have their order.
        self.records
            .binary_search_by(|record| record.sequence.to_string().as_str().cmp(number))
            .ok()
    }

    /// Splits the records from `at` on off into a batch with the same past.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self {
            records: self.records.split_off(at),
            last: self.last.clone(),
            ..*self
        }
    }
}
