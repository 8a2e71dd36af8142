//! Checks run side by side, and are shown in the order of the way.

use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::check::{Check, Checked, Finding, Name, Status};
use crate::error::Failure;
use crate::printer::Printer;

/// Makes checks.
#[derive(Clone, Debug)]
pub(super) struct Checks<'a> {
    order: &'a [Name],
    made: UnboundedSender<Check>,
}

/// The checks that were made.
#[derive(Debug)]
pub(super) struct Results<'a> {
    order: &'a [Name],
    made: UnboundedReceiver<Check>,
}

/// `order` is that of the way.
pub(super) fn begin(order: &[Name]) -> (Checks<'_>, Results<'_>) {
    let (sender, made) = unbounded_channel();
    let checks = Checks {
        order,
        made: sender,
    };
    (checks, Results { order, made })
}

impl Checks<'_> {
    /// Makes a check; gives what later checks build on.
    pub(super) async fn check<T>(
        &self,
        name: Name,
        check: impl Future<Output = Result<Checked<T>, Failure>>,
    ) -> Option<T> {
        let began = Instant::now();
        let Checked { value, finding } = check
            .await
            .unwrap_or_else(|failure| Finding::from(failure).into());
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let ms = (finding.status != Status::Skipped).then_some(took);
        self.send(Check { name, finding, ms });
        value
    }

    /// Leaves out the checks after `failed` because of it.
    pub(super) fn skip(&self, failed: Name) {
        let after = self
            .order
            .iter()
            .skip_while(|name| **name != failed)
            .skip(1);
        for &name in after {
            let finding = Finding::behind(failed);
            let ms = None;
            self.send(Check { name, finding, ms });
        }
    }

    fn send(&self, check: Check) {
        // Nobody listens any more where the command was interrupted.
        let _ = self.made.send(check);
    }
}

impl Results<'_> {
    /// Shows the checks in their order as they are done, and gives them. The first that failed is shown
    /// without its hint.
    pub(super) async fn show(mut self, printer: &Printer) -> Result<Vec<Check>, Failure> {
        let mut early: Vec<Check> = Vec::new();
        let mut shown: Vec<Check> = Vec::new();
        for &name in self.order {
            // Elsewhere than on a terminal the result says all.
            let step = printer.is_live().then(|| printer.step(name.to_string()));
            let check = loop {
                if let Some(at) = early.iter().position(|check| check.name == name) {
                    break Some(early.swap_remove(at));
                }
                match self.made.recv().await {
                    Some(check) => early.push(check),
                    None => break None,
                }
            };
            drop(step);
            let Some(check) = check else { continue };
            if !printer.is_json() {
                let broken = check.is_failed() && !shown.iter().any(Check::is_failed);
                printer.stdout(&check.text(printer.data_style(), !broken))?;
            }
            shown.push(check);
        }
        Ok(shown)
    }
}
