//! Gives rows to the publisher, several at a time, each until it is answered.
//!
//! Every row has its key, so that sending it again is harmless, however the attempt before
//! ended. What passes (throttling, an answer that did not come) is tried again, later each time.
//! What is the row's own fault goes to the file of failed rows, and what would fail all rows ends
//! the sending.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use pattern::error::ErrorType;
use pattern::timestamp::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::Row;
use super::error::InputError;
use super::failed::{FailedFile, FailedFileError};
use super::pace::Pace;
use crate::app::clock;
use crate::aws::AwsError;
use crate::domain::Document;
use crate::stack::functions::{FunctionError, Functions};

/// With the pauses between them, a row is tried for about ten seconds.
const ATTEMPTS: u32 = 8;
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// So many rows in succession that the publisher cannot cope with are no longer about the rows.
const HOPELESS: u32 = 5;

/// What happens on the way.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// It was made now.
    Created,
    /// An earlier run made it.
    AlreadyThere,
    /// The row is in the file of failed rows.
    Failed { line: u64, reason: &'a str },
    /// It is tried again.
    Retried { line: u64, error: &'a FunctionError },
    /// So many are under way at a time from now on.
    Slowed { limit: usize },
    /// No further row is taken; so many are waited for.
    Stopping { under_way: usize },
}

/// Why rows are left that were not sent.
#[derive(Debug)]
pub(crate) enum Halt {
    Interrupted,
    Input(InputError),
    Function(FunctionError),
    FailedFile(FailedFileError),
}

/// Sends `rows` until there are none, `stop` is done, or something is wrong with all of them. What
/// is under way then is waited for, unless `stop` comes meanwhile. `functions` must not repeat
/// attempts of their own.
pub(crate) async fn send(
    mut rows: mpsc::Receiver<Result<Row, InputError>>,
    functions: &Functions,
    concurrency: u16,
    failed: &mut FailedFile,
    stop: impl Future<Output = ()>,
    on_event: impl FnMut(Event<'_>),
) -> Result<(), Halt> {
    let sending = Sending {
        functions,
        begun: clock::now(),
        pace: RefCell::new(Pace::new(concurrency)),
        answered: Cell::new(0),
        ending: watch::Sender::new(false),
        on_event: RefCell::new(on_event),
    };
    let mut stop = std::pin::pin!(stop);
    let mut under_way = FuturesUnordered::new();
    let mut halt = None;
    let mut more = true;
    let mut listens = true;
    let mut faults = 0;
    loop {
        let takes = more && halt.is_none();
        if under_way.is_empty() && !takes {
            return halt.map_or(Ok(()), Err);
        }
        let ended = tokio::select! {
            biased;
            () = &mut stop, if listens => {
                listens = false;
                match halt.take() {
                    // What is under way was waited for already.
                    Some(cause) => return Err(cause),
                    None => Err(Halt::Interrupted),
                }
            }
            Some((row, sent)) = under_way.next() => {
                sending.record(&row, sent, failed, &mut faults)
            }
            row = rows.recv(), if takes && under_way.len() < sending.limit() => match row {
                Some(Ok(row)) => {
                    under_way.push(sending.deliver(row));
                    Ok(())
                }
                Some(Err(error)) => Err(Halt::Input(error)),
                None => {
                    more = false;
                    Ok(())
                }
            },
        };
        if let (Err(cause), None) = (ended, &halt) {
            halt = Some(cause);
            sending.ending.send_replace(true);
            let under_way = under_way.len();
            sending.say(Event::Stopping { under_way });
        }
    }
}

struct Sending<'a, F> {
    functions: &'a Functions,
    begun: Timestamp,
    pace: RefCell<Pace>,
    /// How many calls the publisher answered, also with a refusal.
    answered: Cell<u64>,
    ending: watch::Sender<bool>,
    on_event: RefCell<F>,
}

/// What became of a row.
enum Sent {
    Document(Box<Document>),
    /// It is this row's alone.
    Refused(FunctionError),
    /// The publisher failed, of this row or of itself.
    Fault(FunctionError),
    /// It is not about this row.
    Hopeless(FunctionError),
    /// The sending ends, and it is not known whether it is there.
    Unknown,
}

/// What an error says about the row and about the others.
enum Nature {
    /// The row can never succeed.
    Refusal,
    /// The publisher could not cope with the row; whether with others, they will show.
    Fault,
    /// The same, and another attempt may help.
    Crash,
    /// Later it may succeed.
    Passing,
    /// No row can succeed.
    Hopeless,
}

fn nature(error: &FunctionError) -> Nature {
    match error {
        FunctionError::Aws(AwsError::Throttled { .. } | AwsError::Unreachable { .. })
        | FunctionError::Stopped(_) => Nature::Passing,
        FunctionError::Aws(AwsError::Service { code, .. }) => match code.as_str() {
            "ServiceException"
            | "InternalFailure"
            | "ServiceUnavailable"
            | "EC2ThrottledException"
            | "EC2UnexpectedException"
            | "ENINotReadyException"
            // A function that is being updated, or that wakes after weeks.
            | "ResourceConflictException"
            | "ResourceNotReadyException" => Nature::Passing,
            _ => Nature::Hopeless,
        },
        FunctionError::Aws(_)
        | FunctionError::NotDeployed { .. }
        | FunctionError::NotOurs(_)
        | FunctionError::Unintelligible { .. } => Nature::Hopeless,
        FunctionError::Crashed { .. } => Nature::Crash,
        FunctionError::Function { error_type, .. } => match error_type {
            ErrorType::InvalidCommand | ErrorType::IdempotencyConflict => Nature::Refusal,
            // An item under the row's key that is none, or a table that is gone.
            ErrorType::WriteModelFault => Nature::Fault,
            other if other.is_retryable() => Nature::Passing,
            _ => Nature::Hopeless,
        },
    }
}

impl<F: FnMut(Event<'_>)> Sending<'_, F> {
    fn say(&self, event: Event<'_>) {
        (self.on_event.borrow_mut())(event);
    }

    fn limit(&self) -> usize {
        self.pace.borrow().limit()
    }

    fn answered(&self) {
        self.answered.set(self.answered.get() + 1);
        self.pace.borrow_mut().answered();
    }

    /// Sends a row until it is answered or given up.
    async fn deliver(&self, row: Row) -> (Row, Sent) {
        let mut answered_before = self.answered.get();
        let mut attempt = 1;
        let sent = loop {
            let begun = Instant::now();
            let error = match self.functions.publish::<Document>(&row.draft).await {
                Ok(answer) => {
                    self.answered();
                    break Sent::Document(Box::new(answer.value));
                }
                Err(error) => error,
            };
            let gives_up = attempt == ATTEMPTS;
            match nature(&error) {
                Nature::Refusal => {
                    self.answered();
                    break Sent::Refused(error);
                }
                Nature::Fault => break Sent::Fault(error),
                Nature::Hopeless => break Sent::Hopeless(error),
                Nature::Crash if gives_up => break Sent::Fault(error),
                // Where others got through since the last attempt, it is not about all of them.
                Nature::Passing if gives_up && self.answered.get() > answered_before => {
                    break Sent::Refused(error);
                }
                Nature::Passing if gives_up => break Sent::Hopeless(error),
                Nature::Crash => {}
                Nature::Passing => {
                    if self.pace.borrow_mut().throttled(begun) {
                        let limit = self.limit();
                        self.say(Event::Slowed { limit });
                    }
                }
            }
            answered_before = self.answered.get();
            let line = row.line;
            self.say(Event::Retried {
                line,
                error: &error,
            });
            tokio::select! {
                () = sleep(pause(line, attempt)) => attempt += 1,
                () = self.ends() => break Sent::Unknown,
            }
        };
        (row, sent)
    }

    async fn ends(&self) {
        // The sender lives as long as `self`.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// Books what became of a row. `faults` counts the publisher's in succession.
    fn record(
        &self,
        row: &Row,
        sent: Sent,
        failed: &mut FailedFile,
        faults: &mut u32,
    ) -> Result<(), Halt> {
        let error = match sent {
            Sent::Unknown => return Ok(()),
            Sent::Document(document) => {
                *faults = 0;
                let earlier = document.version > 1 || document.created_at < self.begun;
                self.say(if earlier {
                    Event::AlreadyThere
                } else {
                    Event::Created
                });
                return Ok(());
            }
            Sent::Hopeless(error) => return Err(Halt::Function(error)),
            Sent::Refused(error) => error,
            Sent::Fault(error) => {
                *faults += 1;
                if *faults >= HOPELESS {
                    return Err(Halt::Function(error));
                }
                error
            }
        };
        let reason = &pattern::error::chain(&error);
        failed.add(&row.draft, reason).map_err(Halt::FailedFile)?;
        let line = row.line;
        self.say(Event::Failed { line, reason });
        Ok(())
    }
}

/// Twice as long each time, and of different length for each row, so that rows that were throttled
/// together do not come again together.
fn pause(line: u64, attempt: u32) -> Duration {
    let longest = SHORTEST_PAUSE * 2_u32.saturating_pow(attempt.saturating_sub(1));
    let scattered = line.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let part = 0.5 + 0.5 * (scattered as f64 / f64::from(u32::MAX));
    longest.mul_f64(part)
}

#[cfg(test)]
mod tests;
