//! `cqrs order` and its like: entities are created, changed, read and listed.
//!
//! The command is called what the entity is called, and its words are made from the description
//! when the tool starts.

mod change;
mod client;
mod create;
mod create_from;
mod get;
mod ids;
mod items;
mod key;
mod list;
mod several;
mod shown;
mod tally;
mod wait;

use clap::{ArgMatches, Args, Command, FromArgMatches};

pub(super) use self::client::Client;
use crate::app::interrupt::Interrupt;
use crate::domain::Domain;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::Settings;

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
