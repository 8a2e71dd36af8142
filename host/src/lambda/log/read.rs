//! Reads a function's log from a point in time, or from a place on where reading ended before.
//!
//! Lines are in the order of their times, so the first one to be read is found by halving: a log of
//! 20 MB takes four dozen short reads, however much of it lies before. A place stays good when the
//! file turns over, which changes its name and not its number. A line without its line break is not
//! complete, and not read.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::older;

/// Where a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file's number, which a file that comes later may have again.
    pub(crate) file: u64,
    /// In bytes.
    pub(crate) offset: u64,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at_ms: i64,
    pub(crate) place: Place,
    /// The log stream; `-` where the platform itself wrote it.
    pub(crate) stream: String,
    pub(crate) text: String,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct LogReader {
    /// The older one first.
    files: Vec<Numbered>,
    /// The one that is read.
    current: usize,
    /// The line in reading, as bytes.
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Numbered {
    number: u64,
    reader: BufReader<File>,
    offset: u64,
}

impl LogReader {
    /// Opens the files of a log, of which there may be none.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // In this order a file that turns over in between is opened twice, and not missed.
        let newer = Numbered::open(path)?;
        let mut files: Vec<Numbered> = Numbered::open(&older(path))?.into_iter().collect();
        files.extend(newer);
        files.dedup_by_key(|file| file.number);
        Ok(Self {
            files,
            current: 0,
            bytes: Vec::new(),
        })
    }

    /// Goes on with the first line that is not before this time.
    pub(crate) fn seek_time(&mut self, from_ms: i64) -> io::Result<()> {
        self.current = 0;
        for file in &mut self.files {
            let begin = file.find(from_ms, &mut self.bytes)?;
            file.go(begin)?;
        }
        Ok(())
    }

    /// Goes on at a place; where its file is gone, with the oldest line there is.
    pub(crate) fn seek(&mut self, place: Place) -> io::Result<()> {
        let mut files = self.files.iter();
        let found = files.position(|file| file.number == place.file);
        self.current = found.unwrap_or(0);
        for (at, file) in self.files.iter_mut().enumerate() {
            file.go(if found == Some(at) { place.offset } else { 0 })?;
        }
        Ok(())
    }

    /// Where the next line begins, or would begin.
    pub(crate) fn place(&self) -> Option<Place> {
        let file = self.files.get(self.current).or(self.files.last())?;
        Some(file.place())
    }

    /// The next line, where there is one. What is no line of a log is passed over.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        while let Some(file) = self.files.get_mut(self.current) {
            let place = file.place();
            if !file.line(&mut self.bytes)? {
                self.current += 1;
            } else if let Some((at_ms, stream, text)) = parse(&self.bytes) {
                return Ok(Some(Line {
                    at_ms,
                    place,
                    stream: String::from_utf8_lossy(stream).into_owned(),
                    text: String::from_utf8_lossy(text).into_owned(),
                }));
            }
        }
        Ok(None)
    }
}

impl Numbered {
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            number: file.metadata()?.ino(),
            reader: BufReader::new(file),
            offset: 0,
        }))
    }

    fn place(&self) -> Place {
        Place {
            file: self.number,
            offset: self.offset,
        }
    }

    fn go(&mut self, offset: u64) -> io::Result<()> {
        self.reader.seek(SeekFrom::Start(offset))?;
        self.offset = offset;
        Ok(())
    }

    /// Reads a line without its break; false where no complete one is left.
    fn line(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        bytes.clear();
        let count = self.reader.read_until(b'\n', bytes)?;
        if bytes.pop() != Some(b'\n') {
            return Ok(false);
        }
        self.offset += count as u64;
        Ok(true)
    }

    /// The first place from which on no line is before `from_ms`.
    fn find(&mut self, from_ms: i64, bytes: &mut Vec<u8>) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.reader.get_ref().metadata()?.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.first_at(middle, bytes)? {
                Some((begin, at_ms)) if at_ms < from_ms => low = begin + 1,
                _ => high = middle,
            }
        }
        self.begin_at(low, bytes)
    }

    /// Place and time of the first line that begins at `offset` or after it.
    fn first_at(&mut self, offset: u64, bytes: &mut Vec<u8>) -> io::Result<Option<(u64, i64)>> {
        let mut begin = self.begin_at(offset, bytes)?;
        self.go(begin)?;
        while self.line(bytes)? {
            if let Some((at_ms, ..)) = parse(bytes) {
                return Ok(Some((begin, at_ms)));
            }
            begin = self.offset;
        }
        Ok(None)
    }

    /// Where the first line begins that begins at `offset` or after it.
    fn begin_at(&mut self, offset: u64, bytes: &mut Vec<u8>) -> io::Result<u64> {
        let Some(before) = offset.checked_sub(1) else {
            return Ok(0);
        };
        self.go(before)?;
        self.line(bytes)?;
        // Without a complete line from there on, nothing was passed.
        Ok(self.offset.max(offset))
    }
}

/// `<milliseconds> <request id> <log stream> <text>`
fn parse(line: &[u8]) -> Option<(i64, &[u8], &[u8])> {
    let mut words = line.splitn(4, |byte| *byte == b' ');
    let at_ms = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    words.next()?;
    Some((at_ms, words.next()?, words.next()?))
}

#[cfg(test)]
mod tests;
