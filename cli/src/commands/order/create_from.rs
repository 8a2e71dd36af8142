//! `cqrs order create --from`: places the orders of a file, each once, however often it is repeated.

mod report;

use std::cell::RefCell;
use std::convert::Infallible;
use std::path::Path;
use std::time::{Duration, Instant};

use orders::error::chain;

use self::report::{Examined, Report};
use crate::app::interrupt::Interrupt;
use crate::bulk::{
    Checked, Event, FailedFile, Finished, Halt, Input, InputError, Row, check, feed, send,
};
use crate::cli::BulkArgs;
use crate::commands::counted;
use crate::commands::order::functions;
use crate::commands::rate::Rate;
use crate::error::{Failure, Kind};
use crate::printer::{Printer, Step};
use crate::settings::Settings;
use crate::stack::functions::Functions;

/// Between two lines of progress where there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(5);
const AGAIN: &str = "the same command again goes on: what is placed is not placed twice";

pub(super) async fn run(
    file: &Path,
    args: &BulkArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let untouched = || Failure::interrupted("interrupted; nothing was sent");
    let examined = interrupt.unless(examine(file, args, printer), untouched);
    let (input, checked) = examined.await??;
    if args.dry_run {
        return printer.data(&Examined {
            dry_run: true,
            rows: checked.rows,
        });
    }
    let mut failed = FailedFile::create(input.path(), checked.format)?;
    let found = interrupt.unless(functions(settings, printer), untouched);
    let functions = found.await??;
    // Those under way are waited for, and what became of all is told and kept.
    let _hold = interrupt.hold();
    let placing = Placing {
        functions: functions.one_attempt_each(),
        concurrency: args.concurrency,
        report: RefCell::new(Report::new(checked.rows)),
        begun: Instant::now(),
        step: printer.count(
            format!("Placing {}", counted(checked.rows, "order")),
            checked.rows,
        ),
        interrupt,
        printer,
    };
    let rows = feed(input, checked, args.concurrency.into());
    let ended = placing.run(rows, &mut failed).await;
    placing.finish(ended, failed)
}

/// Reads the file to its end, beside the one who may press Ctrl-C.
async fn examine(
    file: &Path,
    args: &BulkArgs,
    printer: &Printer,
) -> Result<(Input, Checked), Failure> {
    let file = file.to_owned();
    let format = args.format;
    let live = printer.is_live().then(|| printer.clone());
    let examined = tokio::task::spawn_blocking(move || {
        let input = Input::open(&file)?;
        let step =
            live.map(|printer| printer.bytes(format!("Checking {}", input.name()), input.length()));
        let seen = |bytes| step.iter().for_each(|step: &Step| step.advance(bytes));
        let checked = check(&input, format, seen)?;
        Ok((input, checked))
    });
    match examined.await {
        Ok(examined) => examined.map_err(explained),
        Err(error) => {
            Err(Failure::new(Kind::Failed, "cannot read the file").caused_by(error.to_string()))
        }
    }
}

/// With a cause for each bad row that is named.
fn explained(error: InputError) -> Failure {
    let causes = match &error {
        InputError::BadRows { bad, first, .. } => {
            let mut causes: Vec<_> = first.iter().map(ToString::to_string).collect();
            match bad.saturating_sub(first.len() as u64) {
                0 => {}
                more => causes.push(format!("and {}", counted(more, "more row"))),
            }
            causes
        }
        _ => Vec::new(),
    };
    causes.into_iter().fold(error.into(), Failure::caused_by)
}

/// A file that is being sent.
struct Placing<'a> {
    functions: Functions,
    concurrency: u16,
    report: RefCell<Report>,
    begun: Instant,
    step: Step,
    interrupt: &'a Interrupt,
    printer: &'a Printer,
}

impl Placing<'_> {
    /// Ctrl-C lets what is under way come to its end.
    async fn run(
        &self,
        rows: tokio::sync::mpsc::Receiver<Result<Row, InputError>>,
        failed: &mut FailedFile,
    ) -> Result<(), Halt> {
        let sending = send(
            rows,
            &self.functions,
            self.concurrency,
            failed,
            self.interrupt.asked(),
            |event| self.event(event),
        );
        tokio::select! {
            ended = sending => ended,
            never = self.tell() => match never {},
        }
    }

    fn event(&self, event: Event<'_>) {
        let mut report = self.report.borrow_mut();
        match event {
            Event::Created => report.created += 1,
            Event::AlreadyThere => report.already_there += 1,
            Event::Failed { line, reason } => report.fail(line, reason),
            Event::Retried { line, error } => {
                let message = format_args!("line {line} is tried again: {error}");
                return self.printer.detail(message);
            }
            Event::Slowed { limit } => {
                let message = format_args!("at most {limit} under way from now on");
                return self.printer.detail(message);
            }
            Event::Stopping { under_way: 0 } => return self.printer.note("Stopping"),
            Event::Stopping { under_way } => {
                let under_way = counted(under_way as u64, "order");
                return self.printer.note(format_args!(
                    "Stopping after {under_way} under way; Ctrl-C ends at once"
                ));
            }
        }
        self.step.advance(1);
    }

    /// Says how far it is where no bar does.
    async fn tell(&self) -> Infallible {
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            if !self.printer.is_live() {
                let report = self.report.borrow();
                let rate = Rate {
                    done: report.settled(),
                    left: report.left(),
                    elapsed: self.begun.elapsed(),
                };
                let (settled, rows) = (report.settled(), report.rows);
                self.printer
                    .note(format_args!("{settled} of {rows} orders, {rate}"));
            }
        }
    }

    /// Prints what became of the rows, and says what is left to do.
    fn finish(self, ended: Result<(), Halt>, failed: FailedFile) -> Result<(), Failure> {
        let Self {
            report,
            begun,
            step,
            printer,
            ..
        } = self;
        drop(step);
        let mut report = report.into_inner();
        let kept = failed.finish(ended.is_ok());
        match &kept {
            Ok(Finished::Written(path)) => {
                let path = path.display().to_string();
                // Else the last word is about them.
                if ended.is_err() {
                    printer.note(format_args!("The rows that failed are in {path}"));
                }
                report.failed_file = Some(path);
            }
            Ok(Finished::Cleared(path)) => {
                let path = path.display();
                printer.note(format_args!("Removed {path} of an earlier run"));
            }
            Ok(Finished::Empty) => {}
            // What ended the run comes last and would hide it.
            Err(error) if ended.is_err() => printer.warn(chain(error)),
            Err(_) => {}
        }
        report.close(begun.elapsed());
        let told = printer.data(&report);
        told.map_err(|failure| failure.also_hint(&report.summary()))?;
        match ended {
            Ok(()) => {}
            Err(Halt::Interrupted) => {
                let (left, rows) = (report.left, report.rows);
                let message = format!("interrupted with {left} of {rows} orders left");
                return Err(Failure::interrupted(message).hint(AGAIN));
            }
            Err(Halt::Input(error)) => return Err(explained(error)),
            Err(Halt::FailedFile(error)) => return Err(error.into()),
            Err(Halt::Function(error)) => return Err(Failure::from(error).also_hint(AGAIN)),
        }
        kept?;
        report.verdict()
    }
}
