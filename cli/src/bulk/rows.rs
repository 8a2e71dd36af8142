//! The rows of a file in either format.

use std::io::{self, Read};

use super::csv_rows::CsvRows;
use super::error::{RowError, Unfit};
use super::format::Format;
use super::json_rows;
use crate::domain::{Domain, Draft};
use crate::text::{Lines, NotText};

pub(super) struct Rows<R> {
    lines: Lines<R>,
    form: Form,
}

enum Form {
    Csv(Box<CsvRows>),
    JsonLines(Domain),
}

impl Form {
    /// The draft in a line; none where it has no values.
    fn row(&self, line: Option<&[u8]>) -> Result<Option<Draft>, RowError> {
        let line = line.ok_or(RowError::TooLong)?;
        match self {
            Self::JsonLines(domain) => json_rows::row(line, domain).map(Some),
            Self::Csv(rows) => rows.row(line),
        }
    }

    /// Whether a value may go on in the next line.
    fn has_line_breaks(&self) -> bool {
        match self {
            Self::JsonLines(_) => false,
            Self::Csv(rows) => rows.have_line_breaks(),
        }
    }
}

/// A row, whether it keeps the rules or not.
#[derive(Debug)]
pub(super) struct Numbered {
    pub(super) line: u64,
    pub(super) draft: Result<Draft, RowError>,
}

/// Why there are no rows at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoRows {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

impl<R: Read> Rows<R> {
    /// Reads to the first row. `format` decides by what the file begins with.
    pub(super) fn open(
        reader: R,
        domain: &Domain,
        format: impl FnOnce(&[u8]) -> Format,
    ) -> Result<(Self, Format), NoRows> {
        let mut lines = Lines::new(reader);
        let begin = lines.begin().map_err(|error| match NotText::of(&error) {
            Some(reason) => Unfit::NotText(reason).into(),
            None => NoRows::Io(error),
        })?;
        let format = format(begin);
        let form = match format {
            Format::Jsonl if begin.trim_ascii_start().starts_with(b"[") => {
                return Err(Unfit::Array.into());
            }
            Format::Jsonl => Form::JsonLines(domain.clone()),
            Format::Csv => {
                let header = lines.next()?.ok_or(Unfit::Empty)?;
                let header = header.bytes.ok_or_else(|| {
                    let error = RowError::TooLong;
                    Unfit::Header(format!("it {error}"))
                })?;
                Form::Csv(Box::new(CsvRows::below(header, domain)?))
            }
        };
        Ok((Self { lines, form }, format))
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Numbered>> {
        while let Some(first) = self.lines.next()? {
            let line = first.number;
            let mut draft = self.form.row(first.bytes);
            while matches!(draft, Err(RowError::OpenQuote)) && self.form.has_line_breaks() {
                match self.lines.go_on()? {
                    Some(longer) => draft = self.form.row(longer.bytes),
                    None => break,
                }
            }
            if let Some(draft) = draft.transpose() {
                return Ok(Some(Numbered { line, draft }));
            }
        }
        Ok(None)
    }

    /// What was read from.
    pub(super) fn into_inner(self) -> R {
        self.lines.into_inner()
    }
}
