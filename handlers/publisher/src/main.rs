//! The publisher of this domain.

use std::process::ExitCode;

fn main() -> ExitCode {
    pattern::publisher::run::<domain::Subject>()
}
