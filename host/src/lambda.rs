//! Runs functions: the Runtime API, one process per environment, and what Lambda promises around
//! them.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::time::timeout;

use crate::definition::Function;
use crate::faults::Faults;
use crate::live::Live;
use crate::offspring::Offspring;
use crate::sync::Mutex;

mod counts;
mod environment;
mod failure;
mod log;
mod memory;
mod output;
mod peer;
mod pool;
mod runtime_api;

pub use counts::{Counted, LastError};
use failure::Failure;
use log::FunctionLog;
pub(crate) use log::{Line as ReadLine, LogReader, Place};
use pool::Pool;

/// What came of an invocation that reached its function.
#[derive(Clone, Debug)]
pub struct Invoked {
    /// The invocation's id.
    pub request_id: String,
    /// The function's answer, or AWS's error document where it failed.
    pub payload: Bytes,
    /// The function answered with an error, or came to no answer: it crashed, timed out or could not
    /// start.
    pub failed: bool,
    /// The end of the invocation's log, at most 4 KB, where it was asked for.
    pub log_tail: Option<Bytes>,
}

/// An invocation that did not reach its function.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No function of this name.
    #[error("Function not found: {0}")]
    NotFound(String),
    /// All environments are busy and the queue before them is full.
    #[error("Rate Exceeded.")]
    Throttled,
    /// The host ends.
    #[error("the host is stopping")]
    Stopping,
}

/// How to invoke.
#[derive(Clone, Debug, Default)]
pub struct InvokeOptions {
    /// Gather the log's tail.
    pub tail: bool,
    /// The invocation's id, where it has one already; each attempt of an asynchronous one has the
    /// same.
    pub request_id: Option<Arc<str>>,
    /// The function was called with its version, `$LATEST`, and hears so.
    pub with_version: bool,
    /// What the caller says of itself, as JSON in ASCII.
    pub client_context: Option<Arc<str>>,
}

/// Where functions run and log to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region in ARNs.
    pub region: String,
    /// What the functions' AWS SDKs are pointed at, such as `http://127.0.0.1:4000`.
    pub endpoint_url: String,
    /// The folder with one log file per function.
    pub logs: PathBuf,
}

/// A line of a function's log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// The function's name.
    pub function: Arc<str>,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The line, as the function wrote it.
    pub text: Arc<str>,
}

/// How a function is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The function, as it takes its next invocation.
    pub function: Function,
    /// Of the last hour, as long as the host has run.
    pub counted: Counted,
    /// Of the last five minutes.
    pub recent: Counted,
    /// The newest error since the host began.
    pub last_error: Option<LastError>,
    /// Processes that have asked for work.
    pub processes: usize,
    /// Why no process can start now, where the last one could not.
    pub cannot_start: Option<String>,
}

/// The only version of every function here.
pub(crate) const VERSION: &str = "$LATEST";

/// Lines that a slow follower of the logs may be behind.
const LINES_BEHIND: usize = 4_096;
/// How long accepted invocations may still take when the host stops.
const DRAINING: Duration = Duration::from_secs(2);
/// How long the processes may take to end after that; the watcher kills what is left.
const ENDING: Duration = Duration::from_secs(1);

/// What all pools share.
#[derive(Debug)]
struct Services {
    settings: Settings,
    offspring: Offspring,
    followers: broadcast::Sender<LogLine>,
    live: Live,
    faults: Faults,
}

/// The functions of a stack. Clones share them.
#[derive(Clone, Debug)]
pub struct Functions {
    services: Arc<Services>,
    pools: Arc<Mutex<BTreeMap<String, Arc<Pool>>>>,
}

impl Functions {
    /// Runs nothing yet.
    #[must_use]
    pub fn new(settings: Settings, offspring: Offspring) -> Self {
        Self {
            services: Arc::new(Services {
                settings,
                offspring,
                followers: broadcast::Sender::new(LINES_BEHIND),
                live: Live::default(),
                faults: Faults::default(),
            }),
            pools: Arc::default(),
        }
    }

