//! Child processes that never outlive this one, however it ends.
//!
//! A watcher, one small process, holds the reading end of a pipe on which each child announces
//! itself before it becomes its program. When this process is gone, even by `kill -9`, the pipe
//! closes and the watcher kills what is left. This works wherever there are pipes.

use std::io;
use std::path::PathBuf;

use tokio::process::{Child, Command};

/// Starts children under the watcher. Clones share it.
#[derive(Clone, Debug)]
pub struct Offspring {}

impl Offspring {
    /// Starts the watcher: `program` with `arguments`, which must call [`watch`] first thing.
    pub fn new(program: PathBuf, arguments: &[&str]) -> io::Result<Self> {
        let _ = (program, arguments);
        todo!()
    }

    /// Starts a child, in a process group of its own so that a terminal's Ctrl-C is not its
    /// business.
    pub fn spawn(&self, command: Command) -> io::Result<Child> {
        let _ = command;
        todo!()
    }

    /// Says that a child was waited for, so that its number may be another's.
    pub fn gone(&self, pid: u32) {
        let _ = pid;
        todo!()
    }
}

/// The watcher's whole life: reads the pipe on standard input until it closes, then kills.
pub fn watch() {
    todo!()
}
