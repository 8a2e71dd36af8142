//! An event as a line for people, or as one of JSON.
//!
//! What functions log may hold anything that their callers sent. Characters that would act on a
//! terminal, or pass off text as another line, are written as escapes.

use std::borrow::Cow;
use std::fmt::Write as _;

use pattern::text::unprintable;
use pattern::timestamp::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::app::handler::Handler;
use crate::error::{Failure, Kind};
use crate::logs::Event;
use crate::logs::line::{Fields, Line};
use crate::printer::Style;

/// These come first, and are made to stand out.
const PROMINENT: [&str; 4] = ["orderId", "orderIds", "errorType", "error"];
/// Comes last, since it says the least.
const REQUEST_ID: &str = "requestId";

/// The line for people; none for metrics, unless they are asked for.
pub(super) fn text(event: &Event, style: Style, metrics: bool) -> Option<String> {
    let said = match Line::read(&event.message) {
        Line::Record {
            level,
            message,
            fields,
        } => record(level.as_deref(), message.as_deref(), fields, style),
        Line::Platform {
            what,
            fields,
            failed: true,
        } => {
            let fields = listed(&fields);
            format!(
                "{} {}",
                style.red("ERROR"),
                joined(&escaped(&what), &fields)
            )
        }
        Line::Platform { what, fields, .. } => {
            let fields = listed(&fields);
            format!("      {}", style.dim(joined(&escaped(&what), &fields)))
        }
        Line::Metrics(_) if !metrics => return None,
        Line::Metrics(fields) => {
            format!("      {}", style.dim(joined("metrics", &listed(&fields))))
        }
        Line::Text(text) => format!("      {}", escaped(text)),
    };
    let at = style.dim(at(event.at_ms));
    let function = coloured(event.handler.name(), style);
    Some(format!("{at} {function} {said}"))
}

fn record(level: Option<&str>, message: Option<&str>, mut fields: Fields, style: Style) -> String {
    let place = |name: &str| PROMINENT.iter().position(|known| *known == name);
    let rest = PROMINENT.len();
    fields.sort_by_key(|(name, _)| match name.as_str() {
        REQUEST_ID => rest + 1,
        name => place(name).unwrap_or(rest),
    });
    let mut said = levelled(level, style);
    if let Some(message) = message {
        let _ = write!(said, " {}", escaped(message));
    }
    for (name, value) in &fields {
        let shown = field(name, value);
        let shown = match name.as_str() {
            "error" | "errorType" => style.red(shown),
            REQUEST_ID => style.dim(shown),
            name if place(name).is_some() => style.bold(shown),
            _ => shown,
        };
        // Writing to memory does not fail, here and above.
        let _ = write!(said, " {shown}");
    }
    said
}

fn levelled(level: Option<&str>, style: Style) -> String {
    let level = level.unwrap_or_default();
    let padded = format!("{:<5}", escaped(level));
    match level {
        "ERROR" | "FATAL" => style.red(padded),
        "WARN" => style.yellow(padded),
        "DEBUG" | "TRACE" => style.dim(padded),
        _ => padded,
    }
}

fn listed(fields: &Fields) -> String {
    let shown = fields.iter().map(|(name, value)| field(name, value));
    shown.collect::<Vec<_>>().join(" ")
}

fn joined(what: &str, fields: &str) -> String {
    format!("{what} {fields}").trim_end().to_owned()
}

/// `name=value`; texts are quoted where they could be taken for more than one.
fn field(name: &str, value: &Value) -> String {
    let value = match value {
        Value::String(text) if is_word(text) => text.clone(),
        other => other.to_string(),
    };
    format!("{}={}", escaped(name), escaped(&value))
}

fn is_word(text: &str) -> bool {
    let breaks = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | '\\');
    !text.is_empty() && !text.contains(breaks)
}

/// With escapes for what acts on a terminal or on the text around it.
fn escaped(text: &str) -> Cow<'_, str> {
    let acts = |c: char| unprintable(c) && c != '\t';
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c if acts(c) => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// A function's name, padded to the longest of the pattern's, so that the lines align.
pub(in crate::commands) fn coloured(function: &str, style: Style) -> String {
    let name = format!("{function:<10}");
    match Handler::named(function) {
        Some(Handler::Publisher) => style.green(name),
        Some(Handler::Subscriber) => style.yellow(name),
        Some(Handler::Query) => style.blue(name),
        None => style.bold(name),
    }
}

/// The event as it came, and what can be known of it without reading its message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    timestamp: String,
    function: Handler,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    message: &'a str,
}

/// The event as a line of JSON.
pub(super) fn json(event: &Event) -> Result<String, Failure> {
    let line = Line::read(&event.message);
    let entry = Entry {
        timestamp: at(event.at_ms),
        function: event.handler,
        request_id: line.request_id(),
        message: &event.message,
    };
    serde_json::to_string(&entry).map_err(|error| {
        Failure::new(Kind::Failed, "cannot write the event as JSON").caused_by(error.to_string())
    })
}

fn at(at_ms: i64) -> String {
    Timestamp::from_millis(at_ms).map_or_else(|| at_ms.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests;
