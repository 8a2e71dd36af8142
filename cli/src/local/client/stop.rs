//! Ends the stack's process: asked first, then made to.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;

use super::{Client, LocalError, http};

/// How long the process may take to end in order.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the operating system may take to end it.
const LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn stop(client: Client) -> Result<(), LocalError> {
    let Client { folder, host } = client;
    // Gone already, or past answering: its lock tells.
    let _ = timeout(PATIENCE, http::post(&host, "stop", b"{}".to_vec())).await;
    if folder.is_released(PATIENCE).await? {
        return Ok(());
    }
    // The number may be another process's by now: only one that still serves wrote it.
    let same = folder.host_file().is_none_or(|now| now == host);
    let pid = i32::try_from(host.pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid.filter(|_| same) {
        // Its children end with it.
        let _ = kill_process(pid, Signal::KILL);
    }
    if folder.is_released(LIMIT).await? {
        folder.forget_host()
    } else {
        Err(LocalError::DoesNotEnd { pid: host.pid })
    }
}
