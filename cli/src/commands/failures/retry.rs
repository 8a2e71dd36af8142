//! `cqrs failures retry`: the records go to the subscriber again, and failures that are done with are removed.

use pattern::error::ErrorType;

use crate::app::interrupt::Interrupt;
use crate::commands::failures::options::FailuresArgs;
use crate::commands::failures::report::{Outcome, Report};
use crate::commands::failures::{Desk, agree, can_agree, counted, give_back, select};
use crate::error::Failure;
use crate::failures::message::{Batch, Content, Message};
use crate::failures::queue::Presence;
use crate::failures::redelivery::{Given, HIDDEN, Redelivered, Redelivery, RedeliveryError};
use crate::failures::scan::Scan;
use crate::failures::stream::{Left, StreamError};
use crate::printer::{Printer, Step};
use crate::settings::Settings;
use crate::stack::functions::{FunctionError, Functions};

/// How many failures are taken and put in order at a time, which bounds what is held.
const WINDOW: usize = 200;
const NOTHING: &str = "nothing was retried";

pub(super) async fn run(
    args: FailuresArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let asks = args.all || args.ids.iter().any(|id| *id != args.ids[0]);
    can_agree(&args, asks, "retry them", printer)?;
    let desk = Desk::open(settings, printer).await?;
    // What is taken from the queue is given back.
    let _hold = interrupt.hold();
    let mut scan = Scan::new(&desk.destination, HIDDEN);
    let mut retry = Retry {
        desk: &desk,
        functions: desk.connected.functions(false),
        interrupt,
        printer,
        report: Report::default(),
        stopped: None,
    };
    let ended = if args.all {
        retry.all(&mut scan, !args.yes).await
    } else {
        retry.named(&mut scan, &args, asks && !args.yes).await
    };
    give_back(&mut scan, printer).await;
    retry.finish(ended, !args.all)
}

struct Retry<'a> {
    desk: &'a Desk,
    functions: Functions,
    interrupt: &'a Interrupt,
    printer: &'a Printer,
    report: Report,
    /// What would fail all others too.
    stopped: Option<Failure>,
}

impl Retry<'_> {
    async fn all(&mut self, scan: &mut Scan<'_>, asks: bool) -> Result<(), Failure> {
        let said = || Failure::interrupted(format!("interrupted; {NOTHING}"));
        let depth = self.interrupt.unless(self.desk.destination.depth(), said);
        let waiting = depth.await??.visible;
        if asks && waiting > 0 {
            self.agree(waiting).await?;
        }
        let step = self.printer.step("Retrying failures");
        loop {
            let window = select::some(scan, WINDOW, self.interrupt).await?;
            if window.is_empty() {
                return Ok(());
            }
            self.window(scan, &window, &step).await;
            if self.is_over() {
                return Ok(());
            }
        }
    }

    async fn named(
        &mut self,
        scan: &mut Scan<'_>,
        args: &FailuresArgs,
        asks: bool,
    ) -> Result<(), Failure> {
        let found = select::named(scan, &args.ids, self.interrupt).await?;
        scan.release_but(&found).await?;
        if asks {
            self.agree(found.len() as u64).await?;
        }
        let step = self.printer.step("Retrying failures");
        self.window(scan, &found, &step).await;
        Ok(())
    }

    async fn agree(&self, failures: u64) -> Result<(), Failure> {
        let failures = counted(failures, "failure");
        let question = format!("Give the records of {failures} to the subscriber again?");
        agree(&question, NOTHING, self.interrupt, self.printer).await
    }

    fn is_over(&self) -> bool {
        self.stopped.is_some() || self.interrupt.is_set()
    }

    async fn window(&mut self, scan: &mut Scan<'_>, messages: &[Message], step: &Step) {
        for message in messages {
            let outcome = if self.is_over() {
                Outcome::NotTried
            } else {
                self.one(message).await
            };
            match &outcome {
                Outcome::Retried | Outcome::AlreadyGone => scan.forget(message),
                _ => {}
            }
            if self.printer.is_live() {
                step.message(format!("Retrying failures: {}", self.report.summary()));
            } else if matches!(outcome, Outcome::Retried) {
                self.printer.note(format_args!("{}  {outcome}", message.id));
            }
            self.report.add(&message.id, outcome);
        }
    }

    async fn one(&mut self, message: &Message) -> Outcome {
        let Content::Batch(batch) = &message.content else {
            return Outcome::Foreign;
        };
        let redelivery = Redelivery {
            source: self.desk.source(),
            functions: &self.functions,
        };
        let given = match self.interrupt.before(redelivery.run(message, batch)).await {
            None => return Outcome::NotTried,
            Some(Ok(Redelivered::MessageGone)) => return Outcome::AlreadyGone,
            Some(Ok(Redelivered::Given(given))) => given,
            Some(Err(error)) => return self.fault(error),
        };
        self.report.records += given.projected;
        self.handle(message, batch, given).await
    }

    /// The message goes only when every record is projected.
    async fn handle(&mut self, message: &Message, batch: &Batch, given: Given) -> Outcome {
        if given.failed > 0 {
            return Outcome::StillFailing {
                failed: given.failed,
                records: given.failing,
                reason: None,
            };
        }
        if given.left != Left::All {
            return Outcome::RecordsGone {
                projected: given.projected,
                of: batch.info.batch_size,
            };
        }
        match self.desk.destination.delete(message).await {
            Ok(Presence::There) => Outcome::Retried,
            Ok(Presence::Gone) => Outcome::AlreadyGone,
            Err(error) => self.fault(error.into()),
        }
    }

    /// A function that breaks at this failure may not break at the next; what has no such doubt
    /// ends the command.
    fn fault(&mut self, error: RedeliveryError) -> Outcome {
        use FunctionError::{Crashed, Function, Unintelligible};
        use RedeliveryError::{Function as Called, Stream as Read};
        let failed_alone = match &error {
            Read(StreamError::Silent(_) | StreamError::Unreadable(_))
            | Called(Crashed { .. } | Unintelligible { .. }) => true,
            Called(Function { error_type, .. }) => {
                matches!(
                    error_type,
                    ErrorType::InvalidEvent | ErrorType::UnnamedRecord
                )
            }
            _ => false,
        };
        let reason = Some(error.to_string());
        if !failed_alone {
            self.stopped = Some(match error {
                RedeliveryError::Stream(error) => error.into(),
                RedeliveryError::Function(error) => error.into(),
                RedeliveryError::Destination(error) => error.into(),
            });
        }
        Outcome::StillFailing {
            failed: 0,
            records: Vec::new(),
            reason,
        }
    }

    fn finish(self, ended: Result<(), Failure>, named: bool) -> Result<(), Failure> {
        let nothing = self.report.is_empty();
        if nothing {
            ended?;
            self.printer.note("No failures wait");
            return if self.printer.is_json() {
                self.printer.json(&self.report)
            } else {
                Ok(())
            };
        }
        let printed = self.printer.data(&self.report);
        printed.map_err(|failure| failure.also_hint(&self.report.summary()))?;
        if self.interrupt.is_set() {
            let summary = self.report.summary();
            return Err(Failure::interrupted(format!("interrupted: {summary}"))
                .hint("what is not deleted waits as before: retrying is safe at any time"));
        }
        if let Some(stopped) = self.stopped {
            return Err(stopped.also_hint("the failures that are left wait as before"));
        }
        ended?;
        self.report.verdict(named)
    }
}
