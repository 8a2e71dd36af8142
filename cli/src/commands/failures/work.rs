//! What `retry` and `discard` have in common: the failures that are meant are taken from where they
//! wait, agreed to, and given back however it ends.

use serde::Serialize;

use crate::app::interrupt::Interrupt;
use crate::commands::consent;
use crate::commands::counted;
use crate::commands::failures::options::FailuresArgs;
use crate::commands::failures::{Desk, give_back, select};
use crate::error::Failure;
use crate::failures::message::Message;
use crate::failures::redelivery::HIDDEN;
use crate::failures::scan::Scan;
use crate::printer::Printer;

/// Failures that are worked on.
pub(super) struct Work<'a> {
    pub(super) desk: &'a Desk,
    pub(super) scan: Scan<'a>,
    pub(super) interrupt: &'a Interrupt,
    pub(super) printer: &'a Printer,
    /// What is said where it ends before the first: `nothing was retried`.
    nothing: &'static str,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        desk: &'a Desk,
        nothing: &'static str,
        interrupt: &'a Interrupt,
        printer: &'a Printer,
    ) -> Self {
        Self {
            desk,
            scan: Scan::new(&desk.destination, HIDDEN),
            interrupt,
            printer,
            nothing,
        }
    }

    /// How many wait.
    pub(super) async fn waiting(&self) -> Result<u64, Failure> {
        let said = || Failure::interrupted(format!("interrupted; {}", self.nothing));
        let depth = self.interrupt.unless(self.desk.destination.depth(), said);
        Ok(depth.await??.visible)
    }

    /// The next of all that wait, the oldest first; none at their end.
    pub(super) async fn next(&mut self, at_most: usize) -> Result<Vec<Message>, Failure> {
        select::some(&mut self.scan, at_most, self.interrupt).await
    }

    /// Those that were named; what was received on the way to them is given back.
    pub(super) async fn named(&mut self, args: &FailuresArgs) -> Result<Vec<Message>, Failure> {
        let found = select::named(&mut self.scan, &args.ids, self.interrupt).await?;
        self.scan.release_but(&found).await?;
        Ok(found)
    }

    /// Asks whether to begin with so many; `question` is given their number in words.
    pub(super) async fn agree(
        &self,
        failures: u64,
        question: impl FnOnce(String) -> String,
    ) -> Result<(), Failure> {
        let question = question(counted(failures, "failure"));
        consent::agree(&question, self.nothing, self.interrupt, self.printer).await
    }

    /// Gives back what was not dealt with.
    pub(super) async fn end(&mut self) {
        give_back(&mut self.scan, self.printer).await;
    }

    /// Says that there was nothing to do; as JSON it is a report like any other.
    pub(super) fn say_none(&self, report: &impl Serialize) -> Result<(), Failure> {
        self.printer.note("No failures wait");
        match self.printer.is_json() {
            true => self.printer.json(report),
            false => Ok(()),
        }
    }
}
