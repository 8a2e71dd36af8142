//! The one line that an invocation logs: a JSON object, its fields at the top, its metrics among
//! them.
//!
//! It is written by hand rather than by `tracing`, whose fields are neither objects nor arrays,
//! and before the answer, since Lambda freezes the environment after it. The level decides about
//! fields; metrics are written at any level.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lambda_runtime::tracing::Level;
use serde::Serialize;

use super::metrics::{self, Metrics, Unit};
use crate::settings::{InvalidSetting, Source, optional};
use crate::timestamp::Timestamp;

const METRICS: &str = "METRICS";
/// Room for the longest usual line.
const CAPACITY: usize = 1024;

/// What the lines of one environment have in common.
#[derive(Debug)]
pub(super) struct Log {
    level: Level,
    function: Option<String>,
    /// Whether there are metrics but those of [`Line::alarm`].
    metrics: bool,
    cold: AtomicBool,
}

/// One call of a handler.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// Lambda's id of it.
    pub request_id: String,
    started: Instant,
    log: &'a Log,
}

/// A line that is being put together.
#[derive(Debug)]
pub struct Line<'a> {
    invocation: &'a Invocation<'a>,
    /// Whether its fields are logged at all, given its level.
    logged: bool,
    at: Timestamp,
    text: Vec<u8>,
    metrics: Metrics,
}

impl Log {
    /// Reads the level, and whether there are metrics, from the environment.
    ///
    /// # Errors
    /// When `METRICS` is something else than `on` or `off`.
    pub(super) fn from_env(source: Source<'_>) -> Result<Self, InvalidSetting> {
        let metrics = match optional(source, METRICS).as_deref() {
            None | Some("on") => true,
            Some("off") => false,
            Some(_) => return Err(InvalidSetting::new(METRICS, "must be on or off")),
        };
        Ok(Self {
            level: level(source),
            function: optional(source, "AWS_LAMBDA_FUNCTION_NAME"),
            metrics,
            cold: AtomicBool::new(true),
        })
    }
}

/// The least severe level that is logged: `LOG_LEVEL`, or else that of Lambda's own filter.
///
/// Lambda takes a line for what its level says, and drops metrics with it. So where less than INFO
/// is wanted, the template leaves that filter at INFO and sets `LOG_LEVEL` for this one.
pub(super) fn level(source: Source<'_>) -> Level {
    optional(source, "LOG_LEVEL")
        .or_else(|| optional(source, "AWS_LAMBDA_LOG_LEVEL"))
        .and_then(|level| match level.to_ascii_uppercase().as_str() {
            "FATAL" => Some(Level::ERROR),
            level => level.parse().ok(),
        })
        .unwrap_or(Level::INFO)
}

impl<'a> Invocation<'a> {
    pub(super) fn new(request_id: String, log: &'a Log) -> Self {
        Self {
            request_id,
            started: Instant::now(),
            log,
        }
    }

    /// Begins the line of this invocation.
    #[must_use]
    pub fn line(&'a self, level: Level, message: &str) -> Line<'a> {
        let at = Timestamp::now();
        let mut line = Line {
            invocation: self,
            logged: level <= self.log.level,
            at,
            text: Vec::with_capacity(CAPACITY),
            metrics: Metrics::default(),
        };
        // Without the time Lambda does not believe the level.
        line.member("timestamp", at);
        line.member("level", level.as_str());
        let line = line
            .field("message", message)
            .field("requestId", &self.request_id);
        if self.log.cold.swap(false, Ordering::Relaxed) {
            return line.count("coldStart", 1);
        }
        line
    }
}

impl Line<'_> {
    /// Adds a field.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Serialize) -> Self {
        if self.logged {
            self.member(name, value);
        }
        self
    }

    /// Adds a field where there is a value for it.
    #[must_use]
    pub fn field_if(self, name: &str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// Adds a field that is a metric too: how many. None at all is a field and no metric: sums are
    /// the same without it, and a metric is billed for the hours that it has values in.
    #[must_use]
    pub fn count(self, name: &'static str, value: u64) -> Self {
        if value == 0 {
            return self.field(name, value);
        }
        self.metric(name, value, |metrics| metrics.add(name, Unit::Count))
    }

    /// Adds how often something happened that an alarm watches. It is a metric also where `METRICS`
    /// is off, which must not silence an alarm, and nothing at all where it did not happen.
    #[must_use]
    pub fn alarm(mut self, name: &'static str, value: u64) -> Self {
        if value > 0 {
            self.member(name, value);
            self.metrics.add(name, Unit::Count);
        }
        self
    }

    /// Adds the field `by` and a metric that counts separately for each value of it: how many.
    #[must_use]
    pub fn count_by(
        mut self,
        by: &'static str,
        kind: &'static str,
        name: &'static str,
        value: u64,
    ) -> Self {
        if self.logged || self.measures() {
            self.member(by, kind);
        }
        self.metric(name, value, |metrics| {
            metrics.add_by(by, name, Unit::Count);
        })
    }

    /// Adds a field that is a metric too: how long, in milliseconds, to the microsecond. Nothing,
    /// where nothing was waited for.
    #[must_use]
    pub fn milliseconds(self, name: &'static str, value: impl Into<Option<Duration>>) -> Self {
        let Some(value) = value.into() else {
            return self;
        };
        self.metric(name, milliseconds(value), |metrics| {
            metrics.add(name, Unit::Milliseconds);
        })
    }

    /// Adds a metric of many values, in milliseconds, that is of no use as a field.
    #[must_use]
    pub fn distribution(mut self, name: &'static str, values: &[i64]) -> Self {
        if self.measures() && !values.is_empty() {
            self.member(name, metrics::spread(values));
            self.metrics.add(name, Unit::Milliseconds);
        }
        self
    }

    /// Writes the line, unless there is nothing in it.
    pub fn write(self) {
        if let Some(text) = self.finish() {
            // Where nobody reads the log, there is nobody to tell.
            let _ = std::io::stdout().lock().write_all(&text);
        }
    }

    /// The line with its end; `None` when there is nothing in it.
    fn finish(mut self) -> Option<Vec<u8>> {
        let took = milliseconds(self.invocation.started.elapsed());
        self = self.field("tookMs", took);
        if let Some(function) = &self.invocation.log.function
            && !self.metrics.is_empty()
        {
            self.member(metrics::FUNCTION, function);
            let metrics = std::mem::take(&mut self.metrics);
            self.member("_aws", metrics.metadata(self.at.as_millis()));
        } else if !self.logged {
            return None;
        }
        self.text.extend_from_slice(b"}\n");
        Some(self.text)
    }

    fn measures(&self) -> bool {
        self.invocation.log.metrics && self.invocation.log.function.is_some()
    }

    fn metric(
        mut self,
        name: &'static str,
        value: impl Serialize,
        add: impl FnOnce(&mut Metrics),
    ) -> Self {
        let measures = self.measures();
        if self.logged || measures {
            self.member(name, value);
        }
        if measures {
            add(&mut self.metrics);
        }
        self
    }

    /// `name` needs no escapes: it comes from this code, or is the checked name of an id.
    fn member(&mut self, name: &str, value: impl Serialize) {
        let start = if self.text.is_empty() { b'{' } else { b',' };
        self.text.push(start);
        self.text.push(b'"');
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
        let whole = self.text.len();
        if serde_json::to_writer(&mut self.text, &value).is_err() {
            self.text.truncate(whole);
            self.text.extend_from_slice(b"null");
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests;
