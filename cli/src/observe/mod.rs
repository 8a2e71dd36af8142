//! How a stack is doing: each fact about a running stack is asked in [`parts`] and judged in
//! [`judge`], whichever command wants to know it; [`judged`] has all of them together.
//!
//! All parts are asked side by side, and each answers or fails for itself, so that a permission that
//! is missing or a cache that is down hides one part and no other.

pub(crate) mod alarms;
mod aws;
mod cache;
pub(crate) mod judge;
pub(crate) mod judged;
pub(crate) mod key;
mod local;
mod metrics;
pub(crate) mod parts;
mod unseen;

use pattern::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::aws::OnAws;
pub(crate) use self::local::{OnThisMachine, here_lag, here_mapping};
pub(crate) use self::unseen::Unseen;
use crate::app::clock;
use crate::app::handler::Handler;
use crate::domain::Count;
use crate::failures::queue::Depth;
use crate::stack::ownership::NotOurs;
use crate::stack::state::StackState;

/// From this lag on the template raises its alarm, unless a parameter says otherwise.
pub(crate) const LAG_LIMIT_MS: u64 = 60_000;

/// What a part says, or why it says nothing.
pub(crate) type Part<T> = Result<T, Unseen>;

/// Where the stack is.
pub(crate) enum Source {
    Aws(Box<OnAws>),
    Local(OnThisMachine),
}

/// All parts, seen at one time.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    pub(crate) stack: Part<Stack>,
    pub(crate) functions: PerFunction<Part<Function>>,
    /// Of the last hour.
    pub(crate) activity: Part<Activity>,
    pub(crate) mapping: Part<Mapping>,
    pub(crate) write_model: Part<WriteModel>,
    pub(crate) read_model: Part<ReadModel>,
    pub(crate) failures: Part<Depth>,
    /// This machine has none.
    pub(crate) alarms: Option<Part<Alarms>>,
    /// From which lag on something is wrong, in milliseconds.
    pub(crate) lag_limit_ms: u64,
    /// Where the stack's dashboard is, if it has one.
    pub(crate) dashboard: Option<String>,
}

/// One of each function.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PerFunction<T> {
    pub(crate) publisher: T,
    pub(crate) subscriber: T,
    pub(crate) query: T,
}

impl<T> PerFunction<T> {
    pub(crate) fn of(mut each: impl FnMut(Handler) -> T) -> Self {
        Self {
            publisher: each(Handler::Publisher),
            subscriber: each(Handler::Subscriber),
            query: each(Handler::Query),
        }
    }
}

/// The stack itself.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stack {
    /// CloudFormation's; on this machine `RUNNING`.
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) changed_at: Option<Timestamp>,
    /// When its process began; on this machine only.
    pub(crate) started_at: Option<Timestamp>,
    /// The version of the tool that deployed it last, where that is known.
    pub(crate) deployed_by: Option<String>,
    /// What CloudFormation's last look for drift found, if there was one.
    pub(crate) drift: Option<String>,
    /// Where the cache runs on another node type than was asked for; on AWS only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_differs: Option<CacheDiffers>,
}

impl From<&StackState> for Stack {
    fn from(state: &StackState) -> Self {
        Self {
            status: state.status.as_str().to_owned(),
            reason: state.reason.clone(),
            changed_at: state.changed_at.as_ref().and_then(clock::timestamp),
            deployed_by: state.deployed_by.clone(),
            drift: state.drift.clone(),
            ..Self::default()
        }
    }
}

/// The cache's node types.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CacheDiffers {
    pub(crate) asked: String,
    pub(crate) runs: String,
}

/// A function's settings and state.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Function {
    /// Lambda's: `Active`, `Pending`, `Inactive`, `Failed`.
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    /// How its last update went: `Successful`, `InProgress`, `Failed`.
    pub(crate) last_update: Option<String>,
    pub(crate) memory_mb: Option<u32>,
    /// SHA-256 of its zip, on this machine of its program; hexadecimal.
    pub(crate) code: Option<String>,
    pub(crate) changed_at: Option<Timestamp>,
    /// Processes that wait for work or are at it; on this machine only.
    pub(crate) processes: Option<usize>,
}

/// What went on in the last hour, or since the process on this machine began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity {
    pub(crate) functions: PerFunction<Invocations>,
    pub(crate) lag: Lag,
    /// Minute by minute, the oldest first; on AWS only.
    pub(crate) minutes: Vec<Minute>,
}

