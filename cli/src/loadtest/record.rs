//! What a run measures. Nothing in it grows with the number of operations.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::CreationError;

use super::latency::Latencies;
use super::mix::Step;
use super::report_line::Report;
use super::timeline::Timeline;
use crate::error::Explain;
use crate::stack::functions::FunctionError;

/// Kinds of errors that are counted by themselves; the rest counts as one more.
const KINDS: usize = 50;

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) start: Instant,
    /// When the last operation was done.
    pub(crate) last: Instant,
    pub(crate) steps: BTreeMap<Step, StepRecord>,
    /// Of all steps.
    pub(crate) latencies: Latencies,
    /// From when an operation was due until it was sent.
    pub(crate) waited: Latencies,
    pub(crate) timeline: Timeline,
    pub(crate) errors: BTreeMap<(Step, String), Failed>,
    pub(crate) visible: Visible,
    /// Reads of what the read model did not have yet.
    pub(crate) early_reads: u64,
    pub(crate) publisher: Calls,
    pub(crate) query: Calls,
}

/// One step of the mix.
#[derive(Clone, Debug)]
pub(crate) struct StepRecord {
    /// Of those that succeeded.
    pub(crate) latencies: Latencies,
    pub(crate) failed: u64,
}

impl StepRecord {
    pub(crate) fn count(&self) -> u64 {
        self.latencies.count() + self.failed
    }
}

/// Errors of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) count: u64,
    /// What the first of them said.
    pub(crate) message: String,
}

/// What was followed to the read model.
#[derive(Debug)]
pub(crate) struct Visible {
    /// From the write's acknowledgement to the answer that shows it.
    pub(crate) lag: Latencies,
    /// From the beginning of the last look that did not see it to that answer: it became visible
    /// some time within it.
    pub(crate) within: Latencies,
    /// Those that were not seen in time.
    pub(crate) unseen: u64,
    /// Those that were left out, since too many were being followed.
    pub(crate) left_out: u64,
}

impl Visible {
    pub(crate) fn followed(&self) -> u64 {
        self.lag.count() + self.unseen
    }
}

/// The calls of one function.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    pub(crate) count: u64,
    /// Lambda's reports that were read.
    pub(crate) reports: u64,
    pub(crate) billed_ms: f64,
    /// The cold starts among them.
    pub(crate) init: Latencies,
}

impl Calls {
    pub(super) fn add_report(&mut self, report: Report) {
        self.reports += 1;
        self.billed_ms += report.billed_ms;
        if let Some(init_ms) = report.init_ms {
            self.init
                .add(Duration::from_secs_f64(init_ms.max(0.0) / 1e3));
        }
    }

    /// The mean of what Lambda bills for a call, where it was reported.
    pub(crate) fn mean_billed_ms(&self) -> Option<f64> {
        (self.reports > 0).then(|| self.billed_ms / self.reports as f64)
    }
}