    /// Makes the functions these. What runs is finished where it is; a changed function takes its
    /// next invocation in an environment of the new kind.
    pub async fn apply(&self, functions: Vec<Function>) {
        let folder = &self.services.settings.logs;
        // Without it the functions run all the same, and log to followers only.
        let _ = tokio::fs::create_dir_all(folder).await;
        let mut pools = self.pools.lock();
        let mut before = std::mem::take(&mut *pools);
        for function in functions {
            let name = function.name.clone();
            let pool = match before.remove(&name) {
                Some(pool) => {
                    if *pool.function() != function {
                        pool.replace(function);
                    }
                    pool
                }
                None => {
                    let followers = self.services.followers.clone();
                    let log = FunctionLog::new(folder, &name, followers);
                    Pool::new(Arc::clone(&self.services), log, function)
                }
            };
            pools.insert(name, pool);
        }
        for pool in before.values() {
            pool.drain();
        }
    }

    /// Starts an environment of each function and waits until it is ready. Says which could not
    /// start and why, each in one sentence.
    pub async fn warm(&self) -> Vec<String> {
        let pools = self.all();
        let failures = join_all(pools.iter().map(async |pool| {
            let failure = pool.warm().await.err()?;
            let (name, kind) = (&pool.function().name, failure.error_type());
            Some(format!(
                "{name} cannot start: {kind}: {}",
                failure.message()
            ))
        }));
        failures.await.into_iter().flatten().collect()
    }

    /// The function of this name, where there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Function> {
        Some(Function::clone(&*self.pool(name)?.function()))
    }

    /// All functions, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Function> {
        let pools = self.all();
        let functions = pools.iter().map(|pool| Function::clone(&pool.function()));
        functions.collect()
    }

    /// How they are doing, by name.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        self.all().iter().map(|pool| pool.status()).collect()
    }

    /// Invokes and waits for the answer. Where the caller goes away, the invocation goes on to its
    /// end, as Lambda's do.
    ///
    /// # Errors
    /// The invocation did not reach its function.
    pub async fn invoke(
        &self,
        name: &str,
        payload: Bytes,
        options: InvokeOptions,
    ) -> Result<Invoked, InvokeError> {
        let pool = self
            .pool(name)
            .ok_or_else(|| InvokeError::NotFound(name.to_owned()))?;
        if self.services.faults.throttles(&pool.function().name) {
            pool.turned_away();
            return Err(InvokeError::Throttled);
        }
        pool.invoke(payload, options).await
    }

    /// What goes on, for whoever watches.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.services.live
    }

    /// What is to fail on purpose.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.services.faults
    }

    /// Kills the function's processes, whatever they are at.
    pub(crate) fn kill(&self, name: &str) {
        if let Some(pool) = self.pool(name) {
            pool.kill();
        }
    }

    /// Log lines from now on.
    #[must_use]
    pub fn logs(&self) -> broadcast::Receiver<LogLine> {
        self.services.followers.subscribe()
    }

    /// A reader of what the function has logged so far, where there is such a function.
    pub(crate) async fn log_reader(&self, name: &str) -> Option<io::Result<LogReader>> {
        Some(self.pool(name)?.log.reader().await)
    }

    /// Lets what runs finish for a moment, then ends every environment.
    pub async fn stop(&self) {
        let pools = self.all();
        pools.iter().for_each(|pool| pool.drain());
        let drained = join_all(pools.iter().map(|pool| pool.drained()));
        let _ = timeout(DRAINING, drained).await;
        pools.iter().for_each(|pool| pool.end());
        join_all(pools.iter().map(async |pool| {
            let _ = timeout(ENDING, pool.ended()).await;
            pool.log.flush().await;
        }))
        .await;
    }

    fn pool(&self, name: &str) -> Option<Arc<Pool>> {
        self.pools.lock().get(name).cloned()
    }

    /// By name.
    fn all(&self) -> Vec<Arc<Pool>> {
        self.pools.lock().values().cloned().collect()
    }
}

impl Invoked {
    /// Of an invocation for which no environment could start.
    fn failed(request_id: &str, failure: &Failure, tail: bool) -> Self {
        Self {
            request_id: request_id.to_owned(),
            payload: failure.document(request_id),
            failed: true,
            log_tail: tail.then(Bytes::new),
        }
    }
}
