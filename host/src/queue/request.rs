//! The operations' parameters.

use serde::Deserialize;
use serde_json::Value;

/// What is asked of one queue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct To<T> {
    #[serde(default)]
    pub(super) queue_url: String,
    #[serde(flatten)]
    pub(super) content: T,
}

/// The operations on batches.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entries<T> {
    #[serde(default = "Vec::new")]
    pub(super) entries: Vec<Entry<T>>,
}

/// An entry of a batch.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry<T> {
    #[serde(default)]
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) content: T,
}

/// What both ways of sending say of a message.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NewMessage {
    pub(super) message_body: Option<String>,
    pub(super) delay_seconds: Option<i64>,
    // Not available here; refused where they say anything.
    pub(super) message_attributes: Option<Value>,
    pub(super) message_system_attributes: Option<Value>,
    pub(super) message_group_id: Option<Value>,
    pub(super) message_deduplication_id: Option<Value>,
}

/// What is said of a message that was received, to delete it or to hide it longer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Received {
    pub(super) receipt_handle: Option<String>,
    pub(super) visibility_timeout: Option<i64>,
}

/// `ReceiveMessage`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ReceiveMessage {
    pub(super) max_number_of_messages: Option<i64>,
    pub(super) visibility_timeout: Option<i64>,
    pub(super) wait_time_seconds: Option<i64>,
    /// The older name of the system attributes.
    pub(super) attribute_names: Vec<String>,
    pub(super) message_system_attribute_names: Vec<String>,
}

/// `GetQueueAttributes`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct GetQueueAttributes {
    pub(super) attribute_names: Vec<String>,
}

/// `PurgeQueue`, which says no more.
#[derive(Debug, Deserialize)]
pub(super) struct PurgeQueue {}

/// `GetQueueUrl`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct GetQueueUrl {
    pub(super) queue_name: Option<String>,
}

/// `ListQueues`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListQueues {
    pub(super) queue_name_prefix: String,
}
