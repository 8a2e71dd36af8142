//! What a deployment would do, as far as that is known before anything is changed: what is shown of it,
//! and what keeps it from being done.

use serde::Serialize;

use super::cost::Cost;
use super::data::{self, Lost};
use super::options::DeployArgs;
use super::{domain, failures, watch};
use crate::commands::operation::subject;
use crate::commands::preview::Preview;
use crate::domain::Difference;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::stack::change_set::ResourceChanged;
use crate::stack::root_cause::Cause;

/// See the module's documentation. As JSON it is the plan.
#[derive(Debug, Default, Serialize)]
pub(super) struct Forecast {
    pub(super) changes: Vec<ResourceChanged>,
    /// What changes in what the stack is about.
    pub(super) domain: Vec<Difference>,
    /// None on this machine, and where nothing is known of the template's costs.
    pub(super) cost: Option<Cost>,
    /// What validation warns of.
    #[serde(skip)]
    pub(super) findings: Vec<Cause>,
    /// The tables that would go with their items.
    #[serde(skip)]
    pub(super) lost: Vec<Lost>,
    /// The failures that would go with where they wait, in words.
    #[serde(skip)]
    pub(super) failures: Option<String>,
    /// The alarms that would undo it at once, in words.
    #[serde(skip)]
    pub(super) raised: Option<String>,
}

impl Forecast {
    /// Says what changes in the domain, and warns of what may go wrong or be lost.
    pub(super) fn warn(&self, printer: &Printer) {
        domain::show(&self.domain, printer);
        for finding in &self.findings {
            printer.warn(format_args!("{}: {}", subject(finding), finding.reason));
        }
        for table in &self.lost {
            printer.warn(table);
        }
        if let Some(failures) = &self.failures {
            printer.warn(failures);
        }
    }

    /// Shows the changes and what they cost.
    pub(super) fn show(&self, printer: &Printer) {
        let preview = Preview {
            changes: &self.changes,
            style: printer.style(),
        };
        printer.note(format_args!("\n{preview}"));
        if let Some(cost) = &self.cost {
            printer.note(cost);
            for assumption in cost.assumptions() {
                printer.detail(assumption);
            }
        }
        printer.note("");
    }

    /// Refuses what would take data away that nobody gave up, or be undone at once.
    pub(super) fn check(&self, args: &DeployArgs) -> Result<(), Failure> {
        if !self.lost.is_empty() && !args.replace_data {
            return Err(data::refusal(&self.lost));
        }
        if let Some(failures) = &self.failures {
            return Err(failures::refusal(failures));
        }
        match &self.raised {
            Some(raised) => Err(Failure::new(Kind::Failed, raised).hint(watch::WAY_OUT)),
            None => Ok(()),
        }
    }
}
