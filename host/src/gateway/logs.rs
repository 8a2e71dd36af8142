//! CloudWatch Logs' `FilterLogEvents`, answered from what the functions have logged.
//!
//! A log group is that of the functions whose settings name it; each of a function's environments has
//! a log stream, of the name that the function is given.
//! An event's id is made of its time and its place in the log's files, so it stays the same for as
//! long as there is the event. A page's token is the place in each of the logs where it ended.

use std::io;

use serde::Deserialize;
use serde_json::{Value, json};

use super::respond::{self, Answer, Refusal, Shape};
use super::{Gateway, route};
use crate::lambda::{LogReader, Place, ReadLine};

mod pattern;

use pattern::Pattern;

/// What the target of an operation begins with.
pub(super) const SERVICE: &str = "Logs_20140328";

/// The media type of AWS's JSON protocol, version 1.1.
const AWS_JSON_1_1: &str = "application/x-amz-json-1.1";
/// Of one page. (CloudWatch Logs API reference, `FilterLogEvents`)
const MOST_EVENTS: usize = 10_000;
const MOST_BYTES: usize = 1024 * 1024;
/// What an event counts beside its message. (CloudWatch Logs quotas, "Event size")
const EVENT_BYTES: usize = 26;

/// The operation's parameters, except those that change nothing here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FilterLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
    start_from_head: Option<bool>,
}

/// Answers an operation of CloudWatch Logs.
pub(super) async fn answer(gateway: &Gateway, operation: &str, body: &[u8]) -> Answer {
    if operation != "FilterLogEvents" {
        let target = [SERVICE, ".", operation].concat();
        return route::unavailable(Shape::Json, Some("logs"), &target);
    }
    match filter(gateway, body).await {
        Ok(page) => respond::success(AWS_JSON_1_1, page.to_string()),
        Err(refusal) => refusal.answer(Shape::Json),
    }
}

async fn filter(gateway: &Gateway, body: &[u8]) -> Result<Value, Refusal> {
    let request: FilterLogEvents = serde_json::from_slice(body).map_err(|error| {
        let message = format!("The request cannot be read: {error}");
        Refusal::new(400, "SerializationException", message)
    })?;
    let (pattern, limit) = request.check()?;
    let group = request.group()?;
    let functions = &gateway.services.functions;
    let mut members = functions.list();
    members.retain(|function| function.log_group == group);
    if members.is_empty() {
        let message = "The specified log group does not exist.";
        return Err(Refusal::new(400, "ResourceNotFoundException", message));
    }
    let mut logs = Vec::new();
    for function in members {
        // A function that went meanwhile has no log any more.
        if let Some(reader) = functions.log_reader(&function.name).await {
            logs.push(Log {
                reader: reader.map_err(unavailable)?,
                next: None,
            });
        }
    }
    let page = move || read(logs, &request, &pattern, limit);
    // It is cancelled only with the whole runtime.
    let page = tokio::task::spawn_blocking(page).await;
    page.map_err(|error| unavailable(io::Error::other(error)))?
}

/// One function's log in reading.
struct Log {
    reader: LogReader,
    /// The line that comes next.
    next: Option<ReadLine>,
}

impl Log {
    /// Where it goes on.
    fn place(&self) -> Option<Place> {
        let line = self.next.as_ref();
        line.map_or_else(|| self.reader.place(), |line| Some(line.place))
    }
}

/// One page, the events of all logs by their times.
fn read(
    mut logs: Vec<Log>,
    request: &FilterLogEvents,
    pattern: &Pattern,
    limit: usize,
) -> Result<Value, Refusal> {
    begin(&mut logs, request)?;
    let (from, to) = (request.start_time, request.end_time);
    let mut events: Vec<Value> = Vec::new();
    let mut bytes = 0;
    while let Some(stream) = earliest(&mut logs) {
        let Some(line) = &stream.next else { break };
        let in_time =
            from.is_none_or(|from| line.at_ms >= from) && to.is_none_or(|to| line.at_ms <= to);
        if in_time && request.takes(&line.stream) && pattern.matches(&line.text) {
            let size = line.text.len() + 1 + EVENT_BYTES;
            let full = events.len() == limit || bytes + size > MOST_BYTES;
            if full && !events.is_empty() {
                return Ok(json!({
                    "events": events,
                    "searchedLogStreams": [],
                    "nextToken": token(&logs),
                }));
            }
            bytes += size;
            events.push(event(line));
        }
        stream.next = stream.reader.next().map_err(unavailable)?;
    }
    Ok(json!({"events": events, "searchedLogStreams": []}))
}

