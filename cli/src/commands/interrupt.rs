//! Ctrl-C as something to look at, for what must be brought to an end first: messages are given
//! back to their queue, commands under way are answered.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long what is under way may still go on.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// How often Ctrl-C was pressed. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// Listens from now on.
    pub(super) fn listen() -> Self {
        let (pressed, interrupt) = watch::channel(0);
        // Where it cannot be listened to, the process ends at once, as by default.
        if let Ok(mut signals) = signal(SignalKind::interrupt()) {
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    pressed.send_modify(|times| *times += 1);
                }
            });
        }
        Self(interrupt)
    }

    pub(super) fn is_set(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until it is pressed.
    pub(super) async fn pressed(&self) {
        self.times(1).await
    }

    /// Waits until it is pressed a second time, by somebody who will not wait any longer.
    pub(super) async fn pressed_again(&self) {
        self.times(2).await
    }

    async fn times(&self, least: u32) {
        let pressed = self
            .0
            .clone()
            .wait_for(|times| *times >= least)
            .await
            .is_ok();
        if !pressed {
            std::future::pending().await
        }
    }

    /// Awaits `work`, or nothing once it is pressed.
    pub(super) async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.pressed() => None,
            done = work => Some(done),
        }
    }

    /// The same, and lets `work` end if it does so soon.
    pub(super) async fn unless_long<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let patience = async {
            self.pressed().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            done = work => Some(done),
            () = patience => None,
        }
    }
}
