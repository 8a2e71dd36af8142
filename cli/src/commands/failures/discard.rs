//! `cqrs failures discard`: failures are deleted for good, after a question.

use std::fmt;

use serde::Serialize;

use crate::app::clock;
use crate::app::interrupt::Interrupt;
use crate::commands::failures::list::{Listing, rows};
use crate::commands::failures::options::FailuresArgs;
use crate::commands::failures::{Desk, agree, can_agree, counted, give_back, select};
use crate::error::Failure;
use crate::failures::message::Message;
use crate::failures::queue::Presence;
use crate::failures::redelivery::HIDDEN;
use crate::failures::scan::Scan;
use crate::printer::Printer;
use crate::settings::Settings;

/// How many failures are taken at a time.
const WINDOW: usize = 10;
const NOTHING: &str = "nothing was discarded";

pub(super) async fn run(
    args: FailuresArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    can_agree(&args, true, "discard them", printer)?;
    let desk = Desk::open(settings, printer).await?;
    // What is taken from the queue is given back.
    let _hold = interrupt.hold();
    let mut scan = Scan::new(&desk.destination, HIDDEN);
    let mut discard = Discard {
        desk: &desk,
        interrupt,
        printer,
        discarded: Discarded::default(),
    };
    let ended = if args.all {
        discard.all(&mut scan, !args.yes).await
    } else {
        discard.named(&mut scan, &args).await
    };
    give_back(&mut scan, printer).await;
    discard.finish(ended)
}

struct Discard<'a> {
    desk: &'a Desk,
    interrupt: &'a Interrupt,
    printer: &'a Printer,
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
    async fn all(&mut self, scan: &mut Scan<'_>, asks: bool) -> Result<(), Failure> {
        let said = || Failure::interrupted(format!("interrupted; {NOTHING}"));
        let depth = self.interrupt.unless(self.desk.destination.depth(), said);
        let waiting = depth.await??.visible;
        let now_ms = clock::now().as_millis();
        if asks && waiting > 0 {
            let failures = counted(waiting, "failure");
            let question = format!("Discard {failures} for good, unprojected?");
            agree(&question, NOTHING, self.interrupt, self.printer).await?;
        }
        let step = self.printer.step("Discarding failures");
        loop {
            let window = select::some(scan, WINDOW, self.interrupt).await?;
            if window.is_empty() {
                return Ok(());
            }
            for message in window.iter().filter(|m| m.sent_ms <= now_ms) {
                self.one(scan, message).await?;
            }
            step.message(format!("Discarding failures: {}", self.discarded));
        }
    }

    async fn named(&mut self, scan: &mut Scan<'_>, args: &FailuresArgs) -> Result<(), Failure> {
        let found = select::named(scan, &args.ids, self.interrupt).await?;
        scan.release_but(&found).await?;
        if !args.yes {
            let listings: Vec<_> = found.iter().map(Listing::from).collect();
            self.printer.note(rows(&listings));
            let failures = counted(found.len() as u64, "failure");
            let question = format!("Discard {failures} for good, unprojected?");
            agree(&question, NOTHING, self.interrupt, self.printer).await?;
        }
        for message in &found {
            if self.interrupt.is_set() {
                break;
            }
            self.one(scan, message).await?;
        }
        Ok(())
    }

    async fn one(&mut self, scan: &mut Scan<'_>, message: &Message) -> Result<(), Failure> {
        // Deleting what is gone is a success to SQS and S3, keeping it is not.
        let destination = &self.desk.destination;
        let mut presence = destination.keep(message, HIDDEN).await?;
        if presence == Presence::There {
            presence = destination.delete(message).await?;
        }
        match presence {
            Presence::There => self.discarded.discarded += 1,
            Presence::Gone => self.discarded.already_gone += 1,
        }
        scan.forget(message);
        Ok(())
    }

    fn finish(self, ended: Result<(), Failure>) -> Result<(), Failure> {
        let counts = &self.discarded;
        let nothing = counts.discarded + counts.already_gone == 0;
        if nothing {
            ended?;
            self.printer.note("No failures wait");
            return if self.printer.is_json() {
                self.printer.json(counts)
            } else {
                Ok(())
            };
        }
        let printed = self.printer.data(counts);
        printed.map_err(|failure| failure.also_hint(&counts.to_string()))?;
        if self.interrupt.is_set() {
            return Err(Failure::interrupted(format!(
                "interrupted: {counts}; the others wait as before"
            )));
        }
        ended
    }
}

impl fmt::Display for Discarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} discarded", counted(self.discarded, "failure"))?;
        match self.already_gone {
            0 => Ok(()),
            gone => write!(f, ", {gone} gone already"),
        }
    }
}
