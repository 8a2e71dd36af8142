//! A region of the terminal that is drawn again and again where it is.
//!
//! Each drawing is one write over the last one: nothing flickers, what scrolled away before stays,
//! and the cursor waits below the region, so that nothing need be restored at the end.

use std::io::{self, Write};

use console::{Term, measure_text_width};

use crate::error::{Failure, Kind};

#[derive(Debug, Default)]
pub(crate) struct Region {
    /// The widths of the lines that are on the terminal.
    drawn: Vec<usize>,
}

/// A terminal's size in characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// That of the terminal behind stdout.
pub(super) fn size() -> Size {
    let (rows, columns) = Term::stdout().size();
    Size {
        rows: usize::from(rows).max(2),
        columns: usize::from(columns).max(1),
    }
}

impl Region {
    /// Puts `text` in the place of what was drawn before; what does not fit below is left out.
    pub(crate) fn draw(&mut self, text: &str) -> Result<(), Failure> {
        let (written, drawn) = frame(&self.drawn, text, size());
        let mut out = io::stdout().lock();
        let done = out.write_all(written.as_bytes()).and_then(|()| out.flush());
        done.map_err(|e| {
            Failure::new(Kind::Failed, "cannot write to the terminal").caused_by(e.to_string())
        })?;
        self.drawn = drawn;
        Ok(())
    }
}

/// What to write to draw `text` over lines of the widths `drawn`, and the widths of the new ones.
fn frame(drawn: &[usize], text: &str, size: Size) -> (String, Vec<usize>) {
    // The terminal has wrapped what is wider than it is now.
    let rows = |width: usize| width.div_ceil(size.columns).max(1);
    let above: usize = drawn.iter().copied().map(rows).sum();
    let mut written = match above {
        0 => String::new(),
        above => format!("\r\x1b[{above}A"),
    };
    let mut left = size.rows - 1;
    let mut widths = Vec::new();
    for line in text.lines() {
        let width = measure_text_width(line);
        if rows(width) > left {
            break;
        }
        left -= rows(width);
        written.push_str("\x1b[2K");
        written.push_str(line);
        // At the right margin this would take the last character with it.
        if !width.is_multiple_of(size.columns) {
            written.push_str("\x1b[K");
        }
        written.push('\n');
        widths.push(width);
    }
    written.push_str("\x1b[J");
    (written, widths)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size {
        rows: 4,
        columns: 10,
    };

    #[test]
    fn a_drawing_begins_where_the_last_one_did() {
        let (written, drawn) = frame(&[], "one\ntwo", SMALL);
        assert_eq!(written, "\x1b[2Kone\x1b[K\n\x1b[2Ktwo\x1b[K\n\x1b[J");
        assert_eq!(drawn, [3, 3]);
        let (written, _) = frame(&drawn, "three", SMALL);
        assert_eq!(written, "\r\x1b[2A\x1b[2Kthree\x1b[K\n\x1b[J");
    }

    #[test]
    fn lines_that_a_narrower_terminal_has_wrapped_count_for_each_of_their_rows() {
        let (written, _) = frame(&[25, 0], "", SMALL);
        assert_eq!(written, "\r\x1b[4A\x1b[J");
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_colours_have_no_width() {
        let (written, drawn) = frame(&[], "\x1b[31m1\x1b[0m\n2\n3\n4\n5", SMALL);
        assert_eq!(drawn, [1, 1, 1]);
        assert!(!written.contains('4'), "{written:?}");
    }

    #[test]
    fn a_full_line_keeps_its_last_character() {
        let (written, _) = frame(&[], "0123456789", SMALL);
        assert_eq!(written, "\x1b[2K0123456789\n\x1b[J");
    }
}
