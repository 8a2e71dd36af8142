//! What can be wrong with a file of rows.

use std::io;

use pattern::error::Invalid;

use crate::error::{Explain, Kind};
use crate::text::{LONGEST, NotText};

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("cannot read {name}")]
    Unreadable { name: String, source: io::Error },

    /// It comes from a pipe and cannot be read twice as it is.
    #[error("cannot keep {name} in a temporary file")]
    Unkept { name: String, source: io::Error },

    /// Nothing in it is a row.
    #[error("{name} cannot be read as rows")]
    Unfit { name: String, source: Unfit },

    /// `first` are some of them.
    #[error("{bad} of {rows} rows of {name} cannot be sent, so nothing was sent")]
    BadRows {
        name: String,
        bad: u64,
        rows: u64,
        first: Vec<BadRow>,
    },

    /// Keys were made of what it was.
    #[error("{name} changed while it was read")]
    Changed { name: String },
}

/// What is wrong with a file as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("it is empty")]
    Empty,
    #[error(transparent)]
    NotText(#[from] NotText),
    #[error("it is one JSON array, not a JSON object in each line")]
    Array,
    #[error("its first line must name the columns: {0}")]
    Header(String),
}

/// What is wrong with a row.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("is longer than {} bytes", LONGEST)]
    TooLong,
    #[error("is not UTF-8")]
    NotUtf8,
    #[error("is no JSON: {0}")]
    NotJson(String),
    #[error("has a quote that is not closed in the same line")]
    OpenQuote,
    #[error(
        "has a quote beside other characters: a value is quoted as a whole, and \"\" in it is one"
    )]
    StrayQuote,
    #[error("has {fields} fields where the first line names {columns}")]
    Fields { fields: usize, columns: usize },
}

/// A row that breaks a rule.
#[derive(Debug)]
pub(crate) struct BadRow {
    pub(crate) line: u64,
    pub(crate) error: RowError,
}

impl std::fmt::Display for BadRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.error)
    }
}

impl Explain for InputError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unreadable { .. } | Self::Unfit { .. } | Self::BadRows { .. } => Kind::Usage,
            Self::Unkept { .. } | Self::Changed { .. } => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::BadRows { .. } => "InvalidRows".to_owned(),
            Self::Changed { .. } => "InputChanged".to_owned(),
            _ => self.kind().name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreadable { .. } => "name a file that can be read, or `-` for standard input",
            Self::Unkept { .. } => "TMPDIR names a folder with more room",
            Self::BadRows { .. } => {
                "correct the rows and repeat the command; `--dry-run` checks and sends nothing"
            }
            Self::Changed { .. } => {
                "what was created belongs to the file as it was: rows without an idempotencyKey of \
                 their own are created again when it is sent as it is now"
            }
            Self::Unfit { source, .. } => match source {
                Unfit::NotText(reason) => reason.hint(),
                // What is right depends on the domain.
                Unfit::Array | Unfit::Empty | Unfit::Header(_) => return None,
            },
        };
        Some(hint.to_owned())
    }
}
