//! SQS's operations, between their parameters and the journal.

use md5::{Digest, Md5};
use rusqlite::Transaction;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::batch::{check_entries, each};
use super::error::{Code, Failure};
use super::message::{self, Change, Handle, MAXIMUM_VISIBILITY_SECONDS};
use super::request::{
    Entries, Entry, GetQueueAttributes, GetQueueUrl, ListQueues, NewMessage, PurgeQueue, Received,
    To,
};
use super::{Queues, no_queue, url};
use crate::clock::now_ms;
use crate::definition::Queue;

/// The largest message, and the largest batch of messages, in bytes. (SQS guide, "Amazon SQS message
/// quotas": 1 MiB since August 2025)
const MAXIMUM_MESSAGE_BYTES: usize = 1_048_576;
/// The longest that a message can be delayed.
const MAXIMUM_DELAY_SECONDS: i64 = 900;

impl Queues {
    /// Does what is asked for. Null stands for an answer without content.
    pub(super) async fn run(
        &self,
        endpoint: &str,
        operation: &str,
        body: &[u8],
    ) -> Result<Value, Failure> {
        match operation {
            "SendMessage" => self.one(parse(body)?, add),
            "SendMessageBatch" => {
                let request = parse(body)?;
                check_size(&request)?;
                self.batch(request, add)
            }
            "ReceiveMessage" => self.receive(parse(body)?).await,
            "DeleteMessage" => self.one(parse(body)?, remove),
            "DeleteMessageBatch" => self.batch(parse(body)?, remove),
            "ChangeMessageVisibility" => self.one(parse(body)?, hide),
            "ChangeMessageVisibilityBatch" => self.batch(parse(body)?, hide),
            "GetQueueUrl" => self.queue_url(endpoint, &parse(body)?),
            "GetQueueAttributes" => self.queue_attributes(&parse(body)?),
            "ListQueues" => self.list(endpoint, &parse(body)?),
            "PurgeQueue" => self.one(parse(body)?, |transaction, queue, PurgeQueue {}| {
                message::purge(transaction, &queue.name)?;
                Ok(Map::new())
            }),
            "CreateQueue" | "DeleteQueue" | "SetQueueAttributes" => Err(Failure::unavailable(
                operation,
                ": change the template and deploy.",
            )),
            other => Err(Failure::unavailable(
                other,
                ". What is there: sending, receiving and deleting messages, one by one and in \
                 batches, changing their visibility, and finding, describing and purging queues.",
            )),
        }
    }

    /// Does something with one message, or with the whole queue.
    fn one<T>(
        &self,
        request: To<T>,
        work: impl FnOnce(&Transaction<'_>, &Queue, T) -> Outcome,
    ) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        let outcome = self.transact(|transaction| work(transaction, &queue, request.content))?;
        self.wake();
        Ok(match outcome.is_empty() {
            true => Value::Null,
            false => outcome.into(),
        })
    }

    /// Does the same with each entry of a batch.
    fn batch<T>(
        &self,
        request: To<Entries<T>>,
        work: impl Fn(&Transaction<'_>, &Queue, T) -> Outcome,
    ) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        let entries = request.content.entries;
        check_entries(&entries)?;
        let results = self
            .transact(|transaction| each(entries, |content| work(transaction, &queue, content)))?;
        self.wake();
        Ok(results)
    }

    fn queue_url(&self, endpoint: &str, request: &GetQueueUrl) -> Result<Value, Failure> {
        let name = request.queue_name.as_deref();
        let name = name.ok_or_else(|| Failure::missing("QueueName"))?;
        let queue = self.get(name).ok_or_else(no_queue)?;
        Ok(json!({"QueueUrl": url(endpoint, &queue.name)}))
    }

    fn list(&self, endpoint: &str, request: &ListQueues) -> Result<Value, Failure> {
        let queues = self.0.queues.lock();
        let names = queues
            .keys()
            .filter(|name| name.starts_with(&request.queue_name_prefix));
        let urls: Vec<String> = names.map(|name| url(endpoint, name)).collect();
        Ok(match urls.is_empty() {
            true => json!({}),
            false => json!({"QueueUrls": urls}),
        })
    }

    fn queue_attributes(&self, request: &To<GetQueueAttributes>) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        let (counts, created_ms) = self.transact(|transaction| {
            let counts = message::count(transaction, &queue, now_ms())?;
            Ok((counts, message::created_ms(transaction, &queue.name)?))
        })?;
        let created = created_ms / 1000;
        let known = [
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            (
                "ApproximateNumberOfMessagesDelayed",
                counts.delayed.to_string(),
            ),
            (
                "ApproximateNumberOfMessagesNotVisible",
                counts.in_flight.to_string(),
            ),
            ("CreatedTimestamp", created.to_string()),
            ("DelaySeconds", queue.delay_seconds.to_string()),
            ("LastModifiedTimestamp", created.to_string()),
            ("MaximumMessageSize", MAXIMUM_MESSAGE_BYTES.to_string()),
            (
                "MessageRetentionPeriod",
                queue.message_retention_seconds.to_string(),
            ),
            ("QueueArn", queue.arn(&self.0.region)),
            (
                "ReceiveMessageWaitTimeSeconds",
                queue.receive_wait_seconds.to_string(),
            ),
            // What a queue has on AWS unless its settings say otherwise.
            ("SqsManagedSseEnabled", "true".to_owned()),
            (
                "VisibilityTimeout",
                queue.visibility_timeout_seconds.to_string(),
            ),
        ];
        let attributes = asked(known, &request.content.attribute_names);
        Ok(match attributes.is_empty() {
            true => json!({}),
            false => json!({"Attributes": attributes}),
        })
    }

    pub(super) fn transact<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.0.journal.transact(work)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| Failure::Refused(Code::MalformedInput, error.to_string()))
}

