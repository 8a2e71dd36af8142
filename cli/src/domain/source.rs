//! Where descriptions come from: the project's `handlers/domain/domain.json`, what a stack answered, and
//! what is built into the tool.

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
    #[error("there is no {}", path.display())]
    Missing { path: PathBuf },
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
            Self::Missing { .. } => Some(format!(
                "make it: `cargo run -q -p domain --example describe > {FILE}`"
            )),
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
    /// The description that is built in.
    pub(crate) fn built_in() -> Result<Self, DomainError> {
        Self::parse(BUNDLED, Path::new("the description that is built in"))
    }

    /// The description that `project` has.
    pub(crate) fn of_project(project: &Path) -> Result<Option<Self>, DomainError> {
        let path = project.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DomainError::Io { path, source }),
        }
    }

    /// What a stack answered; none where it cannot be used.
    pub(crate) fn answered(text: &str) -> Option<Self> {
        Description::parse(text).ok().map(Self::new)
    }

    /// The description for these arguments of the tool, before they can be parsed: that of the
    /// project that they name, or in which the tool runs.
    pub(crate) fn of_arguments(arguments: &[OsString]) -> Result<Option<Self>, DomainError> {
        let option = |at: usize| match arguments.get(at)?.to_str()?.strip_prefix("--project")? {
            "" => arguments.get(at + 1).map(PathBuf::from),
            rest => rest.strip_prefix('=').map(PathBuf::from),
        };
        let typed = (0..arguments.len()).find_map(option);
        let named = typed.or_else(|| std::env::var_os("CQRS_PROJECT").map(PathBuf::from));
        // What is wrong with the project itself is said when the settings are resolved.
        let project = find_project(named.as_deref()).unwrap_or_default();
        project.as_deref().map_or(Ok(None), Self::of_project)
    }

    /// The description that is built in.
    #[cfg(test)]
    pub(crate) fn bundled() -> Self {
        Self::built_in().unwrap()
    }

    /// The description in a text.
    #[cfg(test)]
    pub(crate) fn written(text: &str) -> Self {
        Self::parse(text, Path::new("a test")).unwrap()
    }

    /// The description in a text, which errors call `path`.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, DomainError> {
        let path = path.to_owned();
        match Description::parse(text) {
            Ok(description) => Ok(Self::new(description)),
            Err(source) => Err(DomainError::Unreadable { path, source }),
        }
    }
}
