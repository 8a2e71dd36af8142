//! Settings that cannot be used, and what to do about each.

use std::path::PathBuf;

use super::{FILE, TEMPLATE};
use crate::error::{Explain, Kind};

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// `--project` names something that is not a folder.
    #[error("the project folder {} does not exist", .0.display())]
    NoProject(PathBuf),

    /// The settings file is there and cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },

    /// The settings file has an unknown key, a bad value or bad syntax.
    #[error("{}:{line}:{column}: {message}", .path.display())]
    BadFile {
        path: PathBuf,
        line: usize,
        column: usize,
        message: String,
    },

    /// A variable has a bad value.
    #[error("{name} is `{value}`: {why}")]
    BadVariable {
        name: &'static str,
        value: String,
        why: String,
    },

    /// An environment holds environments.
    #[error("{}: [env.{env}] holds environments of its own, which cannot be chosen", .path.display())]
    NestedEnv { path: PathBuf, env: String },

    /// `--env` names a section that the file does not have.
    #[error("{} has no section [env.{env}]", .path.display())]
    NoEnv {
        path: PathBuf,
        env: String,
        known: Vec<String>,
    },

    /// `--env` was given and there is no settings file.
    #[error("`--env {0}` needs a {FILE}, and there is none here")]
    EnvWithoutFile(String),
}

impl Explain for SettingsError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoProject(_) => Some(format!("give the folder that holds {TEMPLATE}")),
            Self::Unreadable { .. } | Self::BadVariable { .. } => None,
            Self::BadFile { .. } | Self::NestedEnv { .. } => Some(format!(
                "the keys of {FILE} are listed in docs/reference.md"
            )),
            Self::NoEnv { known, .. } if known.is_empty() => {
                Some("write one, or leave `--env` out".to_owned())
            }
            Self::NoEnv { known, .. } => Some(format!("it has: {}", known.join(", "))),
            Self::EnvWithoutFile(env) => {
                Some(format!("`cqrs deploy --guided --env {env}` writes one"))
            }
        }
    }
}
