//! `cqrs domain diff`: what the project's domain changes in the deployed one.

use std::fmt;

use serde::Serialize;

use super::options::DiffArgs;
use crate::commands::{described, project};
use crate::domain::{Difference, DomainError, FILE};
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::Settings;

pub(super) async fn run(
    args: &DiffArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let path = project(settings)?.join(FILE);
    if !path.is_file() {
        return Err(DomainError::Missing { path }.into());
    }
    let deployed = described::ask(settings, printer).await?;
    let differences = settings.domain.differences_from(&deployed);
    printer.data(&Differences {
        stack: settings.stack.as_str(),
        differences: &differences,
    })?;
    if differences.is_empty() {
        return Ok(());
    }
    printer.next("`cqrs deploy` brings it to the stack");
    if Difference::any_needs_rebuild(&differences) {
        printer.note(Difference::REBUILD);
    }
    match args.exit_code {
        true => Err(Failure::silent(Kind::Failed)),
        false => Ok(()),
    }
}

#[derive(Serialize)]
struct Differences<'a> {
    stack: &'a str,
    differences: &'a [Difference],
}

impl fmt::Display for Differences<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.differences.is_empty() {
            return writeln!(f, "the domain is what stack {} has", self.stack);
        }
        for difference in self.differences {
            let mark = difference.warning.as_ref().map_or("", |_| "warning: ");
            writeln!(f, "{mark}{difference}")?;
        }
        Ok(())
    }
}
