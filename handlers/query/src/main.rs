//! The query handler of this domain.

use std::process::ExitCode;

fn main() -> ExitCode {
    pattern::queries::run::<domain::Subject>()
}
