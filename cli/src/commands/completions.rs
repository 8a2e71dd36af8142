//! `cqrs completions`: a shell's completion script, which asks this tool at each press of the key,
//! so that it knows the words of the project in which it is pressed.

use std::ffi::OsString;

use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use crate::cli::Cli;
use crate::domain::Domain;
use crate::error::{Failure, Kind};
use crate::printer::Printer;

/// The variable by which a script asks; its value is the shell's name.
const VARIABLE: &str = "CQRS_COMPLETE";
/// What the script completes, and what it asks: the tool on the search path.
const TOOL: &str = "cqrs";

/// Prints the script.
pub(crate) fn run(shell: Shell, printer: &Printer) -> Result<(), Failure> {
    let unknown = || Failure::new(Kind::Failed, format!("no completion for {shell}"));
    let shells = Shells::builtins();
    let shell = shells.completer(&shell.to_string()).ok_or_else(unknown)?;
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, TOOL, TOOL, TOOL, &mut script)
        .map_err(|error| {
            Failure::new(Kind::Failed, "cannot write the script").caused_by(error.to_string())
        })?;
    printer.stdout(&String::from_utf8_lossy(&script))
}

/// Answers a script that asks; whether one did. To be called before there are threads.
pub(crate) fn answer(arguments: &[OsString], domain: &Domain) -> Result<bool, clap::Error> {
    if std::env::var_os(VARIABLE).is_some() {
        Cli::check(domain)?;
    }
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(|| Cli::of(domain))
        .var(VARIABLE)
        .bin(TOOL)
        .try_complete(arguments.iter().cloned(), here.as_deref())
}
