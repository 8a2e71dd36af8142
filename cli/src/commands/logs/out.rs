//! Writes events to stdout, many at a time.

use std::ops::ControlFlow;

use crate::commands::logs::shown;
use crate::error::Failure;
use crate::logs::Event;
use crate::logs::group::LogsError;
use crate::printer::Printer;

/// In bytes: more is written at once.
const ENOUGH: usize = 32 * 1024;

/// What became of events that were to be written.
#[derive(Debug)]
pub(super) enum Written {
    All,
    /// Those before this error.
    Until(LogsError),
    /// Nobody reads any more.
    Unread,
}

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

    /// Writes the events that `next` gives, also those before an error.
    pub(super) async fn write(
        &mut self,
        mut next: impl AsyncFnMut() -> Result<Option<Event>, LogsError>,
    ) -> Result<Written, Failure> {
        let ended = loop {
            match next().await {
                Ok(Some(event)) if self.add(&event)?.is_break() => return Ok(Written::Unread),
                Ok(Some(_)) => {}
                Ok(None) => break Written::All,
                Err(error) => break Written::Until(error),
            }
        };
        Ok(match self.flush()? {
            ControlFlow::Break(()) => Written::Unread,
            ControlFlow::Continue(()) => ended,
        })
    }

    fn add(&mut self, event: &Event) -> Result<ControlFlow<()>, Failure> {
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
    fn flush(&mut self) -> Result<ControlFlow<()>, Failure> {
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
