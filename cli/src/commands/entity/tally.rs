//! Counts what came of a command for several ids, and has its last word.

use crate::commands::entity::client::Client;
use crate::commands::entity::items::{Fate, Item, Listing};
use crate::commands::summed;
use crate::domain::Domain;
use crate::error::Failure;
use crate::printer::{Printer, Step};

/// How a command speaks of what it does.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// `ship: orders`
    pub(super) doing: String,
    /// `shipped`
    pub(super) done: String,
}

#[derive(Debug)]
pub(super) struct Tally<'a> {
    words: Words,
    domain: &'a Domain,
    printer: &'a Printer,
    listing: Listing<'a>,
    step: Option<Step>,
    /// The output is still open.
    read: bool,
    done: u64,
    failed: u64,
    left: u64,
    /// The first in the order of the ids.
    first: Option<Failure>,
    /// What would fail for all others too.
    stopped: Option<Failure>,
    /// What came after the stop: of no interest where nothing was done at all.
    held: Vec<Item>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(words: Words, client: &Client<'a>) -> Self {
        let (domain, printer) = (client.domain, client.printer);
        // Where the documents themselves appear on the terminal, nothing else has to.
        let step = (printer.is_live() && !printer.stdout_is_terminal())
            .then(|| printer.step(words.doing.clone()));
        Self {
            words,
            domain,
            printer,
            listing: Listing::new(domain, printer),
            step,
            read: true,
            done: 0,
            failed: 0,
            left: 0,
            first: None,
            stopped: None,
            held: Vec::new(),
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Whether the output is still open.
    pub(super) fn is_read(&self) -> bool {
        self.read
    }

    pub(super) fn stop(&mut self, failure: Failure) {
        self.stopped.get_or_insert(failure);
    }

    /// Takes the next items in the order of the ids.
    pub(super) fn add(&mut self, mut items: Vec<Item>) {
        if self.is_stopped() {
            self.held.extend(items);
            return;
        }
        let stop = items.iter().position(|item| item.fate == Fate::Stopped);
        let after = items.split_off(stop.unwrap_or(items.len()));
        self.stopped = after.first().and_then(|item| item.failure.clone());
        self.held = after;
        self.list(items);
    }

    fn list(&mut self, items: Vec<Item>) {
        if self.is_read() {
            match self.listing.add(&items) {
                Ok(flow) => self.read = flow.is_continue(),
                Err(failure) => self.stop(failure),
            }
        }
        for item in items {
            match item.fate {
                Fate::Done => self.done += 1,
                Fate::Failed => self.failed += 1,
                Fate::Stopped | Fate::Left => self.left += 1,
            }
            if item.fate == Fate::Failed && self.first.is_none() {
                self.first = item.failure;
            }
        }
        if let Some(step) = &self.step {
            step.message(format!("{}: {}", self.words.doing, self.summary()));
        }
    }

    /// A line about how far it is, where nothing shows it.
    pub(super) fn report(&self) {
        if !self.printer.is_live() {
            self.printer.note(self.summary());
        }
    }

    /// The command's last word. `interrupted` it may have left orders, and `more` of which nobody
    /// here knows.
    pub(super) fn end(mut self, interrupted: bool, more: bool) -> Result<(), Failure> {
        let held = std::mem::take(&mut self.held);
        let nothing = self.done + self.failed == 0
            && held
                .iter()
                .all(|item| matches!(item.fate, Fate::Stopped | Fate::Left));
        if let Some(stopped) = self.stopped.take_if(|_| nothing) {
            return Err(stopped);
        }
        self.list(held);
        self.step = None;
        if self.is_read() {
            self.listing.end()?;
        }
        self.verdict(interrupted, more)
    }

    fn verdict(self, interrupted: bool, more: bool) -> Result<(), Failure> {
        let summary = self.summary();
        let cut_off = interrupted && (self.left + self.failed > 0 || more);
        let failure = match (self.stopped, self.first) {
            (Some(stopped), _) => stopped.also_hint(&summary),
            (None, _) if cut_off => Failure::interrupted(format!("interrupted: {summary}"))
                .hint("the same command again is safe"),
            (None, Some(first)) => {
                let total = self.done + self.failed;
                return Err(first.reworded(format!(
                    "{} of {total} {} failed",
                    self.failed, self.domain.plural
                )));
            }
            (None, None) if self.done == 0 => {
                self.printer.note("No ids were given");
                return Ok(());
            }
            (None, None) => return Ok(()),
        };
        Err(match more {
            true => failure.also_hint("what follows on standard input was not tried"),
            false => failure,
        })
    }

    /// `12 orders shipped, 1 failed`.
    fn summary(&self) -> String {
        let done = format!("{} {}", self.domain.counted(self.done), self.words.done);
        summed(done, [(self.failed, "failed"), (self.left, "not done")])
    }
}
