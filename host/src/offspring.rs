//! Child processes that never outlive this one, however it ends.
//!
//! Three things see to that, since any of these processes may be killed at any moment:
//!
//! - A watcher, one small process, holds the reading end of a pipe on which each child announces
//!   itself before it becomes its program. When this process is gone, even by `kill -9`, the pipe
//!   closes and the watcher kills what is left. This works wherever there are pipes.
//! - Linux kills each child when the thread that started it ends: a thread that lives for as long as
//!   this process. So the children end though the watcher was killed too.
//! - A [`mark`](crate::mark) tells what the children started themselves, also where it left their
//!   process group. It ends with its child, and what is left all the same, where the next process
//!   of the same owner begins.
//!
//! A record on the pipe is eight bytes, written at once: the child's process id and a number of
//! ours, its ticket. A record with the process id zero takes the ticket back. Tickets, since of a
//! child that failed to become its program we never learn the process id.

use std::collections::HashMap;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::mark;
use crate::sync::Mutex;

mod descriptors;
mod starter;

pub use descriptors::keep_descriptors_here;
use starter::Starter;

const RECORD: usize = 8;
/// In place of a process id: the ticket is taken back.
const GONE: u32 = 0;
/// Tells the watcher whose children it watches.
const OWNER: &str = "CQRS_WATCHED";

/// Starts children under the watcher. Clones share it.
#[derive(Clone, Debug)]
pub struct Offspring(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    program: PathBuf,
    arguments: Vec<String>,
    owner: PathBuf,
    starter: Starter,
    writer: PipeWriter,
    /// Kept so that a child can announce itself also in the moment in which the watcher has died,
    /// and so that the next watcher reads on.
    reader: PipeReader,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    watcher: process::Child,
    /// The living children's tickets, by process id.
    living: HashMap<u32, u32>,
    last_ticket: u32,
}

impl Offspring {
    /// Starts the watcher: `program` with `arguments`, which must call [`watch`] first thing. `owner`
    /// is a folder that no other process has children for; what an earlier one left is ended.
    ///
    /// # Errors
    /// Those of making a pipe and of starting a process or a thread.
    pub fn new(program: PathBuf, arguments: &[&str], owner: &Path) -> io::Result<Self> {
        keep_descriptors_here();
        mark::end_all(owner);
        let arguments: Vec<String> = arguments.iter().map(|&one| one.to_owned()).collect();
        let (reader, writer) = io::pipe()?;
        let watcher = start_watcher(&program, &arguments, owner, &reader)?;
        Ok(Self(Arc::new(Shared {
            program,
            arguments,
            owner: owner.to_owned(),
            starter: Starter::new()?,
            writer,
            reader,
            state: Mutex::new(State {
                watcher,
                living: HashMap::new(),
                last_ticket: 0,
            }),
        })))
    }

    /// Starts a child, in a process group of its own so that a terminal's Ctrl-C is not its
    /// business. It takes about a millisecond and blocks the thread. To be called from a runtime's
    /// thread.
    ///
    /// # Errors
    /// Those of starting a process.
    pub fn spawn(&self, mut command: Command) -> io::Result<Child> {
        let shared = &*self.0;
        let ticket = {
            let mut state = shared.state.lock();
            shared.keep_watcher(&mut state)?;
            state.last_ticket = state.last_ticket.wrapping_add(1);
            state.last_ticket
        };
        command
            .process_group(0)
            .env(mark::VARIABLE, mark::of_child(&shared.owner, ticket));
        let writer = shared.writer.try_clone()?;
        // SAFETY: the closure runs in the forked child, where only async-signal-safe calls are
        // allowed. It makes two system calls and touches nothing but its own stack.
        unsafe {
            command.pre_exec(move || announce(&writer, process::id(), ticket));
        }
        let spawned = shared.starter.start(command);
        let mut state = shared.state.lock();
        match spawned.as_ref().map(Child::id) {
            Ok(Some(pid)) => {
                state.living.insert(pid, ticket);
            }
            _ => announce(&shared.writer, GONE, ticket)?,
        }
        // The announcement may have been the last thing that a watcher read.
        shared.keep_watcher(&mut state)?;
        spawned
    }

