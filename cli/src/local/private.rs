//! What belongs to a stack on this machine is its owner's alone, whatever the user's umask.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::umask;

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// Lets this process always read and write what it makes. A umask that takes that away, which nothing
/// asks for on purpose, would fail deep inside.
pub(crate) fn keep_own_rights() {
    let mask = umask(Mode::empty());
    umask(mask - Mode::RWXU);
}

/// Keeps from others all that this process makes from now on, and those that it starts.
pub(crate) fn keep_from_others() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Makes a folder, and those above it that are missing; one that is there becomes private too.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER)
        .create(path)?;
    let mode = path.metadata()?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(FOLDER))
}

/// To open a file, which is private where this makes it.
pub(crate) fn options() -> OpenOptions {
    let mut options = File::options();
    options.mode(FILE);
    options
}