/// The attributes that are among `names`.
pub(super) fn asked<'a>(
    known: impl IntoIterator<Item = (&'static str, String)>,
    names: impl IntoIterator<Item = &'a String>,
) -> Map<String, Value> {
    let names: Vec<&String> = names.into_iter().collect();
    let is_asked = |name: &str| names.iter().any(|asked| *asked == "All" || *asked == name);
    known
        .into_iter()
        .filter(|(name, _)| is_asked(name))
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect()
}

/// What comes of one message.
type Outcome = Result<Map<String, Value>, Failure>;

fn check_size(request: &To<Entries<NewMessage>>) -> Result<(), Failure> {
    let body = |entry: &Entry<NewMessage>| {
        let body = entry.content.message_body.as_ref();
        body.map_or(0, String::len)
    };
    let size: usize = request.content.entries.iter().map(body).sum();
    if size <= MAXIMUM_MESSAGE_BYTES {
        return Ok(());
    }
    Err(Failure::Refused(
        Code::BatchRequestTooLong,
        format!(
            "Batch requests cannot be longer than {MAXIMUM_MESSAGE_BYTES} bytes. You have sent \
             {size} bytes."
        ),
    ))
}

/// Adds a message that may be sent.
fn add(transaction: &Transaction<'_>, queue: &Queue, message: NewMessage) -> Outcome {
    for (name, given) in [
        ("MessageAttributes", &message.message_attributes),
        (
            "MessageSystemAttributes",
            &message.message_system_attributes,
        ),
        ("MessageGroupId", &message.message_group_id),
        ("MessageDeduplicationId", &message.message_deduplication_id),
    ] {
        if given.as_ref().is_some_and(|given| *given != json!({})) {
            return Err(Failure::unavailable(name, "."));
        }
    }
    let body = message.message_body.filter(|body| !body.is_empty());
    let body = body.ok_or_else(|| Failure::missing("MessageBody"))?;
    if !body.chars().all(is_allowed) {
        return Err(Failure::Refused(
            Code::InvalidMessageContents,
            "Invalid binary character was found in the message body, the set of allowed \
             characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to \
             #x10FFFF"
                .to_owned(),
        ));
    }
    if body.len() > MAXIMUM_MESSAGE_BYTES {
        return Err(Failure::Refused(
            Code::InvalidParameterValue,
            format!(
                "One or more parameters are invalid. Reason: Message must be shorter than \
                 {MAXIMUM_MESSAGE_BYTES} bytes."
            ),
        ));
    }
    let delay = message.delay_seconds;
    let delay = delay.unwrap_or(queue.delay_seconds.into());
    if !(0..=MAXIMUM_DELAY_SECONDS).contains(&delay) {
        return Err(Failure::invalid(
            delay,
            "DelaySeconds",
            &format!("DelaySeconds must be >= 0 and <= {MAXIMUM_DELAY_SECONDS}."),
        ));
    }
    let id = message::add(transaction, &queue.name, &body, delay, now_ms())?;
    let digest = digest(&body);
    Ok(Map::from_iter([
        ("MessageId".to_owned(), id.into()),
        ("MD5OfMessageBody".to_owned(), digest.into()),
    ]))
}

/// The digest by which clients check what they sent and got.
pub(super) fn digest(body: &str) -> String {
    let digest = Md5::digest(body.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a message can have the character. (SQS API reference, `SendMessage`)
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

fn handle(text: Option<&str>, queue: &Queue) -> Result<Handle, Failure> {
    let text = text.ok_or_else(|| Failure::missing("ReceiptHandle"))?;
    Handle::parse(text, &queue.name).ok_or_else(|| {
        Failure::Refused(
            Code::ReceiptHandleIsInvalid,
            format!("The input receipt handle \"{text}\" is not a valid receipt handle."),
        )
    })
}

fn remove(transaction: &Transaction<'_>, queue: &Queue, request: Received) -> Outcome {
    let handle = handle(request.receipt_handle.as_deref(), queue)?;
    message::delete(transaction, &handle)?;
    Ok(Map::new())
}

fn hide(transaction: &Transaction<'_>, queue: &Queue, request: Received) -> Outcome {
    let text = request.receipt_handle.as_deref();
    let handle = handle(text, queue)?;
    let seconds = request.visibility_timeout;
    let seconds = seconds.ok_or_else(|| Failure::missing("VisibilityTimeout"))?;
    check_visibility(seconds)?;
    match message::change_visibility(transaction, &handle, seconds * 1000, now_ms())? {
        // SQS takes a late change for done, too.
        Change::Made | Change::Late => Ok(Map::new()),
        Change::Gone => Err(Failure::invalid(
            text.unwrap_or_default(),
            "ReceiptHandle",
            "Message does not exist or is not available for visibility timeout change.",
        )),
        Change::TooLong => Err(Failure::invalid(
            seconds,
            "VisibilityTimeout",
            &format!(
                "Total VisibilityTimeout for the message is beyond the limit \
                 [{MAXIMUM_VISIBILITY_SECONDS} seconds]."
            ),
        )),
    }
}

pub(super) fn check_visibility(seconds: i64) -> Result<(), Failure> {
    if (0..=MAXIMUM_VISIBILITY_SECONDS).contains(&seconds) {
        return Ok(());
    }
    Err(Failure::invalid(
        seconds,
        "VisibilityTimeout",
        &format!("VisibilityTimeout must be between 0 and {MAXIMUM_VISIBILITY_SECONDS}."),
    ))
}
