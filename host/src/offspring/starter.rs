//! The thread that starts children. Linux kills a child when the thread that started it ends, so it
//! has to be one that lives for as long as this process does.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;

/// See the module's documentation. The thread ends with this.
#[derive(Debug)]
pub(super) struct Starter(mpsc::Sender<Order>);

#[derive(Debug)]
struct Order {
    command: Command,
    /// The runtime that waits for the child.
    runtime: Handle,
    started: mpsc::Sender<io::Result<Child>>,
}

impl Starter {
    pub(super) fn new() -> io::Result<Self> {
        let (orders, taken) = mpsc::channel::<Order>();
        thread::Builder::new()
            .name("offspring".to_owned())
            .spawn(move || {
                for order in taken {
                    let _inside = order.runtime.enter();
                    // Where nobody waits any more, the child is dropped, which ends it if it was to.
                    let _ = order.started.send(spawn(order.command));
                }
            })?;
        Ok(Self(orders))
    }

    /// Starts a child; blocks the thread meanwhile.
    pub(super) fn start(&self, command: Command) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts processes is gone");
        let (started, answer) = mpsc::channel();
        let order = Order {
            command,
            runtime: Handle::try_current().map_err(io::Error::other)?,
            started,
        };
        self.0.send(order).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

#[cfg(target_os = "linux")]
fn spawn(mut command: Command) -> io::Result<Child> {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
    let parent = getpid();
    // SAFETY: the closure runs in the forked child, where only async-signal-safe calls are allowed. It
    // makes two system calls and touches nothing but its own stack.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have ended before there was a signal to come of it.
            if getppid() == Some(parent) {
                Ok(())
            } else {
                Err(rustix::io::Errno::CHILD.into())
            }
        });
    }
    command.spawn()
}

#[cfg(not(target_os = "linux"))]
fn spawn(mut command: Command) -> io::Result<Child> {
    command.spawn()
}
