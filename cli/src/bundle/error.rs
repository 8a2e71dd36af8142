//! What is wrong with what came with the tool.

use std::io;
use std::path::PathBuf;

use crate::app::version::VERSION;
use crate::error::{Explain, Kind};
use crate::package::Architecture;

/// Why the bundle beside the tool does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// A file is gone, or may not be read.
    #[error("cannot read `{}`, which came with this tool", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// It was cut off or edited.
    #[error("`{}`, which came with this tool, is damaged", path.display())]
    Manifest {
        path: PathBuf,
        source: serde_json::Error,
    },
    /// Of two versions, one was written over the other.
    #[error("`{}` came with cqrs {version}, and this is cqrs {VERSION}", path.display())]
    OtherVersion { path: PathBuf, version: String },
    /// It was cut off or exchanged.
    #[error("`{}` is not the file that came with this tool: it has another SHA-256", path.display())]
    Damaged { path: PathBuf },
    /// Its mode was lost on the way.
    #[error("`{}`, which came with this tool, is not executable", path.display())]
    NotExecutable { path: PathBuf },
    /// Choose another, or build them.
    #[error(
        "no functions for {asked} came with this tool, but for {}",
        one_of(there)
    )]
    NoArchitecture {
        asked: Architecture,
        there: Vec<String>,
    },
}

fn one_of(there: &[String]) -> String {
    match there {
        [] => "none".to_owned(),
        there => there.join(" and "),
    }
}

impl Explain for BundleError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoArchitecture { .. } => Kind::Usage,
            _ => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoArchitecture { there, .. } => {
                let choose = there
                    .first()
                    .map(|name| format!("`--arch {name}` deploys those to AWS; "));
                format!(
                    "{}`cqrs new` makes a project, whose functions are built for any",
                    choose.unwrap_or_default()
                )
            }
            Self::NotExecutable { path } => format!(
                "`chmod +x {}`, or install cqrs {VERSION} again",
                path.display()
            ),
            _ => format!("install cqrs {VERSION} again"),
        })
    }
}
