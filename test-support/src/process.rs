//! A child process that ends with its handle, and with the test if that is killed.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use crate::eventually;

/// A running child with all that it started.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts `command` in a process group of its own.
    ///
    /// On Linux the kernel kills it when the thread that started it ends, so start it from the
    /// thread that keeps the handle.
    pub fn spawn(command: &mut Command) -> Self {
        command.process_group(0);
        #[cfg(target_os = "linux")]
        // SAFETY: prctl is a system call and async-signal-safe; it touches no memory of ours.
        unsafe {
            command.pre_exec(
                || match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                },
            );
        }
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {:?}: {error}", command.get_program()));
        Self { child }
    }

    /// The child, to take its streams.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it did before `limit` was over.
    pub fn ended(&mut self, limit: Duration) -> Option<ExitStatus> {
        let mut status = None;
        eventually(limit, || {
            status = self.child.try_wait().expect("it is our child");
            status.is_some()
        });
        status
    }

    /// Sends `signal` to it alone.
    pub fn signal(&self, signal: i32) {
        // SAFETY: a system call on the id of a child that was not waited for yet.
        unsafe {
            libc::kill(self.child.id().cast_signed(), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: a system call; the group's id is ours until its leader is waited for below.
        unsafe {
            libc::killpg(self.child.id().cast_signed(), libc::SIGKILL);
        }
        let _ = self.child.wait();
    }
}
