//! Prints the description of the domain. Renews `domain.json` with
//! `cargo run -p domain --example describe > handlers/domain/domain.json`.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use domain::Subject;
use pattern::description::{Description, InvalidDomain};

fn main() -> Result<(), InvalidDomain> {
    print!("{}", Description::of::<Subject>()?.pretty());
    Ok(())
}
