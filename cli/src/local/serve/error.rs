//! Why the background process cannot start, or cannot become what it is asked to be.

use std::io;
use std::path::PathBuf;

use host::cache::CacheError;
use host::journal::JournalError;
use host::store::StoreError;

use crate::error::{Explain, Failure, Kind};
use crate::local::protocol::Refusal;
use crate::stack::template::TemplateError;

/// See the module's documentation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// Another process serves this stack already.
    #[error("the local stack runs already")]
    Running,
    /// See the cause: permissions, or a full disk.
    #[error("the stack's folder cannot be used")]
    Folder(#[source] io::Error),
    /// A file of this folder was damaged, or comes from another version.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        source: serde_json::Error,
    },
    /// The port that was asked for is another program's.
    #[error("port {port} cannot be taken")]
    Port { port: u16, source: io::Error },
    /// See the cause.
    #[error("no port can be taken on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// See the cause.
    #[error("the watcher of the functions' processes cannot start")]
    Watcher(#[source] io::Error),
    /// See the cause.
    #[error("the local stack cannot start")]
    Runtime(#[source] io::Error),
    /// The table's file cannot be used; see the cause.
    #[error("the tables cannot be used")]
    Store(#[source] StoreError),
    /// A table cannot become what the template says.
    #[error(transparent)]
    Table(StoreError),
    /// The file of checkpoints and queues cannot be used; see the cause.
    #[error("checkpoints and queues cannot be used")]
    Journal(#[from] JournalError),
    /// The read model's server does not run; see the cause.
    #[error("the cache cannot be used")]
    Cache(#[from] CacheError),
    /// The template cannot be applied here.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Explain for ServeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Template(error) => error.kind(),
            Self::Port { .. } => Kind::Usage,
            _ => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Running => "`cqrs local stop` stops it".to_owned(),
            Self::Unreadable { .. } => {
                "`cqrs destroy --local` removes this stack's data, so that it can be made anew"
                    .to_owned()
            }
            Self::Port { .. } => {
                "give another with `--port N`, or none to take a free one".to_owned()
            }
            Self::Template(error) => return error.hint(),
            Self::Cache(_) => {
                "`cqrs deploy --local` takes a server that is installed, and with `--cache-url \
                 redis://HOST:PORT` one that runs already"
                    .to_owned()
            }
            Self::Folder(error) | Self::Watcher(error) | Self::Runtime(error)
                if error.kind() == io::ErrorKind::StorageFull =>
            {
                "free some space on this disk and repeat the command".to_owned()
            }
            Self::Store(StoreError::Full | StoreError::Unusable(_)) | Self::Journal(_) => {
                "see whether this disk is full, then repeat the command".to_owned()
            }
            Self::Table(StoreError::Replacement { .. }) => {
                "`cqrs destroy --local` removes the table with its items; then deploy again"
                    .to_owned()
            }
            _ => return None,
        })
    }
}

impl From<StoreError> for ServeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Replacement { .. } | StoreError::Refused { .. } => Self::Table(error),
            _ => Self::Store(error),
        }
    }
}

impl From<ServeError> for Refusal {
    fn from(error: ServeError) -> Self {
        Failure::from(error).into()
    }
}

/// What is left of a failure on its way from the background process to the tool.
impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            usage: failure.kind() == Kind::Usage,
            message: failure.message,
            causes: failure.causes,
            hint: failure.hint,
        }
    }
}
