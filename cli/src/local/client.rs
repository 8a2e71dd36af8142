//! Finds the stack's background process, starts it where it should run, and asks it.
//!
//! Finding it costs one look at a lock and one small file, so that a command to a running stack
//! takes no longer than one to AWS's own address would.

mod error;
mod folder;
mod http;
mod start;
mod stop;

use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::error::LocalError;
pub(crate) use self::folder::{Folder, Held};
use crate::local::protocol::{Deployed, Deployment, Description, HostFile, Status};

/// How long a process may take to end after its port is closed.
const ENDING: Duration = Duration::from_secs(5);

/// A background process that runs.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    folder: Folder,
    host: HostFile,
}

/// What a process that is to be started must be told.
#[derive(Clone, Debug)]
pub(crate) struct StartOptions {
    /// The region in ARNs, for a stack that is not deployed yet.
    pub(crate) region: String,
    /// The port that must be taken; else the last one if it is free, else any.
    pub(crate) port: Option<u16>,
}

/// How a process came to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// It ran already.
    Found,
    /// It was started.
    Started,
}

impl Client {
    /// The stack's process, if it runs.
    pub(crate) fn attach(folder: &Folder) -> Result<Option<Self>, LocalError> {
        if !folder.is_served()? {
            return Ok(None);
        }
        Ok(folder.host_file().map(|host| Self {
            folder: folder.clone(),
            host,
        }))
    }

    /// The stack's process, started where it does not run; the folder must be there.
    pub(crate) async fn ensure_running(
        folder: &Folder,
        options: &StartOptions,
    ) -> Result<(Self, Came), LocalError> {
        if let Some(client) = Self::attach(folder)? {
            if client.accepts() {
                return Ok((client, Came::Found));
            }
            // It ends, and its lock goes last; where it hangs, what follows says so.
            folder.is_released(ENDING).await?;
        }
        // Of several tools one starts it, and the others find it running.
        let _starting = folder.hold_starting().await?;
        if folder.is_served()? {
            let host = folder.await_host_file().await?;
            let folder = folder.clone();
            return Ok((Self { folder, host }, Came::Found));
        }
        let host = start::start(folder, options).await?;
        let folder = folder.clone();
        Ok((Self { folder, host }, Came::Started))
    }

    /// Whether somebody listens on the process's port.
    pub(crate) fn accepts(&self) -> bool {
        let address = (Ipv4Addr::LOCALHOST, self.host.port).into();
        TcpStream::connect_timeout(&address, ENDING).is_ok()
    }

    /// The address for AWS's clients.
    pub(crate) fn endpoint(&self) -> String {
        self.host.endpoint()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.host.pid
    }

    pub(crate) fn port(&self) -> u16 {
        self.host.port
    }

    /// The version of the process, where it is not this tool's.
    pub(crate) fn other_version(&self) -> Option<&str> {
        (self.host.version != env!("CARGO_PKG_VERSION")).then_some(&self.host.version)
    }

    /// Makes the stack what `deployment` says.
    pub(crate) async fn deploy(&self, deployment: &Deployment) -> Result<Deployed, LocalError> {
        self.call("deploy", deployment).await
    }

    /// The stack as it is.
    pub(crate) async fn describe(&self) -> Result<Description, LocalError> {
        self.call("describe", &serde_json::json!({})).await
    }

    /// How the stack is doing.
    pub(crate) async fn status(&self) -> Result<Status, LocalError> {
        self.call("status", &serde_json::json!({})).await
    }

    /// Ends the process; returns when it is gone.
    pub(crate) async fn stop(self) -> Result<(), LocalError> {
        stop::stop(self).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, LocalError> {
        let body = serde_json::to_vec(body).map_err(LocalError::Unintelligible)?;
        let answer = http::post(&self.host, path, &body)
            .await
            .map_err(LocalError::Unreachable)?;
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body).map_err(LocalError::Unintelligible);
        }
        let refusal = serde_json::from_slice(&answer.body).map_err(LocalError::Unintelligible)?;
        Err(LocalError::refused(refusal))
    }
}
