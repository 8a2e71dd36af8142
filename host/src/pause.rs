//! Pauses between attempts, each longer than the one before, so that what does not answer is
//! not asked all the time.

use std::time::Duration;

use tokio::time::sleep;

/// The next pause. It doubles with each unless something else is said.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    shortest: Duration,
    longest: Duration,
    growth: f64,
    next: Duration,
}

impl Pause {
    /// Grows from the one to the other.
    #[must_use]
    pub fn between(shortest: Duration, longest: Duration) -> Self {
        Self {
            shortest,
            longest,
            growth: 2.0,
            next: shortest,
        }
    }

    /// By which factor it grows, at least 1.
    #[must_use]
    pub fn growing(self, growth: f64) -> Self {
        Self { growth, ..self }
    }

    /// How long the next one is.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.next
    }

    /// Takes it; the one after it is longer.
    pub fn take(&mut self) -> Duration {
        let taken = self.next;
        self.next = taken.mul_f64(self.growth).min(self.longest);
        taken
    }

    /// Waits for it; one that is given up by the caller does not count.
    pub async fn pass(&mut self) {
        sleep(self.next).await;
        self.take();
    }

    /// Begins again with the shortest.
    pub fn reset(&mut self) {
        self.next = self.shortest;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn taken(pause: &mut Pause) -> [u128; 4] {
        [0; 4].map(|_| pause.take().as_millis())
    }

    #[test]
    fn each_pause_is_longer_up_to_the_longest_until_it_begins_again() {
        let [shortest, longest] = [100, 350].map(Duration::from_millis);
        let mut pause = Pause::between(shortest, longest);
        assert_eq!(taken(&mut pause), [100, 200, 350, 350]);
        pause.reset();
        assert_eq!(taken(&mut pause.growing(1.5)), [100, 150, 225, 337]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_waited_for_does_not_count() {
        let begun = Instant::now();
        let mut pause = Pause::between(Duration::from_secs(1), Duration::from_secs(60));
        tokio::select! {
            biased;
            () = pause.pass() => unreachable!("the other is ready"),
            () = std::future::ready(()) => {}
        }
        pause.pass().await;
        pause.pass().await;
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }
}
