//! Finds processes by a mark in their environment. A process hands its environment on to those that it
//! starts, so the mark stays with them whatever group, session or parent they come to be of.
//!
//! Linux shows the environment of the own user's processes in `/proc`; elsewhere none is found. A
//! process that was started with another environment is not found either.

use std::path::Path;
use std::process;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The variable with the mark.
pub(crate) const VARIABLE: &str = "CQRS_OFFSPRING";

/// Between a signal and the next look.
const PAUSE: Duration = Duration::from_millis(1);
/// A process that starts others faster than they are found is not chased for ever.
const MOST_LOOKS: u32 = 200;

/// The mark of a stack's child: the stack's folder, and the child's number.
pub(crate) fn of_child(owner: &Path, number: u32) -> String {
    format!("{}#{number}", owner.display())
}

/// What the marks of all children of a stack begin with.
fn of_all(owner: &Path) -> String {
    format!("{}#", owner.display())
}

/// The processes that carry exactly this mark.
pub(crate) fn carriers(mark: &str) -> impl Iterator<Item = u32> {
    processes(move |held| held == mark.as_bytes())
}

/// Kills every process that carries this mark, and returns when there is none.
pub(crate) fn end_child(mark: &str) {
    end(|held| held == mark.as_bytes());
}

/// Kills every process that a stack's process started, or that these did, and returns when there is
/// none.
pub(crate) fn end_all(owner: &Path) {
    let start = of_all(owner);
    end(|held| held.starts_with(start.as_bytes()));
}

fn end(is_meant: impl Fn(&[u8]) -> bool) {
    for _ in 0..MOST_LOOKS {
        let mut some = false;
        for pid in processes(&is_meant) {
            some = true;
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // It fails where the process has just ended.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        if !some {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

fn processes(is_meant: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(move |&pid| pid != process::id() && mark(pid).is_some_and(|held| is_meant(&held)))
}

/// The mark of a process, if it has one and it is one of this user's.
fn mark(pid: u32) -> Option<Vec<u8>> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|&byte| byte == 0).find_map(|variable| {
        let value = variable.strip_prefix(VARIABLE.as_bytes())?;
        Some(value.strip_prefix(b"=")?.to_vec())
    })
}
