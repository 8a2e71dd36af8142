//! What a deployment changes in what the stack is about.

use pattern::description::Description;

use crate::domain::{Difference, Domain};
use crate::printer::Printer;
use crate::stack::functions::Functions;

/// What changes where `domain` takes the place of what is deployed; nothing where that is not known.
pub(super) fn differences(deployed: Option<&Description>, domain: &Domain) -> Vec<Difference> {
    deployed.map_or_else(Vec::new, |deployed| domain.differences_from(deployed))
}

/// What the stack's functions say; nothing where they do not answer, as before they ever did.
pub(super) async fn description(functions: &Functions, printer: &Printer) -> Option<Description> {
    match functions.describe().await {
        Ok(deployed) => Some(deployed),
        Err(error) => {
            printer.detail(format_args!(
                "what changes in the domain is not known: {error}"
            ));
            None
        }
    }
}

/// Says what changes, and warns of what puts data at risk.
pub(in crate::commands) fn show(differences: &[Difference], printer: &Printer) {
    for difference in differences {
        match difference.warning {
            Some(_) => printer.warn(difference),
            None => printer.note(difference),
        }
    }
    if Difference::any_needs_rebuild(differences) {
        printer.note(Difference::REBUILD);
    }
}
