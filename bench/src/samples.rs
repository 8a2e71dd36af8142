//! Times of many repetitions.

use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    /// Times one run of `work`.
    pub(crate) fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0.push(start.elapsed());
        result
    }

    pub(crate) fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// In seconds: the smallest sample that so many in a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted[rank.max(1) - 1].as_secs_f64()
    }
}

/// Times the works in turn, so that whatever else the machine does meets all of them.
pub(crate) fn in_turn<const N: usize>(count: usize, works: [&mut dyn FnMut(); N]) -> [Samples; N] {
    let mut samples: [Samples; N] = std::array::from_fn(|_| Samples::default());
    let mut works = works;
    for _ in 0..count {
        for (work, samples) in works.iter_mut().zip(&mut samples) {
            samples.time(work);
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_sample_that_was_measured() {
        let samples = Samples((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!(samples.median(), 0.1);
        assert_eq!(samples.percentile(99), 0.198);
    }
}
