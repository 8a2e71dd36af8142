//! What a run's prices depend on, and what it was driven from.

use std::time::Duration;

use aws_sdk_lambda::types::Architecture;
use rustix::time::{ClockId, clock_gettime};

use super::cost::Machine;
use crate::aws::Aws;
use crate::settings::Target;

/// What a function runs on. Who may not ask that, which costs nothing but the exact price, gets
/// the template's defaults.
pub(crate) async fn of_function(aws: &Aws, function: &str) -> Machine {
    let asked = aws.lambda();
    let asked = asked.get_function_configuration().function_name(function);
    let Ok(found) = asked.send().await else {
        return Machine::default();
    };
    let memory_mb = found.memory_size().and_then(|mb| u32::try_from(mb).ok());
    // On this machine the functions are its own programs, and say nothing of it.
    let arm64 = match (aws.target(), found.architectures()) {
        (Target::Local, []) => std::env::consts::ARCH == "aarch64",
        (_, architectures) => architectures.contains(&Architecture::Arm64),
    };
    Machine {
        memory_mb: memory_mb.unwrap_or(Machine::default().memory_mb),
        arm64,
    }
}

/// This machine, in a few words.
pub(crate) fn this() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (system, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{cores} cores, {architecture}, {system}")
}

/// The CPU time of this process since it started: a client that uses up its own processor measures
/// itself.
pub(super) fn used() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}
