//! Gives a failure's records to the subscriber again, as its event source mapping did.
//!
//! Page by page, so that a batch of any size takes the memory of one page. The projection ignores
//! what is older than what it has, so giving it records twice, or late, is harmless.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use aws_sdk_dynamodbstreams::types::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::aws::AwsError;
use crate::failures::event;
use crate::failures::message::{Batch, Message};
use crate::failures::queue::{FailuresQueue, Presence};
use crate::failures::stream::{Left, Stream, StreamError, sequence};
use crate::stack::functions::{Answer, FunctionError, Functions};

/// Lambda takes 6 MB of payload.
const PAYLOAD: usize = 4_000_000;
/// How many failing records are told apart; the rest is counted.
const TOLD: usize = 20;
/// How long a message is kept, and after which time it is kept anew: an answer takes 90 seconds at
/// most, its retries included.
pub(crate) const HIDDEN: Duration = Duration::from_secs(300);
const KEEP_AFTER: Duration = Duration::from_secs(120);

/// What is needed to give records again; `functions` must ask for their logs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redelivery<'a> {
    pub(crate) queue: &'a FailuresQueue,
    pub(crate) stream: &'a Stream,
    pub(crate) functions: &'a Functions,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Redelivered {
    /// Somebody else has deleted the message.
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
    pub(crate) order_id: Option<String>,
    /// As the subscriber's log has it.
    pub(crate) reason: Option<String>,
}

/// Why records could not be given to the end. The message is kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedeliveryError {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Function(#[from] FunctionError),
    #[error(transparent)]
    Queue(#[from] AwsError),
}

/// A record in the form in which it is given.
struct Prepared {
    sequence: String,
    event_name: Option<String>,
    order_id: Option<String>,
    json: Box<RawValue>,
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "Records")]
    records: Vec<&'a RawValue>,
}

impl Redelivery<'_> {
    /// Gives the records of `batch`, about which `message` is, and keeps the message meanwhile.
    pub(crate) async fn run(
        self,
        message: &Message,
        batch: &Batch,
    ) -> Result<Redelivered, RedeliveryError> {
        let mut kept = Instant::now();
        if self.queue.keep(&message.receipt, HIDDEN).await? == Presence::Gone {
            return Ok(Redelivered::MessageGone);
        }
        let mut given = Given {
            left: Left::None,
            projected: 0,
            failed: 0,
            failing: Vec::new(),
        };
        let mut reader = self.stream.read(&batch.info);
        while let Some(records) = reader.next().await? {
            let prepared = prepare(&records, &batch.info.stream_arn)?;
            for chunk in chunks(&prepared) {
                if kept.elapsed() >= KEEP_AFTER {
                    kept = Instant::now();
                    // One that went meanwhile was dealt with by somebody else: no harm is done.
                    self.queue.keep(&message.receipt, HIDDEN).await?;
                }
                self.give(chunk, &mut given).await?;
            }
        }
        given.left = reader.left();
        Ok(Redelivered::Given(given))
    }

    async fn give(self, chunk: &[Prepared], given: &mut Given) -> Result<(), FunctionError> {
        let answer = self.deliver(chunk).await?;
        let failed = failed(&answer.value, chunk);
        let mut reason = reason(&answer);
        given.projected += (chunk.len() - failed.len()) as u64;
        for record in failed {
            if given.failing.len() >= TOLD {
                given.failed += 1;
                continue;
            }
            let told = reason.take_if(|(sequence, _)| *sequence == record.sequence);
            let reason = match told {
                Some((_, reason)) => Some(reason),
                // The log names the first only: the others are asked about one by one.
                None if chunk.len() > 1 => {
                    let alone = self.deliver(std::slice::from_ref(record)).await?;
                    if self::failed(&alone.value, std::slice::from_ref(record)).is_empty() {
                        given.projected += 1;
                        continue;
                    }
                    self::reason(&alone).map(|(_, reason)| reason)
                }
                None => None,
            };
            given.failed += 1;
            given.failing.push(Failing {
                sequence_number: record.sequence.clone(),
                event_name: record.event_name.clone(),
                order_id: record.order_id.clone(),
                reason,
            });
        }
        Ok(())
    }

    async fn deliver(self, records: &[Prepared]) -> Result<Answer<Value>, FunctionError> {
        let records = records.iter().map(|record| &*record.json).collect();
        self.functions.deliver(&Event { records }).await
    }
}

fn prepare(records: &[Record], stream_arn: &str) -> Result<Vec<Prepared>, FunctionError> {
    let prepared = records.iter().map(|record| {
        let json = to_raw_value(&event::record(record, stream_arn)).map_err(|source| {
            FunctionError::Unintelligible {
                function: "subscriber".to_owned(),
                source,
            }
        })?;
        Ok(Prepared {
            sequence: sequence(record).to_owned(),
            event_name: record.event_name().map(|name| name.as_str().to_owned()),
            order_id: order_id(record),
            json,
        })
    });
    prepared.collect()
}

