//! A file that can be read twice and is the same both times.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::error::InputError;
use super::keys::ContentHash;

/// What standard input is called on the command line.
const STDIN: &str = "-";

/// An open file: another that takes its name does not matter.
#[derive(Debug)]
pub(crate) struct Input {
    file: File,
    path: Option<PathBuf>,
    name: String,
    stamp: Stamp,
}

/// What changes when a file is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let data = file.metadata()?;
        Ok(Self {
            length: data.len(),
            modified: data.modified().ok(),
        })
    }
}

impl Input {
    /// Opens a file. What comes from a pipe or from standard input is kept in a temporary file,
    /// which this process alone can read and which goes with it.
    pub(crate) fn open(path: &Path) -> Result<Self, InputError> {
        if path.as_os_str() == STDIN {
            let name = "standard input".to_owned();
            return Self::kept(io::stdin().lock(), name);
        }
        let name = path.display().to_string();
        let unreadable = |source| InputError::Unreadable {
            name: name.clone(),
            source,
        };
        let file = File::open(path).map_err(unreadable)?;
        let kind = file.metadata().map_err(unreadable)?.file_type();
        if kind.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        if !kind.is_file() {
            return Self::kept(file, name);
        }
        // `/dev/stdin` and its like name an open file, not a place.
        let place = !path.starts_with("/dev") && !path.starts_with("/proc");
        Self::new(file, place.then(|| path.to_owned()), name)
    }

    fn new(file: File, path: Option<PathBuf>, name: String) -> Result<Self, InputError> {
        match Stamp::of(&file) {
            Ok(stamp) => Ok(Self {
                file,
                path,
                name,
                stamp,
            }),
            Err(source) => Err(InputError::Unreadable { name, source }),
        }
    }

    fn kept(mut from: impl Read, name: String) -> Result<Self, InputError> {
        let kept = tempfile::tempfile().and_then(|mut file| {
            io::copy(&mut from, &mut file)?;
            Ok(file)
        });
        match kept {
            Ok(file) => Self::new(file, None, name),
            Err(source) => Err(InputError::Unkept { name, source }),
        }
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it lies; what comes from a pipe has no such place.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// How many bytes it has.
    pub(crate) fn length(&self) -> u64 {
        self.stamp.length
    }

    /// Whether it is as it was when it was opened, as far as the file system tells.
    pub(super) fn is_unchanged(&self) -> bool {
        Stamp::of(&self.file).is_ok_and(|now| now == self.stamp)
    }

    pub(super) fn unreadable(&self, source: io::Error) -> InputError {
        InputError::Unreadable {
            name: self.name.clone(),
            source,
        }
    }

    pub(super) fn changed(&self) -> InputError {
        InputError::Changed {
            name: self.name.clone(),
        }
    }

    /// Reads it from its beginning; one after the other, since they share their place in it. `seen`
    /// hears how many bytes were read.
    pub(super) fn pass<F: FnMut(u64)>(&self, seen: F) -> Result<Pass<F>, InputError> {
        let begin = || -> io::Result<File> {
            let mut file = self.file.try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        Ok(Pass {
            file: begin().map_err(|error| self.unreadable(error))?,
            hash: Sha256::new(),
            seen,
        })
    }
}

/// One reading of a file, which takes its hash.
pub(super) struct Pass<F> {
    file: File,
    hash: Sha256,
    seen: F,
}

impl<F> Pass<F> {
    /// The hash of what was read.
    pub(super) fn hash(self) -> ContentHash {
        ContentHash::of(self.hash)
    }
}

impl<F: FnMut(u64)> Read for Pass<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        (self.seen)(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn text(input: &Input) -> (String, ContentHash) {
        let mut pass = input.pass(|_| ()).unwrap();
        let mut text = String::new();
        pass.read_to_string(&mut text).unwrap();
        (text, pass.hash())
    }

    #[test]
    fn what_comes_from_a_pipe_is_read_twice_and_lies_nowhere() {
        let input = Input::kept(&b"abc"[..], "x".to_owned()).unwrap();
        assert_eq!(text(&input), text(&input));
        assert_eq!(text(&input).0, "abc");
        let links = std::os::unix::fs::MetadataExt::nlink(&input.file.metadata().unwrap());
        assert_eq!(links, 0);
    }

    #[test]
    fn a_file_that_is_written_to_is_changed_and_one_that_is_replaced_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.csv");
        fs::write(&path, "abc").unwrap();
        let input = Input::open(&path).unwrap();
        fs::rename(&path, folder.path().join("old.csv")).unwrap();
        fs::write(&path, "another").unwrap();
        assert!(input.is_unchanged());
        assert_eq!(text(&input).0, "abc");

        let old = File::options()
            .append(true)
            .open(folder.path().join("old.csv"));
        old.unwrap().write_all(b"def").unwrap();
        assert!(!input.is_unchanged());
    }

    #[test]
    fn what_is_no_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("none.csv")] {
            let error = Input::open(&path).unwrap_err();
            assert_eq!(error.to_string(), format!("cannot read {}", path.display()));
        }
    }
}
