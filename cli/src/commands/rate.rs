//! How fast long work goes, and how long it still takes.

use std::fmt;
use std::time::Duration;

/// `2400/s, 3 s left`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) done: u64,
    pub(super) left: u64,
    pub(super) elapsed: Duration,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.done as f64 / self.elapsed.as_secs_f64().max(0.001);
        write!(f, "{rate:.0}/s")?;
        if self.left > 0 && rate > 0.0 {
            write!(f, ", {:.0} s left", self.left as f64 / rate)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_shown_once_something_is_done() {
        let rate = |done, left| {
            let elapsed = Duration::from_secs(2);
            let rate = Rate {
                done,
                left,
                elapsed,
            };
            rate.to_string()
        };
        assert_eq!(rate(100, 500), "50/s, 10 s left");
        assert_eq!(rate(0, 500), "0/s");
        assert_eq!(rate(100, 0), "50/s");
    }
}
