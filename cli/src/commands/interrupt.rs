//! Ctrl-C as something to look at, for what must be brought to an end first: messages are given
//! back to their queue, commands under way are answered.

use std::time::Duration;

use tokio::signal::ctrl_c;
use tokio::sync::watch;

/// How long what is under way may still go on.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Whether Ctrl-C was pressed. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on.
    pub(super) fn listen() -> Self {
        let (pressed, interrupt) = watch::channel(false);
        tokio::spawn(async move {
            // Where it cannot be listened to, the process ends at once, as by default.
            if ctrl_c().await.is_ok() {
                pressed.send_replace(true);
            }
        });
        Self(interrupt)
    }

    pub(super) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for it.
    pub(super) async fn pressed(&self) {
        if self.0.clone().wait_for(|pressed| *pressed).await.is_err() {
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
