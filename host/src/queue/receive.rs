//! `ReceiveMessage`: takes what is visible, or waits for it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::Queues;
use super::error::Failure;
use super::message::{self, Message};
use super::operation::{asked, check_visibility, digest};
use super::request::{ReceiveMessage, To};
use crate::clock::now_ms;
use crate::definition::{ACCOUNT, Queue};

/// The longest that a call waits. (SQS API reference, `ReceiveMessage`)
const MAXIMUM_WAIT_SECONDS: i64 = 20;

impl Queues {
    /// Waits without polling: for a message that is sent, or for the moment when one that is hidden
    /// comes to be seen. The journal is never held while it waits, so a caller that goes away loses
    /// nothing.
    pub(super) async fn receive(&self, request: To<ReceiveMessage>) -> Result<Value, Failure> {
        let To {
            queue_url,
            content: request,
        } = request;
        let queue = self.at(&queue_url)?;
        let settings = Settings::read(&request, &queue)?;
        let deadline = Instant::now() + settings.wait;
        let mut changed = self.0.changed.subscribe();
        let mut closed = self.0.closed.subscribe();
        loop {
            changed.mark_unchanged();
            let (messages, next_ms) = self.take(&queue, &settings)?;
            let over = Instant::now() >= deadline || *closed.borrow_and_update();
            if !messages.is_empty() || over {
                return Ok(render(messages, &request));
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
            self.at(&queue_url)?;
        }
    }

    fn take(
        &self,
        queue: &Queue,
        settings: &Settings,
    ) -> Result<(Vec<Message>, Option<i64>), Failure> {
        self.transact(|transaction| {
            let now = now_ms();
            let messages =
                message::receive(transaction, queue, settings.limit, settings.hidden_ms, now)?;
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
struct Settings {
    limit: i64,
    hidden_ms: i64,
    wait: Duration,
}

impl Settings {
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
        Ok(Self {
            limit,
            hidden_ms: hidden * 1000,
            wait: Duration::from_secs(u64::try_from(wait).unwrap_or(0)),
        })
    }
}

fn render(messages: Vec<Message>, request: &ReceiveMessage) -> Value {
    if messages.is_empty() {
        return json!({});
    }
    let messages = messages.into_iter().map(|message| one(message, request));
    json!({"Messages": messages.collect::<Vec<_>>()})
}

fn one(message: Message, request: &ReceiveMessage) -> Value {
    // What SQS gives every message here.
    let known = [
        (
            "ApproximateFirstReceiveTimestamp",
            message.first_received_ms.to_string(),
        ),
        ("ApproximateReceiveCount", message.receives.to_string()),
        ("SenderId", ACCOUNT.to_owned()),
        ("SentTimestamp", message.sent_ms.to_string()),
    ];
    let names = request.attribute_names.iter();
    let system = asked(known, names.chain(&request.message_system_attribute_names));
    let mut shown = json!({
        "MessageId": message.id,
        "ReceiptHandle": message.handle.to_string(),
        "MD5OfBody": digest(&message.body),
        "Body": message.body,
    });
    if !system.is_empty() {
        shown["Attributes"] = system.into();
    }
    shown
}
