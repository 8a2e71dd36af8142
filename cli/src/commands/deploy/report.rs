//! What a deployment tells: the plan, the result, the packaging details.

use std::fmt;

use serde::Serialize;

use super::forecast::Forecast;
use super::local::report::Here;
use crate::app::handler::Handler;
use crate::commands::outputs::Outputs;
use crate::commands::preview::Preview;
use crate::commands::rebuild::Rebuilt;
use crate::package::Zip;
use crate::printer::Style;
use crate::settings::StackName;
use crate::stack::change_set::ResourceChanged;

/// What a deployment came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Done {
    Created,
    Updated,
    Unchanged,
}

impl Done {
    pub(super) fn says(self, stack: &StackName) -> String {
        match self {
            Self::Created => format!("Stack {stack} is created"),
            Self::Updated => format!("Stack {stack} is updated"),
            Self::Unchanged => format!("Nothing to change: stack {stack} is as described"),
        }
    }
}

/// Where a stack is, as every result begins.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Location<'a> {
    pub(super) stack: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
}

/// The result of `cqrs deploy`.
#[derive(Serialize)]
pub(super) struct Deployed<'a> {
    #[serde(flatten)]
    pub(super) location: Location<'a>,
    #[serde(rename = "status")]
    pub(super) done: Done,
    pub(super) changes: Vec<ResourceChanged>,
    pub(super) outputs: Outputs,
    /// The rebuild of the read model, where the deployment made one necessary.
    pub(super) rebuild: Option<Rebuilt>,
    #[serde(flatten)]
    pub(super) here: Option<Here>,
}

impl fmt::Display for Deployed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outputs.fmt(f)
    }
}

/// The result of `cqrs deploy --plan`.
#[derive(Serialize)]
pub(super) struct Planned<'a> {
    #[serde(flatten)]
    pub(super) location: Location<'a>,
    #[serde(flatten)]
    pub(super) forecast: &'a Forecast,
    #[serde(skip)]
    pub(super) style: Style,
}

impl fmt::Display for Planned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Forecast { changes, cost, .. } = self.forecast;
        if changes.is_empty() {
            return f.write_str("Nothing would change");
        }
        let style = self.style;
        Preview { changes, style }.fmt(f)?;
        cost.as_ref().map_or(Ok(()), |cost| write!(f, "\n{cost}"))
    }
}

/// The result of `cqrs deploy --change-set-only`; on a terminal it is the change set alone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InReview<'a> {
    #[serde(flatten)]
    pub(super) location: Location<'a>,
    /// None where nothing would change.
    pub(super) change_set: Option<&'a str>,
    #[serde(flatten)]
    pub(super) forecast: &'a Forecast,
}

impl fmt::Display for InReview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.change_set.unwrap_or("Nothing would change"))
    }
}

/// That an artifact's zip was made, and is on its way.
pub(super) fn zipped(handler: Handler, zip: &Zip) -> String {
    let Zip { bytes, sha256 } = zip;
    format!("{handler}: {} bytes zipped, SHA-256 {sha256}", bytes.len())
}
