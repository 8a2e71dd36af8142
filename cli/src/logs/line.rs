//! What a line of a function's log says: the function's own words, Lambda's, or metrics.
//!
//! The handlers write one JSON object a line, and so does Lambda about each invocation, as the
//! template asks. Whatever else there is stays as it is.

use pattern::schema::Ordered;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line<'a> {
    /// A JSON object, most often one of the handlers'.
    Record {
        level: Option<String>,
        message: Option<String>,
        fields: Fields,
    },
    /// Lambda's own line about an invocation or an environment.
    Platform {
        /// Such as `start` or `report`.
        what: String,
        /// The few that matter.
        fields: Fields,
        failed: bool,
    },
    /// Metrics in CloudWatch's embedded format, and no words.
    Metrics(Fields),
    Text(&'a str),
}

/// Names and values, in the order of the line.
pub(crate) type Fields = Vec<(String, Value)>;

/// What of Lambda's lines is kept, in this order.
const PLATFORM_FIELDS: [&str; 11] = [
    "status",
    "errorType",
    "errorMessage",
    "reason",
    "name",
    "droppedRecords",
    "durationMs",
    "initDurationMs",
    "maxMemoryUsedMB",
    "memorySizeMB",
    "requestId",
];

impl<'a> Line<'a> {
    pub(crate) fn read(message: &'a str) -> Self {
        let message = message.trim_end_matches(['\n', '\r']);
        if message.starts_with('{')
            && let Ok(Ordered(fields)) = serde_json::from_str(message)
        {
            return Self::object(fields);
        }
        Self::Text(message)
    }

    fn object(mut fields: Fields) -> Self {
        if let Some(platform) = platform(&fields) {
            return platform;
        }
        let message = take_text(&mut fields, "message");
        let level = take_text(&mut fields, "level");
        let metrics = take(&mut fields, "_aws").is_some();
        // CloudWatch has the time of its own.
        take(&mut fields, "timestamp");
        if metrics && message.is_some() {
            // What a metric needs and a person does not: its dimension, its many values.
            take(&mut fields, "FunctionName");
            fields.retain(|(_, value)| !value.is_array() && !value.is_object());
        }
        match message {
            None if metrics => Self::Metrics(fields),
            message => Self::Record {
                level,
                message,
                fields,
            },
        }
    }

    /// The invocation that the line is about.
    pub(crate) fn request_id(&self) -> Option<&str> {
        let (Self::Record { fields, .. } | Self::Platform { fields, .. } | Self::Metrics(fields)) =
            self
        else {
            return None;
        };
        get(fields, "requestId")
            .or(get(fields, "AWSRequestId"))?
            .as_str()
    }
}

/// `{"time","type":"platform.…","record":{…}}`. (Lambda guide, "Telemetry API event schema")
fn platform(fields: &Fields) -> Option<Line<'static>> {
    let kind = get(fields, "type")?.as_str()?;
    let what = kind.strip_prefix("platform.")?.to_owned();
    let record = get(fields, "record")?.as_object()?;
    let metrics = record.get("metrics");
    let find = |name: &str| record.get(name).or_else(|| metrics?.get(name));
    let known = PLATFORM_FIELDS.into_iter();
    let fields = known.filter_map(|name| Some((name.to_owned(), find(name)?.clone())));
    let mut fields: Fields = fields.filter(|(_, value)| !value.is_null()).collect();
    let failed = matches!(what.as_str(), "fault" | "logsDropped") || has_failed(&fields);
    if !failed {
        take(&mut fields, "status");
    }
    Some(Line::Platform {
        what,
        fields,
        failed,
    })
}

fn has_failed(fields: &Fields) -> bool {
    get(fields, "status").is_some_and(|status| status != "success")
}

fn get<'f>(fields: &'f Fields, name: &str) -> Option<&'f Value> {
    let found = fields.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value)
}

fn take(fields: &mut Fields, name: &str) -> Option<Value> {
    let at = fields.iter().position(|(known, _)| known == name)?;
    Some(fields.remove(at).1)
}

fn take_text(fields: &mut Fields, name: &str) -> Option<String> {
    match take(fields, name)? {
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
