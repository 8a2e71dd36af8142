//! `cqrs local fault`: lets something go wrong on purpose, so that people and tests see it heal.

pub(crate) mod options;

use std::fmt;

use host::faults::{Active, Fault};
use serde::Serialize;

use self::options::{FaultCommand, Lasts, Records};
use crate::commands::counted;
use crate::commands::table::table;
use crate::error::Failure;
use crate::local::protocol::Faults;
use crate::printer::Printer;
use crate::settings::{Settings, StackName};

pub(super) async fn run(
    command: FaultCommand,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let client = super::attach(settings, printer).await?;
    let Faults { faults, cleared } = match &command {
        FaultCommand::List => client.faults().await?,
        FaultCommand::Clear => client.clear_faults().await?,
        begun => match fault(begun, &settings.stack) {
            Some(fault) => client.fault(&fault).await?,
            None => client.faults().await?,
        },
    };
    let listed = Listed { faults };
    if printer.is_json() {
        return printer.json(&listed);
    }
    match command {
        FaultCommand::Clear => {
            let ended = counted(u64::try_from(cleared).unwrap_or(u64::MAX), "fault");
            printer.note(format_args!("{ended} ended"));
        }
        FaultCommand::List if listed.faults.is_empty() => printer.note("Nothing goes wrong"),
        FaultCommand::LoseCache => {
            printer.note("The cache has lost its contents, and is made again from the table");
        }
        _ => {
            printer.data(&listed)?;
            printer.next("cqrs ui --local");
        }
    }
    Ok(())
}

/// What is to go wrong.
fn fault(command: &FaultCommand, stack: &StackName) -> Option<Fault> {
    let ms = |lasts: Lasts| lasts.seconds * 1_000;
    Some(match *command {
        FaultCommand::Poison(Records { records }) => Fault::Poison { records },
        FaultCommand::Throttle { function, lasts } => Fault::Throttle {
            function: stack.function(function),
            ms: ms(lasts),
        },
        FaultCommand::Kill { function, lasts } => Fault::Kill {
            function: stack.function(function),
            ms: ms(lasts),
        },
        FaultCommand::StopCache(lasts) => Fault::StopCache { ms: ms(lasts) },
        FaultCommand::SlowCache(lasts) => Fault::SlowCache { ms: ms(lasts) },
        FaultCommand::LoseCache => Fault::LoseCache,
        FaultCommand::Duplicate(Records { records }) => Fault::Duplicate { records },
        FaultCommand::Late { records, after } => Fault::Late {
            records: records.records,
            after_ms: after * 1_000,
        },
        FaultCommand::List | FaultCommand::Clear => return None,
    })
}

#[derive(Serialize)]
struct Listed {
    faults: Vec<Active>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.faults.iter().map(|active| {
            let (what, how) = said(&active.fault);
            let left = match active.left {
                Some(left) => counted(left, "record"),
                None => "-".to_owned(),
            };
            vec![what.to_owned(), how, left]
        });
        f.write_str(&table(&["FAULT", "HOW", "LEFT"], rows))
    }
}

/// Its name, and what is said of it.
fn said(fault: &Fault) -> (&'static str, String) {
    let seconds = |ms: u64| format!("for {} s", ms / 1_000);
    match fault {
        Fault::Poison { records } => ("poison", counted(*records, "record")),
        Fault::Throttle { function, ms } => ("throttle", format!("{function}, {}", seconds(*ms))),
        Fault::Kill { function, ms } => ("kill", format!("{function}, {}", seconds(*ms))),
        Fault::StopCache { ms } => ("stop-cache", seconds(*ms)),
        Fault::SlowCache { ms } => ("slow-cache", seconds(*ms)),
        Fault::LoseCache => ("lose-cache", String::new()),
        Fault::Duplicate { records } => ("duplicate", counted(*records, "record")),
        Fault::Late { records, after_ms } => (
            "late",
            format!(
                "{}, {} s later",
                counted(*records, "record"),
                after_ms / 1_000
            ),
        ),
    }
}
