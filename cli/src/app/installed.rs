//! Where this program is, and what was installed with it.
//!
//! A release puts the tool into `bin` and what comes with it into `share/cqrs` and `libexec/cqrs` beside
//! that, wherever it is unpacked: nothing is looked for in a fixed place, so that two versions do not
//! meet.

use std::path::{Path, PathBuf};
use std::{env, io};

/// The file that a bundle is known by.
pub(crate) const MANIFEST: &str = "bundle.json";
/// Names the bundle's folder, for tests and for those who make packages.
const VARIABLE: &str = "CQRS_BUNDLE";

/// This program. Linux tells it by `/proc`; where that is not mounted, it is found as the shell found it.
pub(crate) fn program() -> io::Result<PathBuf> {
    env::current_exe().or_else(|unknown| {
        let called = env::args_os().next().map(PathBuf::from);
        called
            .and_then(|called| found_as_called(&called, env::var_os("PATH")))
            .ok_or(unknown)
    })
}

fn found_as_called(called: &Path, search_path: Option<std::ffi::OsString>) -> Option<PathBuf> {
    if called.components().count() > 1 {
        return called.canonicalize().ok();
    }
    let folders = search_path?;
    env::split_paths(&folders)
        .map(|folder| folder.join(called))
        .find(|program| program.is_file())?
        .canonicalize()
        .ok()
}

/// The folder of the bundle beside this program, if there is one. Nothing in it is read.
pub(crate) fn bundle() -> Option<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE) {
        return Some(named.into());
    }
    // What is installed may be reached by a link.
    let program = program().and_then(|program| program.canonicalize()).ok()?;
    let folder = program.parent()?.parent()?.join("share/cqrs");
    folder.join(MANIFEST).is_file().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_systems_word_a_program_is_found_as_it_was_called() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let program = folder.join("tool");
        std::fs::write(&program, "").unwrap();
        let path = env::join_paths(["/nowhere".as_ref(), folder.as_path()]).unwrap();
        let found = |called: &Path| found_as_called(called, Some(path.clone()));
        assert_eq!(found(&program).as_ref(), Some(&program));
        assert_eq!(found(Path::new("tool")).as_ref(), Some(&program));
        assert_eq!(found(Path::new("another")), None);
        assert_eq!(found_as_called(Path::new("tool"), None), None);
    }
}
