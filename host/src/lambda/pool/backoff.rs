//! How long to wait before a function that could not start is started again.

use std::time::Duration;

use tokio::time::Instant;

use crate::lambda::failure::Failure;
use crate::pause::Pause;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Doubles with each failure, and is forgotten with the first success.
#[derive(Debug)]
pub(super) struct Backoff {
    pause: Pause,
    last: Option<(Instant, Failure)>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            pause: Pause::between(FIRST, LONGEST),
            last: None,
        }
    }
}

impl Backoff {
    pub(super) fn failed(&mut self, failure: Failure) {
        self.last = Some((Instant::now() + self.pause.take(), failure));
    }

    /// The last failure, while it is too early to try again.
    pub(super) fn holds(&self) -> Option<&Failure> {
        let (until, failure) = self.last.as_ref()?;
        (Instant::now() < *until).then_some(failure)
    }

    /// The last failure, if there was no success since.
    pub(super) fn last(&self) -> Option<&Failure> {
        self.last.as_ref().map(|(_, failure)| failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_pause_doubles_up_to_a_bound_and_ends() {
        let mut backoff = Backoff::default();
        assert!(backoff.holds().is_none());
        for pause in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            backoff.failed(Failure::TooLarge);
            tokio::time::advance(Duration::from_millis(pause - 1)).await;
            assert!(backoff.holds().is_some(), "{pause}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(backoff.holds().is_none(), "{pause}");
        }
    }
}