/// The order that the record is about: its key is always there.
pub(crate) fn order_id(record: &Record) -> Option<String> {
    let key = record.dynamodb()?.keys()?.get("orderId")?;
    key.as_s().ok().cloned()
}

/// Records in runs that fit into one invocation.
fn chunks(records: &[Prepared]) -> impl Iterator<Item = &[Prepared]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut size = 0;
        let fitting = rest.iter().take_while(|record| {
            size += record.json.get().len() + 1;
            size <= PAYLOAD
        });
        let count = fitting.count().max(1).min(rest.len());
        let (chunk, after) = rest.split_at(count);
        rest = after;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Partial {
    batch_item_failures: Option<Vec<Identified>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identified {
    item_identifier: Option<String>,
}

/// The records that the subscriber says it could not project. As with Lambda, an answer that names
/// what was not given says so of all, and here also one in another form: the message is deleted on
/// a clear word only. Unlike there, those after the first are not taken to have failed, for this
/// subscriber names each that did.
fn failed<'a>(answer: &Value, given: &'a [Prepared]) -> Vec<&'a Prepared> {
    let all = || given.iter().collect();
    let Ok(partial) = Partial::deserialize(answer) else {
        return all();
    };
    let named = partial.batch_item_failures.unwrap_or_default();
    let named: HashSet<_> = named.into_iter().map(|n| n.item_identifier).collect();
    let failed: Vec<_> = given
        .iter()
        .filter(|record| named.contains(&Some(record.sequence.clone())))
        .collect();
    if failed.len() == named.len() {
        failed
    } else {
        all()
    }
}

/// The record that the subscriber's log names, and why it failed.
fn reason(answer: &Answer<Value>) -> Option<(String, String)> {
    let lines = answer.log.as_deref()?.lines();
    lines.rev().find_map(|line| {
        let line: Value = serde_json::from_str(line.trim()).ok()?;
        let fields = line.get("fields").unwrap_or(&line);
        let text = |name: &str| fields.get(name)?.as_str().map(str::to_owned);
        Some((text("firstFailed")?, text("error")?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prepared(sequence: &str, size: usize) -> Prepared {
        Prepared {
            sequence: sequence.to_owned(),
            event_name: None,
            order_id: None,
            json: to_raw_value(&"x".repeat(size)).unwrap(),
        }
    }

    fn named(answer: &Value) -> Vec<String> {
        let given = [prepared("1", 0), prepared("2", 0), prepared("3", 0)];
        let failed = failed(answer, &given).into_iter();
        failed.map(|record| record.sequence.clone()).collect()
    }

    #[test]
    fn an_answer_names_the_records_that_failed() {
        let failures = |ids: &[Value]| {
            let failures: Vec<_> = ids.iter().map(|id| json!({"itemIdentifier": id})).collect();
            json!({ "batchItemFailures": failures })
        };
        assert_eq!(named(&json!({})), [""; 0]);
        assert_eq!(named(&json!({"batchItemFailures": null})), [""; 0]);
        assert_eq!(named(&failures(&[])), [""; 0]);
        assert_eq!(named(&failures(&[json!("2")])), ["2"]);
        assert_eq!(named(&failures(&[json!("3"), json!("1")])), ["1", "3"]);
        for all in [json!(""), json!(null), json!("7")] {
            assert_eq!(named(&failures(&[all])), ["1", "2", "3"]);
        }
        assert_eq!(named(&failures(&[json!("2"), json!("7")])), ["1", "2", "3"]);
        assert_eq!(named(&json!({"batchItemFailures": "2"})), ["1", "2", "3"]);
        assert_eq!(named(&json!(null)), ["1", "2", "3"]);
    }

    #[test]
    fn records_are_given_in_order_in_payloads_that_lambda_takes() {
        let records = [
            prepared("1", PAYLOAD / 2),
            prepared("2", PAYLOAD / 2),
            prepared("3", 10),
            prepared("4", PAYLOAD + 1),
            prepared("5", 10),
        ];
        let sizes: Vec<_> = chunks(&records).map(<[_]>::len).collect();
        assert_eq!(sizes, [1, 2, 1, 1]);
        assert_eq!(chunks(&[]).count(), 0);
    }

    #[test]
    fn the_reason_is_in_the_logs_line_about_the_record() {
        let line = json!({"level": "ERROR", "fields": {
            "message": "projected in part", "firstFailed": "2", "error": "quantity must be a number",
        }});
        let log = format!("START RequestId: x\n{line}\nEND RequestId: x\n{{\"fields\":{{}}}}\n");
        let answer = Answer {
            value: Value::Null,
            log: Some(log),
        };
        let expected = ("2".to_owned(), "quantity must be a number".to_owned());
        assert_eq!(reason(&answer), Some(expected));
        let silent = Answer {
            value: Value::Null,
            log: None,
        };
        assert_eq!(reason(&silent), None);
    }
}
