//! `--dry-run` of `cqrs failures retry` and `discard`: what would become of each failure and of each
//! of its records. Nothing is changed.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::app::interrupt::Interrupt;
use crate::commands::failures::options::FailuresArgs;
use crate::commands::failures::{Desk, Meant, cells, counted};
use crate::commands::table::table;
use crate::error::Failure;
use crate::failures::foresight::{Foreseen, Held, Projection};
use crate::failures::message::{Batch, Content, Id, Message};
use crate::failures::records::Source;
use crate::failures::stream::Left;
use crate::models::Models;
use crate::printer::Printer;
use crate::settings::Settings;

/// How many records are listed one by one; the rest is counted.
const LISTED: usize = 1_000;

/// What is not done this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Act {
    Retry,
    Discard,
}

pub(super) async fn run(
    args: &FailuresArgs,
    act: Act,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let desk = Desk::open(settings, printer).await?;
    let look = Look {
        models: desk.connected.models(&settings.domain)?,
        source: desk.source(),
        act,
    };
    // Their records are looked at afterwards, which may take long.
    let (meant, expected) = match args.all {
        true => {
            let waiting = desk.destination.depth().await?.visible;
            (Meant::Oldest(usize::MAX), waiting)
        }
        false => (Meant::Named(&args.ids), 0),
    };
    let messages = desk.look(meant, expected, interrupt, printer).await?;
    let step = printer.step("Looking at the failures and both models");
    let mut plan = Plan::new(act);
    for message in &messages {
        let interrupted = || Failure::interrupted("interrupted; the failures wait as before");
        let foreseen = interrupt.unless(look.at(message), interrupted).await??;
        plan.add(message, foreseen);
    }
    drop(step);
    if messages.is_empty() {
        printer.note("No failures wait");
    }
    if printer.is_json() || !messages.is_empty() {
        printer.data(&plan)?;
        printer.note("Nothing was changed");
    }
    Ok(())
}

struct Look<'a> {
    models: Models,
    source: Source<'a>,
    act: Act,
}

impl Look<'_> {
    async fn at(&self, message: &Message) -> Result<Seen, Failure> {
        let Content::Batch(batch) = &message.content else {
            return Ok(Seen {
                outcome: match self.act {
                    Act::Retry => Outcome::Foreign,
                    Act::Discard => Outcome::Discarded,
                },
                of: 0,
                records: Vec::new(),
            });
        };
        let (records, left) = self.records(message, batch).await?;
        let fails = |record: &Foreseen| record.projection == Projection::Failing;
        let outcome = match self.act {
            Act::Discard => Outcome::Discarded,
            Act::Retry if records.iter().any(fails) => Outcome::StillFailing,
            Act::Retry if left == Left::All => Outcome::Retried,
            Act::Retry => Outcome::RecordsGone,
        };
        Ok(Seen {
            outcome,
            of: batch.info.batch_size,
            records,
        })
    }

    async fn records(
        &self,
        message: &Message,
        batch: &Batch,
    ) -> Result<(Vec<Foreseen>, Left), Failure> {
        let mut reader = self.source.read(message, batch);
        let mut foreseen = Vec::new();
        while let Some(records) = reader.next().await? {
            foreseen.extend(self.models.foresee(&records).await?);
        }
        Ok((foreseen, reader.left()))
    }
}

struct Seen {
    outcome: Outcome,
    of: u64,
    records: Vec<Foreseen>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    dry_run: Act,
    failures: Vec<Entry>,
    /// How many failures would end so.
    outcomes: BTreeMap<Outcome, u64>,
    /// What the projection would do with how many records.
    projections: BTreeMap<Projection, u64>,
    /// Whether there are more records than are listed.
    truncated: bool,
    #[serde(skip)]
    listed: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: Id,
    at: String,
    outcome: Outcome,
    /// How many records were given up, and how many of them are still to be had.
    of: u64,
    found: usize,
    records: Vec<Foreseen>,
}

/// How a failure would end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    Retried,
    Discarded,
    StillFailing,
    RecordsGone,
    Foreign,
}

impl Outcome {
    fn said(self) -> &'static str {
        match self {
            Self::Retried => "would be retried and deleted",
            Self::Discarded => "would be deleted, unprojected",
            Self::StillFailing => "would still fail and stay",
            Self::RecordsGone => "would stay: not all of its records are left",
            Self::Foreign => "is foreign and would stay",
        }
    }
}

impl Plan {
    fn new(act: Act) -> Self {
        Self {
            dry_run: act,
            failures: Vec::new(),
            outcomes: BTreeMap::new(),
            projections: BTreeMap::new(),
            truncated: false,
            listed: 0,
        }
    }

    fn add(&mut self, message: &Message, seen: Seen) {
        *self.outcomes.entry(seen.outcome).or_default() += 1;
        for record in &seen.records {
            *self.projections.entry(record.projection).or_default() += 1;
        }
        let found = seen.records.len();
        let mut records = seen.records;
        records.truncate(LISTED.saturating_sub(self.listed));
        self.truncated |= records.len() < found;
        self.listed += records.len();
        self.failures.push(Entry {
            id: message.id.clone(),
            at: message.at(),
            outcome: seen.outcome,
            of: seen.of,
            found,
            records,
        });
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        if self.truncated {
            writeln!(
                f,
                "Only the first {LISTED} records are listed; all are counted."
            )?;
        }
        let failures = counted(self.failures.len() as u64, "failure");
        let outcomes = self.outcomes.iter().map(|(outcome, count)| {
            let said = outcome.said();
            format!("{count} {said}")
        });
        write!(f, "{failures}: {}", outcomes.collect::<Vec<_>>().join("; "))?;
        if self.projections.is_empty() {
            return Ok(());
        }
        let records = counted(self.projections.values().sum(), "record");
        let projections = self.projections.iter();
        let projections = projections.map(|(projection, count)| format!("{count} {projection}"));
        let projections = projections.collect::<Vec<_>>().join(", ");
        write!(f, "\n{records}, if projected: {projections}")
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.id, self.outcome.said())?;
        if (self.found as u64) < self.of {
            let (found, of) = (self.found, counted(self.of, "record"));
            writeln!(f, "{found} of its {of} can still be had")?;
        }
        let rows = self.records.iter().map(|record| {
            let projection = match &record.reason {
                Some(reason) => format!("{}: {reason}", record.projection),
                None => record.projection.to_string(),
            };
            let mut row = cells(&record.about);
            row.extend([
                record.write_model.to_string(),
                record.read_model.to_string(),
                projection,
            ]);
            row
        });
        let header = [
            "RECORD",
            "EVENT",
            "ID",
            "VERSION",
            "TABLE HAS",
            "READ MODEL HAS",
            "IF PROJECTED",
        ];
        match self.records.is_empty() {
            true => Ok(()),
            false => f.write_str(&table(&header, rows)),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present { version: None } => f.write_str("an item"),
            Self::Present {
                version: Some(version),
            } => write!(f, "version {version}"),
            Self::Absent => f.write_str("nothing"),
            Self::Removed { version } => {
                let version = version.as_deref().unwrap_or("?");
                write!(f, "removed at {version}")
            }
            Self::Unknown => f.write_str("-"),
        }
    }
}

impl fmt::Display for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Applied => "applied",
            Self::Removed => "removed",
            Self::Stale => "stale",
            Self::Failing => "failing",
        })
    }
}
