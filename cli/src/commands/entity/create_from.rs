//! `cqrs order create --from`: creates what the rows of a file say, each once, however often it is
//! repeated.

mod report;

use std::cell::RefCell;
use std::convert::Infallible;
use std::path::Path;
use std::time::{Duration, Instant};

use pattern::error::chain;

use self::report::{Examined, Report};
use crate::app::interrupt::Interrupt;
use crate::bulk::{
    Checked, Event, FailedFile, Finished, Halt, Input, InputError, Row, Unfit, check, feed, send,
};
use crate::commands::counted;
use crate::commands::entity::client::Client;
use crate::commands::entity::create::FileArgs;
use crate::commands::rate::Rate;
use crate::domain::{Domain, KEY};
use crate::error::{Failure, Kind};
use crate::printer::{Printer, Step};
use crate::settings::Settings;
use crate::stack::functions::Functions;

/// Between two lines of progress where there is no terminal.
const REPORT_EVERY: Duration = Duration::from_secs(5);
const AGAIN: &str = "the same command again goes on: what is created is not created twice";

pub(super) async fn run(
    file: &Path,
    args: &FileArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let domain = &settings.domain;
    let untouched = || Failure::interrupted("interrupted; nothing was sent");
    let examined = interrupt.unless(examine(file, args, &settings.domain, printer), untouched);
    let (input, checked) = examined.await??;
    if args.dry_run {
        return printer.data(&Examined {
            dry_run: true,
            rows: checked.rows,
            domain: domain.clone(),
        });
    }
    let mut failed = FailedFile::create(input.path(), checked.format, domain)?;
    let found = interrupt.unless(Client::of(settings, printer), untouched);
    let client = found.await??;
    // Those under way are waited for, and all results are reported and kept.
    let _hold = interrupt.hold();
    let creating = Creating {
        functions: client.functions.one_attempt_each(),
        concurrency: args.concurrency,
        report: RefCell::new(Report::new(checked.rows, domain)),
        begun: Instant::now(),
        step: printer.count(
            format!("Creating {}", domain.counted(checked.rows)),
            checked.rows,
        ),
        interrupt,
        printer,
    };
    let rows = feed(input, checked, domain, args.concurrency.into());
    let ended = creating.run(rows, &mut failed).await;
    creating.finish(ended, failed)
}

/// Reads the file to its end, beside the one who may press Ctrl-C.
async fn examine(
    file: &Path,
    args: &FileArgs,
    domain: &Domain,
    printer: &Printer,
) -> Result<(Input, Checked), Failure> {
    let file = file.to_owned();
    let format = args.format;
    let rules = domain.clone();
    let live = printer.is_live().then(|| printer.clone());
    let examined = tokio::task::spawn_blocking(move || {
        let input = Input::open(&file)?;
        let step =
            live.map(|printer| printer.bytes(format!("Checking {}", input.name()), input.length()));
        let seen = |bytes| step.iter().for_each(|step: &Step| step.advance(bytes));
        let checked = check(&input, format, &rules, seen)?;
        Ok((input, checked))
    });
    match examined.await {
        Ok(examined) => examined.map_err(|error| match unfit(&error, domain) {
            Some(hint) => explained(error).hint(hint),
            None => explained(error),
        }),
        Err(error) => {
            Err(Failure::new(Kind::Failed, "cannot read the file").caused_by(error.to_string()))
        }
    }
}

/// How a file is written that can be sent, for one that cannot.
fn unfit(error: &InputError, domain: &Domain) -> Option<String> {
    let InputError::Unfit { source, .. } = error else {
        return None;
    };
    match source {
        Unfit::NotText(_) => None,
        Unfit::Array => Some(format!(
            "`jq -c '.[]' FILE | cqrs {} create --from -` takes it apart",
            domain.entity
        )),
        Unfit::Empty | Unfit::Header(_) => {
            let names = |required: bool| {
                let fields = domain.draft.fields.iter();
                let fields = fields.filter(move |field| field.required == required);
                fields.map(|field| field.name.as_str())
            };
            let first: Vec<_> = names(true).collect();
            let also: Vec<_> = names(false).chain([KEY]).collect();
            Some(format!(
                "begin with `{}`, also {}; or write a JSON object in each line, with `--format \
                 jsonl`",
                first.join(","),
                also.join(", ")
            ))
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
struct Creating<'a> {
    functions: Functions,
    concurrency: u16,
    report: RefCell<Report>,
    begun: Instant,
    step: Step,
    interrupt: &'a Interrupt,
    printer: &'a Printer,
}

impl Creating<'_> {
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
            never = self.report() => match never {},
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
                let under_way = report.domain.counted(under_way as u64);
                return self.printer.note(format_args!(
                    "Stopping after {under_way} under way; Ctrl-C ends at once"
                ));
            }
        }
        self.step.advance(1);
    }

    /// Says how far it is where no bar does.
    async fn report(&self) -> Infallible {
        loop {
            tokio::time::sleep(REPORT_EVERY).await;
            if !self.printer.is_live() {
                let report = self.report.borrow();
                let rate = Rate {
                    done: report.ended(),
                    left: report.left(),
                    elapsed: self.begun.elapsed(),
                };
                let (ended, rows) = (report.ended(), report.rows);
                self.printer.note(format_args!(
                    "{ended} of {rows} {}, {rate}",
                    report.domain.plural
                ));
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
        let printed = printer.data(&report);
        printed.map_err(|failure| failure.also_hint(&report.summary()))?;
        match ended {
            Ok(()) => {}
            Err(Halt::Interrupted) => {
                let (left, rows) = (report.left, report.rows);
                let plural = &report.domain.plural;
                let message = format!("interrupted with {left} of {rows} {plural} left");
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
