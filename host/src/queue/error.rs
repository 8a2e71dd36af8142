//! SQS's errors, with their codes in the JSON protocol and in the query protocol before it.

use crate::journal::JournalError;

/// A call that was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The caller's fault.
    #[error("{1}")]
    Refused(Code, String),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Journal(JournalError(error))
    }
}

impl Failure {
    /// A parameter's value that cannot be; `reason` is a sentence's end.
    pub(super) fn invalid(value: impl std::fmt::Display, parameter: &str, reason: &str) -> Self {
        Self::Refused(
            Code::InvalidParameterValue,
            format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"),
        )
    }

    /// A parameter that must be there.
    pub(super) fn missing(parameter: &str) -> Self {
        Self::Refused(
            Code::MissingParameter,
            format!("The request must contain the parameter {parameter}."),
        )
    }

    /// Something that SQS has and this machine has not.
    pub(super) fn unavailable(what: &str, instead: &str) -> Self {
        Self::Refused(
            Code::NotImplemented,
            format!("sqs: {what} is not available with --local{instead}"),
        )
    }

    /// How it is called.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Refused(code, _) => *code,
            Self::Journal(_) => Code::InternalError,
        }
    }
}

/// The errors that can happen here, by SQS's own names for them. (SQS API reference, the operations'
/// errors and "Common errors")
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InternalError,
    InvalidBatchEntryId,
    InvalidMessageContents,
    InvalidParameterValue,
    MalformedInput,
    MissingParameter,
    NotImplemented,
    QueueDoesNotExist,
    ReceiptHandleIsInvalid,
    TooManyEntriesInBatchRequest,
}

impl Code {
    /// The name in the JSON protocol's `__type`. Names that SQS's model has not come from the
    /// framework below it.
    pub(super) fn json(self) -> String {
        let framework = match self {
            Self::InternalError => "InternalFailure",
            Self::InvalidParameterValue => "InvalidParameterValueException",
            Self::MalformedInput => "SerializationException",
            Self::MissingParameter => "MissingRequiredParameterException",
            Self::NotImplemented => "NotImplemented",
            own => return format!("com.amazonaws.sqs#{own:?}"),
        };
        format!("com.amazon.coral.service#{framework}")
    }

    /// The name in the query protocol, which clients of the JSON protocol also show.
    pub(super) fn query(self) -> String {
        match self {
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
            Self::BatchEntryIdsNotDistinct
            | Self::BatchRequestTooLong
            | Self::EmptyBatchRequest
            | Self::InvalidBatchEntryId
            | Self::TooManyEntriesInBatchRequest => format!("AWS.SimpleQueueService.{self:?}"),
            _ => format!("{self:?}"),
        }
    }

    /// The HTTP status.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::InternalError => 500,
            Self::NotImplemented => 501,
            _ => 400,
        }
    }

    /// Who must change something.
    pub(super) fn fault(self) -> &'static str {
        match self.status() {
            500.. => "Receiver",
            _ => "Sender",
        }
    }
}
