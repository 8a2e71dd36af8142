//! The user's yes, which a command needs before it does what costs, or deletes, or touches more than
//! was named.

use crate::app::interrupt::Interrupt;
use crate::error::{Failure, Kind};
use crate::printer::Printer;

/// Refuses where a question is due and nobody can be asked `whether` it is to be done; `--yes` is `to`
/// do it without asking.
pub(super) fn must_be_askable(whether: &str, to: &str, printer: &Printer) -> Result<(), Failure> {
    if printer.can_ask() {
        return Ok(());
    }
    let message = format!("nobody can be asked here whether to {whether}");
    Err(Failure::new(Kind::Usage, message).hint(format!("add `--yes` to {to}")))
}

/// Asks; anything but yes ends the command, and `nothing` was done: `nothing was deleted`.
pub(super) async fn agree(
    question: &str,
    nothing: &str,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let said = || Failure::interrupted(format!("interrupted; {nothing}"));
    let agreed = interrupt.unless(printer.confirm(question), said).await??;
    if agreed {
        Ok(())
    } else {
        Err(Failure::new(Kind::Failed, format!("not agreed; {nothing}")))
    }
}
