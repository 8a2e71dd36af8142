//! Runs functions: the Runtime API, one process per environment, and what Lambda promises around
//! them.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::definition::Function;
use crate::offspring::Offspring;

/// What came of an invocation that reached its function.
#[derive(Clone, Debug)]
pub struct Invoked {
    /// The invocation's id.
    pub request_id: String,
    /// The function's answer, or AWS's error document where `error` says so.
    pub payload: Bytes,
    /// The function answered with an error, or came to no answer.
    pub error: Option<FunctionError>,
    /// The end of the invocation's log, at most 4 KB, where it was asked for.
    pub log_tail: Option<Bytes>,
    /// `$LATEST`.
    pub executed_version: &'static str,
}

/// As in the header `X-Amz-Function-Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionError {
    /// The function reported it.
    Handled,
    /// It crashed, timed out or could not start.
    Unhandled,
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
#[derive(Clone, Copy, Debug, Default)]
pub struct InvokeOptions {
    /// Gather the log's tail.
    pub tail: bool,
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

/// The functions of a stack. Clones share them.
#[derive(Clone, Debug)]
pub struct Functions {}

impl Functions {
    /// Runs nothing yet.
    pub fn new(settings: Settings, offspring: Offspring) -> Self {
        let _ = (settings, offspring);
        todo!()
    }

    /// Makes the functions these. What runs is finished where it is; a changed function takes its
    /// next invocation in an environment of the new kind.
    pub async fn apply(&self, functions: Vec<Function>) {
        let _ = functions;
        todo!()
    }

    /// Starts an environment of each function and waits until it is ready, or says which could
    /// not start and why.
    pub async fn warm(&self) -> Result<(), String> {
        todo!()
    }

    /// The function of this name or ARN, where there is one.
    pub fn get(&self, name: &str) -> Option<Function> {
        let _ = name;
        todo!()
    }

    /// Invokes and waits for the answer.
    pub async fn invoke(
        &self,
        name: &str,
        payload: Bytes,
        options: InvokeOptions,
    ) -> Result<Invoked, InvokeError> {
        let _ = (name, payload, options);
        todo!()
    }

    /// Log lines from now on.
    pub fn logs(&self) -> tokio::sync::broadcast::Receiver<LogLine> {
        todo!()
    }

    /// Lets what runs finish for a moment, then ends every environment.
    pub async fn stop(&self) {
        todo!()
    }
}
