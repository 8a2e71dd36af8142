//! `cqrs bundle`: the parts of a release that this tool makes itself.

pub(crate) mod options;
mod pack;

use self::options::BundleCommand;
use crate::error::Failure;
use crate::printer::Printer;

pub(super) async fn run(command: BundleCommand, printer: &Printer) -> Result<(), Failure> {
    match command {
        BundleCommand::Pack(args) => pack::run(args, printer).await,
    }
}
