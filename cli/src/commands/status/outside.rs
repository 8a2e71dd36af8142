//! `cqrs status --drift`: the resources that were changed outside of the stack, property by property.

use std::fmt;

use serde::Serialize;

use crate::app::interrupt::Interrupt;
use crate::aws::Aws;
use crate::commands::table::table;
use crate::commands::{counted, stack_not_found};
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::{Settings, StackName, Target};
use crate::stack::Stacks;
use crate::stack::outside::{Changed, Outside, Property, Unread};
use crate::stack::state::Situation;

pub(super) async fn run(
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let name = &settings.stack;
    if settings.target == Target::Local {
        return printer.data(&Report {
            stack: name,
            target: Target::Local,
            region: settings.local_region(),
            found: Outside::default(),
        });
    }
    let aws = Aws::connect(&settings.aws).await?;
    let stacks = Stacks::new(&aws);
    let looking = async {
        let described = stacks.describe(name.as_str()).await?;
        let made = described.filter(|state| state.situation() != Situation::Empty);
        let state = made.ok_or_else(|| stack_not_found(name, aws.region()))?;
        stacks.check_ours(&state)?;
        let step = printer.step("CloudFormation compares the resources with the template");
        let found = stacks.changed_outside(&state.id).await?;
        drop(step);
        Ok::<_, Failure>(found)
    };
    let said =
        || Failure::interrupted("interrupted; CloudFormation goes on looking, and changes nothing");
    let found = interrupt.unless(looking, said).await??;
    let report = Report {
        stack: name,
        target: Target::Aws,
        region: aws.region(),
        found,
    };
    printer.data(&report)?;
    report.failure().map_or(Ok(()), Err)
}

/// The shape is part of the tool's interface (docs/operations.md).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    stack: &'a StackName,
    target: Target,
    region: &'a str,
    #[serde(flatten)]
    found: Outside,
}

impl Report<'_> {
    /// What the command ends with: a change is to be looked at, and so is a look that did not see all.
    fn failure(&self) -> Option<Failure> {
        let stack = self.stack;
        if !self.found.changed.is_empty() {
            let count = self.found.changed.len() as u64;
            let message = format!(
                "{} of stack `{stack}` changed outside of the stack",
                counted(count, "resource")
            );
            return Some(Failure::new(Kind::Failed, message).hint(
                "put each back by the means that changed it; or say in template.yaml, or by a parameter, \
                 what is to be, and run `cqrs deploy`",
            ));
        }
        let reason = self.found.incomplete.as_ref()?;
        let message = format!("CloudFormation could not look at all of stack `{stack}`");
        let hint = "`cqrs permissions compare` prints what the caller needs to read the resources";
        Some(
            Failure::new(Kind::Failed, message)
                .caused_by(reason)
                .hint(hint),
        )
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stack = self.stack;
        if self.target == Target::Local {
            return write!(
                f,
                "Stack {stack} on this machine has no resources outside of its own process: there is \
                 nothing to compare"
            );
        }
        let compared = counted(self.found.compared as u64, "resource");
        if self.found.changed.is_empty() {
            write!(
                f,
                "Stack {stack}: {compared} compared, none changed outside of the stack"
            )?;
        } else {
            let changed = self.found.changed.len();
            writeln!(
                f,
                "Stack {stack}: {compared} compared, {changed} changed outside of the stack\n"
            )?;
            let header = [
                "Resource",
                "Type",
                "Property",
                "By the template",
                "As it is",
            ];
            let rows = self.found.changed.iter().flat_map(rows);
            f.write_str(table(&header, rows).trim_end())?;
        }
        for Unread { logical_id, reason } in &self.found.unread {
            let reason = reason.as_deref().unwrap_or("no reason is given");
            write!(f, "\nnot read: {logical_id}: {reason}")?;
        }
        Ok(())
    }
}

/// A line for each property; one for a resource that is gone.
fn rows(changed: &Changed) -> Vec<Vec<String>> {
    let row = |property: &str, by_template: &str, as_it_is: &str| {
        vec![
            changed.logical_id.clone(),
            changed.resource_type.clone(),
            property.to_owned(),
            by_template.to_owned(),
            as_it_is.to_owned(),
        ]
    };
    if changed.is_deleted {
        return vec![row("(all of it)", "is there", "is gone")];
    }
    let nothing = "(nothing)";
    let of = |property: &Property| {
        let by_template = property.by_template.as_deref().unwrap_or(nothing);
        let as_it_is = property.as_it_is.as_deref().unwrap_or(nothing);
        row(&property.path, by_template, as_it_is)
    };
    changed.properties.iter().map(of).collect()
}