fn begin(logs: &mut [Log], request: &FilterLogEvents) -> Result<(), Refusal> {
    match &request.next_token {
        None => {
            for stream in &mut *logs {
                let from = request.start_time.unwrap_or(i64::MIN);
                stream.reader.seek_time(from).map_err(unavailable)?;
            }
        }
        Some(token) => {
            let places = places(token).filter(|places| places.len() == logs.len());
            let places = places.ok_or_else(|| parameter("The specified nextToken is invalid."))?;
            for (stream, place) in logs.iter_mut().zip(places) {
                stream.reader.seek(place).map_err(unavailable)?;
            }
        }
    }
    for stream in logs {
        stream.next = stream.reader.next().map_err(unavailable)?;
    }
    Ok(())
}

fn earliest(logs: &mut [Log]) -> Option<&mut Log> {
    let waiting = logs.iter_mut().filter(|stream| stream.next.is_some());
    waiting.min_by_key(|stream| stream.next.as_ref().map(|line| line.at_ms))
}

fn event(line: &ReadLine) -> Value {
    let Place { file, offset } = line.place;
    json!({
        "logStreamName": line.stream,
        "timestamp": line.at_ms,
        "message": format!("{}\n", line.text),
        "ingestionTime": line.at_ms,
        // In digits, as AWS's are, that sort by time.
        "eventId": format!("{:014}{file:020}{offset:012}", line.at_ms.max(0)),
    })
}

/// The place of each stream, in their order. A log without any file has none, and begins anew.
fn token(logs: &[Log]) -> String {
    let place = |stream: &Log| match stream.place() {
        Some(Place { file, offset }) => format!("{file:x}.{offset:x}"),
        None => "0.0".to_owned(),
    };
    logs.iter().map(place).collect::<Vec<_>>().join("-")
}

fn places(token: &str) -> Option<Vec<Place>> {
    let place = |text: &str| {
        let (file, offset) = text.split_once('.')?;
        Some(Place {
            file: u64::from_str_radix(file, 16).ok()?,
            offset: u64::from_str_radix(offset, 16).ok()?,
        })
    };
    token.split('-').map(place).collect()
}

impl FilterLogEvents {
    /// The group, by its name or by its ARN.
    fn group(&self) -> Result<&str, Refusal> {
        match (&self.log_group_name, &self.log_group_identifier) {
            (Some(name), None) => Ok(name),
            (None, Some(identifier)) => {
                let name = identifier.split_once(":log-group:");
                let name = name.map_or(identifier.as_str(), |(_, name)| name);
                Ok(name.strip_suffix(":*").unwrap_or(name))
            }
            _ => Err(parameter(
                "Exactly one of logGroupName and logGroupIdentifier is to be given.",
            )),
        }
    }

    /// The pattern, and how many events a page may have.
    fn check(&self) -> Result<(Pattern, usize), Refusal> {
        if self.log_stream_names.is_some() && self.log_stream_name_prefix.is_some() {
            let message = "logStreamNames and logStreamNamePrefix cannot both be given.";
            return Err(parameter(message));
        }
        if self.start_from_head == Some(false) {
            let message = "startFromHead=false is not available with --local.";
            return Err(parameter(message));
        }
        let limit = self.limit.unwrap_or(MOST_EVENTS);
        if !(1..=MOST_EVENTS).contains(&limit) {
            return Err(parameter(format!(
                "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy \
                 constraint: Member must be from 1 to {MOST_EVENTS}"
            )));
        }
        let pattern = Pattern::parse(self.filter_pattern.as_deref().unwrap_or_default())
            .map_err(parameter)?;
        Ok((pattern, limit))
    }

    fn takes(&self, stream: &str) -> bool {
        let names = self.log_stream_names.as_ref();
        let prefix = self.log_stream_name_prefix.as_deref().unwrap_or_default();
        names.is_none_or(|names| names.iter().any(|name| name == stream))
            && stream.starts_with(prefix)
    }
}

// What is refused. (CloudWatch Logs API reference, `FilterLogEvents`)

fn parameter(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterException", message)
}

/// The host's own fault.
fn unavailable(error: io::Error) -> Refusal {
    let message = format!("The log cannot be read: {error}");
    Refusal::new(503, "ServiceUnavailableException", message)
}
