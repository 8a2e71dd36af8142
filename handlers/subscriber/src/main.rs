//! The subscriber of this domain.

use std::process::ExitCode;

fn main() -> ExitCode {
    pattern::subscriber::run::<domain::Subject>()
}
