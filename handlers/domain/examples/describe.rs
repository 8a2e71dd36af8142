//! Prints the description of the domain. Renews `domain.json` with
//! `cargo run -p domain --example describe > handlers/domain/domain.json`.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use domain::Order;
use pattern::description::{Description, InvalidDomain};

fn main() -> Result<(), InvalidDomain> {
    print!("{}", Description::of::<Order>()?.pretty());
    Ok(())
}
