//! SQS's operations, between their parameters and the journal.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Transaction;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::attribute::{self, Attributes};
use super::batch::{check_entries, each};
use super::error::{Code, Failure};
use super::message::{self, Change, Draft, Handle, MAXIMUM_VISIBILITY_SECONDS};
use super::request::{
    Batch, ChangeMessageVisibility, DeleteMessage, Entry, GetQueueAttributes, GetQueueUrl,
    ListQueues, NewMessage, PurgeQueue, SendMessage,
};
use super::{Queues, malformed, no_queue, now_ms, url};
use crate::definition::Queue;

/// The largest message, and the largest batch of messages, in bytes. (SQS guide, "Amazon SQS message
/// quotas": 1 MiB since August 2025)
const MAXIMUM_MESSAGE_BYTES: usize = 1_048_576;
/// The most queues of one answer.
const MAXIMUM_RESULTS: usize = 1_000;
/// How long after a purge another may come. (SQS API reference, `PurgeQueue`)
const BETWEEN_PURGES: Duration = Duration::from_secs(60);
/// The system attribute that a sender may give.
const TRACE_HEADER: &str = "AWSTraceHeader";
/// The longest that a message can be delayed.
const MAXIMUM_DELAY_SECONDS: i64 = 900;

impl Queues {
    /// Does what is asked for. Null stands for an answer without content.
    pub(super) async fn run(
        &self,
        endpoint: &str,
        operation: &str,
        parameters: Value,
    ) -> Result<Value, Failure> {
        match operation {
            "SendMessage" => self.send(parse(parameters)?),
            "SendMessageBatch" => self.send_batch(parse(parameters)?),
            "ReceiveMessage" => self.receive(parse(parameters)?).await,
            "DeleteMessage" => self.delete(&parse(parameters)?),
            "DeleteMessageBatch" => self.delete_batch(&parse(parameters)?),
            "ChangeMessageVisibility" => self.change_visibility(&parse(parameters)?),
            "ChangeMessageVisibilityBatch" => self.change_visibility_batch(&parse(parameters)?),
            "GetQueueUrl" => self.queue_url(endpoint, &parse(parameters)?),
            "GetQueueAttributes" => self.queue_attributes(&parse(parameters)?),
            "ListQueues" => self.list(endpoint, &parse(parameters)?),
            "PurgeQueue" => self.purge(&parse(parameters)?),
            "CreateQueue" | "DeleteQueue" | "SetQueueAttributes" => Err(Failure::Refused(
                Code::NotImplemented,
                format!(
                    "sqs: {operation} is not available with --local: change the template and deploy."
                ),
            )),
            other => Err(Failure::Refused(
                Code::NotImplemented,
                format!(
                    "sqs: {other} is not available with --local. What is there: sending, receiving \
                     and deleting messages, one by one and in batches, changing their visibility, \
                     and finding, describing and purging queues."
                ),
            )),
        }
    }

