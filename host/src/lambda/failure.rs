//! Why an invocation came to no result, in the words of Lambda.
//!
//! The error types are those that the guide's page on troubleshooting invocations lists; the
//! messages are as Lambda and its open-source Runtime Interface Emulator write them.

use std::borrow::Cow;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

/// The largest answer of a function in bytes: 6 MB and 100 bytes, as Lambda's own message has it.
pub(super) const LARGEST_ANSWER: usize = 6_291_556;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The function's runtime said so, with this document.
    Reported(Bytes),
    /// The process ended.
    Exited(ExitStatus),
    /// The time was over, which was this long.
    TimedOut(Duration),
    /// The program could not be started.
    InvalidEntrypoint(String),
    /// The answer was larger than [`LARGEST_ANSWER`].
    TooLarge,
}

#[derive(Deserialize)]
struct Report<'a> {
    #[serde(borrow, rename = "errorType")]
    error_type: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "errorMessage")]
    error_message: Option<Cow<'a, str>>,
}

impl Failure {
    /// The document that `Invoke` answers with.
    pub(super) fn document(&self, request_id: &str) -> Bytes {
        if let Self::Reported(document) = self {
            return document.clone();
        }
        let message = match self {
            Self::TooLarge => self.message(),
            _ => format!("RequestId: {request_id} Error: {}", self.message()),
        };
        let document = json!({ "errorType": self.error_type(), "errorMessage": message });
        document.to_string().into()
    }

    /// `errorType`
    pub(super) fn error_type(&self) -> String {
        match self {
            Self::Reported(document) => report(document)
                .and_then(|report| report.error_type)
                .map_or_else(|| "Runtime.Unknown".to_owned(), Cow::into_owned),
            Self::Exited(_) => "Runtime.ExitError".to_owned(),
            Self::TimedOut(_) => "Sandbox.Timedout".to_owned(),
            Self::InvalidEntrypoint(_) => "Runtime.InvalidEntrypoint".to_owned(),
            Self::TooLarge => "Function.ResponseSizeTooLarge".to_owned(),
        }
    }

    /// `errorMessage`, without the request's id.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Reported(document) => report(document)
                .and_then(|report| report.error_message)
                .map_or_else(
                    || String::from_utf8_lossy(document).into_owned(),
                    Cow::into_owned,
                ),
            Self::Exited(status) => exit_message(*status),
            Self::TimedOut(limit) => {
                format!("Task timed out after {:.2} seconds", limit.as_secs_f64())
            }
            Self::InvalidEntrypoint(reason) => reason.clone(),
            Self::TooLarge => format!(
                "Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
            ),
        }
    }

    /// As `platform.report` names it.
    pub(super) fn status(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "timeout",
            _ => "error",
        }
    }
}

fn report(document: &[u8]) -> Option<Report<'_>> {
    serde_json::from_slice(document).ok()
}

fn exit_message(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(signal)) => {
            format!("Runtime exited with error: signal: {}", signal_name(signal))
        }
        (None, None) => format!("Runtime exited with error: {status}"),
    }
}

/// As Go names signals, in which Lambda's messages are written.
fn signal_name(signal: i32) -> Cow<'static, str> {
    use rustix::process::Signal;
    const NAMES: [(Signal, &str); 8] = [
        (Signal::ABORT, "aborted"),
        (Signal::BUS, "bus error"),
        (Signal::FPE, "floating point exception"),
        (Signal::ILL, "illegal instruction"),
        (Signal::INT, "interrupt"),
        (Signal::KILL, "killed"),
        (Signal::SEGV, "segmentation fault"),
        (Signal::TERM, "terminated"),
    ];
    let known = NAMES.iter().find(|(known, _)| known.as_raw() == signal);
    known.map_or_else(
        || format!("signal {signal}").into(),
        |(_, name)| (*name).into(),
    )
}
