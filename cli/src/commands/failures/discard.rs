//! `cqrs failures discard`: failures are deleted for good, after a question.

use std::fmt;

use serde::Serialize;

use crate::app::clock;
use crate::app::interrupt::Interrupt;
use crate::commands::failures::Desk;
use crate::commands::failures::list::{Listing, rows};
use crate::commands::failures::options::FailuresArgs;
use crate::commands::failures::work::Work;
use crate::commands::{consent, counted, summed};
use crate::error::Failure;
use crate::failures::message::Message;
use crate::failures::queue::Presence;
use crate::failures::redelivery::HIDDEN;
use crate::printer::Printer;
use crate::settings::Settings;

/// How many failures are taken at a time.
const WINDOW: usize = 10;

pub(super) async fn run(
    args: FailuresArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let asks = !args.yes;
    if asks {
        consent::must_be_askable("discard them", "discard them without asking", printer)?;
    }
    let desk = Desk::open(settings, printer).await?;
    // What is taken from the queue is given back.
    let _hold = interrupt.hold();
    let mut discard = Discard {
        work: Work::new(&desk, "nothing was discarded", interrupt, printer),
        discarded: Discarded::default(),
    };
    let ended = match args.all {
        true => discard.all(asks).await,
        false => discard.named(&args, asks).await,
    };
    discard.work.end().await;
    discard.finish(ended)
}

struct Discard<'a> {
    work: Work<'a>,
    discarded: Discarded,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Discarded {
    discarded: u64,
    /// Those that somebody else deleted meanwhile.
    already_gone: u64,
}

impl Discard<'_> {
    /// Those that wait when this is agreed to; what comes later was not meant.
    async fn all(&mut self, asks: bool) -> Result<(), Failure> {
        let waiting = self.work.waiting().await?;
        let now_ms = clock::now().as_millis();
        if asks && waiting > 0 {
            self.work.agree(waiting, question).await?;
        }
        let step = self.work.printer.step("Discarding failures");
        loop {
            let window = self.work.next(WINDOW).await?;
            if window.is_empty() {
                return Ok(());
            }
            for message in window.iter().filter(|m| m.sent_ms <= now_ms) {
                self.one(message).await?;
            }
            step.message(format!("Discarding failures: {}", self.discarded));
        }
    }

    async fn named(&mut self, args: &FailuresArgs, asks: bool) -> Result<(), Failure> {
        let found = self.work.named(args).await?;
        if asks {
            let listings: Vec<_> = found.iter().map(Listing::from).collect();
            self.work.printer.note(rows(&listings));
            self.work.agree(found.len() as u64, question).await?;
        }
        for message in &found {
            if self.work.interrupt.is_set() {
                break;
            }
            self.one(message).await?;
        }
        Ok(())
    }

    async fn one(&mut self, message: &Message) -> Result<(), Failure> {
        // Deleting what is gone is a success to SQS and S3, keeping it is not.
        let destination = &self.work.desk.destination;
        let mut presence = destination.keep(message, HIDDEN).await?;
        if presence == Presence::There {
            presence = destination.delete(message).await?;
        }
        match presence {
            Presence::There => self.discarded.discarded += 1,
            Presence::Gone => self.discarded.already_gone += 1,
        }
        self.work.scan.forget(message);
        Ok(())
    }

    fn finish(self, ended: Result<(), Failure>) -> Result<(), Failure> {
        let counts = &self.discarded;
        if counts.discarded + counts.already_gone == 0 {
            ended?;
            return self.work.say_none(counts);
        }
        let printed = self.work.printer.data(counts);
        printed.map_err(|failure| failure.also_hint(&counts.to_string()))?;
        if self.work.interrupt.is_set() {
            return Err(Failure::interrupted(format!(
                "interrupted: {counts}; the others wait as before"
            )));
        }
        ended
    }
}

fn question(failures: String) -> String {
    format!("Discard {failures} for good, unprojected?")
}

impl fmt::Display for Discarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let discarded = format!("{} discarded", counted(self.discarded, "failure"));
        f.write_str(&summed(discarded, [(self.already_gone, "gone already")]))
    }
}
