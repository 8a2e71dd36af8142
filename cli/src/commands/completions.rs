//! `cqrs completions`: a shell's completion script, generated from the commands.

use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::domain::Domain;
use crate::error::Failure;
use crate::printer::Printer;

pub(crate) fn run(shell: Shell, domain: &Domain, printer: &Printer) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::of(domain), "cqrs", &mut script);
    printer.stdout(&String::from_utf8_lossy(&script))
}
