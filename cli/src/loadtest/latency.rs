//! Latencies, counted in a histogram to three digits: its size does not grow with a run.

use std::time::Duration;

use hdrhistogram::{CreationError, Histogram};
use serde::Serialize;

/// In microseconds. What takes longer counts as this.
const LONGEST: u64 = 60 * 60 * 1_000_000;
const DIGITS: u8 = 3;
/// Points of a curve for each halving of what is left to the longest.
const CURVE_TICKS: u32 = 5;

#[derive(Clone, Debug)]
pub(crate) struct Latencies(Histogram<u64>);

/// What a histogram comes to, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Latencies {
    pub(crate) fn new() -> Result<Self, CreationError> {
        Histogram::new_with_bounds(1, LONGEST, DIGITS).map(Self)
    }

    pub(crate) fn add(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(LONGEST);
        self.0.saturating_record(us.max(1));
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    /// At `quantile` from 0 to 1, in milliseconds.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        ms(self.0.value_at_quantile(quantile))
    }

    pub(crate) fn max(&self) -> f64 {
        ms(self.0.max())
    }

    /// `None` where nothing was counted.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        (!self.0.is_empty()).then(|| Percentiles {
            mean: (self.0.mean()).round() / 1e3,
            p50: self.at(0.5),
            p90: self.at(0.9),
            p99: self.at(0.99),
            p999: self.at(0.999),
            max: self.max(),
        })
    }

    /// Pairs of a quantile and the latency there, ever closer to the longest.
    pub(crate) fn curve(&self) -> Vec<(f64, f64)> {
        let steps = self.0.iter_quantiles(CURVE_TICKS);
        steps
            .map(|step| (step.quantile_iterated_to(), ms(step.value_iterated_to())))
            .collect()
    }
}

fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_counted_and_nothing_is_too_long_to_be_counted() {
        let mut all = Latencies::new().unwrap();
        assert_eq!(all.percentiles(), None);
        (1..=1000).for_each(|ms| all.add(Duration::from_millis(ms)));
        let found = all.percentiles().unwrap();
        let near = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.001;
        assert!(
            near(found.p50, 500.0) && near(found.p90, 900.0),
            "{found:?}"
        );
        assert!(
            near(found.p99, 990.0) && near(found.p999, 999.0),
            "{found:?}"
        );
        assert!(
            near(found.max, 1000.0) && near(found.mean, 500.5),
            "{found:?}"
        );
        all.add(Duration::ZERO);
        all.add(Duration::MAX);
        assert_eq!(all.count(), 1002);
        assert!(all.max() > 3_599_000.0);
    }
}
