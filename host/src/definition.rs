//! What a stack is made of, with nothing left to resolve.
//!
//! It comes from a template, evaluated for this machine by the tool. Its JSON is plain data, by which
//! two definitions are compared.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The account of everything on this machine, as emulators of AWS have it.
pub const ACCOUNT: &str = "000000000000";

/// A whole stack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The region in every ARN.
    pub region: String,
    /// The tables, each with its stream.
    pub tables: Vec<Table>,
    /// The functions.
    pub functions: Vec<Function>,
    /// From streams to functions.
    pub mappings: Vec<Mapping>,
    /// The queues.
    pub queues: Vec<Queue>,
    /// The buckets.
    pub buckets: Vec<Bucket>,
}

/// A DynamoDB table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The name in the template.
    pub logical_id: String,
    /// The table's name.
    pub name: String,
    /// `KeySchema`, `AttributeDefinitions`, `StreamSpecification`, `GlobalSecondaryIndexes`,
    /// `LocalSecondaryIndexes`, `BillingMode` and `ProvisionedThroughput` as `CreateTable` takes
    /// them, without the name.
    pub properties: serde_json::Map<String, serde_json::Value>,
    /// `TimeToLiveSpecification.AttributeName`, where it is enabled.
    pub time_to_live: Option<String>,
}

/// A Lambda function: a program that speaks the Runtime API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// The name in the template.
    pub logical_id: String,
    /// The function's name.
    pub name: String,
    /// The file to run, absolute; its name changes with its content.
    pub program: PathBuf,
    /// The handler's setting, which programs may read as `_HANDLER`.
    pub handler: String,
    /// The function's variables.
    pub environment: BTreeMap<String, String>,
    /// In seconds, from 1 to 900.
    pub timeout_seconds: u32,
    /// In MB; given to the program, not enforced.
    pub memory_mb: u32,
    /// `ReservedConcurrentExecutions`; where absent the host's own bound holds.
    pub reserved_concurrency: Option<u32>,
    /// `LoggingConfig.ApplicationLogLevel`, such as `INFO`.
    pub log_level: Option<String>,
    /// `LoggingConfig.LogFormat` is JSON.
    pub log_json: bool,
    /// `LoggingConfig.SystemLogLevel` lets Lambda's own lines about each invocation through; they
    /// always are in a log that is text.
    pub log_platform: bool,
    /// `LoggingConfig.LogGroup`, or [`Function::default_log_group`].
    pub log_group: String,
}

impl Function {
    /// The log group of a function whose settings name no other.
    #[must_use]
    pub fn default_log_group(name: &str) -> String {
        format!("/aws/lambda/{name}")
    }

    /// The function's ARN.
    #[must_use]
    pub fn arn(&self, region: &str) -> String {
        function_arn(region, &self.name)
    }
}

/// An event source mapping from a table's stream to a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    /// The name in the template.
    pub logical_id: String,
    /// The mapping's UUID; it stays as long as stack and logical id do.
    pub id: String,
    /// The table whose stream is read.
    pub table: String,
    /// The function's name.
    pub function: String,
    /// Whether it delivers.
    pub enabled: bool,
    /// Where a mapping begins that has no checkpoint yet.
    pub starting_position: StartingPosition,
    /// From 1 to 10,000.
    pub batch_size: usize,
    /// `MaximumBatchingWindowInSeconds`, from 0 to 300.
    pub window_seconds: u32,
    /// Batches of a shard in flight at once, from 1 to 10; order holds per key.
    pub parallelization_factor: usize,
    /// Halve a batch that failed.
    pub bisect_on_error: bool,
    /// Retries after the first attempt; without a bound where absent.
    pub maximum_retry_attempts: Option<u32>,
    /// In seconds; without a bound where absent.
    pub maximum_record_age_seconds: Option<u32>,
    /// `ReportBatchItemFailures` is among the `FunctionResponseTypes`.
    pub report_item_failures: bool,
    /// What hears of batches given up.
    pub on_failure: Option<Destination>,
}

/// Where a mapping leaves what it gave up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// A message in the queue of this name.
    Queue(String),
    /// An object, with the records, in the bucket of this name.
    Bucket(String),
}

impl Destination {
    /// The destination's ARN.
    #[must_use]
    pub fn arn(&self, region: &str) -> String {
        match self {
            Self::Queue(name) => queue_arn(region, name),
            Self::Bucket(name) => bucket_arn(name),
        }
    }
}

/// Where a mapping begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StartingPosition {
    /// With the oldest record that the stream still has.
    TrimHorizon,
    /// With what is written from now on.
    Latest,
}

/// An SQS queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// The name in the template.
    pub logical_id: String,
    /// The queue's name.
    pub name: String,
    /// How long a message that was received stays hidden, in seconds.
    pub visibility_timeout_seconds: u32,
    /// How long messages are kept, in seconds.
    pub message_retention_seconds: u32,
    /// How long a message is hidden at first, in seconds.
    pub delay_seconds: u32,
    /// How long `ReceiveMessage` waits for a message, in seconds, where it does not say itself.
    pub receive_wait_seconds: u32,
}

impl Queue {
    /// The queue's ARN.
    #[must_use]
    pub fn arn(&self, region: &str) -> String {
        queue_arn(region, &self.name)
    }
}

/// An S3 bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The name in the template.
    pub logical_id: String,
    /// The bucket's name.
    pub name: String,
    /// How long objects are kept, in days; for good where absent.
    pub expiration_days: Option<u32>,
}

/// A function's ARN.
#[must_use]
pub fn function_arn(region: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}")
}

/// A bucket's ARN.
#[must_use]
pub fn bucket_arn(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

/// A queue's ARN.
#[must_use]
pub fn queue_arn(region: &str, name: &str) -> String {
    format!("arn:aws:sqs:{region}:{ACCOUNT}:{name}")
}
