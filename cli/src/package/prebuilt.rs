//! Finished binaries: which file of a folder is which handler's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Handler;
use super::archive::BOOTSTRAP;
use crate::error::{Explain, Kind};

/// Why a folder of finished binaries cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrebuiltError {
    /// Give the folder that holds the binaries.
    #[error("`{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// Put the missing files there, under one of the names that were looked for.
    #[error("`{}` holds no {} (looked for {})", folder.display(), names(handlers), looked_for(handlers))]
    Missing {
        folder: PathBuf,
        handlers: Vec<Handler>,
    },
}

impl Explain for PrebuiltError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("leave `--prebuilt` out to build the handlers from the project".to_owned())
    }
}

fn names(handlers: &[Handler]) -> String {
    handlers
        .iter()
        .map(|handler| handler.name())
        .collect::<Vec<_>>()
        .join(", ")
}

fn looked_for(handlers: &[Handler]) -> String {
    let names: Vec<_> = handlers
        .iter()
        .flat_map(|&handler| candidates(handler))
        .collect();
    names
        .iter()
        .map(|name| format!("`{}`", name.display()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The places of a handler's file in the folder, the first that exists counts.
fn candidates(handler: Handler) -> [PathBuf; 3] {
    let name = handler.name();
    [
        name.into(),
        Path::new(name).join(BOOTSTRAP),
        format!("{name}.zip").into(),
    ]
}

/// Whether the file is to be unpacked first.
pub(super) fn is_zip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "zip")
}

/// Finds all handlers' files; those that are missing are named at once, not one at a time.
pub(super) fn find(folder: &Path) -> Result<BTreeMap<Handler, PathBuf>, PrebuiltError> {
    if !folder.is_dir() {
        return Err(PrebuiltError::NotAFolder(folder.to_owned()));
    }
    let mut files = BTreeMap::new();
    let mut missing = Vec::new();
    for handler in Handler::ALL {
        let found = candidates(handler)
            .iter()
            .map(|candidate| folder.join(candidate))
            .find(|path| path.is_file());
        match found {
            Some(path) => {
                files.insert(handler, path);
            }
            None => missing.push(handler),
        }
    }
    if missing.is_empty() {
        Ok(files)
    } else {
        Err(PrebuiltError::Missing {
            folder: folder.to_owned(),
            handlers: missing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_found_under_each_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("publisher"), "").unwrap();
        std::fs::create_dir(path("subscriber")).unwrap();
        std::fs::write(path("subscriber/bootstrap"), "").unwrap();
        std::fs::write(path("query.zip"), "").unwrap();

        let found = find(folder.path()).unwrap();
        assert_eq!(found[&Handler::Publisher], path("publisher"));
        assert_eq!(found[&Handler::Subscriber], path("subscriber/bootstrap"));
        assert_eq!(found[&Handler::Query], path("query.zip"));
        assert!(is_zip(&found[&Handler::Query]) && !is_zip(&found[&Handler::Publisher]));
    }
}