    /// Whether `pid` is the child with the id `child`, or one of those that it started.
    pub(crate) fn is_of(&self, child: u32, holds: impl Fn(u32) -> bool) -> bool {
        if holds(child) {
            return true;
        }
        let ticket = self.0.state.lock().living.get(&child).copied();
        ticket.is_some_and(|ticket| {
            let mark = mark::of_child(&self.0.owner, ticket);
            mark::carriers(&mark).any(holds)
        })
    }

    /// Says that a child was waited for, so that its number may be another's, and ends what it
    /// started. It may take some milliseconds and blocks the thread.
    pub fn gone(&self, pid: u32) {
        // Its number is nobody else's while some of its group live, and none of them are its
        // group where none do.
        kill_group(pid);
        let ticket = {
            let mut state = self.0.state.lock();
            let ticket = state.living.remove(&pid);
            if let Some(ticket) = ticket {
                // Without a watcher nobody needs to know; the next one gets those that run.
                let _ = announce(&self.0.writer, GONE, ticket);
            }
            ticket
        };
        if let Some(ticket) = ticket {
            mark::end_child(&mark::of_child(&self.0.owner, ticket));
        }
    }

    /// The watcher's process id.
    #[must_use]
    pub fn watcher(&self) -> u32 {
        self.0.state.lock().watcher.id()
    }
}

/// Ends what a process left that had children for this owner, and that is gone itself.
pub fn end_left(owner: &Path) {
    mark::end_all(owner);
}

impl Shared {
    /// Where the watcher has died, starts another and tells it of all living children.
    fn keep_watcher(&self, state: &mut State) -> io::Result<()> {
        if state.watcher.try_wait()?.is_none() {
            return Ok(());
        }
        state.watcher = start_watcher(&self.program, &self.arguments, &self.owner, &self.reader)?;
        for (&pid, &ticket) in &state.living {
            announce(&self.writer, pid, ticket)?;
        }
        Ok(())
    }
}

impl Drop for Shared {
    /// Without a handle nobody can wait for the children any more: they end, and the watcher too.
    fn drop(&mut self) {
        let mut state = self.state.lock();
        let some = !state.living.is_empty();
        for &pid in state.living.keys() {
            kill_group(pid);
        }
        if some {
            mark::end_all(&self.owner);
        }
        let _ = state.watcher.kill();
        let _ = state.watcher.wait();
    }
}

fn start_watcher(
    program: &Path,
    arguments: &[String],
    owner: &Path,
    reader: &PipeReader,
) -> io::Result<process::Child> {
    process::Command::new(program)
        .args(arguments)
        .env_clear()
        .env(OWNER, owner)
        .current_dir("/")
        .stdin(reader.try_clone()?)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

fn announce(mut writer: &PipeWriter, pid: u32, ticket: u32) -> io::Result<()> {
    let mut record = [0; RECORD];
    record[..4].copy_from_slice(&pid.to_ne_bytes());
    record[4..].copy_from_slice(&ticket.to_ne_bytes());
    // A pipe takes so few bytes whole or not at all.
    writer.write_all(&record)
}

/// Kills a child's process group: the child, and what it started.
pub(crate) fn kill_group(pid: u32) {
    if let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It fails where none is left, which is what was wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The watcher's whole life: reads the pipe on standard input until it closes, then kills.
pub fn watch() {
    let mut living = HashMap::new();
    let mut input = io::stdin().lock();
    let mut record = [0; RECORD];
    while input.read_exact(&mut record).is_ok() {
        let [p0, p1, p2, p3, t0, t1, t2, t3] = record;
        let pid = u32::from_ne_bytes([p0, p1, p2, p3]);
        let ticket = u32::from_ne_bytes([t0, t1, t2, t3]);
        if pid == GONE {
            living.remove(&ticket);
        } else {
            living.insert(ticket, pid);
        }
    }
    let some = !living.is_empty();
    for pid in living.into_values() {
        kill_group(pid);
    }
    if let Some(owner) = std::env::var_os(OWNER).filter(|_| some) {
        mark::end_all(Path::new(&owner));
    }
}
