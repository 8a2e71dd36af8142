//! The CPU time of this process: a client that uses up its own processor measures itself.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Since it started.
pub(super) fn used() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}
