//! Text from outside: UTF-8, with or without a byte order mark, in lines that end in a line feed.
//!
//! What is none of that is said once for the whole text, instead of once for each line.

mod lines;

use std::io;
use std::path::Path;

pub(crate) use self::lines::{LONGEST, Lines};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why something is not read as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotText {
    #[error("it is UTF-16, not UTF-8")]
    Utf16,
    #[error("its lines end in carriage returns without line feeds")]
    CarriageReturns,
    #[error("it is not UTF-8")]
    NotUtf8,
}

impl NotText {
    /// What to do about it.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Utf16 | Self::NotUtf8 => "save it as UTF-8",
            Self::CarriageReturns => "`tr '\\r' '\\n' < FILE` gives it line feeds",
        }
    }

    /// The reason in an error of a reader, where it is one of these.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<NotText> for io::Error {
    fn from(reason: NotText) -> Self {
        Self::new(io::ErrorKind::InvalidData, reason)
    }
}

/// A whole file, which is a small one.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let bytes = std::fs::read(path)?;
    if is_utf16(&bytes) {
        return Err(NotText::Utf16.into());
    }
    let text = bytes.strip_prefix(BOM).unwrap_or(&bytes).to_vec();
    String::from_utf8(text).map_err(|_| NotText::NotUtf8.into())
}

/// By its mark, or by the empty half of its first character.
fn is_utf16(begin: &[u8]) -> bool {
    matches!(
        begin,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..]
    )
}

/// Whether the first line ends in a carriage return alone, as far as the beginning tells.
fn ends_lines_in_carriage_returns(begin: &[u8]) -> bool {
    let end = begin.iter().position(|byte| b"\r\n".contains(byte));
    let end = end.and_then(|at| begin.get(at..));
    matches!(end, Some([b'\r', next, ..]) if *next != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_without_its_mark_and_said_to_be_no_text_by_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        for (bytes, text) in [
            (&b"\xef\xbb\xbfabc"[..], Ok("abc")),
            (b"", Ok("")),
            (b"\xff\xfea\0", Err(NotText::Utf16)),
            (b"a\0b\0", Err(NotText::Utf16)),
            (b"a\xff", Err(NotText::NotUtf8)),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let read = read(&path).map_err(|error| NotText::of(&error).unwrap());
            assert_eq!(read.as_deref(), text.as_ref().copied());
        }
    }

    #[test]
    fn only_a_carriage_return_that_ends_the_first_line_alone_is_one() {
        for (begin, expected) in [
            (&b"a\rb\r"[..], true),
            (b"a\r\rb", true),
            (b"a\r\nb", false),
            (b"a\nb\rc", false),
            (b"a\r", false),
            (b"a", false),
        ] {
            assert_eq!(ends_lines_in_carriage_returns(begin), expected, "{begin:?}");
        }
    }
}
