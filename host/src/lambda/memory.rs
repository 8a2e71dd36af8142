//! How much memory a process has used at most.
//!
//! The system keeps that mark. Asking for it takes a few microseconds of reading, so it is asked for
//! a few times a second and not at each invocation.

use std::time::Duration;

use tokio::time::Instant;

use crate::sync::Mutex;

/// How long an answer is good.
const GOOD: Duration = Duration::from_millis(200);

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    pid: Option<u32>,
    asked: Option<Instant>,
    most_mb: u64,
}

impl Memory {
    /// It is that of this process.
    pub(super) fn of(&self, pid: Option<u32>) {
        self.0.lock().pid = pid;
    }

    /// In whole MB, one at least; after the process's end what was last known.
    pub(super) fn most_used_mb(&self) -> u64 {
        let mut known = self.0.lock();
        if known.asked.is_none_or(|asked| asked.elapsed() >= GOOD) {
            known.asked = Some(Instant::now());
            let mark = known.pid.and_then(high_water_mark_kb);
            known.most_mb = mark.map_or(known.most_mb, |kb| kb.div_ceil(1024));
        }
        known.most_mb.max(1)
    }
}

/// Where the system has no such file, nothing is known.
fn high_water_mark_kb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mark = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    mark.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_has_used_some_memory() {
        let memory = Memory::default();
        assert_eq!(memory.most_used_mb(), 1);
        let memory = Memory::default();
        memory.of(Some(std::process::id()));
        assert!(memory.most_used_mb() > 1);
    }
}
