//! What became of each of several orders, told as it comes: rows of a table, or the elements of one
//! JSON array. Neither is held.

use std::ops::ControlFlow;

use orders::ids::OrderId;
use serde::Serialize;

use crate::commands::order::shown::{HEADER, Shown, cells};
use crate::error::{Explain, Failure};
use crate::printer::Printer;

/// The columns' widths. What comes is not known yet when the first row is written, so what is wider
/// moves the rest of its row.
const WIDTHS: [usize; 7] = [36, 9, 16, 16, 8, 7, 0];

/// What became of one order. In JSON it is the order, or its id and the error, or where it was
/// written before something failed, both.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    /// As it was given, where there is no order to say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(flatten)]
    shown: Option<Shown>,
    #[serde(rename = "error", skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failure>,
    #[serde(skip)]
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
            order_id: None,
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
        Self::without_order(id, failure, Fate::Failed)
    }

    pub(super) fn stopped(id: OrderId, failure: Failure) -> Self {
        Self::without_order(id, failure, Fate::Stopped)
    }

    pub(super) fn not_tried(id: OrderId) -> Self {
        Self::without_order(id.clone(), NotTried(id), Fate::Left)
    }

    pub(super) fn unanswered(id: OrderId) -> Self {
        Self::without_order(id.clone(), Unanswered(id), Fate::Left)
    }

    fn without_order(id: impl Into<String>, failure: impl Into<Failure>, fate: Fate) -> Self {
        Self {
            order_id: Some(id.into()),
            shown: None,
            failure: Some(failure.into()),
            fate,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("order {0} was not tried")]
struct NotTried(OrderId);

impl Explain for NotTried {
    fn name(&self) -> String {
        "NotTried".to_owned()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("order {0} was under way: whether it was done is not known")]
struct Unanswered(OrderId);

impl Explain for Unanswered {
    fn name(&self) -> String {
        "Unanswered".to_owned()
    }
}

/// Writes the items. Nothing is written before the first.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    printer: &'a Printer,
    begun: bool,
}

impl<'a> Listing<'a> {
    pub(super) fn new(printer: &'a Printer) -> Self {
        Self {
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
                text.push_str(&row(HEADER));
            }
            text.push_str(&row(cells(&shown.order)));
        }
        let flow = self.printer.stdout_part(&text)?;
        // What stopped the command is its last word.
        let told = items.iter().filter(|item| item.fate != Fate::Stopped);
        for failure in told.filter_map(|item| item.failure.as_ref()) {
            self.printer.warn(failure);
        }
        Ok(flow)
    }

    fn elements(&mut self, items: &[Item]) -> Result<ControlFlow<()>, Failure> {
        let mut text = String::new();
        for item in items {
            text.push_str(if self.begun { ",\n" } else { "[\n" });
            self.begun = true;
            text.push_str(&self.printer.to_json(item)?);
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

fn row(cells: [impl AsRef<str>; 7]) -> String {
    let mut row = String::new();
    for (cell, width) in cells.iter().zip(WIDTHS) {
        row.push_str(&format!("{:width$}  ", cell.as_ref()));
    }
    format!("{}\n", row.trim_end())
}
