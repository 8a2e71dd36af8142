//! A message of the failures queue, or an object of the failures bucket without its records, as far
//! as it can be read.
//!
//! Its form is that of the Lambda guide's page "Retain discarded records for a DynamoDB event source
//! in Lambda". Whatever else is in the queue is foreign: it is shown and can be discarded.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// How many hexadecimal digits of the hash an id has: enough that ten thousand failures have ids
/// of their own, few enough to be typed.
const DIGITS: usize = 12;
/// How much of a foreign message is kept to be shown.
const SHOWN: usize = 2_000;

/// Names a failure for as long as it waits, also when its message is delivered again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(String);

impl Id {
    fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
            hash.update([0]);
        }
        let mut digits: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        digits.truncate(DIGITS);
        Self(digits)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(format!(
                "an id has {DIGITS} hexadecimal digits: `cqrs failures list` shows them"
            ))
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A message that was received.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: Id,
    /// SQS's own name for it, or the object's.
    pub(crate) message_id: String,
    /// By which it is kept, released and deleted; of an object its name again.
    pub(crate) receipt: String,
    /// When it was sent, in milliseconds since the epoch.
    pub(crate) sent_ms: i64,
    pub(crate) content: Content,
}

/// What a message says.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Batch(Box<Batch>),
    /// Not about records of this stack's table; the beginning of its text.
    Foreign(String),
}

/// The batch that was given up: where its records are, and what became of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Batch {
    pub(crate) request_context: RequestContext,
    pub(crate) response_context: Option<ResponseContext>,
    /// When it was given up.
    pub(crate) timestamp: Option<String>,
    #[serde(rename = "DDBStreamBatchInfo")]
    pub(crate) info: BatchInfo,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestContext {
    /// Absent where records grew too old before any invocation.
    pub(crate) request_id: Option<String>,
    pub(crate) function_arn: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) approximate_invoke_count: Option<u64>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseContext {
    pub(crate) status_code: Option<u16>,
    pub(crate) executed_version: Option<String>,
    /// `Unhandled`; null where the function answered that records failed.
    pub(crate) function_error: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchInfo {
    pub(crate) shard_id: String,
    pub(crate) start_sequence_number: String,
    pub(crate) end_sequence_number: String,
    pub(crate) approximate_arrival_of_first_record: Option<String>,
    pub(crate) approximate_arrival_of_last_record: Option<String>,
    pub(crate) batch_size: u64,
    pub(crate) stream_arn: String,
}

impl Batch {
    /// The function's error, where one is known.
    pub(crate) fn error(&self) -> Option<&str> {
        self.response_context.as_ref()?.function_error.as_deref()
    }
}

impl Content {
    /// Reads a message's body. `table` is what the ARN of a stream of this stack's table begins
    /// with: records of any other are not for this stack's subscriber.
    pub(crate) fn read(body: &str, table: &str) -> Self {
        match serde_json::from_str::<Batch>(body) {
            Ok(batch) if batch.info.stream_arn.starts_with(table) && batch.is_in_order() => {
                Self::Batch(Box::new(batch))
            }
            _ => Self::Foreign(body.chars().take(SHOWN).collect()),
        }
    }

    /// The id of a message with this content; SQS's name tells foreign ones apart.
    pub(crate) fn id(&self, message_id: &str) -> Id {
        match self {
            Self::Batch(batch) => Id::of([
                batch.info.shard_id.as_str(),
                &batch.info.start_sequence_number,
                &batch.info.end_sequence_number,
            ]),
            Self::Foreign(_) => Id::of([message_id]),
        }
    }
}

impl Batch {
    fn is_in_order(&self) -> bool {
        let info = &self.info;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits(&info.start_sequence_number)
            && digits(&info.end_sequence_number)
            && by_number(&info.start_sequence_number, &info.end_sequence_number).is_le()
    }
}

impl Message {
    /// When the failure was said, in milliseconds since the epoch.
    fn at_ms(&self) -> i64 {
        let said = match &self.content {
            Content::Batch(batch) => batch.timestamp.as_deref().and_then(millis),
            Content::Foreign(_) => None,
        };
        said.unwrap_or(self.sent_ms)
    }

    /// The same as text.
    pub(crate) fn at(&self) -> String {
        let at = DateTime::from_millis(self.at_ms());
        at.fmt(Format::DateTime).unwrap_or_default()
    }

    /// The oldest first. Where their times are equal, the place in the stream decides, so that the
    /// records of one order keep their order.
    pub(crate) fn by_age(&self, other: &Self) -> Ordering {
        self.arrived_ms().cmp(&other.arrived_ms()).then_with(|| {
            match (&self.content, &other.content) {
                (Content::Batch(one), Content::Batch(other)) => by_number(
                    &one.info.start_sequence_number,
                    &other.info.start_sequence_number,
                ),
                _ => self.id.0.cmp(&other.id.0),
            }
        })
    }

    /// When the first of its records was written.
    fn arrived_ms(&self) -> i64 {
        let arrived = match &self.content {
            Content::Batch(batch) => batch.info.approximate_arrival_of_first_record.as_deref(),
            Content::Foreign(_) => None,
        };
        arrived.and_then(millis).unwrap_or_else(|| self.at_ms())
    }
}

fn millis(text: &str) -> Option<i64> {
    DateTime::from_str(text, Format::DateTime)
        .ok()?
        .to_millis()
        .ok()
}

/// Compares sequence numbers, which have up to 40 digits and may begin with zeros.
pub(crate) fn by_number(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests;
