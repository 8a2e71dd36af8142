//! `cqrs order` and its like: commands go to the publisher, questions to the query function.
//!
//! The command is called what the entity is called, and its words are made from the description
//! when the tool starts.

mod change;
pub(super) mod create;
mod create_from;
pub(super) mod get;
mod ids;
mod items;
mod key;
pub(super) mod list;
mod several;
pub(super) mod shown;
mod tally;
mod wait;

use std::time::Instant;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use pattern::error::ErrorType;
use serde::Serialize;

use crate::app::interrupt::Interrupt;
use crate::aws::Aws;
use crate::commands::entity::shown::Shown;
use crate::commands::local;
use crate::domain::{Document, Domain};
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::{Settings, Target};
use crate::stack::functions::{Answer, FunctionError, Functions};

/// Wait until the read model shows the change
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct WaitArgs {
    /// Wait until the read model shows it, at most this long [default: 30 seconds]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "30", value_parser = clap::value_parser!(u64).range(1..=900))]
    pub(crate) wait: Option<u64>,
}

/// Its place in the tool's help: among the commands that a user needs first.
const BESIDE_DEPLOY: usize = 3;

/// All that can be typed after the entity's name.
pub(crate) fn command(domain: &Domain) -> Command {
    let changes = domain.commands.iter();
    Command::new(domain.entity.clone())
        .display_order(BESIDE_DEPLOY)
        .about(format!("Write and read {}", domain.plural))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            create::command(domain),
            get::command(domain),
            list::command(domain),
        ])
        .subcommands(changes.map(|change| change::command(domain, change)))
}

/// Runs what was typed after the entity's name. What breaks a rule of the domain is said before
/// anything is connected.
pub(crate) async fn run(
    matches: &ArgMatches,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let (name, matches) = matches.subcommand().unwrap_or(("", matches));
    match name {
        "create" => create::run(matches, settings, interrupt, printer).await,
        "get" => get::run(matches, settings, interrupt, printer).await,
        "list" => list::run(matches, settings, printer).await,
        _ => change::run(name, matches, settings, interrupt, printer).await,
    }
}

/// Adds options that do not depend on the domain. What they say of themselves is not what the
/// command does.
fn with<T: Args>(command: Command) -> Command {
    let about = command.get_about().cloned().unwrap_or_default();
    T::augment_args(command).about(about).long_about(None)
}

/// The options of a command that do not depend on the domain.
fn of<T: FromArgMatches>(matches: &ArgMatches) -> Result<T, Failure> {
    // What was parsed by a command that has them always has them.
    T::from_arg_matches(matches).map_err(|error| Failure::new(Kind::Usage, error.to_string()))
}

/// What is typed before an example's own words: `cqrs order`.
fn typed(domain: &Domain, words: &str) -> String {
    format!("  cqrs {} {words}", domain.entity)
}

pub(super) async fn functions(
    settings: &Settings,
    printer: &Printer,
) -> Result<Functions, Failure> {
    let aws = match settings.target {
        Target::Aws => Aws::connect(&settings.aws).await?,
        Target::Local => local::connect(settings, printer).await?,
    };
    Ok(Functions::new(
        &aws,
        settings.stack.clone(),
        printer.is_verbose(),
    ))
}

/// What was written.
pub(super) struct Written {
    pub(super) shown: Shown,
    /// How the waiting ended; it is written in any case.
    pub(super) waited: Result<(), Failure>,
}

/// Sends a command to the publisher and waits as `wait` says.
pub(super) async fn write(
    functions: &Functions,
    command: &impl Serialize,
    wait: WaitArgs,
    domain: &Domain,
    printer: &Printer,
) -> Result<Written, Failure> {
    let sent = Instant::now();
    let document: Document = unwrap_logged(functions.publish(command).await, domain, printer)?;
    let took = sent.elapsed();
    Ok(wait::after_write(functions, document, took, wait, domain, printer).await)
}

/// Takes an answer's value; with `--verbose` its log lines go to stderr, a failed call's too.
pub(super) fn unwrap_logged<T>(
    answer: Result<Answer<T>, FunctionError>,
    domain: &Domain,
    printer: &Printer,
) -> Result<T, Failure> {
    let log = match &answer {
        Ok(answer) => answer.log.as_deref(),
        Err(FunctionError::Function { log, .. } | FunctionError::Crashed { log, .. }) => {
            log.as_deref()
        }
        Err(_) => None,
    };
    for line in log.unwrap_or_default().lines() {
        printer.detail(line);
    }
    match answer {
        Ok(answer) => Ok(answer.value),
        Err(error) => {
            let hint = hint(&error, domain);
            let failure = Failure::from(error);
            Err(match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
    }
}

/// What to type next, where that is a command of the entity.
fn hint(error: &FunctionError, domain: &Domain) -> Option<String> {
    let (entity, plural) = (&domain.entity, &domain.plural);
    let FunctionError::Function { error_type, .. } = error else {
        return None;
    };
    match error_type {
        ErrorType::NotFound => Some(format!("`cqrs {entity} list` shows the {plural}")),
        ErrorType::VersionConflict => Some(format!(
            "`cqrs {entity} get ID` shows the {entity} as it is now"
        )),
        ErrorType::IdempotencyConflict => Some(format!(
            "use another `--idempotency-key` for another {entity}"
        )),
        _ => None,
    }
}
