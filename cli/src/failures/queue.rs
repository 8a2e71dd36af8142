//! The failures queue, through SQS.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, Message as Received, MessageSystemAttributeName,
    QueueAttributeName,
};

use crate::aws::{Aws, AwsError};
use crate::failures::message::{Content, Message};
use crate::settings::Target;

/// How many messages one call takes. (SQS API reference)
const BATCH: usize = 10;

#[derive(Clone, Debug)]
pub(crate) struct FailuresQueue {
    client: Client,
    url: String,
    /// What the ARNs of the table's streams begin with.
    table: String,
    /// How long a call waits for a message. SQS asks only some of its servers when it need not
    /// wait, and so misses messages; this machine's queue is one.
    wait_seconds: i32,
}

/// How many messages there are. SQS counts them approximately.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Depth {
    /// Those that can be received.
    pub(crate) visible: u64,
    /// Those that were received and not deleted yet.
    pub(crate) hidden: u64,
}

/// Whether a message was still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    /// Another client has deleted it.
    Gone,
}

impl FailuresQueue {
    /// The queue of the stack with this table, given by the beginning of its streams' ARNs.
    pub(super) fn new(aws: &Aws, url: &str, table: String) -> Self {
        Self {
            client: aws.sqs(),
            url: url.to_owned(),
            table,
            wait_seconds: match aws.target() {
                Target::Aws => 1,
                Target::Local => 0,
            },
        }
    }

    pub(crate) async fn depth(&self) -> Result<Depth, AwsError> {
        let visible = QueueAttributeName::ApproximateNumberOfMessages;
        let hidden = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(visible.clone())
            .attribute_names(hidden.clone())
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("sqs:GetQueueAttributes", e))?;
        let count = |name| {
            let text = answer.attributes()?.get(name)?;
            text.parse().ok()
        };
        let lacking = || AwsError::incomplete("sqs:GetQueueAttributes", "the number of messages");
        Ok(Depth {
            visible: count(&visible).ok_or_else(lacking)?,
            hidden: count(&hidden).ok_or_else(lacking)?,
        })
    }

    /// Takes up to ten messages, which nobody else then receives for as long as `hidden`.
    pub(crate) async fn receive(
        &self,
        at_most: usize,
        hidden: Duration,
    ) -> Result<Vec<Message>, AwsError> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(at_most.clamp(1, BATCH)).unwrap_or(1))
            .wait_time_seconds(self.wait_seconds)
            .visibility_timeout(seconds(hidden))
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("sqs:ReceiveMessage", e))?;
        let messages = answer.messages.unwrap_or_default().into_iter();
        messages.map(|received| self.read(received)).collect()
    }

    fn read(&self, received: Received) -> Result<Message, AwsError> {
        let sent_ms = received
            .attributes()
            .and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp))
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        let (Some(message_id), Some(receipt)) = (received.message_id, received.receipt_handle)
        else {
            return Err(AwsError::incomplete(
                "sqs:ReceiveMessage",
                "MessageId and ReceiptHandle",
            ));
        };
        let content = Content::read(&received.body.unwrap_or_default(), &self.table);
        Ok(Message {
            id: content.id(&message_id),
            message_id,
            receipt,
            sent_ms,
            content,
        })
    }

    /// Keeps a message for as long as `hidden` from now.
    pub(crate) async fn keep(&self, receipt: &str, hidden: Duration) -> Result<Presence, AwsError> {
        let kept = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .visibility_timeout(seconds(hidden))
            .send()
            .await;
        match kept {
            Ok(_) => Ok(Presence::There),
            Err(error) => presence(AwsError::from_sdk("sqs:ChangeMessageVisibility", error)),
        }
    }

    /// Gives messages back, to be received by anybody. One that is gone needs it no more.
    pub(crate) async fn release<'a>(
        &self,
        receipts: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), AwsError> {
        let receipts: Vec<&str> = receipts.into_iter().collect();
        for chunk in receipts.chunks(BATCH) {
            let mut request = self
                .client
                .change_message_visibility_batch()
                .queue_url(&self.url);
            for (index, receipt) in chunk.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(*receipt)
                    .visibility_timeout(0)
                    .build();
                if let Ok(entry) = entry {
                    request = request.entries(entry);
                }
            }
            request
                .send()
                .await
                .map_err(|e| AwsError::from_sdk("sqs:ChangeMessageVisibility", e))?;
        }
        Ok(())
    }

    pub(crate) async fn delete(&self, receipt: &str) -> Result<Presence, AwsError> {
        let deleted = self
            .client
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(Presence::There),
            Err(error) => presence(AwsError::from_sdk("sqs:DeleteMessage", error)),
        }
    }
}

/// Tells a message that is gone from a call that failed. One whose time ran out before is there.
fn presence(error: AwsError) -> Result<Presence, AwsError> {
    let says_gone = error
        .message()
        .is_some_and(|message| message.contains("does not exist"));
    match error.code() {
        Some("InvalidParameterValue") if says_gone => Ok(Presence::Gone),
        Some("ReceiptHandleIsInvalid") => Ok(Presence::Gone),
        Some(code) if code.ends_with("MessageNotInflight") => Ok(Presence::There),
        _ => Err(error),
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
