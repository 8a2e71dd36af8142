//! How many orders may be under way: fewer at once when AWS asks for patience, more again little by
//! little.
//!
//! Halved when a call is throttled, and one more for every round that is answered: the rule by
//! which TCP shares a line. Calls that were under way at a halving tell nothing new.

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Pace {
    limit: f64,
    most: f64,
    halved: Option<Instant>,
}

impl Pace {
    /// Begins with the most.
    pub(super) fn new(most: u16) -> Self {
        let most = f64::from(most.max(1));
        Self {
            limit: most,
            most,
            halved: None,
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    pub(super) fn answered(&mut self) {
        self.limit = (self.limit + 1.0 / self.limit).min(self.most);
    }

    /// A call was throttled that was sent at `sent`; says whether that halved the limit.
    pub(super) fn throttled(&mut self, sent: Instant) -> bool {
        if self.halved.is_some_and(|halved| sent < halved) {
            return false;
        }
        self.halved = Some(Instant::now());
        self.limit = (self.limit / 2.0).max(1.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_of_one_round_halve_it_once_and_it_never_comes_to_nothing() {
        let mut pace = Pace::new(8);
        let sent = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(pace.throttled(sent));
        assert!(!pace.throttled(sent));
        assert_eq!(pace.limit(), 4);
        for limit in [2, 1, 1] {
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(pace.throttled(Instant::now()));
            assert_eq!(pace.limit(), limit);
        }
    }

    #[test]
    fn it_grows_by_about_one_a_round_and_not_beyond_the_most() {
        let mut pace = Pace::new(8);
        pace.throttled(Instant::now());
        for _ in 0..5 {
            pace.answered();
        }
        assert_eq!(pace.limit(), 5);
        for _ in 0..100 {
            pace.answered();
        }
        assert_eq!(pace.limit(), 8);
    }
}
