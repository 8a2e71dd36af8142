//! `cqrs order cancel`: a placed order becomes cancelled.

use orders::command::Change;

use crate::app::interrupt::Interrupt;
use crate::cli::ChangeArgs;
use crate::commands::order::change;
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;

pub(super) async fn run(
    args: ChangeArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    change::run(Change::Cancel, args, settings, interrupt, printer).await
}
