//! Why a part of the stack cannot be seen.

use crate::aws::AwsError;
use crate::error::{Explain, Kind};
use crate::failures::destination::DestinationError;
use crate::local::client::LocalError;
use crate::stack::functions::FunctionError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Unseen {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error(transparent)]
    Function(#[from] FunctionError),
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error(transparent)]
    Folder(DestinationError),
    /// The stack comes from another template.
    #[error("the stack has no output `{0}`")]
    NoOutput(&'static str),
    /// What would name the part could not be read.
    #[error("its name is in the stack's outputs, which could not be read")]
    NoOutputs,
    /// The stack on this machine has no such part.
    #[error("the stack on this machine has none")]
    Missing,
    /// The stack's process does not run.
    #[error("the stack does not run")]
    Stopped,
}

impl From<DestinationError> for Unseen {
    fn from(error: DestinationError) -> Self {
        match error {
            DestinationError::Aws(error) => Self::Aws(error),
            folder => Self::Folder(folder),
        }
    }
}

impl Unseen {
    /// Whether the part is known to be out of order, rather than merely not seen.
    pub(crate) fn is_broken(&self) -> bool {
        match self {
            Self::Aws(error) => is_gone(error),
            Self::Function(error) => match error {
                FunctionError::Aws(error) | FunctionError::Stopped(error) => is_gone(error),
                FunctionError::NotDeployed { .. }
                | FunctionError::NotOurs(_)
                | FunctionError::Function { .. }
                | FunctionError::Crashed { .. }
                | FunctionError::Unintelligible { .. } => true,
            },
            Self::Missing => true,
            Self::Local(_)
            | Self::Folder(_)
            | Self::NoOutput(_)
            | Self::NoOutputs
            | Self::Stopped => false,
        }
    }

    /// Whether what the stack has according to CloudFormation is not there.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Aws(error) => is_gone(error),
            Self::Function(FunctionError::NotDeployed { .. }) | Self::Missing => true,
            _ => false,
        }
    }

    /// Whether one permission is missing, so that the rest can still be seen.
    pub(super) fn is_denied(&self) -> bool {
        matches!(
            self,
            Self::Aws(AwsError::Denied { .. } | AwsError::Throttled { .. })
        )
    }
}

fn is_gone(error: &AwsError) -> bool {
    matches!(
        error.code(),
        Some(
            "ResourceNotFoundException"
                | "AWS.SimpleQueueService.NonExistentQueue"
                | "QueueDoesNotExist"
                | "NoSuchBucket"
        )
    )
}

impl Explain for Unseen {
    fn kind(&self) -> Kind {
        match self {
            Self::Aws(error) => error.kind(),
            Self::Function(error) => error.kind(),
            Self::Local(error) => error.kind(),
            Self::Folder(error) => error.kind(),
            _ => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Aws(error) => error.name(),
            Self::Function(error) => error.name(),
            Self::Local(error) => error.name(),
            Self::Folder(error) => error.name(),
            Self::NoOutput(_) => "NoOutput".to_owned(),
            Self::NoOutputs => "NoOutputs".to_owned(),
            Self::Missing => "Missing".to_owned(),
            Self::Stopped => "Stopped".to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Aws(error) => error.hint(),
            Self::Function(error) => error.hint(),
            Self::Local(error) => error.hint(),
            Self::Folder(error) => error.hint(),
            Self::NoOutput(_) | Self::Missing => {
                Some("`cqrs deploy` brings the stack to this version's template".to_owned())
            }
            Self::NoOutputs => None,
            Self::Stopped => {
                Some("`cqrs local run` starts it, as any other command does".to_owned())
            }
        }
    }
}
