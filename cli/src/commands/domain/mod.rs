//! `cqrs domain`: what the project is about, for those who write it.

mod check;
mod describe;
mod diff;
pub(crate) mod options;
mod source;

use self::options::DomainCommand;
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;

pub(crate) async fn run(
    command: DomainCommand,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    match command {
        DomainCommand::Check(args) => check::run(&args, settings, printer).await,
        DomainCommand::Describe => describe::run(settings, printer),
        DomainCommand::Diff(args) => diff::run(&args, settings, printer).await,
    }
}
