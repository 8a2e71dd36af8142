//! The cache as a child: started, watched, started again.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::resp::{RespError, ask, info_field};
use super::{Address, CacheError, Strain};
use crate::offspring::Offspring;
use crate::pause::Pause;

/// How long a child may take until it answers.
const START: Duration = Duration::from_secs(10);
/// Between finding a port free and taking it, another process may take it.
const PORTS: usize = 5;
/// Before a child is started again: this long at first, then twice as long each time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// One that ran this long was well: the pause is short again.
const WELL: Duration = Duration::from_secs(60);

/// Ends the child when it is dropped or asked to.
#[derive(Debug)]
pub(super) struct Keeper {
    strains: mpsc::UnboundedSender<Strain>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Does this to the child that runs now; false after the end.
    pub(super) fn strain(&self, strain: Strain) -> bool {
        self.strains.send(strain).is_ok()
    }

    /// Returns when the child is gone.
    pub(super) async fn stop(self) {
        drop(self.strains);
        // Its only failure is a runtime that ends, which ends the child too.
        let _ = self.task.await;
    }
}

/// Starts the program and keeps it running.
pub(super) async fn start(
    program: PathBuf,
    folder: PathBuf,
    preferred: Option<u16>,
    offspring: Offspring,
    restarts: Arc<watch::Sender<u64>>,
) -> Result<(Address, Keeper), CacheError> {
    let mut server = Server {
        program,
        folder,
        port: 0,
        offspring,
    };
    std::fs::create_dir_all(&server.folder).map_err(|e| server.does_not_start(&e))?;
    let mut ports = preferred.into_iter().filter(|port| is_free(*port));
    let mut attempts = 0;
    let child = loop {
        server.port = match ports.next() {
            Some(port) => port,
            None => free_port().map_err(|e| server.does_not_start(&e))?,
        };
        attempts += 1;
        match server.start().await {
            Ok(child) => break child,
            // A program that cannot start at all would not start on another port either.
            Err(error) if attempts == PORTS || is_free(server.port) => return Err(error),
            Err(_) => {}
        }
    };
    let address = server.address();
    let (strains, strained) = mpsc::unbounded_channel();
    let task = tokio::spawn(server.keep(child, restarts, strained));
    Ok((address, Keeper { strains, task }))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// What it takes to start the child.
struct Server {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    offspring: Offspring,
}

impl Server {
    fn address(&self) -> Address {
        Address {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: self.port,
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.join("cache.log")
    }

    fn does_not_start(&self, why: &io::Error) -> CacheError {
        CacheError::DoesNotStart {
            program: self.program.clone(),
            said: why.to_string(),
        }
    }

    /// Starts a child and waits until it answers.
    async fn start(&self) -> Result<Child, CacheError> {
        let mut child = self.spawn().map_err(|e| self.does_not_start(&e))?;
        let pid = child.id();
        let deadline = Instant::now() + START;
        loop {
            tokio::select! {
                _ = child.wait() => {
                    self.gone(pid);
                    return Err(self.ended());
                }
                answered = self.answers(pid) => match answered {
                    Ok(true) => return Ok(child),
                    Ok(false) | Err(_) if Instant::now() < deadline => {}
                    _ => {
                        self.end(child).await;
                        return Err(self.ended());
                    }
                },
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        let log = File::create(self.log())?;
        let mut command = Command::new(&self.program);
        command
            .args(arguments(&self.program, self.port, &self.folder))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        self.offspring.spawn(command)
    }

    /// Whether it is this child that answers: another server on the port would, too.
    async fn answers(&self, pid: Option<u32>) -> Result<bool, RespError> {
        let Some(info) = ask(&self.address(), &["INFO", "server"]).await? else {
            return Ok(false);
        };
        let said = info_field(&info, "process_id").and_then(|id| id.parse().ok());
        Ok(said.is_none() || said == pid)
    }

    fn ended(&self) -> CacheError {
        CacheError::DoesNotStart {
            program: self.program.clone(),
            said: last_lines(&self.log()),
        }
    }

    fn gone(&self, pid: Option<u32>) {
        if let Some(pid) = pid {
            self.offspring.gone(pid);
        }
    }

    /// Starts the child again whenever it dies, until nobody is left who could strain it.
    async fn keep(
        self,
        mut child: Child,
        restarts: Arc<watch::Sender<u64>>,
        mut strained: mpsc::UnboundedReceiver<Strain>,
    ) {
        let mut pause = Pause::between(SHORTEST_PAUSE, LONGEST_PAUSE);
        loop {
            let pid = child.id();
            let begun = Instant::now();
            loop {
                tokio::select! {
                    _ = child.wait() => break self.gone(pid),
                    strain = strained.recv() => match strain {
                        // The child is not awaited yet, so the number is its own.
                        Some(strain) => signal(pid, strain),
                        None => return self.end(child).await,
                    },
                }
            }
            if begun.elapsed() > WELL {
                pause.reset();
            }
            child = loop {
                tokio::select! {
                    () = pause.pass() => {}
                    // There is no child to be strained.
                    strain = strained.recv() => match strain {
                        Some(_) => continue,
                        None => return,
                    },
                }
                if let Ok(child) = self.start().await {
                    break child;
                }
            };
            restarts.send_modify(|count| *count += 1);
        }
    }

    /// Ends the child at once: it keeps nothing that an orderly end would save, and a server that
    /// rests looks for signals once a second.
    async fn end(&self, mut child: Child) {
        let pid = child.id();
        let _ = child.kill().await;
        self.gone(pid);
    }
}

/// It fails where the process has just ended.
fn signal(pid: Option<u32>, strain: Strain) {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok());
    if let Some(pid) = pid.and_then(Pid::from_raw) {
        let _ = kill_process(
            pid,
            match strain {
                Strain::Stop => Signal::STOP,
                Strain::GoOn => Signal::CONT,
                Strain::Kill => Signal::KILL,
            },
        );
    }
}

/// What makes the program a server without a memory, and one that rests when nobody asks it.
fn arguments(program: &Path, port: u16, folder: &Path) -> Vec<std::ffi::OsString> {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let mut arguments: Vec<std::ffi::OsString> = Vec::new();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(Into::into));
    add(&["--bind", "127.0.0.1", "--port", &port.to_string()]);
    if name.starts_with("meebis") {
        // In memory and quiet unless it is configured otherwise.
        return arguments;
    }
    add(&["--save", "", "--appendonly", "no", "--daemonize", "no"]);
    add(&["--protected-mode", "yes", "--databases", "1"]);
    // Its periodic work, ten times a second by default, is all that an idle server does.
    add(&["--hz", "1", "--loglevel", "warning", "--dir"]);
    arguments.push(folder.into());
    arguments
}

/// The end of what a program said, on one line.
fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}
