//! The events of several log groups by their times, with one page of each in memory.

use std::collections::VecDeque;

use futures_util::future::try_join_all;

use crate::app::handler::Handler;
use crate::logs::Event;
use crate::logs::group::{LogGroup, LogsError, Wanted};

#[derive(Debug)]
pub(crate) struct Merged<'a> {
    wanted: &'a Wanted,
    sources: Vec<Source<'a>>,
}

#[derive(Debug)]
struct Source<'a> {
    group: &'a LogGroup,
    from_ms: i64,
    events: VecDeque<Event>,
    next: Next,
    missing: bool,
}

/// The page behind those that were read.
#[derive(Debug)]
enum Next {
    First,
    At(String),
    None,
}

impl<'a> Merged<'a> {
    /// Of each group what is not before its time.
    pub(crate) fn new(
        groups: impl IntoIterator<Item = (&'a LogGroup, i64)>,
        wanted: &'a Wanted,
    ) -> Self {
        let source = |(group, from_ms)| Source {
            group,
            from_ms,
            events: VecDeque::new(),
            next: Next::First,
            missing: false,
        };
        Self {
            wanted,
            sources: groups.into_iter().map(source).collect(),
        }
    }

    /// The next event, also after an error, which took nothing away; at equal times in the order in which the groups were given.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, LogsError> {
        let wanted = self.wanted;
        try_join_all(self.sources.iter_mut().map(|source| source.fill(wanted))).await?;
        let filled = self.sources.iter_mut();
        let earliest = filled
            .filter(|source| !source.events.is_empty())
            .min_by_key(|source| source.events.front().map(|event| event.at_ms));
        Ok(earliest.and_then(|source| source.events.pop_front()))
    }

    /// The functions whose log group turned out not to be there.
    pub(crate) fn missing(&self) -> impl Iterator<Item = Handler> {
        let missing = self.sources.iter().filter(|source| source.missing);
        missing.map(|source| source.group.handler)
    }
}

impl Source<'_> {
    /// Sees to it that an event is there, if there is one.
    async fn fill(&mut self, wanted: &Wanted) -> Result<(), LogsError> {
        while self.events.is_empty() {
            let token = match &self.next {
                Next::First => None,
                Next::At(token) => Some(token.clone()),
                Next::None => break,
            };
            let page = self.group.page(self.from_ms, wanted, token).await?;
            self.events = page.events.into();
            self.missing = page.missing;
            self.next = page.token.map_or(Next::None, Next::At);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
