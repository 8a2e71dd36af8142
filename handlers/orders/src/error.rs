//! The errors of the handlers, and their names on the wire.
//!
//! A Lambda function answers an error as `{"errorType","errorMessage"}`. [`ErrorType`] is every
//! `errorType` there is; the enums beside it are what the parts of this library return. The doc of
//! each variant says what the caller should do.

use std::error::Error;
use std::fmt;

use crate::ids::OrderId;
use crate::order::Status;

/// A cause from below, kept whole.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The `errorType` of a handler's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorType {
    /// See [`CommandError::InvalidCommand`].
    InvalidCommand,
    /// See [`CommandError::OrderNotFound`].
    OrderNotFound,
    /// See [`CommandError::VersionConflict`].
    VersionConflict,
    /// See [`CommandError::IllegalTransition`].
    IllegalTransition,
    /// See [`CommandError::IdempotencyConflict`].
    IdempotencyConflict,
    /// See [`CommandError::WriteModelUnavailable`].
    WriteModelUnavailable,
    /// See [`CommandError::WriteModelFault`].
    WriteModelFault,
    /// See [`QueryError::InvalidQuery`].
    InvalidQuery,
    /// See [`QueryError::ReadModelUnavailable`].
    ReadModelUnavailable,
    /// See [`QueryError::ReadModelIncomplete`].
    ReadModelIncomplete,
    /// See [`ProjectionError::InvalidEvent`].
    InvalidEvent,
    /// See [`ProjectionError::UnnamedRecord`].
    UnnamedRecord,
    /// The handler cannot start: a setting of its environment is missing or malformed. Correct
    /// the named variable.
    InvalidSetting,
}

impl ErrorType {
    /// Every error type.
    pub const ALL: [Self; 13] = [
        Self::InvalidCommand,
        Self::OrderNotFound,
        Self::VersionConflict,
        Self::IllegalTransition,
        Self::IdempotencyConflict,
        Self::WriteModelUnavailable,
        Self::WriteModelFault,
        Self::InvalidQuery,
        Self::ReadModelUnavailable,
        Self::ReadModelIncomplete,
        Self::InvalidEvent,
        Self::UnnamedRecord,
        Self::InvalidSetting,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidCommand => "InvalidCommand",
            Self::OrderNotFound => "OrderNotFound",
            Self::VersionConflict => "VersionConflict",
            Self::IllegalTransition => "IllegalTransition",
            Self::IdempotencyConflict => "IdempotencyConflict",
            Self::WriteModelUnavailable => "WriteModelUnavailable",
            Self::WriteModelFault => "WriteModelFault",
            Self::InvalidQuery => "InvalidQuery",
            Self::ReadModelUnavailable => "ReadModelUnavailable",
            Self::ReadModelIncomplete => "ReadModelIncomplete",
            Self::InvalidEvent => "InvalidEvent",
            Self::UnnamedRecord => "UnnamedRecord",
            Self::InvalidSetting => "InvalidSetting",
        }
    }

    /// The error type of that name; `None` for names from elsewhere, such as Lambda's own.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it says no to a request by the rules, rather than that something does not work.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::InvalidCommand
                | Self::OrderNotFound
                | Self::VersionConflict
                | Self::IllegalTransition
                | Self::IdempotencyConflict
                | Self::InvalidQuery
        )
    }

    /// Whether the same request may succeed when sent again later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::WriteModelUnavailable | Self::ReadModelUnavailable | Self::ReadModelIncomplete
        )
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A field of a payload that breaks a rule: `quantity must be a whole number from 1 to 1000000`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct Invalid {
    /// The field, by its path in the payload; or what the payload is as a whole.
    pub field: String,
    /// The rule that it breaks.
    pub rule: String,
}

impl Invalid {
    pub(crate) fn new(field: impl Into<String>, rule: impl fmt::Display) -> Self {
        Self {
            field: field.into(),
            rule: rule.to_string(),
        }
    }
}

