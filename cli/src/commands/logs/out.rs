//! Writes events to stdout, many at a time.

use std::ops::ControlFlow;

use crate::commands::logs::shown;
use crate::error::Failure;
use crate::logs::Event;
use crate::printer::Printer;

/// In bytes: more is written at once.
const ENOUGH: usize = 32 * 1024;

/// See the module's documentation. What breaks has no reader any more.
#[derive(Debug)]
pub(super) struct Out<'a> {
    printer: &'a Printer,
    waiting: String,
    count: u64,
}

impl<'a> Out<'a> {
    pub(super) fn new(printer: &'a Printer) -> Self {
        Self {
            printer,
            waiting: String::new(),
            count: 0,
        }
    }

    pub(super) fn add(&mut self, event: &Event) -> Result<ControlFlow<()>, Failure> {
        let line = if self.printer.is_json() {
            Some(shown::json(event)?)
        } else {
            shown::text(event, self.printer.data_style(), self.printer.is_verbose())
        };
        let Some(line) = line else {
            return Ok(ControlFlow::Continue(()));
        };
        self.count += 1;
        self.waiting.push_str(&line);
        self.waiting.push('\n');
        if self.waiting.len() < ENOUGH {
            return Ok(ControlFlow::Continue(()));
        }
        self.flush()
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> Result<ControlFlow<()>, Failure> {
        if self.waiting.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let written = self.printer.stream(&self.waiting);
        self.waiting.clear();
        written
    }

    /// How many events were shown.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}
