//! Gives a failure's records to the subscriber again, as its event source mapping did.
//!
//! Page by page, so that a batch of any size takes the memory of one page. The projection ignores
//! what is older than what it has, so giving it records twice, or late, is harmless.

use std::time::{Duration, Instant};

use pattern::payload::{Failed, Projected};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::Named;
use crate::failures::destination::DestinationError;
use crate::failures::message::{Batch, Message};
use crate::failures::queue::Presence;
use crate::failures::record::Record;
use crate::failures::records::Source;
use crate::failures::stream::{Left, StreamError};
use crate::models::payload::{ByHand, Project, portions};
use crate::stack::functions::{FunctionError, Functions};

/// How many failing records are reported one by one; the rest is counted.
const SHOWN: usize = 20;
/// How long a message is kept, and after which time it is kept anew: an answer takes 90 seconds at
/// most, its retries included.
pub(crate) const HIDDEN: Duration = Duration::from_secs(300);
const KEEP_AFTER: Duration = Duration::from_secs(120);

/// What is needed to give records again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redelivery<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) functions: &'a Functions,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Redelivered {
    /// Another client has deleted the message.
    MessageGone,
    /// All records, or those that are left, were given.
    Given(Given),
}

#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) left: Left,
    /// How many records were projected.
    pub(crate) projected: u64,
    /// How many were not.
    pub(crate) failed: u64,
    /// The first of them.
    pub(crate) failing: Vec<Failing>,
}

/// A record that cannot be projected.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failing {
    pub(crate) sequence_number: String,
    pub(crate) event_name: Option<String>,
    #[serde(flatten)]
    pub(crate) id: Option<Named<String>>,
    pub(crate) reason: String,
}

/// Why records could not be given to the end. The message is kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedeliveryError {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Function(#[from] FunctionError),
    #[error(transparent)]
    Destination(#[from] DestinationError),
}

impl Redelivery<'_> {
    /// Gives the records of `batch`, about which `message` is, and keeps the message meanwhile.
    pub(crate) async fn run(
        self,
        message: &Message,
        batch: &Batch,
    ) -> Result<Redelivered, RedeliveryError> {
        let mut kept = Instant::now();
        let destination = self.source.destination;
        if destination.keep(message, HIDDEN).await? == Presence::Gone {
            return Ok(Redelivered::MessageGone);
        }
        let mut given = Given {
            left: Left::None,
            projected: 0,
            failed: 0,
            failing: Vec::new(),
        };
        let mut reader = self.source.read(message, batch);
        while let Some(records) = reader.next().await? {
            for chunk in portions(&records) {
                if kept.elapsed() >= KEEP_AFTER {
                    kept = Instant::now();
                    // One that went meanwhile was dealt with by another client: no harm is done.
                    destination.keep(message, HIDDEN).await?;
                }
                self.give(chunk, &mut given).await?;
            }
        }
        given.left = reader.left();
        Ok(Redelivered::Given(given))
    }

    /// By hand, so that each failure is answered, which the stream's own payload has not.
    async fn give(self, chunk: &[Record], given: &mut Given) -> Result<(), FunctionError> {
        let records: Vec<&RawValue> = chunk.iter().map(AsRef::as_ref).collect();
        let payload = ByHand {
            project: Project::Records(&records),
        };
        let answer: Projected = self.functions.deliver(&payload).await?.value;
        let failed = failing(answer.failed, chunk);
        given.projected += chunk.len().saturating_sub(failed.len()) as u64;
        given.failed += failed.len() as u64;
        let room = SHOWN.saturating_sub(given.failing.len());
        given.failing.extend(failed.into_iter().take(room));
        Ok(())
    }
}

/// What the subscriber says it could not project, as records of `chunk`. What it does not name
/// counts too: the message is deleted on a clear word only.
fn failing(failed: Vec<Failed>, chunk: &[Record]) -> Vec<Failing> {
    let known = failed.into_iter().map(|failed| {
        let number = failed.sequence_number.unwrap_or_default();
        let about = chunk
            .iter()
            .map(|record| &record.about)
            .find(|about| about.sequence_number == number);
        Failing {
            sequence_number: number,
            event_name: about.and_then(|about| about.event_name.clone()),
            id: about.and_then(|about| about.id.clone()),
            reason: failed.reason,
        }
    });
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(sequence: &str) -> Record {
        Record::of(&json!({ "dynamodb": { "SequenceNumber": sequence } })).unwrap()
    }

    #[test]
    fn each_record_that_failed_is_named_with_its_reason() {
        let given = [record("1"), record("2"), record("3")];
        let answer = json!({"applied": 1, "stale": 0, "failed": [
            {"sequenceNumber": "2", "reason": "poison"},
            {"sequenceNumber": "3", "orderId": "o", "reason": "in the way"},
            {"reason": "unknown"},
        ]});
        let answer: Projected = serde_json::from_value(answer).unwrap();
        let failing = failing(answer.failed, &given);
        let shown = failing
            .iter()
            .map(|f| (f.sequence_number.as_str(), f.reason.as_str()));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [("2", "poison"), ("3", "in the way"), ("", "unknown")]
        );
    }
}
