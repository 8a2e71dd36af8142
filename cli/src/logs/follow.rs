//! Log events as they come: each group is asked again and again, and each event given once.
//!
//! CloudWatch takes events in seconds after they were written, and in any order. So each round
//! begins a while before the newest event that was seen, and what was given is known by its id. On
//! this machine a log's lines appear in the order of their times, and a round begins with the
//! newest. Where nothing matches, the beginning follows the rounds at a distance, so that a round
//! stays short; rounds that failed do not move it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::app::clock;
use crate::app::handler::Handler;
use crate::aws::Aws;
use crate::logs::Event;
use crate::logs::group::{LogGroup, LogsError, Wanted};
use crate::logs::merged::Merged;
use crate::settings::Target;

/// How often to ask, and how far back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Between two rounds.
    pub(crate) pause: Duration,
    /// How much later than a newer one an event may appear.
    overlap_ms: i64,
    /// How late an event may appear where no newer one has.
    horizon_ms: i64,
}

impl Pace {
    pub(crate) fn on(target: Target) -> Self {
        match target {
            // An account may ask five times a second in most regions, for all its log groups.
            Target::Aws => Self {
                pause: Duration::from_secs(2),
                overlap_ms: 30_000,
                horizon_ms: 300_000,
            },
            Target::Local => Self {
                pause: Duration::from_millis(250),
                overlap_ms: 0,
                horizon_ms: 60_000,
            },
        }
    }
}

#[derive(Debug)]
pub(crate) struct Follow {
    groups: Vec<LogGroup>,
    wanted: Wanted,
    pace: Pace,
    cursors: BTreeMap<Handler, Cursor>,
}

impl Follow {
    pub(crate) fn new(groups: Vec<LogGroup>, wanted: Wanted, since_ms: i64, pace: Pace) -> Self {
        let cursor = |group: &LogGroup| (group.handler, Cursor::new(since_ms));
        Self {
            cursors: groups.iter().map(cursor).collect(),
            groups,
            wanted,
            pace,
        }
    }

    /// Goes on where the stack is now.
    pub(crate) fn reconnect(&mut self, aws: &Aws) {
        for group in &mut self.groups {
            *group = group.through(aws);
        }
    }

    /// Asks all groups once more.
    pub(crate) fn round(&mut self) -> Round<'_> {
        let begun_ms = clock::now().as_millis();
        let cursors = &self.cursors;
        let from = |group: &LogGroup| cursors.get(&group.handler).map_or(begun_ms, |c| c.from_ms);
        let begins = self.groups.iter().map(|group| (group, from(group)));
        Round {
            events: Merged::new(begins, &self.wanted),
            cursors: &mut self.cursors,
            pace: self.pace,
            begun_ms,
        }
    }
}

/// One time of asking all groups.
#[derive(Debug)]
pub(crate) struct Round<'a> {
    events: Merged<'a>,
    cursors: &'a mut BTreeMap<Handler, Cursor>,
    pace: Pace,
    begun_ms: i64,
}

impl Round<'_> {
    /// The next event that was not given yet; after the last one the round is done.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, LogsError> {
        while let Some(event) = self.events.next().await? {
            let cursor = self.cursors.get_mut(&event.handler);
            if cursor.is_none_or(|cursor| cursor.is_new(&event)) {
                return Ok(Some(event));
            }
        }
        for cursor in self.cursors.values_mut() {
            cursor.done(self.begun_ms, self.pace);
        }
        Ok(None)
    }

    /// The functions whose log group is not there.
    pub(crate) fn missing(&self) -> impl Iterator<Item = Handler> {
        self.events.missing()
    }
}

/// How far a group was read.
#[derive(Debug)]
struct Cursor {
    /// Where the next round begins.
    from_ms: i64,
    newest_ms: Option<i64>,
    /// The ids and times of the events from there on that were given.
    given: HashMap<String, i64>,
}

impl Cursor {
    fn new(since_ms: i64) -> Self {
        Self {
            from_ms: since_ms,
            newest_ms: None,
            given: HashMap::new(),
        }
    }

    fn is_new(&mut self, event: &Event) -> bool {
        self.newest_ms = self.newest_ms.max(Some(event.at_ms));
        self.given.insert(event.id.clone(), event.at_ms).is_none()
    }

    /// A round that began then saw everything.
    fn done(&mut self, begun_ms: i64, pace: Pace) {
        let newest = self.newest_ms.map(|newest| newest - pace.overlap_ms);
        let distant = begun_ms - pace.horizon_ms;
        self.from_ms = self.from_ms.max(distant).max(newest.unwrap_or(distant));
        let from_ms = self.from_ms;
        self.given.retain(|_, at_ms| *at_ms >= from_ms);
    }
}

#[cfg(test)]
mod tests;
