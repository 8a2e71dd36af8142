//! The read model's server: a real one as a child, or one that somebody else runs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::offspring::Offspring;

/// Which server to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Choice {
    /// This program, as a child: `valkey-server`, `redis-server` or `meebis`.
    Program(PathBuf),
    /// A server that is there: `redis://host:port`.
    Url(String),
}

/// Where it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// A name or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// See the text.
    #[error("{0}")]
    Unusable(String),
}

/// A server that runs. Clones share it; a child that dies is started again on the same port.
#[derive(Clone, Debug)]
pub struct Cache {}

impl Cache {
    /// Starts the child, preferring `port`, or connects; returns when it answers.
    pub async fn start(
        choice: Choice,
        folder: PathBuf,
        port: Option<u16>,
        offspring: Offspring,
    ) -> Result<Self, CacheError> {
        let _ = (choice, folder, port, offspring);
        todo!()
    }

    /// Where it is reached.
    pub fn address(&self) -> Address {
        todo!()
    }

    /// Changes each time the child was started again, and so is empty.
    pub fn restarted(&self) -> tokio::sync::watch::Receiver<u64> {
        todo!()
    }

    /// The text that was kept under `key`, which tells an emptied server from a full one.
    pub async fn marker(&self, key: &str) -> Result<Option<String>, CacheError> {
        let _ = key;
        todo!()
    }

    /// Keeps `value` under `key`.
    pub async fn set_marker(&self, key: &str, value: &str) -> Result<(), CacheError> {
        let _ = (key, value);
        todo!()
    }

    /// Ends the child.
    pub async fn stop(&self) {
        todo!()
    }
}