    fn send(&self, request: SendMessage) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        let message = Checked::new(request.message)?;
        let sent = self.transact(|transaction| message.add(transaction, &queue))?;
        self.wake();
        Ok(Value::Object(sent))
    }

    fn send_batch(&self, request: Batch<NewMessage>) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        check_entries(&request.entries)?;
        let size = |entry: &Entry<NewMessage>| entry.content.size();
        let size: usize = request.entries.iter().map(size).sum();
        if size > MAXIMUM_MESSAGE_BYTES {
            return Err(Failure::Refused(
                Code::BatchRequestTooLong,
                format!(
                    "Batch requests cannot be longer than {MAXIMUM_MESSAGE_BYTES} bytes. You have \
                     sent {size} bytes."
                ),
            ));
        }
        let results = self.transact(|transaction| {
            each(request.entries, |content| {
                Checked::new(content)?.add(transaction, &queue)
            })
        })?;
        self.wake();
        Ok(results)
    }

    fn delete(&self, request: &DeleteMessage) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        let handle = handle(request.receipt_handle.as_deref(), &queue)?;
        self.transact(|transaction| Ok(message::delete(transaction, &handle)?))?;
        Ok(Value::Null)
    }

    fn delete_batch(&self, request: &Batch<DeleteMessage>) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        check_entries(&request.entries)?;
        self.transact(|transaction| {
            each(&request.entries, |content| {
                let handle = handle(content.receipt_handle.as_deref(), &queue)?;
                message::delete(transaction, &handle)?;
                Ok(Map::new())
            })
        })
    }

    fn change_visibility(&self, request: &ChangeMessageVisibility) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        self.transact(|transaction| hide(transaction, &queue, request))?;
        self.wake();
        Ok(Value::Null)
    }

    fn change_visibility_batch(
        &self,
        request: &Batch<ChangeMessageVisibility>,
    ) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        check_entries(&request.entries)?;
        let results = self.transact(|transaction| {
            each(&request.entries, |content| {
                hide(transaction, &queue, content).map(|()| Map::new())
            })
        })?;
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
        if let Some(most) = request.max_results
            && !(1..=MAXIMUM_RESULTS).contains(&most)
        {
            return Err(Failure::invalid(
                most,
                "MaxResults",
                &format!("MaxResults must be an integer between 1 and {MAXIMUM_RESULTS}."),
            ));
        }
        let after = match &request.next_token {
            Some(token) => Some(last_listed(token).ok_or_else(|| {
                Failure::invalid(token, "NextToken", "It is none that was given out here.")
            })?),
            None => None,
        };
        let queues = self.0.queues.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<&str> = queues
            .keys()
            .map(String::as_str)
            .filter(|name| name.starts_with(&request.queue_name_prefix))
            .filter(|&name| after.as_deref().is_none_or(|after| name > after))
            .collect();
        names.sort_unstable();
        let more = names.len() > request.max_results.unwrap_or(MAXIMUM_RESULTS);
        names.truncate(request.max_results.unwrap_or(MAXIMUM_RESULTS));
        let mut answer = Map::new();
        // Without `MaxResults`, SQS gives the first ones and no token.
        if let Some(last) = names
            .last()
            .filter(|_| more && request.max_results.is_some())
        {
            answer.insert("NextToken".to_owned(), STANDARD.encode(last).into());
        }
        if !names.is_empty() {
            let urls = names.iter().map(|name| Value::from(url(endpoint, name)));
            answer.insert("QueueUrls".to_owned(), urls.collect());
        }
        Ok(Value::Object(answer))
    }

    fn purge(&self, request: &PurgeQueue) -> Result<Value, Failure> {
        let queue = self.at(&request.queue_url)?;
        let mut purged = self.0.purged.lock().unwrap_or_else(PoisonError::into_inner);
        let last = purged.get(&queue.name);
        if last.is_some_and(|last| last.elapsed() < BETWEEN_PURGES) {
            return Err(Failure::Refused(
                Code::PurgeQueueInProgress,
                format!(
                    "Only one PurgeQueue operation on {} is allowed every {} seconds.",
                    queue.name,
                    BETWEEN_PURGES.as_secs()
                ),
            ));
        }
        self.transact(|transaction| Ok(message::purge(transaction, &queue.name)?))?;
        purged.insert(queue.name.clone(), Instant::now());
        Ok(Value::Null)
    }

    fn queue_attributes(&self, request: &GetQueueAttributes) -> Result<Value, Failure> {
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
        let asked = &request.attribute_names;
        if let Some(name) = asked.iter().find(|name| {
            let name = name.as_str();
            name != "All"
                && !UNSET.contains(&name)
                && !known.iter().any(|(known, _)| *known == name)
        }) {
            let text = format!("Unknown Attribute {name}.");
            return Err(Failure::Refused(Code::InvalidAttributeName, text));
        }
        let all = asked.iter().any(|name| name == "All");
        let attributes: Map<String, Value> = known
            .into_iter()
            .filter(|(name, _)| all || asked.iter().any(|asked| asked == name))
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        Ok(if attributes.is_empty() {
            json!({})
        } else {
            json!({"Attributes": attributes})
        })
    }

    pub(super) fn transact<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.0.journal.transact(work)
    }
}

/// Attributes that a queue can have, and none here has.
const UNSET: [&str; 9] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
];

fn parse<T: DeserializeOwned>(parameters: Value) -> Result<T, Failure> {
    serde_json::from_value(parameters).map_err(malformed)
}

/// A message that may be sent.
struct Checked {
    message: NewMessage,
    body: String,
}

