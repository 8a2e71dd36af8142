//! `cqrs failures`: what could not be projected is seen, tried again, or given up for good.

mod discard;
mod dry_run;
mod list;
pub(crate) mod options;
mod report;
mod retry;
mod select;
mod show;
mod work;

use std::time::Duration;

use crate::app::interrupt::Interrupt;
use crate::commands::connected::Connected;
use crate::commands::counted;
use crate::commands::failures::dry_run::Act;
use crate::commands::failures::options::FailuresCommand;
use crate::error::Failure;
use crate::failures::destination::{self, Destination};
use crate::failures::message::{Id, Message};
use crate::failures::record::About;
use crate::failures::records::Source;
use crate::failures::scan::Scan;
use crate::failures::stream::Stream;
use crate::printer::Printer;
use crate::settings::Settings;

/// How long a command that only looks hides what it sees, should it be killed in between.
const A_LOOK: Duration = Duration::from_secs(30);

pub(crate) async fn run(
    command: FailuresCommand,
    settings: Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    match command {
        FailuresCommand::List { limit } => list::run(limit, &settings, interrupt, printer).await,
        FailuresCommand::Show { id, limit } => {
            show::run(&id, limit, &settings, interrupt, printer).await
        }
        FailuresCommand::Retry(args) if args.dry_run => {
            dry_run::run(&args, Act::Retry, &settings, interrupt, printer).await
        }
        FailuresCommand::Discard(args) if args.dry_run => {
            dry_run::run(&args, Act::Discard, &settings, interrupt, printer).await
        }
        FailuresCommand::Retry(args) => retry::run(args, &settings, interrupt, printer).await,
        FailuresCommand::Discard(args) => discard::run(args, &settings, interrupt, printer).await,
    }
}

/// The stack, and where its failures wait.
struct Desk {
    connected: Connected,
    destination: Destination,
    stream: Stream,
}

/// The failures that a command is to look at.
enum Meant<'a> {
    /// At most so many.
    Oldest(usize),
    Named(&'a [Id]),
}

impl Desk {
    async fn open(settings: &Settings, printer: &Printer) -> Result<Self, Failure> {
        let connected = Connected::to(settings, printer).await?;
        let destination = Destination::of(
            &connected.aws,
            connected.buckets.as_ref(),
            connected.output("StreamArn")?,
            |name| connected.output(name).ok(),
        );
        let Some(destination) = destination else {
            return Err(connected.lacks(destination::QUEUE));
        };
        let stream = Stream::new(&connected.aws);
        Ok(Self {
            connected,
            destination,
            stream,
        })
    }

    /// Looks at failures, which are given back at once. It may receive about `expected` of them on the
    /// way.
    async fn look(
        &self,
        meant: Meant<'_>,
        expected: u64,
        interrupt: &Interrupt,
        printer: &Printer,
    ) -> Result<Vec<Message>, Failure> {
        // What is taken from the queue is given back, also after Ctrl-C.
        let _hold = interrupt.hold();
        // Each receive takes ten and some milliseconds: what came first is not to come again.
        let hidden = A_LOOK + Duration::from_secs(expected / 50);
        let mut scan = Scan::new(&self.destination, hidden);
        let found = match meant {
            Meant::Oldest(at_most) => select::some(&mut scan, at_most, interrupt).await,
            Meant::Named(ids) => select::named(&mut scan, ids, interrupt).await,
        };
        give_back(&mut scan, printer).await;
        found
    }

    /// Where records are to be had.
    fn source(&self) -> Source<'_> {
        Source {
            destination: &self.destination,
            stream: &self.stream,
        }
    }
}

/// What is shown for what a record does not say.
const UNKNOWN: &str = "-";

/// A record's cells below RECORD, EVENT, ID, VERSION.
fn cells(about: &About) -> Vec<String> {
    let id = about.id.as_ref().map(|id| &id.value);
    let more = [about.event_name.as_ref(), id, about.version.as_ref()];
    let more = more.map(|cell| cell.map_or_else(|| UNKNOWN.to_owned(), Clone::clone));
    std::iter::once(about.sequence_number.clone())
        .chain(more)
        .collect()
}

/// Gives back what a command took, however it ended. What cannot be given back comes back by itself.
async fn give_back(scan: &mut Scan<'_>, printer: &Printer) {
    if let Err(error) = scan.release().await {
        let seconds = scan.hidden().as_secs();
        printer.warn(format_args!(
            "what was looked at could not be given back and stays hidden for up to {seconds} s: {error}"
        ));
    }
}
