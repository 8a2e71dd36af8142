//! What the tool and the background process say to each other, and the files they share.
//!
//! A stack's folder, where [`Places::stack`](crate::app::places::Places::stack) says, is its owner's alone
//! (mode 0700):
//!
//! | file | what |
//! |---|---|
//! | `lock` | locked by the process for as long as it runs |
//! | `starting` | locked by the tool that starts the process |
//! | `deploying` | locked by the tool that deploys or destroys |
//! | `host.json` | [`HostFile`]: where the running process is reached; stale where `lock` is free |
//! | `deployment.json` | [`Deployment`]: the stack as it was last deployed |
//! | `host.log` | what the process itself has to say; before that, `host.log.1` |
//! | `logs/<function>.log` | what the functions log |
//! | `data.db`, `journal.db` | tables and streams; checkpoints and queues; with SQLite's files beside |
//! | `buckets/<bucket>/<key>` | what mappings leave in buckets |
//! | `functions/<hash>/<handler>` | the handlers' programs |
//! | `cache/` | the cache's own folder |
//! | `identity` | what the cache is marked with, so that another stack's read model is not taken |

use std::collections::BTreeMap;
use std::path::PathBuf;

use host::cache::Choice;
use host::faults::Active;
use host::live::Seen;
use host::{lambda, mapping};
use pattern::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::aws::process::Process;
use crate::stack::change_set::ResourceChanged;
use crate::stack::state::Output;

/// The folder of the buckets.
pub(crate) const BUCKETS: &str = "buckets";

/// Where the running process is reached, in `host.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostFile {
    pub(crate) pid: u32,
    /// On 127.0.0.1.
    pub(crate) port: u16,
    /// What requests below `/_cqrs/` must carry.
    pub(crate) token: String,
    /// The version of the tool that it is.
    pub(crate) version: String,
    /// The region in ARNs; unsaid by older versions.
    #[serde(default)]
    pub(crate) region: Option<String>,
}

impl HostFile {
    pub(crate) fn process(&self) -> Process {
        Process {
            pid: self.pid,
            port: self.port,
        }
    }
}

/// A stack to be made here, in `deployment.json` and as the body of `POST /_cqrs/deploy`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployment {
    pub(crate) stack: String,
    /// The version of the tool that deployed it; unsaid by older ones.
    #[serde(default)]
    pub(crate) version: Option<String>,
    /// The region in ARNs and in the functions' environment.
    pub(crate) region: String,
    /// Where the template came from, for messages.
    pub(crate) template_path: PathBuf,
    pub(crate) template: String,
    /// The values that the user gave.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Each handler's program, by the handler's name; the file's path changes with its content.
    pub(crate) programs: BTreeMap<String, PathBuf>,
    pub(crate) cache: Choice,
    /// The cache's port; kept so that it need not change with a restart.
    pub(crate) cache_port: Option<u16>,
    /// The port; kept so that it need not change with a restart.
    pub(crate) port: u16,
    /// When it last changed anything; the process knows.
    #[serde(default)]
    pub(crate) changed_at: Option<Timestamp>,
}

/// The answer to `POST /_cqrs/deploy`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployed {
    /// Empty where all is as it was.
    pub(crate) changes: Vec<ResourceChanged>,
    #[serde(flatten)]
    pub(crate) description: Description,
}

/// The answer to `POST /_cqrs/describe`, and part of the one to `deploy`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Description {
    pub(crate) outputs: Vec<Output>,
    /// What the template has and this machine does not need or does not have.
    pub(crate) left_out: Vec<LeftOut>,
    /// What the template sets of what is here, and nothing comes of.
    pub(crate) without_effect: Vec<WithoutEffect>,
    /// What is not as the user has it, or does not work, each in one sentence.
    pub(crate) notes: Vec<String>,
    /// The cache's program or address.
    pub(crate) cache: String,
}

/// The answer to `POST /_cqrs/status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// When the process began, since when it counts.
    pub(crate) started_at: Timestamp,
    /// When the stack last changed.
    pub(crate) changed_at: Option<Timestamp>,
    pub(crate) functions: Vec<lambda::Status>,
    pub(crate) mappings: Vec<mapping::Status>,
}

/// What `POST /_cqrs/live` asks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Look {
    /// The number of the newest change that is known.
    pub(crate) after: u64,
}

/// The answer to `POST /_cqrs/live`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Live {
    pub(crate) seen: Seen,
    pub(crate) faults: Vec<Active>,
    /// Whether the read model has all that the table has; unsaid while the stack is deployed.
    pub(crate) whole: Option<bool>,
    /// How often the cache was started again.
    pub(crate) cache_starts: u64,
    /// When the stack last changed; unsaid while it is deployed.
    pub(crate) changed_at: Option<Timestamp>,
}

/// The answer to `POST /_cqrs/fault`, `faults` and `clear-faults`: those that are not over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Faults {
    pub(crate) faults: Vec<Active>,
    /// How many were ended.
    pub(crate) cleared: usize,
}

/// A resource without a counterpart here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LeftOut {
    pub(crate) logical_id: String,
    #[serde(rename = "type")]
    pub(crate) resource_type: String,
    /// One machine has no use for it (network, roles, alarms); else it is missed.
    pub(crate) needless: bool,
}

/// A property that nothing comes of here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WithoutEffect {
    pub(crate) logical_id: String,
    #[serde(rename = "type")]
    pub(crate) resource_type: String,
    pub(crate) property: String,
    /// One machine has no use for it; else it is missed.
    pub(crate) needless: bool,
}

/// A request below `/_cqrs/` that failed, with an HTTP status of 400 or 500; also the line that
/// the process writes when it cannot start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusal {
    /// What was asked for is wrong, rather than that something went wrong.
    pub(crate) usage: bool,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: Option<String>,
}

/// The line that a starting process writes to its standard output, once: it serves, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Started {
    Ready(HostFile),
    Failed(Refusal),
}
