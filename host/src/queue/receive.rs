//! `ReceiveMessage`: takes what is visible, or waits for it.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::attribute::{self, Attributes};
use super::error::{Code, Failure};
use super::message::{self, Message};
use super::operation::check_visibility;
use super::request::ReceiveMessage;
use super::{Queues, malformed, now_ms};
use crate::definition::{ACCOUNT, Queue};

/// The longest that a call waits. (SQS API reference, `ReceiveMessage`)
const MAXIMUM_WAIT_SECONDS: i64 = 20;

/// The attributes that SQS gives every message here.
const SYSTEM_ATTRIBUTES: [&str; 4] = [
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "SenderId",
    "SentTimestamp",
];

/// Those that can be asked for too, and that few messages here have, or none.
const OTHER_ATTRIBUTES: [&str; 5] = [
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SequenceNumber",
];

impl Queues {
    /// Waits without polling: for a message that is sent, or for the moment when one that is hidden
    /// comes to be seen. The journal is never held while it waits, so a caller that goes away loses
    /// nothing.
    pub(super) async fn receive(&self, request: ReceiveMessage) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        let asked = Asked::read(&request, &queue)?;
        let deadline = Instant::now() + asked.wait;
        let mut changed = self.0.changed.subscribe();
        let mut closed = self.0.closed.subscribe();
        loop {
            changed.mark_unchanged();
            let (messages, next_ms) = self.take(&queue, &asked)?;
            let over = Instant::now() >= deadline || *closed.borrow_and_update();
            if !messages.is_empty() || over {
                return render(messages, &request);
            }
            let next = async {
                match next_ms.map(|at| u64::try_from(at - now_ms()).unwrap_or(0)) {
                    // The clocks differ in their fractions of a millisecond.
                    Some(wait) => sleep(Duration::from_millis(wait + 1)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = changed.changed() => {}
                _ = closed.changed() => {}
                () = next => {}
                () = sleep_until(deadline) => {}
            }
            // A queue that was taken away meanwhile has nothing to give.
            self.at(&request.queue_url)?;
        }
    }

    fn take(&self, queue: &Queue, asked: &Asked) -> Result<(Vec<Message>, Option<i64>), Failure> {
        self.transact(|transaction| {
            let now = now_ms();
            let messages = message::receive(transaction, queue, asked.limit, asked.hidden_ms, now)?;
            let next = if messages.is_empty() {
                message::next_visible_ms(transaction, &queue.name, now)?
            } else {
                None
            };
            Ok((messages, next))
        })
    }
}

/// The parameters, checked.
#[derive(Debug)]
struct Asked {
    limit: i64,
    hidden_ms: i64,
    wait: Duration,
}

impl Asked {
    fn read(request: &ReceiveMessage, queue: &Queue) -> Result<Self, Failure> {
        let limit = request.max_number_of_messages.unwrap_or(1);
        if !(1..=10).contains(&limit) {
            return Err(Failure::invalid(
                limit,
                "MaxNumberOfMessages",
                "Must be between 1 and 10, if provided.",
            ));
        }
        let hidden = request.visibility_timeout;
        let hidden = hidden.unwrap_or(queue.visibility_timeout_seconds.into());
        check_visibility(hidden)?;
        let wait = request.wait_time_seconds;
        let wait = wait.unwrap_or(queue.receive_wait_seconds.into());
        if !(0..=MAXIMUM_WAIT_SECONDS).contains(&wait) {
            return Err(Failure::invalid(
                wait,
                "WaitTimeSeconds",
                &format!("Must be >= 0 and <= {MAXIMUM_WAIT_SECONDS}, if provided."),
            ));
        }
        for name in system_names(request) {
            let known = SYSTEM_ATTRIBUTES.contains(&name) || OTHER_ATTRIBUTES.contains(&name);
            if name != "All" && !known {
                let text = format!("Unknown Attribute {name}.");
                return Err(Failure::Refused(Code::InvalidAttributeName, text));
            }
        }
        Ok(Self {
            limit,
            hidden_ms: hidden * 1000,
            wait: Duration::from_secs(u64::try_from(wait).unwrap_or(0)),
        })
    }
}

fn system_names(request: &ReceiveMessage) -> impl Iterator<Item = &str> {
    let names = request.attribute_names.iter();
    names
        .chain(&request.message_system_attribute_names)
        .map(String::as_str)
}

fn render(messages: Vec<Message>, request: &ReceiveMessage) -> Result<Value, Failure> {
    if messages.is_empty() {
        return Ok(json!({}));
    }
    let messages = messages.into_iter().map(|message| one(message, request));
    Ok(json!({"Messages": messages.collect::<Result<Vec<_>, _>>()?}))
}

fn one(message: Message, request: &ReceiveMessage) -> Result<Value, Failure> {
    let mut shown = Map::new();
    shown.insert("MessageId".to_owned(), message.id.into());
    let handle = message.handle.to_string();
    shown.insert("ReceiptHandle".to_owned(), handle.into());
    let digest = attribute::digest_of_body(&message.body);
    shown.insert("MD5OfBody".to_owned(), digest.into());
    shown.insert("Body".to_owned(), message.body.into());

    let values = [
        message.first_received_ms.to_string(),
        message.receives.to_string(),
        ACCOUNT.to_owned(),
        message.sent_ms.to_string(),
    ];
    let mut system: Map<String, Value> = SYSTEM_ATTRIBUTES
        .into_iter()
        .zip(values)
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
    if let Some(json) = message.system {
        let given: Map<String, Value> = serde_json::from_str(&json).map_err(malformed)?;
        system.extend(given);
    }
    system.retain(|name, _| system_names(request).any(|asked| asked == "All" || asked == name));
    if !system.is_empty() {
        shown.insert("Attributes".to_owned(), system.into());
    }

    if let Some(json) = message.attributes {
        let mut attributes: Attributes = serde_json::from_str(&json).map_err(malformed)?;
        attributes.retain(|name, _| is_asked(name, &request.message_attribute_names));
        if !attributes.is_empty() {
            // Over what is sent, which is what the client can check.
            let digest = attribute::digest_of_attributes(&attributes);
            shown.insert("MD5OfMessageAttributes".to_owned(), digest.into());
            let attributes = serde_json::to_value(attributes).map_err(malformed)?;
            shown.insert("MessageAttributes".to_owned(), attributes);
        }
    }
    Ok(Value::Object(shown))
}

/// By its name, by a prefix that ends in `.*`, or by `All`, which is also written `*`.
fn is_asked(name: &str, asked: &[String]) -> bool {
    asked.iter().any(|asked| match asked.strip_suffix(".*") {
        Some(prefix) => name.starts_with(prefix),
        None => asked == "All" || asked == "*" || asked == name,
    })
}
