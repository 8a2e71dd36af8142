//! What came of each of several commands, written as it comes: rows of a table, or the elements of one
//! JSON array. Neither is held.

use std::ops::ControlFlow;

use pattern::id::Id;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::commands::entity::shown::Shown;
use crate::domain::Domain;
use crate::error::{Explain, Failure};
use crate::printer::Printer;

/// What came of one command. In JSON it is the document, or its id and the error, or where it was
/// written before something failed, both.
#[derive(Debug)]
pub(super) struct Item {
    /// As it was given, where there is no document to say it.
    id: Option<String>,
    shown: Option<Shown>,
    pub(super) failure: Option<Failure>,
    pub(super) fate: Fate,
}

/// What an item means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    /// It failed alone.
    Failed,
    /// What failed would fail for the others too.
    Stopped,
    /// The command ended before it came to it, or while it was under way.
    Left,
}

impl Item {
    pub(super) fn done(shown: Shown) -> Self {
        Self {
            id: None,
            shown: Some(shown),
            failure: None,
            fate: Fate::Done,
        }
    }

    /// It is written, and then something failed.
    pub(super) fn done_in_part(shown: Shown, failure: Failure) -> Self {
        Self {
            failure: Some(failure),
            fate: Fate::Failed,
            ..Self::done(shown)
        }
    }

    pub(super) fn failed(id: impl Into<String>, failure: impl Into<Failure>) -> Self {
        Self::without_document(id, failure, Fate::Failed)
    }

    pub(super) fn stopped(id: Id, failure: Failure) -> Self {
        Self::without_document(id.as_str(), failure, Fate::Stopped)
    }

    pub(super) fn not_tried(id: Id) -> Self {
        Self::without_document(id.as_str().to_owned(), NotTried(id), Fate::Left)
    }

    pub(super) fn unanswered(id: Id) -> Self {
        Self::without_document(id.as_str().to_owned(), Unanswered(id), Fate::Left)
    }

    fn without_document(id: impl Into<String>, failure: impl Into<Failure>, fate: Fate) -> Self {
        Self {
            id: Some(id.into()),
            shown: None,
            failure: Some(failure.into()),
            fate,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0} was not tried")]
struct NotTried(Id);

impl Explain for NotTried {
    fn name(&self) -> String {
        "NotTried".to_owned()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0} was under way: whether it was done is not known")]
struct Unanswered(Id);

impl Explain for Unanswered {
    fn name(&self) -> String {
        "Unanswered".to_owned()
    }
}

/// An item with the name that its id has in JSON.
struct Named<'a>(&'a str, &'a Item);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(name, item) = self;
        let mut map = serializer.serialize_map(None)?;
        if let Some(id) = &item.id {
            map.serialize_entry(name, id)?;
        }
        if let Some(shown) = &item.shown {
            shown.serialize_into(&mut map)?;
        }
        if let Some(failure) = &item.failure {
            map.serialize_entry("error", failure)?;
        }
        map.end()
    }
}

/// Writes the items. Nothing is written before the first.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    domain: &'a Domain,
    widths: Vec<usize>,
    printer: &'a Printer,
    begun: bool,
}

impl<'a> Listing<'a> {
    pub(super) fn new(domain: &'a Domain, printer: &'a Printer) -> Self {
        Self {
            domain,
            widths: domain.widths(),
            printer,
            begun: false,
        }
    }

    pub(super) fn add(&mut self, items: &[Item]) -> Result<ControlFlow<()>, Failure> {
        if self.printer.is_json() {
            return self.elements(items);
        }
        let mut text = String::new();
        for shown in items.iter().filter_map(|item| item.shown.as_ref()) {
            if !self.begun {
                self.begun = true;
                text.push_str(&row(&self.widths, &self.domain.header()));
            }
            text.push_str(&row(&self.widths, &self.domain.cells(&shown.document)));
        }
        let flow = self.printer.stdout_part(&text)?;
        // What stopped the command is its last word.
        let ended = items.iter().filter(|item| item.fate != Fate::Stopped);
        for failure in ended.filter_map(|item| item.failure.as_ref()) {
            self.printer.warn(failure);
        }
        Ok(flow)
    }

    fn elements(&mut self, items: &[Item]) -> Result<ControlFlow<()>, Failure> {
        let mut text = String::new();
        for item in items {
            text.push_str(if self.begun { ",\n" } else { "[\n" });
            self.begun = true;
            text.push_str(&self.printer.to_json(&Named(&self.domain.id, item))?);
        }
        self.printer.stdout_part(&text)
    }

    /// Closes the array.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        if !self.printer.is_json() {
            return Ok(());
        }
        let end = if self.begun { "\n]\n" } else { "[]\n" };
        self.printer.stdout_part(end).map(|_| ())
    }
}

fn row(widths: &[usize], cells: &[String]) -> String {
    let cells = cells.iter().zip(widths);
    let row: String = cells
        .map(|(cell, width)| format!("{cell:width$}  "))
        .collect();
    format!("{}\n", row.trim_end())
}
