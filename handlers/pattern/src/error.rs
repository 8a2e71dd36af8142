//! The errors of the handlers, and their names on the wire.
//!
//! A Lambda function answers an error as `{"errorType","errorMessage"}`. [`ErrorType`] is every
//! `errorType` there is; the enums beside it are what the parts of this library return. The doc of
//! each variant says what the caller should do.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::id::Id;

/// A cause from below, kept whole.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The `errorType` of a handler's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorType {
    /// See [`CommandError::InvalidCommand`].
    InvalidCommand,
    /// See [`CommandError::NotFound`]. On the wire it is named after the entity: `AccountNotFound`.
    NotFound,
    /// See [`CommandError::VersionConflict`].
    VersionConflict,
    /// See [`CommandError::IllegalTransition`].
    IllegalTransition,
    /// See [`CommandError::Refused`].
    Refused,
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
    pub const ALL: [Self; 14] = [
        Self::InvalidCommand,
        Self::NotFound,
        Self::VersionConflict,
        Self::IllegalTransition,
        Self::Refused,
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

    /// Its name on the wire; of [`Self::NotFound`] what follows the entity's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidCommand => "InvalidCommand",
            Self::NotFound => "NotFound",
            Self::VersionConflict => "VersionConflict",
            Self::IllegalTransition => "IllegalTransition",
            Self::Refused => "Refused",
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

    /// The error type of that name; `None` for names from elsewhere, such as Lambda's own, which
    /// have a dot in them.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name.ends_with(Self::NotFound.as_str()) && !name.contains('.') {
            return Some(Self::NotFound);
        }
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it says no to a request by the rules, rather than that something does not work.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::InvalidCommand
                | Self::NotFound
                | Self::VersionConflict
                | Self::IllegalTransition
                | Self::Refused
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

/// What the command side answers instead of a document.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command breaks a rule. Correct the named field; sending it again changes nothing.
    #[error(transparent)]
    InvalidCommand(#[from] Invalid),
    /// There is none of that id in the write model. Check the id.
    #[error("there is no {entity} {id}")]
    NotFound {
        /// What it would be.
        entity: &'static str,
        /// The id that was asked for.
        id: Id,
    },
    /// Somebody else changed it since it was read. Read it again and decide anew.
    #[error("{entity} {id} is at version {actual}, not at the expected version {expected}")]
    VersionConflict {
        /// What it is.
        entity: &'static str,
        /// Its id.
        id: Id,
        /// The version that the command expected.
        expected: u64,
        /// The version in the write model.
        actual: u64,
    },
    /// It has come to another status, from which the command does not start.
    #[error("{entity} {id} is {from} and can no longer become {to}")]
    IllegalTransition {
        /// What it is.
        entity: &'static str,
        /// Its id.
        id: Id,
        /// Its status.
        from: String,
        /// What the command would make it.
        to: String,
    },
    /// A rule of the domain is against it. The words are the rule's.
    #[error("{entity} {id}: {reason}")]
    Refused {
        /// What it is.
        entity: &'static str,
        /// Its id.
        id: Id,
        /// The rule's words.
        reason: String,
    },
    /// The idempotency key was used for something else. Use a key of its own for each intention.
    #[error(
        "the idempotency key was used before, for {entity} {id}, which differs in {difference}"
    )]
    IdempotencyConflict {
        /// What it was used for.
        entity: &'static str,
        /// Its id.
        id: Id,
        /// What differs.
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
    /// permission, an item that cannot be read. Correct the deployment or the item.
    #[error("the write model cannot serve this: {reason}")]
    WriteModelFault {
        /// What happened, with its causes.
        reason: String,
        /// The error behind it.
        #[source]
        source: BoxError,
    },
}

impl CommandError {
    /// A fault that no retry mends, and that no error from below says.
    pub(crate) fn fault(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::WriteModelFault {
            source: reason.clone().into(),
            reason,
        }
    }
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
    /// The read model does not hold all there is: it lost its contents, or was never made from the
    /// write model. Rebuild it; what it holds can be asked for meanwhile, by id.
    #[error("the read model is incomplete: it lost its contents and was not rebuilt yet")]
    ReadModelIncomplete,
}

/// Why a projection threw, instead of naming a record that failed.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The payload is neither a stream's event nor anything to project. Correct the named field.
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
    /// Which of them it is.
    fn error_type(&self) -> ErrorType;

    /// That name.
    fn wire_name(&self) -> Cow<'static, str> {
        self.error_type().as_str().into()
    }
}

impl Named for CommandError {
    fn error_type(&self) -> ErrorType {
        match self {
            Self::InvalidCommand(_) => ErrorType::InvalidCommand,
            Self::NotFound { .. } => ErrorType::NotFound,
            Self::VersionConflict { .. } => ErrorType::VersionConflict,
            Self::IllegalTransition { .. } => ErrorType::IllegalTransition,
            Self::Refused { .. } => ErrorType::Refused,
            Self::IdempotencyConflict { .. } => ErrorType::IdempotencyConflict,
            Self::WriteModelUnavailable { .. } => ErrorType::WriteModelUnavailable,
            Self::WriteModelFault { .. } => ErrorType::WriteModelFault,
        }
    }

    fn wire_name(&self) -> Cow<'static, str> {
        match self {
            Self::NotFound { entity, .. } => {
                let (first, rest) = entity.split_at_checked(1).unwrap_or((entity, ""));
                format!("{}{rest}NotFound", first.to_uppercase()).into()
            }
            other => other.error_type().as_str().into(),
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
        assert_eq!(ErrorType::parse("Runtime.HandlerNotFound"), None);
    }

    #[test]
    fn what_is_not_found_is_named_after_the_entity() {
        let id = Id::fresh();
        let entity = "account";
        let error = CommandError::NotFound { entity, id };
        assert_eq!(error.wire_name(), "AccountNotFound");
        let read = ErrorType::parse("AccountNotFound");
        assert_eq!(read, Some(ErrorType::NotFound));
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
