//! `cqrs failures retry`: the records go to the subscriber again, and failures that are done with are removed.

use pattern::error::ErrorType;

use crate::app::interrupt::Interrupt;
use crate::commands::consent;
use crate::commands::failures::Desk;
use crate::commands::failures::options::FailuresArgs;
use crate::commands::failures::report::{Outcome, Report};
use crate::commands::failures::work::Work;
use crate::error::Failure;
use crate::failures::message::{Batch, Content, Message};
use crate::failures::queue::Presence;
use crate::failures::redelivery::{Given, Redelivered, Redelivery, RedeliveryError};
use crate::failures::stream::{Left, StreamError};
use crate::printer::{Printer, Step};
use crate::settings::Settings;
use crate::stack::functions::{FunctionError, Functions};

/// How many failures are taken and put in order at a time, which bounds what is held.
const WINDOW: usize = 200;

pub(super) async fn run(
    args: FailuresArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let several = args.all || args.ids.iter().any(|id| *id != args.ids[0]);
    let asks = several && !args.yes;
    if asks {
        consent::must_be_askable("retry them", "retry them without asking", printer)?;
    }
    let desk = Desk::open(settings, printer).await?;
    // What is taken from the queue is given back.
    let _hold = interrupt.hold();
    let mut retry = Retry {
        work: Work::new(&desk, "nothing was retried", interrupt, printer),
        functions: desk.connected.functions(false),
        report: Report::default(),
        stopped: None,
    };
    let ended = match args.all {
        true => retry.all(asks).await,
        false => retry.named(&args, asks).await,
    };
    retry.work.end().await;
    retry.finish(ended, !args.all)
}

struct Retry<'a> {
    work: Work<'a>,
    functions: Functions,
    report: Report,
    /// What would fail all others too.
    stopped: Option<Failure>,
}

impl Retry<'_> {
    async fn all(&mut self, asks: bool) -> Result<(), Failure> {
        let waiting = self.work.waiting().await?;
        if asks && waiting > 0 {
            self.work.agree(waiting, question).await?;
        }
        let step = self.work.printer.step("Retrying failures");
        loop {
            let window = self.work.next(WINDOW).await?;
            if window.is_empty() {
                return Ok(());
            }
            self.window(&window, &step).await;
            if self.is_over() {
                return Ok(());
            }
        }
    }

    async fn named(&mut self, args: &FailuresArgs, asks: bool) -> Result<(), Failure> {
        let found = self.work.named(args).await?;
        if asks {
            self.work.agree(found.len() as u64, question).await?;
        }
        let step = self.work.printer.step("Retrying failures");
        self.window(&found, &step).await;
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.stopped.is_some() || self.work.interrupt.is_set()
    }

    async fn window(&mut self, messages: &[Message], step: &Step) {
        for message in messages {
            let outcome = if self.is_over() {
                Outcome::NotTried
            } else {
                self.one(message).await
            };
            match &outcome {
                Outcome::Retried | Outcome::AlreadyGone => self.work.scan.forget(message),
                _ => {}
            }
            let printer = self.work.printer;
            if printer.is_live() {
                step.message(format!("Retrying failures: {}", self.report.summary()));
            } else if matches!(outcome, Outcome::Retried) {
                printer.note(format_args!("{}  {outcome}", message.id));
            }
            self.report.add(&message.id, outcome);
        }
    }

    async fn one(&mut self, message: &Message) -> Outcome {
        let Content::Batch(batch) = &message.content else {
            return Outcome::Foreign;
        };
        let redelivery = Redelivery {
            source: self.work.desk.source(),
            functions: &self.functions,
        };
        let given = match self
            .work
            .interrupt
            .before(redelivery.run(message, batch))
            .await
        {
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
        match self.work.desk.destination.delete(message).await {
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
        if self.report.is_empty() {
            ended?;
            return self.work.say_none(&self.report);
        }
        let printed = self.work.printer.data(&self.report);
        printed.map_err(|failure| failure.also_hint(&self.report.summary()))?;
        if self.work.interrupt.is_set() {
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

fn question(failures: String) -> String {
    format!("Give the records of {failures} to the subscriber again?")
}
