//! The lines of a text, counted from 1, each in the same few kilobytes.

use std::io::{self, BufRead, BufReader, Read};

use super::{BOM, NotText, ends_lines_in_carriage_returns, is_utf16};

/// The longest a line may be, in bytes: an order with all its fields takes two thousand at most.
pub(crate) const LONGEST: usize = 64 * 1024;

pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    number: u64,
    line: Vec<u8>,
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) number: u64,
    /// Absent where it is longer than [`LONGEST`].
    pub(crate) bytes: Option<&'a [u8]>,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader: BufReader::with_capacity(LONGEST, reader),
            number: 0,
            line: Vec::new(),
        }
    }

    /// What the text begins with, as far as it is at hand; an error where it is [`NotText`].
    pub(crate) fn begin(&mut self) -> io::Result<&[u8]> {
        let begin = self.reader.fill_buf()?;
        if is_utf16(begin) {
            return Err(NotText::Utf16.into());
        }
        if ends_lines_in_carriage_returns(begin) {
            return Err(NotText::CarriageReturns.into());
        }
        Ok(begin.strip_prefix(BOM).unwrap_or(begin))
    }

    /// The next line that is not blank.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.line.clear();
            let Some(fits) = self.append()? else {
                return Ok(None);
            };
            if !fits || !self.line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(self.line(fits)));
            }
        }
    }

    /// The last line and the next behind it, also a blank one, where what began in it goes on.
    pub(crate) fn go_on(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.push(b'\n');
        let fits = self.append()?;
        Ok(fits.map(|fits| self.line(fits)))
    }

    fn line(&self, fits: bool) -> Line<'_> {
        Line {
            number: self.number,
            bytes: fits.then_some(self.line.as_slice()),
        }
    }

    /// Appends a line without its end, and says whether all is no longer than it may be; `None` at the
    /// end of the text.
    fn append(&mut self) -> io::Result<Option<bool>> {
        let room = (LONGEST + 1).saturating_sub(self.line.len()).max(1);
        let mut limited = self.reader.by_ref().take(room as u64);
        if limited.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && self.line.starts_with(BOM) {
            self.line.drain(..BOM.len());
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            if self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
        } else if self.line.len() > LONGEST {
            self.reader.skip_until(b'\n')?;
        }
        Ok(Some(self.line.len() <= LONGEST))
    }

    /// What was read from.
    pub(crate) fn into_inner(self) -> R {
        self.reader.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::new(text);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let text = line.bytes.map(|b| String::from_utf8(b.to_vec()).unwrap());
            all.push((line.number, text));
        }
        all
    }

    fn line(number: u64, text: &str) -> (u64, Option<String>) {
        (number, Some(text.to_owned()))
    }

    #[test]
    fn lines_are_counted_as_an_editor_does_and_blank_ones_left_out() {
        let text = b"\xef\xbb\xbfa\r\n\r\n \t\nb\n\nc";
        assert_eq!(lines(text), [line(1, "a"), line(4, "b"), line(6, "c")]);
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\xef\xbb\xbf\n"), []);
    }

    #[test]
    fn what_goes_on_is_one_line_with_those_behind_it() {
        let text = format!("a\r\n\r\nb\n{}\nc", "x".repeat(LONGEST));
        let mut lines = Lines::new(text.as_bytes());
        lines.next().unwrap();
        lines.go_on().unwrap();
        let joined = lines.go_on().unwrap().unwrap();
        assert_eq!((joined.number, joined.bytes), (3, Some(&b"a\n\nb"[..])));
        assert_eq!(lines.go_on().unwrap().unwrap().bytes, None);
        assert_eq!(lines.next().unwrap().unwrap().bytes, Some(&b"c"[..]));
        assert_eq!(lines.go_on().unwrap(), None);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_read() {
        let mut text = vec![b'x'; 3 * LONGEST];
        text.extend_from_slice(b"\nb\n");
        assert_eq!(lines(&text), [(1, None), line(2, "b")]);
        let longest = "x".repeat(LONGEST);
        assert_eq!(lines(longest.as_bytes()), [line(1, &longest)]);
    }

    #[test]
    fn the_beginning_is_seen_without_the_mark_and_stays_to_be_read() {
        let mut lines = Lines::new(&b"\xef\xbb\xbf{}"[..]);
        assert_eq!(lines.begin().unwrap(), b"{}");
        assert_eq!(lines.next().unwrap().unwrap().bytes, Some(&b"{}"[..]));
    }
}
