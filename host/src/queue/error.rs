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

    /// How it is called.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Refused(code, _) => *code,
            Self::Journal(_) => Code::InternalError,
        }
    }
}

/// The errors that can happen here. (SQS API reference, the operations' errors and "Common errors")
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InternalError,
    InvalidAttributeName,
    InvalidBatchEntryId,
    InvalidMessageContents,
    InvalidParameterValue,
    MalformedInput,
    MissingParameter,
    NotImplemented,
    PurgeQueueInProgress,
    QueueDoesNotExist,
    ReceiptHandleIsInvalid,
    TooManyEntriesInBatchRequest,
}

impl Code {
    /// The name in the JSON protocol's `__type`. Names that SQS's model has not come from the
    /// framework below it.
    pub(super) fn json(self) -> &'static str {
        match self {
            Self::BatchEntryIdsNotDistinct => "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong => "com.amazonaws.sqs#BatchRequestTooLong",
            Self::EmptyBatchRequest => "com.amazonaws.sqs#EmptyBatchRequest",
            Self::InternalError => "com.amazon.coral.service#InternalFailure",
            Self::InvalidAttributeName => "com.amazonaws.sqs#InvalidAttributeName",
            Self::InvalidBatchEntryId => "com.amazonaws.sqs#InvalidBatchEntryId",
            Self::InvalidMessageContents => "com.amazonaws.sqs#InvalidMessageContents",
            Self::InvalidParameterValue => {
                "com.amazon.coral.service#InvalidParameterValueException"
            }
            Self::MalformedInput => "com.amazon.coral.service#SerializationException",
            Self::MissingParameter => "com.amazon.coral.service#MissingRequiredParameterException",
            Self::NotImplemented => "com.amazon.coral.service#NotImplemented",
            Self::PurgeQueueInProgress => "com.amazonaws.sqs#PurgeQueueInProgress",
            Self::QueueDoesNotExist => "com.amazonaws.sqs#QueueDoesNotExist",
            Self::ReceiptHandleIsInvalid => "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            Self::TooManyEntriesInBatchRequest => "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
        }
    }

    /// The name in the query protocol, which clients of the JSON protocol also show.
    pub(super) fn query(self) -> &'static str {
        match self {
            Self::BatchEntryIdsNotDistinct => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong => "AWS.SimpleQueueService.BatchRequestTooLong",
            Self::EmptyBatchRequest => "AWS.SimpleQueueService.EmptyBatchRequest",
            Self::InternalError => "InternalError",
            Self::InvalidAttributeName => "InvalidAttributeName",
            Self::InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Self::InvalidMessageContents => "InvalidMessageContents",
            Self::InvalidParameterValue => "InvalidParameterValue",
            Self::MalformedInput => "MalformedInput",
            Self::MissingParameter => "MissingParameter",
            Self::NotImplemented => "NotImplemented",
            Self::PurgeQueueInProgress => "AWS.SimpleQueueService.PurgeQueueInProgress",
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            Self::ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
            Self::TooManyEntriesInBatchRequest => {
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
            }
        }
    }

    /// The HTTP status.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::InternalError => 500,
            Self::NotImplemented => 501,
            Self::PurgeQueueInProgress => 403,
            _ => 400,
        }
    }

    /// Who must change something.
    pub(super) fn fault(self) -> &'static str {
        match self {
            Self::InternalError | Self::NotImplemented => "Receiver",
            _ => "Sender",
        }
    }
}
