//! What the process itself has to say: lines on standard error, which is `host.log` in the
//! background.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::app::clock;

/// In bytes, before it goes aside.
const LARGEST: u64 = 1 << 20;

/// Where standard error goes, if that is a file of this process.
static FILE: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Standard error is this file, which is not to grow for ever.
pub(super) fn keep_in(path: PathBuf) {
    *FILE.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
}

/// Writes one line with its time.
pub(super) fn log(text: impl Display) {
    let now = clock::now();
    let file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    // Without a place to write to there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{now} {text}");
    if let Some(path) = file.as_deref() {
        let _ = bound(path);
    }
}

/// Puts what a long log holds aside and empties it: the process goes on appending to the same file.
fn bound(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.len() < LARGEST {
        return Ok(());
    }
    // Where there is no room for both, the bound counts for more.
    let _ = fs::copy(path, path.with_extension("log.1"));
    File::options().write(true).open(path)?.set_len(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_put_aside_and_goes_on_in_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.log");
        let mut appending = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .unwrap();
        appending.write_all(b"first\n").unwrap();
        bound(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "first\n");

        appending.write_all(&vec![b'x'; 1 << 20]).unwrap();
        bound(&path).unwrap();
        appending.write_all(b"next\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "next\n");
        let aside = fs::read(folder.path().join("host.log.1")).unwrap();
        assert!(aside.starts_with(b"first\nx"));
    }
}
