//! `cqrs order create`: creates one, once, however often it is repeated.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command};

use crate::app::interrupt::Interrupt;
use crate::bulk::Format;
use crate::commands::entity::client::Client;
use crate::commands::entity::wait::Written;
use crate::commands::entity::{WaitArgs, create_from, key, of, typed, with};
use crate::domain::{Domain, FieldOption, KEY};
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;

/// Many at once.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "From a file")]
pub(super) struct FileArgs {
    /// Create those of a file instead, once, however often it is repeated; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) from: Option<PathBuf>,

    /// How the file is written [default: as its name or its first character says]
    #[arg(long, value_enum, requires = "from")]
    pub(super) format: Option<Format>,

    /// Check all rows, and send nothing
    #[arg(long, requires = "from")]
    pub(super) dry_run: bool,

    /// How many are under way at a time; fewer while they are throttled
    #[arg(long, requires = "from", value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) concurrency: u16,
}

pub(super) fn command(domain: &Domain) -> Command {
    let options = domain.draft.fields.iter().map(|field| {
        let option = FieldOption(field).argument();
        match field.required {
            true => option.required_unless_present("from"),
            false => option,
        }
    });
    let options: Vec<Arg> = options.collect();
    let alone = options.iter().map(|option| option.get_id().clone());
    let alone: Vec<_> = alone.chain([KEY.into(), "wait".into()]).collect();
    let key = key::argument(
        "Makes repeating safe: the same key again is the same one [default: a new one]",
    );
    let command = Command::new("create")
        .about(format!(
            "Create {}; prints its id alone when stdout is not a terminal",
            domain.one()
        ))
        .after_help(examples(domain))
        .args(options)
        .arg(key);
    with::<FileArgs>(with::<WaitArgs>(command).next_help_heading(None))
        .mut_arg("from", |from| from.conflicts_with_all(alone))
}

/// The description's examples, as they are typed.
fn examples(domain: &Domain) -> String {
    let create = format!("create{}", domain.example());
    let plural = &domain.plural;
    [
        "Examples:".to_owned(),
        typed(domain, &create),
        typed(domain, &format!("{create} --wait")),
        format!(
            "  id=$(cqrs {} {create} --{} cart-7)",
            domain.entity,
            key::OPTION
        ),
        typed(domain, &format!("create --from {plural}.csv --dry-run")),
    ]
    .join("\n")
}

pub(super) async fn run(
    matches: &ArgMatches,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let file: FileArgs = of(matches)?;
    match &file.from {
        Some(from) => create_from::run(from, &file, settings, interrupt, printer).await,
        None => one(matches, settings, printer).await,
    }
}

async fn one(matches: &ArgMatches, settings: &Settings, printer: &Printer) -> Result<(), Failure> {
    let domain = &settings.domain;
    let wait: WaitArgs = of(matches)?;
    // The SDK repeats a call whose answer was lost: without a key that would be a second one.
    let (key, is_made) = match key::typed(matches)? {
        Some(key) => (key, false),
        None => (key::made(), true),
    };
    let draft = domain.draft_typed(matches, key.clone())?;
    let client = Client::of(settings, printer).await?;
    let written = client.write(&draft, wait).await;
    let Written { shown, waited } = written.map_err(|failure| match is_made {
        true => key::hinted(failure, &key, &format!("makes no second {}", domain.entity)),
        false => failure,
    })?;
    let id = shown.id();
    let whole = printer.is_json() || printer.stdout_is_terminal();
    let printed = match whole {
        true => printer.data(&shown),
        // For `id=$(cqrs order create …)`.
        false => printer.stdout(id),
    };
    // Nobody else knows the id.
    printed
        .map_err(|failure| failure.also_hint(&format!("the {} is created: {id}", domain.entity)))?;
    if let (false, Some(timing)) = (whole, shown.timing) {
        printer.note(timing);
    }
    waited
}