/// What the command side answers instead of an order.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command breaks a rule. Correct the named field; sending it again changes nothing.
    #[error(transparent)]
    InvalidCommand(#[from] Invalid),
    /// There is no such order in the write model. Check the id.
    #[error("there is no order {order_id}")]
    OrderNotFound {
        /// The id that was asked for.
        order_id: OrderId,
    },
    /// Somebody else changed the order since it was read. Read it again and decide anew.
    #[error("order {order_id} is at version {actual}, not at the expected version {expected}")]
    VersionConflict {
        /// The order.
        order_id: OrderId,
        /// The version that the command expected.
        expected: u64,
        /// The version in the write model.
        actual: u64,
    },
    /// The order has come to another end already. Nothing will make this command succeed.
    #[error("order {order_id} is {from} and can no longer become {to}")]
    IllegalTransition {
        /// The order.
        order_id: OrderId,
        /// What it is.
        from: Status,
        /// What the command would make it.
        to: Status,
    },
    /// The idempotency key belongs to an order of other contents. Use a key of its own for each
    /// intention.
    #[error(
        "the idempotency key was used before, for order {order_id}, which differs in {difference}"
    )]
    IdempotencyConflict {
        /// The order that the key made.
        order_id: OrderId,
        /// The fields that differ.
        difference: String,
    },
    /// The write model did not answer, or asked for patience. The command may or may not have been
    /// carried out; send it again, with the same idempotency key.
    #[error("the write model is unavailable: {reason}")]
    WriteModelUnavailable {
        /// What happened, with its causes.
        reason: String,
        /// The error behind it.
        #[source]
        source: BoxError,
    },
    /// The write model refused for a reason that a retry does not mend: a missing table, a denied
    /// permission, an item that is no order. Correct the deployment or the item.
    #[error("the write model cannot serve this: {reason}")]
    WriteModelFault {
        /// What happened, with its causes.
        reason: String,
        /// The error behind it.
        #[source]
        source: BoxError,
    },
}

/// What the query side answers instead of a result.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The query breaks a rule. Correct the named field.
    #[error(transparent)]
    InvalidQuery(#[from] Invalid),
    /// The read model did not answer. Ask again later.
    #[error("the read model is unavailable: {reason}")]
    ReadModelUnavailable {
        /// What happened, with its causes.
        reason: String,
        /// The error behind it.
        #[source]
        source: BoxError,
    },
    /// The read model does not hold all orders: it lost its contents, or was never made from the
    /// write model. Rebuild it; what it holds can be asked for meanwhile, by id.
    #[error("the read model is incomplete: it lost its contents and was not rebuilt yet")]
    ReadModelIncomplete,
}

/// Why a projection threw, instead of naming a record that failed.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The payload is neither a stream's event nor an order to project. Correct the named field.
    #[error(transparent)]
    InvalidEvent(#[from] Invalid),
    /// A record could not be projected and carries no sequence number to name it by, so the whole
    /// batch is delivered again. If it persists, the sender is no DynamoDB stream.
    #[error("a record without a sequence number could not be projected: {0}")]
    UnnamedRecord(String),
    /// The read model did not answer. Deliver again later.
    #[error("the read model is unavailable: {reason}")]
    ReadModelUnavailable {
        /// What happened, with its causes.
        reason: String,
        /// The error behind it.
        #[source]
        source: BoxError,
    },
    /// The read model lost contents while it was being made complete. Begin again.
    #[error("the read model is incomplete: it lost its contents meanwhile")]
    ReadModelIncomplete,
}

/// An error that has a name on the wire.
pub trait Named: Error {
    /// That name.
    fn error_type(&self) -> ErrorType;
}

impl Named for CommandError {
    fn error_type(&self) -> ErrorType {
        match self {
            Self::InvalidCommand(_) => ErrorType::InvalidCommand,
            Self::OrderNotFound { .. } => ErrorType::OrderNotFound,
            Self::VersionConflict { .. } => ErrorType::VersionConflict,
            Self::IllegalTransition { .. } => ErrorType::IllegalTransition,
            Self::IdempotencyConflict { .. } => ErrorType::IdempotencyConflict,
            Self::WriteModelUnavailable { .. } => ErrorType::WriteModelUnavailable,
            Self::WriteModelFault { .. } => ErrorType::WriteModelFault,
        }
    }
}

impl Named for QueryError {
    fn error_type(&self) -> ErrorType {
        match self {
            Self::InvalidQuery(_) => ErrorType::InvalidQuery,
            Self::ReadModelUnavailable { .. } => ErrorType::ReadModelUnavailable,
            Self::ReadModelIncomplete => ErrorType::ReadModelIncomplete,
        }
    }
}

impl Named for ProjectionError {
    fn error_type(&self) -> ErrorType {
        match self {
            Self::InvalidEvent(_) => ErrorType::InvalidEvent,
            Self::UnnamedRecord(_) => ErrorType::UnnamedRecord,
            Self::ReadModelUnavailable { .. } => ErrorType::ReadModelUnavailable,
            Self::ReadModelIncomplete => ErrorType::ReadModelIncomplete,
        }
    }
}

/// `error` and its causes, from the outermost to the root, in one line. A cause that only repeats
/// what the one above it says is left out.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_type_is_read_back_from_its_name() {
        for kind in ErrorType::ALL {
            assert_eq!(ErrorType::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(ErrorType::parse("Runtime.ExitError"), None);
    }

    #[test]
    fn a_chain_says_every_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] Middle);
        #[derive(Debug, thiserror::Error)]
        #[error("middle: root")]
        struct Middle(#[source] std::io::Error);
        let error = Outer(Middle(std::io::Error::other("root")));
        assert_eq!(chain(&error), "outer: middle: root");
    }
}
