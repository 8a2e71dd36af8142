//! `cqrs failures show`: a failure and its records, as long as the stream has them.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::app::clock;
use crate::app::duration;
use crate::app::interrupt::Interrupt;
use crate::commands::failures::list::{Listing, rows};
use crate::commands::failures::{Desk, Meant, UNKNOWN, cells, report};
use crate::commands::table::table;
use crate::error::Failure;
use crate::failures::message::{Content, Id};
use crate::failures::record::{About, Record};
use crate::failures::records::Records;
use crate::failures::stream::Left;
use crate::printer::Printer;
use crate::settings::Settings;

pub(super) async fn run(
    id: &Id,
    limit: u32,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let desk = Desk::open(settings, printer).await?;
    // The records are only read: the message need not be kept for that.
    let named = Meant::Named(std::slice::from_ref(id));
    let mut found = desk.look(named, 0, interrupt, printer).await?;
    let message = found.swap_remove(0);
    let mut shown = Shown {
        failure: Listing::from(&message),
        records: Vec::new(),
        stream: InStream::Foreign,
    };
    if let Content::Batch(batch) = &message.content {
        let records = desk.source().read(&message, batch);
        let reading = read(records, limit as usize);
        let interrupted = || Failure::interrupted("interrupted; the failure waits as before");
        (shown.records, shown.stream) = interrupt.unless(reading, interrupted).await??;
    }
    printer.data(&shown)?;
    match shown.stream {
        InStream::Whole | InStream::More => printer.next(format_args!("cqrs failures retry {id}")),
        InStream::InPart | InStream::Gone => printer.note(format_args!("\n{}", report::REPAIR)),
        InStream::Foreign => printer.next(format_args!("cqrs failures discard {id}")),
    }
    Ok(())
}

async fn read(mut reader: Records<'_>, limit: usize) -> Result<(Vec<Shape>, InStream), Failure> {
    let mut shapes = Vec::new();
    while let Some(records) = reader.next().await? {
        for record in records {
            if shapes.len() == limit {
                return Ok((shapes, InStream::More));
            }
            shapes.push(Shape::of(record));
        }
    }
    let state = match reader.left() {
        Left::All => InStream::Whole,
        Left::Some => InStream::InPart,
        Left::None => InStream::Gone,
    };
    Ok((shapes, state))
}

#[derive(Serialize)]
struct Shown<'a> {
    failure: Listing<'a>,
    records: Vec<Shape>,
    stream: InStream,
}

/// What of the records the stream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum InStream {
    Whole,
    /// All that was asked for, and more follow.
    More,
    InPart,
    Gone,
    /// The message says nothing about this stack's stream.
    Foreign,
}

/// A record, without what is in its images.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    #[serde(flatten)]
    about: About,
    age_seconds: Option<u64>,
}

impl Shape {
    fn of(record: Record) -> Self {
        let now = clock::now().as_millis() / 1_000;
        Self {
            about: record.about,
            age_seconds: record
                .written_at
                .map(|at| u64::try_from(now - at).unwrap_or_default()),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rows([&self.failure]))?;
        if let Some(body) = self.failure.body {
            return write!(f, "\n{body}");
        }
        if !self.records.is_empty() {
            let rows = self.records.iter().map(|record| {
                let age = record.age_seconds.map(Duration::from_secs);
                let mut row = cells(&record.about);
                row.push(age.map_or_else(|| UNKNOWN.to_owned(), duration::shown));
                row
            });
            let header = ["RECORD", "EVENT", "ID", "VERSION", "AGE"];
            write!(f, "\n{}", table(&header, rows))?;
        }
        match self.stream {
            InStream::Whole | InStream::Foreign => Ok(()),
            InStream::More => write!(f, "\nMore records follow: `--limit N` shows N"),
            InStream::InPart => write!(f, "\nThe stream no longer has the other records."),
            InStream::Gone => write!(f, "\nThe stream no longer has the records."),
        }
    }
}
