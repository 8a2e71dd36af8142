//! The one interrupt of the program: Ctrl-C, and every other signal that asks it to end.
//!
//! The first ends the command at its next await, wherever that is. A command that must bring
//! something to an end before (messages are given back to their queue, commands under way are
//! answered) holds the end off and looks at the interrupt itself. The second ends the process at
//! once, in the signal's handler: nothing that blocks a thread can be in its way.
//!
//! What is awaited here is boxed: commands are large futures, and one that is handed on lies in
//! each that it is handed to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::error::{Failure, Kind};

/// How long what is under way may still go on.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    asked: watch::Receiver<bool>,
    /// How many hold the end off.
    holds: watch::Sender<usize>,
}

/// For as long as it lives, the command ends by itself.
#[derive(Debug)]
#[must_use]
pub(crate) struct Hold(watch::Sender<usize>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.send_modify(|holds| *holds -= 1);
    }
}

impl Interrupt {
    /// Listens from now on. A signal that cannot be listened to ends the process, as by default.
    pub(crate) fn listen() -> Self {
        let (ask, asked) = watch::channel(false);
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        // Whoever started this with `nohup` wants it to outlive the terminal.
        let hangup = (!is_ignored(SIGHUP)).then(SignalKind::hangup);
        let kinds = [Some(interrupt), Some(terminate), hangup];
        for mut signals in kinds.into_iter().flatten().flat_map(signal) {
            let ask = ask.clone();
            tokio::spawn(async move { first(&mut signals, &ask).await });
        }
        let again = Arc::new(AtomicBool::new(false));
        let code = Kind::Interrupted.exit_code().into();
        // A terminal that is closed hangs up twice, once for itself and once for its shell: that is
        // one wish.
        for signal in [SIGINT, SIGTERM] {
            let _ = flag::register_conditional_shutdown(signal, code, Arc::clone(&again));
        }
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if signal != SIGHUP || hangup.is_some() {
                let _ = flag::register(signal, Arc::clone(&again));
            }
        }
        let holds = watch::Sender::new(0);
        Self { asked, holds }
    }

    /// Awaits a whole command, which the interrupt ends wherever nothing holds it off.
    pub(crate) async fn ends<T>(
        &self,
        command: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut holds = self.holds.subscribe();
        let ended = async {
            self.asked().await;
            // The sender lives as long as `self`.
            let _ = holds.wait_for(|holds| *holds == 0).await;
        };
        tokio::select! {
            // A command that sees the interrupt itself says what it means for it.
            biased;
            done = Box::pin(command) => done,
            () = ended => Err(Failure::interrupted("interrupted")),
        }
    }

    /// Holds the end off.
    pub(crate) fn hold(&self) -> Hold {
        self.holds.send_modify(|holds| *holds += 1);
        Hold(self.holds.clone())
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.asked.borrow()
    }

    /// Waits until it comes.
    pub(crate) async fn asked(&self) {
        let mut asked = self.asked.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            // Nobody listens.
            std::future::pending().await
        }
    }

    /// Awaits `work`, unless the interrupt comes: then the failure is what `said` makes.
    pub(crate) async fn unless<T>(
        &self,
        work: impl Future<Output = T>,
        said: impl FnOnce() -> Failure,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.asked() => Err(said()),
            done = Box::pin(work) => Ok(done),
        }
    }

    /// Awaits `work`, or nothing once the interrupt comes.
    pub(crate) async fn before<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.asked() => None,
            done = Box::pin(work) => Some(done),
        }
    }

    /// The same, and lets `work` end if it does so soon.
    pub(crate) async fn soon_after<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let patience = async {
            self.asked().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            done = Box::pin(work) => Some(done),
            () = patience => None,
        }
    }
}

async fn first(signals: &mut Signal, ask: &watch::Sender<bool>) {
    if signals.recv().await.is_some() {
        ask.send_replace(true);
    }
    // Others of this kind are the handler's, and the channel stays open.
    std::future::pending().await
}

/// Whether the signal is ignored, as a parent process can arrange it; where that is not known,
/// it is not.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_hand() -> (watch::Sender<bool>, Interrupt) {
        let (ask, asked) = watch::channel(false);
        let holds = watch::Sender::new(0);
        (ask, Interrupt { asked, holds })
    }

    #[tokio::test]
    async fn it_ends_a_command_at_any_await_also_after_one_that_listened() {
        let (ask, interrupt) = by_hand();
        let command = async {
            let listened = interrupt.before(std::future::ready(())).await;
            assert!(listened.is_some());
            ask.send_replace(true);
            std::future::pending::<Result<(), Failure>>().await
        };
        let failure = interrupt.ends(command).await.unwrap_err();
        assert_eq!((failure.exit_code(), failure.name()), (130, "Interrupted"));
    }

    #[tokio::test]
    async fn what_holds_it_off_is_brought_to_its_end_and_then_the_command_ends() {
        let (ask, interrupt) = by_hand();
        let mut brought = false;
        let command = async {
            let hold = interrupt.hold();
            ask.send_replace(true);
            tokio::task::yield_now().await;
            brought = true;
            drop(hold);
            std::future::pending::<Result<(), Failure>>().await
        };
        assert!(interrupt.ends(command).await.is_err());
        assert!(brought);
    }

    #[tokio::test]
    async fn a_command_that_listens_has_the_last_word() {
        let (ask, interrupt) = by_hand();
        let command = async {
            ask.send_replace(true);
            let said = || Failure::interrupted("nothing was changed");
            interrupt.unless(std::future::pending(), said).await
        };
        let failure: Failure = interrupt.ends::<()>(command).await.unwrap_err();
        assert_eq!(failure.to_string(), "nothing was changed");
    }
}
