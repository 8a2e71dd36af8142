//! The walk: checks run side by side, and their hops are shown in the order of the way.

use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::hop::{Checked, Finding, Hop, Name, Status};
use crate::error::Failure;
use crate::printer::Printer;

/// Where checks tell what they found.
#[derive(Clone, Debug)]
pub(super) struct Walk(UnboundedSender<Hop>);

/// What the walk tells.
#[derive(Debug)]
pub(super) struct Told(UnboundedReceiver<Hop>);

pub(super) fn begin() -> (Walk, Told) {
    let (sender, receiver) = unbounded_channel();
    (Walk(sender), Told(receiver))
}

impl Walk {
    /// Makes a check and tells its hop; gives what later checks build on.
    pub(super) async fn hop<T>(
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
        self.tell(Hop { name, finding, ms });
        value
    }

    /// Tells that the hops after `failed` were not looked at because of it.
    pub(super) fn skip(&self, order: &[Name], failed: Name) {
        let after = order.iter().skip_while(|name| **name != failed).skip(1);
        for &name in after {
            let finding = Finding::behind(failed);
            let ms = None;
            self.tell(Hop { name, finding, ms });
        }
    }

    fn tell(&self, hop: Hop) {
        // Nobody listens any more where the command was interrupted.
        let _ = self.0.send(hop);
    }
}

impl Told {
    /// Shows the hops in `order` as they settle, and gives them. The first that failed is shown
    /// without its hint.
    pub(super) async fn show(
        mut self,
        order: &[Name],
        printer: &Printer,
    ) -> Result<Vec<Hop>, Failure> {
        let mut early: Vec<Hop> = Vec::new();
        let mut shown: Vec<Hop> = Vec::new();
        for &name in order {
            // Elsewhere than on a terminal the settled hop says all.
            let step = printer.is_live().then(|| printer.step(name.to_string()));
            let hop = loop {
                if let Some(at) = early.iter().position(|hop| hop.name == name) {
                    break Some(early.swap_remove(at));
                }
                match self.0.recv().await {
                    Some(hop) => early.push(hop),
                    None => break None,
                }
            };
            drop(step);
            let Some(hop) = hop else { continue };
            if !printer.is_json() {
                let broken = hop.is_failed() && !shown.iter().any(Hop::is_failed);
                printer.stdout(&hop.text(printer.data_style(), !broken))?;
            }
            shown.push(hop);
        }
        Ok(shown)
    }
}
