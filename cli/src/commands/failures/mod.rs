//! `cqrs failures`: what could not be projected is seen, tried again, or given up for good.

mod discard;
mod dry_run;
mod list;
pub(crate) mod options;
mod report;
mod retry;
mod select;
mod show;

use std::time::Duration;

use crate::app::interrupt::Interrupt;
use crate::commands::connected::Connected;
use crate::commands::counted;
use crate::commands::failures::dry_run::Act;
use crate::commands::failures::options::FailuresArgs;
use crate::commands::failures::options::FailuresCommand;
use crate::error::{Failure, Kind};
use crate::failures::destination::{self, Destination};
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

    /// Where records are to be had.
    fn source(&self) -> Source<'_> {
        Source {
            destination: &self.destination,
            stream: &self.stream,
        }
    }
}

/// Refuses where a question is due and nobody can be asked.
fn can_agree(
    args: &FailuresArgs,
    asks: bool,
    what: &str,
    printer: &Printer,
) -> Result<(), Failure> {
    if !asks || args.yes || printer.can_ask() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Usage,
        format!("nobody can be asked here whether to {what}"),
    )
    .hint(format!("add `--yes` to {what} without asking")))
}

/// Asks where a question is due; anything but yes ends the command.
async fn agree(
    question: &str,
    nothing: &str,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let said = || Failure::interrupted(format!("interrupted; {nothing}"));
    let agreed = interrupt.unless(printer.confirm(question), said).await??;
    if agreed {
        Ok(())
    } else {
        Err(Failure::new(Kind::Failed, format!("not agreed; {nothing}")))
    }
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