impl Checked {
    fn new(mut message: NewMessage) -> Result<Self, Failure> {
        let body = message.message_body.take().filter(|body| !body.is_empty());
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
        attribute::check(&message.message_attributes)?;
        let size = body.len() + attribute::size(&message.message_attributes);
        if size > MAXIMUM_MESSAGE_BYTES {
            return Err(Failure::Refused(
                Code::InvalidParameterValue,
                format!(
                    "One or more parameters are invalid. Reason: Message must be shorter than \
                     {MAXIMUM_MESSAGE_BYTES} bytes."
                ),
            ));
        }
        if let Some(delay) = message.delay_seconds
            && !(0..=MAXIMUM_DELAY_SECONDS).contains(&delay)
        {
            return Err(Failure::invalid(
                delay,
                "DelaySeconds",
                &format!("DelaySeconds must be >= 0 and <= {MAXIMUM_DELAY_SECONDS}."),
            ));
        }
        if message.message_deduplication_id.is_some() {
            return Err(Failure::Refused(
                Code::InvalidParameterValue,
                "The request include parameter that is not valid for this queue type: \
                 MessageDeduplicationId"
                    .to_owned(),
            ));
        }
        check_group(message.message_group_id.as_deref())?;
        check_system(&message.message_system_attributes)?;
        Ok(Self { message, body })
    }

    /// What SQS itself says of the message to who asks, as far as its sender gave it.
    fn system(&self) -> Map<String, Value> {
        let mut system = Map::new();
        if let Some(group) = &self.message.message_group_id {
            system.insert("MessageGroupId".to_owned(), group.as_str().into());
        }
        for (name, attribute) in &self.message.message_system_attributes {
            if let Some(text) = &attribute.string_value {
                system.insert(name.clone(), text.as_str().into());
            }
        }
        system
    }

    fn add(
        &self,
        transaction: &Transaction<'_>,
        queue: &Arc<Queue>,
    ) -> Result<Map<String, Value>, Failure> {
        let attributes = &self.message.message_attributes;
        let json = serde_json::to_string(attributes).map_err(malformed)?;
        let system = self.system();
        let system_json = Value::Object(system.clone()).to_string();
        let draft = Draft {
            body: &self.body,
            attributes: (!attributes.is_empty()).then_some(json.as_str()),
            system: (!system.is_empty()).then_some(system_json.as_str()),
            delay_seconds: self
                .message
                .delay_seconds
                .unwrap_or(queue.delay_seconds.into()),
        };
        let id = message::add(transaction, &queue.name, &draft, now_ms())?;
        let mut sent = Map::new();
        sent.insert("MessageId".to_owned(), id.into());
        let digest = attribute::digest_of_body(&self.body);
        sent.insert("MD5OfMessageBody".to_owned(), digest.into());
        if !attributes.is_empty() {
            let digest = attribute::digest_of_attributes(attributes);
            sent.insert("MD5OfMessageAttributes".to_owned(), digest.into());
        }
        let attributes = &self.message.message_system_attributes;
        if !attributes.is_empty() {
            let digest = attribute::digest_of_attributes(attributes);
            sent.insert("MD5OfMessageSystemAttributes".to_owned(), digest.into());
        }
        Ok(sent)
    }
}

impl NewMessage {
    /// In bytes, whether it may be sent or not.
    fn size(&self) -> usize {
        self.message_body.as_ref().map_or(0, String::len)
            + attribute::size(&self.message_attributes)
    }
}

/// A group of a standard queue, by which SQS shares receivers among senders, and which changes nothing
/// here.
fn check_group(group: Option<&str>) -> Result<(), Failure> {
    match group {
        Some(group)
            if !(1..=128).contains(&group.len())
                || !group.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Err(Failure::invalid(
                group,
                "MessageGroupId",
                "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 \
                 in length.",
            ))
        }
        _ => Ok(()),
    }
}

fn check_system(attributes: &Attributes) -> Result<(), Failure> {
    attribute::check(attributes)?;
    match attributes
        .iter()
        .find(|(name, attribute)| name.as_str() != TRACE_HEADER || attribute.data_type != "String")
    {
        None => Ok(()),
        Some((name, _)) => Err(Failure::Refused(
            Code::InvalidParameterValue,
            format!(
                "Message system attribute '{name}' is invalid: the only one is {TRACE_HEADER}, of \
                 type String."
            ),
        )),
    }
}

/// The queue's name in a token that [`Queues::list`] gave.
fn last_listed(token: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(token).ok()?).ok()
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

fn hide(
    transaction: &Transaction<'_>,
    queue: &Queue,
    request: &ChangeMessageVisibility,
) -> Result<(), Failure> {
    let text = request.receipt_handle.as_deref();
    let handle = handle(text, queue)?;
    let seconds = request.visibility_timeout;
    let seconds = seconds.ok_or_else(|| Failure::missing("VisibilityTimeout"))?;
    check_visibility(seconds)?;
    match message::change_visibility(transaction, &handle, seconds * 1000, now_ms())? {
        // SQS takes a late change for done, too.
        Change::Made | Change::Late => Ok(()),
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
