//! How long things took, in buckets that grow with the time: each is at most an eighth wider than it
//! is long, from a microsecond to a day.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Parts of each power of two.
const PARTS: u32 = 8;
const PART_BITS: u32 = 3;

/// See the module's documentation. As JSON, `[[bucket, count], …]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u32, u64)>", into = "Vec<(u32, u64)>")]
pub struct Times {
    counts: Vec<u64>,
}

impl Times {
    pub(super) fn add(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = bucket(micros) as usize;
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
    }

    /// What came since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let counts = self.counts.iter().enumerate().map(|(at, now)| {
            let before = before.counts.get(at).copied().unwrap_or(0);
            now.saturating_sub(before)
        });
        Self {
            counts: counts.collect(),
        }
    }

    /// Takes in another's.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (sum, one) in self.counts.iter_mut().zip(&other.counts) {
            *sum += one;
        }
    }

    /// The time that `share` of all took at most, in milliseconds; none of nothing.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let all: u64 = self.counts.iter().sum();
        if all == 0 {
            return None;
        }
        let rank = ((all as f64 * share).ceil() as u64).clamp(1, all);
        let mut below = 0;
        for (at, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                let at = u32::try_from(at).unwrap_or(u32::MAX);
                let middle = (begin(at) as f64 + begin(at + 1) as f64) / 2.0;
                return Some(middle / 1_000.0);
            }
        }
        None
    }
}

impl From<Vec<(u32, u64)>> for Times {
    fn from(pairs: Vec<(u32, u64)>) -> Self {
        let most = bucket(u64::MAX);
        let mut counts = Vec::new();
        for (at, count) in pairs.into_iter().filter(|(at, _)| *at <= most) {
            let at = at as usize;
            if counts.len() <= at {
                counts.resize(at + 1, 0);
            }
            counts[at] = count;
        }
        Self { counts }
    }
}

impl From<Times> for Vec<(u32, u64)> {
    fn from(times: Times) -> Self {
        let counts = (0..).zip(times.counts);
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

/// Short times have a bucket for each microsecond.
fn bucket(micros: u64) -> u32 {
    if micros < u64::from(PARTS) {
        return micros as u32;
    }
    let power = micros.ilog2();
    let part = (micros >> (power - PART_BITS)) as u32 & (PARTS - 1);
    (power - PART_BITS + 1) * PARTS + part
}

/// The shortest time of a bucket.
fn begin(bucket: u32) -> u64 {
    let (power, part) = (bucket / PARTS, bucket % PARTS);
    match power.checked_sub(1) {
        None => u64::from(part),
        Some(shift) => u64::from(PARTS + part)
            .checked_shl(shift)
            .unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_the_bucket_that_begins_before_it_and_ends_after_it() {
        for micros in (0..10_000).chain([1 << 40, (1 << 40) + 12_345, 3_600_000_000]) {
            let at = bucket(micros);
            assert!(begin(at) <= micros && micros < begin(at + 1), "{micros}");
        }
    }

    #[test]
    fn quantiles_are_those_of_what_came_since() {
        let mut times = Times::default();
        assert_eq!(times.quantile(0.5), None);
        times.add(Duration::from_secs(9));
        let before = times.clone();
        for ms in 1..=100 {
            times.add(Duration::from_millis(ms));
        }
        let since = times.since(&before);
        let near = |share: f64, ms: f64| {
            let found = since.quantile(share).unwrap();
            assert!((found - ms).abs() < ms / 8.0, "{found} {ms}");
        };
        near(0.5, 50.0);
        near(0.99, 99.0);
        near(1.0, 100.0);
        let mut both = before.clone();
        both.merge(&since);
        assert_eq!(both, times);
    }

    #[test]
    fn as_json_they_are_what_they_were() {
        let mut times = Times::default();
        times.add(Duration::from_micros(3));
        times.add(Duration::from_millis(7));
        let text = serde_json::to_string(&times).unwrap();
        assert_eq!(serde_json::from_str::<Times>(&text).unwrap(), times);
    }
}
