//! Finds the stack's background process, starts it where it should run, and asks it.
//!
//! Finding it costs one look at a lock and one small file, so that a command to a running stack
//! takes no longer than one to AWS's own address would.

mod error;
mod folder;
mod http;
mod start;
mod stop;

use std::net::Ipv4Addr;
use std::time::Duration;

use host::bucket::Buckets;
use host::faults::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) use self::error::LocalError;
pub(crate) use self::folder::{Folder, Held};
use crate::app::version::VERSION;
use crate::aws::Aws;
use crate::aws::process::Process;
use crate::local::protocol::{
    BUCKETS, Deployed, Deployment, Description, Faults, HostFile, Live, Look, Status,
};
use crate::settings::LOCAL_REGION;

/// How long a process may take to end after its port is closed.
const ENDING: Duration = Duration::from_secs(5);

/// A background process that runs.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    folder: Folder,
    host: HostFile,
}

/// What a process that is to be started must be given.
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
            folder.end_left()?;
            return Ok(None);
        }
        Ok(folder.host_file().map(|host| Self {
            folder: folder.clone(),
            host,
        }))
    }

    /// The same, if a process listens on its port: one that ends does so no longer.
    pub(crate) async fn listening(folder: &Folder) -> Result<Option<Self>, LocalError> {
        match Self::attach(folder)? {
            Some(client) if client.accepts().await => Ok(Some(client)),
            _ => Ok(None),
        }
    }

    /// The stack's process, started where it does not run; the folder must be there.
    pub(crate) async fn ensure_running(
        folder: &Folder,
        options: &StartOptions,
    ) -> Result<(Self, Came), LocalError> {
        if let Some(client) = Self::attach(folder)? {
            if client.accepts().await {
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

    /// Whether anything listens on the process's port.
    async fn accepts(&self) -> bool {
        let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, self.host.port));
        timeout(ENDING, connecting).await.is_ok_and(|c| c.is_ok())
    }

    /// The address for AWS's clients.
    pub(crate) fn endpoint(&self) -> String {
        self.process().endpoint()
    }

    /// The stack's buckets, which are files in its folder.
    pub(crate) fn buckets(&self) -> Buckets {
        Buckets::below(self.folder.path().join(BUCKETS))
    }

    fn process(&self) -> Process {
        self.host.process()
    }

    /// What stands in for AWS.
    pub(crate) fn aws(&self) -> Aws {
        Aws::on_this_machine(self.process(), self.region())
    }

    /// The region in the stack's ARNs.
    pub(crate) fn region(&self) -> &str {
        self.host.region.as_deref().unwrap_or(LOCAL_REGION)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.host.pid
    }

    pub(crate) fn port(&self) -> u16 {
        self.host.port
    }

    /// The version of the process, where it is not this tool's.
    pub(crate) fn other_version(&self) -> Option<&str> {
        (self.host.version != VERSION).then_some(&self.host.version)
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

    /// What goes on in it, and the single changes after number `after`.
    pub(crate) async fn live(&self, after: u64) -> Result<Live, LocalError> {
        self.call("live", &Look { after }).await
    }

    /// Lets something go wrong.
    pub(crate) async fn fault(&self, fault: &Fault) -> Result<Faults, LocalError> {
        self.call("fault", fault).await
    }

    /// What goes wrong on purpose.
    pub(crate) async fn faults(&self) -> Result<Faults, LocalError> {
        self.call("faults", &serde_json::json!({})).await
    }

    /// Ends all that goes wrong on purpose.
    pub(crate) async fn clear_faults(&self) -> Result<Faults, LocalError> {
        self.call("clear-faults", &serde_json::json!({})).await
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
        let asking = http::post(&self.host, path, body);
        let answer = self.process().unless_silent(asking).await?;
        let answer = answer.map_err(LocalError::Unreachable)?;
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body).map_err(LocalError::Unintelligible);
        }
        let refusal = serde_json::from_slice(&answer.body).map_err(LocalError::Unintelligible)?;
        Err(LocalError::refused(refusal))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream as Blocking};

    use super::*;
    use crate::app::places::Places;

    #[tokio::test]
    async fn a_port_that_takes_no_connection_holds_nothing_else_up() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        // Until its queue is full nobody need take a connection.
        let moment = Duration::from_millis(100);
        let full: Vec<_> =
            std::iter::from_fn(|| Blocking::connect_timeout(&address, moment).ok()).collect();
        let folder = tempfile::tempdir().unwrap();
        let host = HostFile {
            pid: std::process::id(),
            port: address.port(),
            token: String::new(),
            version: String::new(),
            region: None,
        };
        let places = Places::Project(folder.path().to_owned());
        let client = Client {
            folder: Folder::of(&places, &"cqrs".parse().unwrap()).unwrap(),
            host,
        };
        let others = tokio::time::sleep(Duration::from_millis(1));
        tokio::select! {
            biased;
            _ = client.accepts() => panic!("{} connections did not fill it", full.len()),
            () = others => {}
        }
    }
}