/// What went on in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Minute {
    /// When it began, in seconds since 1970.
    pub(crate) at: i64,
    /// Invocations of the publisher, of the subscriber, and of the query function.
    pub(crate) commands: u64,
    pub(crate) batches: u64,
    pub(crate) queries: u64,
    /// Errors and throttles of all three.
    pub(crate) failed: u64,
    pub(crate) lag_ms: Option<u64>,
}

/// A function's invocations.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invocations {
    #[serde(flatten)]
    pub(crate) hour: Counted,
    /// Of the last five minutes.
    pub(crate) recent: Counted,
    /// 99 of 100 took no longer; on AWS only, and only where there were any.
    pub(crate) p99_ms: Option<f64>,
    /// On this machine only.
    pub(crate) last_error: Option<LastError>,
}

/// How many invocations came to what.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counted {
    pub(crate) invocations: u64,
    pub(crate) errors: u64,
    pub(crate) throttles: u64,
    /// Errors that the function did not report itself; on this machine only.
    pub(crate) crashes: Option<u64>,
}

/// A function's newest error.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastError {
    pub(crate) at: Option<Timestamp>,
    pub(crate) error_type: String,
    pub(crate) message: String,
}

impl LastError {
    /// Whether the function did not report it itself: those have Lambda's own names.
    pub(crate) fn is_crash(&self) -> bool {
        let own = ["Runtime.", "Sandbox.", "Function.", "Extension."];
        own.iter().any(|name| self.error_type.starts_with(name))
    }
}

/// From the stream to the subscriber.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mapping {
    pub(crate) id: String,
    /// Lambda's: `Enabled`, `Disabled`, or on its way there.
    pub(crate) state: String,
    /// Why, in AWS's words.
    #[serde(skip)]
    pub(crate) reason: Option<String>,
    /// How the last batch went, in AWS's words.
    pub(crate) last_processing_result: Option<String>,
    /// Batches given up since the process began; on this machine only.
    pub(crate) given_up: Option<u64>,
}

/// How far the read model is behind.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Lag {
    /// On AWS the largest `IteratorAge` of the last five minutes, if there was any; on this machine
    /// the age of the oldest record that waits.
    pub(crate) lag_ms: Option<u64>,
    /// The newest minute with a measurement; on AWS only.
    pub(crate) measured_at: Option<Timestamp>,
    /// Records that wait; on this machine only.
    pub(crate) behind: Option<u64>,
}

/// The table.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WriteModel {
    /// DynamoDB's, such as `ACTIVE`.
    pub(crate) status: String,
    #[serde(flatten)]
    pub(crate) count: Count,
    /// DynamoDB counts every six hours or so; this machine counts when it is asked.
    #[serde(rename = "approximate")]
    pub(crate) is_approximate: bool,
    /// What its stream has of a change, where there is a stream.
    #[serde(skip)]
    pub(crate) stream_view: Option<String>,
}

/// What the query function says of the cache.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadModel {
    /// Not known where the stack is about something else.
    #[serde(flatten)]
    pub(crate) count: Count,
    /// How long the cache took to answer the function.
    pub(crate) cache_ms: f64,
    /// How long the function took to answer.
    pub(crate) answer_ms: u64,
    /// The version of the handlers.
    pub(crate) version: String,
    /// Whether it has all entities, as far as the stream has brought them.
    #[serde(rename = "complete")]
    pub(crate) is_complete: bool,
}

/// The stack's alarms.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Alarms {
    pub(crate) count: usize,
    /// Those in `ALARM`.
    pub(crate) raised: Vec<Alarm>,
}

/// An alarm that is raised.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Alarm {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) since: Option<Timestamp>,
}

/// A ping's answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pong {
    version: String,
    cache_ms: f64,
    /// Older handlers do not say, and answer without it.
    #[serde(default = "yes")]
    complete: bool,
    /// Among them how many it has, under the domain's word.
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

fn yes() -> bool {
    true
}

/// Why nothing at all can be seen.
#[derive(Debug)]
pub(crate) enum Blind {
    /// There is no such stack.
    NoStack,
    /// Another tool made it.
    NotOurs(NotOurs),
    Because(Unseen),
}

impl<E: Into<Unseen>> From<E> for Blind {
    fn from(error: E) -> Self {
        Self::Because(error.into())
    }
}

impl Source {
    /// Asks all parts.
    pub(crate) async fn look(&mut self) -> Result<Seen, Blind> {
        match self {
            Self::Aws(aws) => aws.look().await,
            Self::Local(local) => local.look().await,
        }
    }
}
