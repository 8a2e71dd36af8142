//! What the kernel tells of running processes, by `/proc`: on Linux only.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A process that was seen running. Its id may be another's later; the time of its start tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub pid: u32,
    /// The first 15 bytes of its program's name.
    pub name: String,
    parent: u32,
    started: u64,
    ticks: u64,
}

/// The process with this id, unless it has ended.
#[must_use]
pub fn seen(pid: u32) -> Option<Seen> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold some itself.
    let (start, rest) = text.rsplit_once(')')?;
    let (_, name) = start.split_once('(')?;
    let fields: Vec<_> = rest.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // One that ended stays as a zombie until its parent asks.
    let running = !matches!(*fields.first()?, "Z" | "X");
    running.then_some(())?;
    Some(Seen {
        pid,
        name: name.to_owned(),
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)?,
        started: number(19)?,
    })
}

/// The children of `pid`, and theirs.
#[must_use]
pub fn below(pid: u32) -> Vec<Seen> {
    let all = all();
    let mut parents = vec![pid];
    let mut found = Vec::new();
    while let Some(parent) = parents.pop() {
        for child in all.iter().filter(|process| process.parent == parent) {
            parents.push(child.pid);
            found.push(child.clone());
        }
    }
    found
}

/// The processes whose program or whose working folder lies in `folder`.
#[must_use]
pub fn within(folder: &Path) -> Vec<Seen> {
    let inside = |process: &Seen, link| {
        let to: Option<PathBuf> = fs::read_link(format!("/proc/{}/{link}", process.pid)).ok();
        to.is_some_and(|to| to.starts_with(folder))
    };
    let mut all = all();
    all.retain(|process| inside(process, "exe") || inside(process, "cwd"));
    all
}

fn all() -> Vec<Seen> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| seen(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

impl Seen {
    /// It has not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.now().is_some()
    }

    /// The CPU time that it has used, of all its threads; zero when it has ended.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        // SAFETY: a call without arguments in memory.
        let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
        let ticks = self.now().map_or(0, |now| now.ticks);
        Duration::from_secs_f64(ticks as f64 / per_second as f64)
    }

    /// Its memory in bytes, with its share of what it shares with others.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid));
        let kilobytes = text.ok().and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        });
        kilobytes.unwrap_or(0) * 1024
    }

    /// Ends it at once, as `kill -9` does, if it still runs.
    pub fn kill(&self) {
        if self.is_running() {
            // SAFETY: a system call.
            unsafe {
                libc::kill(self.pid.cast_signed(), libc::SIGKILL);
            }
        }
    }

    fn now(&self) -> Option<Seen> {
        seen(self.pid).filter(|now| now.started == self.started)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::eventually;
    use crate::process::Process;

    #[test]
    fn a_process_is_seen_below_its_parent_and_in_its_folder_until_it_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Process::spawn(Command::new("sleep").arg("60").current_dir(folder.path()));
        let pid = child.child().id();
        let below = below(std::process::id());
        let found = below.iter().find(|process| process.pid == pid).unwrap();
        // Between fork and exec it still has this program's name.
        assert!(eventually(Duration::from_secs(5), || {
            seen(pid).is_some_and(|process| process.name == "sleep")
        }));
        assert!(within(&folder.path().canonicalize().unwrap()).contains(&seen(pid).unwrap()));
        assert!(found.is_running());
        assert!(found.memory() > 0);
        found.kill();
        assert!(eventually(Duration::from_secs(5), || !found.is_running()));
    }
}
