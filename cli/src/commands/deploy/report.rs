//! What a deployment tells: the plan, the result, the packaging details.

use std::fmt;

use serde::Serialize;

use crate::commands::outputs::Outputs;
use crate::commands::preview::Preview;
use crate::package::PackageEvent;
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

/// The result of `cqrs deploy`.
#[derive(Serialize)]
pub(super) struct Deployed<'a> {
    pub(super) stack: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    #[serde(rename = "status")]
    pub(super) done: Done,
    pub(super) changes: Vec<ResourceChanged>,
    pub(super) outputs: Outputs,
}

impl fmt::Display for Deployed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outputs.fmt(f)
    }
}

/// The result of `cqrs deploy --plan`.
#[derive(Serialize)]
pub(super) struct Planned<'a> {
    pub(super) stack: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) changes: &'a [ResourceChanged],
    #[serde(skip)]
    pub(super) style: Style,
}

impl fmt::Display for Planned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            f.write_str("Nothing would change")
        } else {
            Preview {
                changes: self.changes,
                style: self.style,
            }
            .fmt(f)
        }
    }
}

/// ` --stack NAME`, where the name is not the default.
pub(super) fn stack_flag(stack: &StackName) -> String {
    if stack.is_default() {
        String::new()
    } else {
        format!(" --stack {stack}")
    }
}

/// A packaging event as a line.
pub(super) fn packaged(event: &PackageEvent) -> String {
    match event {
        PackageEvent::Building { builder } => format!("Building the handlers with {builder}"),
        PackageEvent::Checked {
            handler,
            size,
            glibc: Some(glibc),
        } => {
            format!("{handler}: {size} bytes, needs glibc {glibc}")
        }
        PackageEvent::Checked {
            handler,
            size,
            glibc: None,
        } => {
            format!("{handler}: {size} bytes, needs no glibc")
        }
        PackageEvent::Packed {
            handler,
            size,
            sha256,
        } => {
            format!("{handler}: {size} bytes zipped, SHA-256 {sha256}")
        }
    }
}
