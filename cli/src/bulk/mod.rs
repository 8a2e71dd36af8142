//! What the rows of a file create, each once, however often the file is sent.
//!
//! A file is read twice. [`check`] looks at every row and takes the hash of all of them; nothing
//! is sent where one of them breaks a rule. [`feed`] reads it again and gives each row a key of its
//! own, made of that hash, and [`send`] gives the rows to the publisher. Both hold a few rows at a
//! time, so that the size of the file does not matter.

mod check;
mod csv;
mod csv_rows;
mod error;
mod failed;
mod format;
mod input;
mod json_rows;
mod keys;
mod pace;
mod rows;
mod send;

pub(crate) use self::check::{Checked, check, feed};
pub(crate) use self::error::{InputError, Unfit};
pub(crate) use self::failed::{FailedFile, Finished};
pub(crate) use self::format::Format;
pub(crate) use self::input::Input;
pub(crate) use self::send::{Event, Halt, send};

use crate::domain::Draft;

/// A row that keeps the rules, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Where it begins in the file, from 1 on.
    pub(crate) line: u64,
    pub(crate) draft: Draft,
}
