//! `cqrs bench --clean`: deletes what all runs created, and nothing else.

use std::cell::Cell;
use std::fmt;
use std::pin::pin;
use std::time::Duration;

use pattern::id::Id;
use serde::Serialize;
use tokio::time::sleep;

use crate::app::interrupt::Interrupt;
use crate::app::wait::until;
use crate::commands::connected::Connected;
use crate::commands::consent;
use crate::domain::Domain;
use crate::error::{Failure, Kind};
use crate::loadtest::Plan;
use crate::loadtest::marked::Marked;
use crate::loadtest::subject::Subject;
use crate::printer::Printer;
use crate::settings::Settings;
use crate::stack::functions::{FunctionError, Functions, MAX_DOCUMENTS};

/// How long the read model may take for the next orders to be gone.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(250);
const SHOW_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn run(
    yes: bool,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    if !yes {
        let whether = "delete what all runs created";
        consent::must_be_askable(whether, "delete them without asking", printer)?;
    }
    let deleted = Cell::new(0);
    let work = clean(yes, settings, interrupt, printer, &deleted);
    let said = || {
        let message = match deleted.get() {
            0 => "interrupted; nothing was deleted".to_owned(),
            deleted => format!("interrupted; {deleted} are deleted already"),
        };
        Failure::interrupted(message).hint("`cqrs bench --clean` deletes the rest")
    };
    interrupt.unless(work, said).await?
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cleaned {
    found: u64,
    /// Fewer than were found, where others were quicker.
    deleted: u64,
    #[serde(skip)]
    domain: Domain,
}

impl fmt::Display for Cleaned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { domain, .. } = self;
        match self.found {
            0 => write!(f, "No {} of cqrs bench are there", domain.plural),
            _ => {
                let deleted = domain.counted(self.deleted);
                write!(f, "{deleted} deleted, and gone from the read model")
            }
        }
    }
}

async fn clean(
    yes: bool,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
    deleted: &Cell<u64>,
) -> Result<(), Failure> {
    let connected = Connected::to(settings, printer).await?;
    let table = connected.output("TableName")?;
    let domain = &settings.domain;
    let subject = Subject::of(domain, &Plan::new_run())?;
    let marked = Marked::new(connected.aws.dynamodb(), table, subject);
    let functions = connected.functions(false);

    let seen = Cell::new(0);
    let looking = format!("Looking for {} of cqrs bench", domain.plural);
    let found = counting(&looking, &seen, printer, marked.find(&seen)).await?;
    let count = found.ids.len() as u64;
    if count == 0 {
        return printer.data(&Cleaned {
            found: 0,
            deleted: 0,
            domain: domain.clone(),
        });
    }
    if !yes {
        let runs = found.runs.len();
        let plural = if runs == 1 { "" } else { "s" };
        let all = domain.counted(count);
        let question = format!("Delete {all} of {runs} run{plural} of cqrs bench?");
        consent::agree(&question, "nothing was deleted", interrupt, printer).await?;
    }
    let deleting = marked.delete(&found.ids, deleted);
    let doing = format!("Deleting {}", domain.plural);
    counting(&doing, deleted, printer, deleting).await?;

    let step = printer.step("Waiting until the read model shows none of them");
    for ids in found.ids.chunks(MAX_DOCUMENTS) {
        let shows_none = until(PATIENCE, PAUSE, async || {
            Ok::<_, FunctionError>((!shows_any(&functions, ids, domain).await?).then_some(()))
        });
        if shows_none.await?.is_none() {
            let message = format!(
                "{} deleted, and the read model still shows some of them",
                domain.counted(deleted.get())
            );
            return Err(Failure::new(Kind::TimedOut, message)
                .hint("they go with the stream; `cqrs verify` compares the models"));
        }
    }
    drop(step);
    printer.data(&Cleaned {
        found: count,
        deleted: deleted.get(),
        domain: domain.clone(),
    })
}

async fn shows_any(
    functions: &Functions,
    ids: &[Id],
    domain: &Domain,
) -> Result<bool, FunctionError> {
    let held = functions.documents(ids, domain).await?.value;
    Ok(held.iter().any(Option::is_some))
}

/// Awaits `work`, and shows how far it has counted.
async fn counting<T, E: Into<Failure>>(
    what: &str,
    count: &Cell<u64>,
    printer: &Printer,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    let step = printer.step(what);
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done.map_err(Into::into),
            () = sleep(SHOW_EVERY) => step.message(format!("{what}: {}", count.get())),
        }
    }
}
