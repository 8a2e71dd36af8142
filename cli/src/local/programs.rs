//! The handlers' programs in the stack's folder, each under the hash of its content: a function is
//! changed if its program's path is another, and what runs is never overwritten.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::local::client::{Folder, LocalError};
use crate::local::private;
use crate::package::Program;

fn place(folder: &Folder) -> PathBuf {
    folder.path().join("functions")
}

/// Where the programs are, or would be, by the handlers' names.
pub(crate) fn paths(folder: &Folder, programs: &[Program]) -> BTreeMap<String, PathBuf> {
    let place = place(folder);
    let path = |program: &Program| {
        let name = program.handler.name();
        let path = place.join(program.sha256.to_string()).join(name);
        (name.to_owned(), path)
    };
    programs.iter().map(path).collect()
}

/// Writes those that are new.
pub(crate) fn store(folder: &Folder, programs: &[Program]) -> Result<(), LocalError> {
    let paths = paths(folder, programs);
    for program in programs {
        let Some(path) = paths.get(program.handler.name()) else {
            continue;
        };
        if !path.is_file() {
            let unpacked = program.content.program().map_err(io::Error::other);
            let written = unpacked.and_then(|program| write(path, &program));
            written.map_err(|source| LocalError::Folder {
                path: path.clone(),
                source,
            })?;
        }
    }
    Ok(())
}

/// Under another name first, so that a program that is there is whole.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        private::folder(parent)?;
    }
    let unfinished = path.with_extension("new");
    let mut file = private::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o700)
        .open(&unfinished)?;
    file.write_all(bytes)?;
    drop(file);
    fs::rename(&unfinished, path)
}

/// Removes the programs that are not among `kept`. One that still runs does so to its end.
pub(crate) fn retire(folder: &Folder, kept: &BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(place(folder))? {
        let path = entry?.path();
        if !kept.values().any(|program| program.starts_with(&path)) {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::handler::Handler;
    use crate::app::places::Places;
    use crate::package::{Content, ContentHash};

    fn program(handler: Handler, byte: u8) -> Program {
        Program {
            handler,
            content: Content::Plain(vec![byte; 10]),
            sha256: ContentHash::new([byte; 32]),
        }
    }

    #[test]
    fn a_program_stays_until_another_takes_its_place() {
        let project = tempfile::tempdir().unwrap();
        let places = Places::Project(project.path().to_owned());
        let folder = Folder::of(&places, &"cqrs".parse().unwrap()).unwrap();
        let first = [program(Handler::Publisher, 1), program(Handler::Query, 2)];
        store(&folder, &first).unwrap();
        let second = [program(Handler::Publisher, 3), program(Handler::Query, 2)];
        store(&folder, &second).unwrap();
        let (old, new) = (paths(&folder, &first), paths(&folder, &second));
        assert!(old["publisher"].is_file());
        assert_eq!(fs::read(&new["publisher"]).unwrap(), [3; 10]);

        retire(&folder, &new).unwrap();
        assert!(!old["publisher"].exists());
        assert!(new.values().all(|path| path.is_file()));
    }
}
