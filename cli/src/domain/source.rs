//! Where the description comes from: the project's `handlers/domain/domain.json`, or what is built
//! into the tool where there is no project.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use pattern::description::{Description, Unreadable};

use super::Domain;
use crate::error::{Explain, Kind};
use crate::settings::find_project;

/// Where a project has its description.
pub(crate) const FILE: &str = "handlers/domain/domain.json";
const BUNDLED: &str = include_str!("../../../handlers/domain/domain.json");

/// A description that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DomainError {
    #[error("cannot read {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot use {}", path.display())]
    Unreadable { path: PathBuf, source: Unreadable },
}

impl Explain for DomainError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Unreadable {
                source: Unreadable::Format(format),
                ..
            } if *format > pattern::description::FORMAT => {
                Some("a newer version of this tool made it: install that one".to_owned())
            }
            Self::Unreadable {
                source: Unreadable::Names(_),
                ..
            } => Some(format!(
                "give it another name in handlers/domain, and make {FILE} anew"
            )),
            Self::Unreadable { .. } => Some(format!(
                "make it anew: `cargo run -p domain --example describe > {FILE}`"
            )),
        }
    }
}

impl Domain {
    /// The description of `project`, or the one that is built in.
    pub(crate) fn of_project(project: Option<&Path>) -> Result<Self, DomainError> {
        let Some(path) = project.map(|project| project.join(FILE)) else {
            return Self::parse(BUNDLED, Path::new("the description that is built in"));
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::of_project(None),
            Err(source) => Err(DomainError::Io { path, source }),
        }
    }

    /// The description for these arguments of the tool, before they can be parsed: that of the
    /// project that they name, or in which the tool runs.
    pub(crate) fn of_arguments(arguments: &[OsString]) -> Result<Self, DomainError> {
        let option = |at: usize| match arguments.get(at)?.to_str()?.strip_prefix("--project")? {
            "" => arguments.get(at + 1).map(PathBuf::from),
            rest => rest.strip_prefix('=').map(PathBuf::from),
        };
        let typed = (0..arguments.len()).find_map(option);
        let named = typed.or_else(|| std::env::var_os("CQRS_PROJECT").map(PathBuf::from));
        // What is wrong with the project itself is said when the settings are resolved.
        let project = find_project(named.as_deref()).unwrap_or_default();
        Self::of_project(project.as_deref())
    }

    /// The description that is built in.
    #[cfg(test)]
    pub(crate) fn bundled() -> Self {
        Self::of_project(None).unwrap()
    }

    /// The description in a text.
    #[cfg(test)]
    pub(crate) fn written(text: &str) -> Self {
        Self::parse(text, Path::new("a test")).unwrap()
    }

    fn parse(text: &str, path: &Path) -> Result<Self, DomainError> {
        let path = path.to_owned();
        match Description::parse(text) {
            Ok(description) => Ok(Self::new(description)),
            Err(source) => Err(DomainError::Unreadable { path, source }),
        }
    }
}
