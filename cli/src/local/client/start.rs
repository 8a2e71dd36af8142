//! Starts the stack's process so that it stays when the tool and its terminal go.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::error::Log;
use super::{Folder, LocalError, StartOptions};
use crate::app::installed;
use crate::local::private;
use crate::local::protocol::{HostFile, Started};

/// How long the process may take until it serves.
pub(super) const START: Duration = Duration::from_secs(30);
/// From this size on its log is begun anew.
const LONG_LOG: u64 = 1 << 20;

/// Starts the process and waits until it says that it serves.
pub(super) async fn start(folder: &Folder, options: &StartOptions) -> Result<HostFile, LocalError> {
    folder.forget_host()?;
    let (log, begin) = open_log(folder).map_err(|source| folder.unusable(source))?;
    let mut command = command(folder, options).map_err(LocalError::CannotStart)?;
    // Whoever waits for a descriptor of this command is not to wait for the process.
    host::offspring::keep_descriptors_here();
    let mut child = command
        .stderr(log)
        .spawn()
        .map_err(LocalError::CannotStart)?;
    let unexpected = Unexpected(child.id());
    let said = || Log(read_log(folder, begin).unwrap_or_default());
    let Some(stdout) = child.stdout.take() else {
        return Err(LocalError::Died(said()));
    };
    let mut line = String::new();
    let mut stdout = BufReader::new(stdout);
    match timeout(START, stdout.read_line(&mut line)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(LocalError::CannotStart(error)),
        Err(_) => {
            // It is not to come up after all when nobody expects it any more.
            let _ = child.kill().await;
            return Err(LocalError::Slow {
                seconds: START.as_secs(),
                log: said(),
            });
        }
    }
    match serde_json::from_str(&line) {
        Ok(Started::Ready(host)) => {
            std::mem::forget(unexpected);
            Ok(host)
        }
        Ok(Started::Failed(refusal)) => {
            // Its lock must be free when the next attempt is made.
            let _ = child.wait().await;
            Err(LocalError::refused(refusal))
        }
        Err(_) => Err(LocalError::Died(said())),
    }
}

/// A process that starts: dropped before it is ready, it is not to come up after all.
struct Unexpected(Option<u32>);

impl Drop for Unexpected {
    fn drop(&mut self) {
        let pid = self.0.and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            // Its children end with it. One that has ended is this process's still.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn command(folder: &Folder, options: &StartOptions) -> io::Result<Command> {
    let mut command = Command::new(installed::program()?);
    command
        .args(["local", "host", "--region", &options.region, "--state"])
        .arg(folder.path());
    if let Some(port) = options.port {
        command.args(["--port", &port.to_string()]);
    }
    // The tool's own settings are not meant for the process, least of all keys to AWS.
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CQRS_") || name_text.starts_with("AWS_") {
            command.env_remove(&name);
        }
    }
    command
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    Ok(command)
}

/// The log, for appending, and where it ends now.
fn open_log(folder: &Folder) -> io::Result<(File, u64)> {
    let path = folder.path().join("host.log");
    let long = fs::metadata(&path).is_ok_and(|file| file.len() > LONG_LOG);
    if long {
        fs::remove_file(&path)?;
    }
    let log = private::options().create(true).append(true).open(&path)?;
    let begin = log.metadata()?.len();
    Ok((log, begin))
}

/// The last lines of the log after `begin`.
fn read_log(folder: &Folder, begin: u64) -> io::Result<String> {
    let mut log = File::open(folder.path().join("host.log"))?;
    log.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(10)..].join("\n"))
}