impl Record {
    pub(crate) fn new<'a>(
        start: Instant,
        steps: impl Iterator<Item = &'a Step>,
    ) -> Result<Self, CreationError> {
        let latencies = Latencies::new()?;
        let step = StepRecord {
            latencies: latencies.clone(),
            failed: 0,
        };
        let calls = Calls {
            count: 0,
            reports: 0,
            billed_ms: 0.0,
            init: latencies.clone(),
        };
        Ok(Self {
            start,
            last: start,
            steps: steps.map(|name| (name.clone(), step.clone())).collect(),
            waited: latencies.clone(),
            timeline: Timeline::new(start, latencies.clone()),
            errors: BTreeMap::new(),
            visible: Visible {
                lag: latencies.clone(),
                within: latencies.clone(),
                unseen: 0,
                left_out: 0,
            },
            early_reads: 0,
            publisher: calls.clone(),
            query: calls,
            latencies,
        })
    }

    /// An operation that was due, sent and done at these times.
    pub(crate) fn done(
        &mut self,
        step: Step,
        due: Instant,
        sent: Instant,
        done: Instant,
        outcome: Result<(), FunctionError>,
    ) {
        let latency = done.saturating_duration_since(due);
        self.last = self.last.max(done);
        self.waited.add(sent.saturating_duration_since(due));
        let succeeded = outcome.is_ok();
        self.timeline.add(done, succeeded.then_some(latency));
        if succeeded {
            self.latencies.add(latency);
        }
        if let Some(record) = self.steps.get_mut(&step) {
            record.failed += u64::from(!succeeded);
            if succeeded {
                record.latencies.add(latency);
            }
        }
        if let Err(error) = outcome {
            self.fail(step, &error);
        }
    }

    /// The most frequent first.
    pub(crate) fn errors_by_count(&self) -> Vec<(&(Step, String), &Failed)> {
        let mut errors: Vec<_> = self.errors.iter().collect();
        errors.sort_by_key(|(_, failed)| std::cmp::Reverse(failed.count));
        errors
    }

    /// Lambda's reports that were read, where there were any.
    pub(crate) fn reports(&self) -> Option<u64> {
        let reports = self.publisher.reports + self.query.reports;
        (reports > 0).then_some(reports)
    }

    /// No more operations come.
    pub(crate) fn end(&mut self) {
        self.timeline.end(self.last);
    }

    fn fail(&mut self, step: Step, error: &FunctionError) {
        let mut kind = error.name();
        let known = |kind: &String| self.errors.contains_key(&(step.clone(), kind.clone()));
        if self.errors.len() >= KINDS && !known(&kind) {
            kind = "Other".to_owned();
        }
        let failed = self.errors.entry((step, kind));
        failed
            .or_insert_with(|| Failed {
                count: 0,
                message: error.to_string(),
            })
            .count += 1;
    }

    /// How long it took, until its last operation was done.
    pub(crate) fn elapsed(&self) -> Duration {
        self.last - self.start
    }

    pub(crate) fn operations(&self) -> u64 {
        self.steps.values().map(StepRecord::count).sum()
    }

    pub(crate) fn failed(&self) -> u64 {
        self.steps.values().map(|step| step.failed).sum()
    }
}

#[cfg(test)]
mod tests {
    use pattern::error::ErrorType;

    use super::*;

    fn record() -> Record {
        let steps = [Step::Get, Step::List];
        Record::new(Instant::now(), steps.iter()).unwrap()
    }

    #[test]
    fn waiting_for_a_stalled_stack_counts_in_every_operation_that_was_due() {
        let mut record = record();
        // A hundred a second, all sent when the stall of a second ends, each done at once.
        let sent = record.start + Duration::from_secs(1);
        for number in 0..100 {
            let due = record.start + Duration::from_millis(10 * number);
            record.done(Step::Get, due, sent, sent, Ok(()));
        }
        let found = record.latencies.percentiles().unwrap();
        assert_eq!((found.p50.round(), found.p99.round()), (500.0, 990.0));
        assert_eq!(found.max.round(), 1000.0);
        assert_eq!(record.waited.percentiles(), Some(found));
    }

    #[test]
    fn failures_are_counted_by_step_and_kind_and_have_no_latency() {
        let mut record = record();
        let start = record.start;
        let error = |error_type, message: &str| FunctionError::Function {
            name: ErrorType::to_string(&error_type),
            error_type,
            message: message.to_owned(),
            log: None,
        };
        for message in ["first", "second"] {
            let failed = error(ErrorType::ReadModelUnavailable, message);
            record.done(Step::Get, start, start, start, Err(failed));
        }
        let failed = error(ErrorType::InvalidQuery, "odd");
        record.done(Step::List, start, start, start, Err(failed));
        record.done(Step::Get, start, start, start, Ok(()));
        assert_eq!((record.operations(), record.failed()), (4, 3));
        assert_eq!(record.latencies.count(), 1);
        let kind = (Step::Get, "ReadModelUnavailable".to_owned());
        let failed = record.errors.get(&kind).unwrap();
        assert_eq!((failed.count, failed.message.as_str()), (2, "first"));
    }

    #[test]
    fn cold_starts_are_those_with_a_time_to_start() {
        let mut calls = record().publisher;
        assert_eq!(calls.mean_billed_ms(), None);
        for (billed_ms, init_ms) in [(30.0, Some(20.0)), (4.0, None)] {
            calls.add_report(Report { billed_ms, init_ms });
        }
        let counted = (calls.mean_billed_ms(), calls.init.count());
        assert_eq!(counted, (Some(17.0), 1));
    }
}
