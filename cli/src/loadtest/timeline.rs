//! What happened second by second.

use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use super::latency::Latencies;

const SECOND: Duration = Duration::from_secs(1);

/// One second of a run, or what there was of the last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Second {
    /// How long it was: one, but for the last.
    #[serde(serialize_with = "to_milliseconds")]
    pub(crate) seconds: f64,
    /// What was done in it, whenever it had begun.
    pub(crate) operations: u64,
    /// How many of them failed.
    pub(crate) errors: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

impl Second {
    pub(crate) fn per_second(&self) -> f64 {
        self.operations as f64 / self.seconds
    }
}

/// The seconds without a last one that was too short to mean anything, unless there is no other.
pub(crate) fn whole(timeline: &[Second]) -> &[Second] {
    match timeline {
        [all @ .., last] if last.seconds < 0.5 && !all.is_empty() => all,
        all => all,
    }
}

#[derive(Debug)]
pub(crate) struct Timeline {
    begun: Instant,
    past: Vec<Second>,
    operations: u64,
    errors: u64,
    latencies: Latencies,
    ended: bool,
}

impl Timeline {
    pub(super) fn new(begun: Instant, latencies: Latencies) -> Self {
        Self {
            begun,
            past: Vec::new(),
            operations: 0,
            errors: 0,
            latencies,
            ended: false,
        }
    }

    /// Adds what was done at `now`; a failure has no latency.
    pub(crate) fn add(&mut self, now: Instant, latency: Option<Duration>) {
        self.advance(now);
        self.operations += 1;
        match latency {
            Some(latency) => self.latencies.add(latency),
            None => self.errors += 1,
        }
    }

    /// Ends the seconds that are over.
    pub(crate) fn advance(&mut self, now: Instant) {
        while !self.ended && now.saturating_duration_since(self.begun) >= SECOND {
            self.close(SECOND);
        }
    }

    /// Ends the run, and the second that is not over.
    pub(crate) fn end(&mut self, now: Instant) {
        self.advance(now);
        let rest = now.saturating_duration_since(self.begun);
        if self.operations > 0 && !rest.is_zero() {
            self.close(rest);
        }
        self.ended = true;
    }

    /// The seconds that are over.
    pub(crate) fn past(&self) -> &[Second] {
        &self.past
    }

    fn close(&mut self, length: Duration) {
        self.past.push(Second {
            seconds: length.as_secs_f64(),
            operations: std::mem::take(&mut self.operations),
            errors: std::mem::take(&mut self.errors),
            p50_ms: self.latencies.at(0.5),
            p99_ms: self.latencies.at(0.99),
            max_ms: self.latencies.max(),
        });
        self.latencies.clear();
        self.begun += length;
    }
}

fn to_milliseconds<S: Serializer>(seconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((seconds * 1e3).round() / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_counts_in_the_second_in_which_it_ends() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut timeline = Timeline::new(start, Latencies::new().unwrap());
        timeline.add(after(10), Some(Duration::from_millis(5)));
        timeline.add(after(999), None);
        timeline.add(after(2_250), Some(Duration::from_millis(1_500)));
        assert_eq!(timeline.past().len(), 2);
        timeline.end(after(2_500));
        // Whoever still looks at it makes it no longer.
        timeline.advance(after(9_000));
        let seen = timeline.past().iter();
        let seen: Vec<_> = seen.map(|s| (s.seconds, s.operations, s.errors)).collect();
        assert_eq!(seen, [(1.0, 2, 1), (1.0, 0, 0), (0.5, 1, 0)]);
        let [first, quiet, last] = timeline.past() else {
            panic!("{timeline:?}")
        };
        assert_eq!((first.max_ms.round(), quiet.max_ms), (5.0, 0.0));
        assert_eq!((last.per_second(), last.p50_ms.round()), (2.0, 1500.0));
    }
}
