//! What is said of a run: the JSON document, and what text and page are made of.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cost::{self, Estimate, Machine, Usage};
use super::drive::Load;
use super::latency::Percentiles;
use super::mix::{Mix, Step};
use super::record::{Failed, Record};
use super::schedule::{Pace, Until};
use super::timeline::Second;
use super::{MARK, Plan};
use crate::settings::Target;

/// Above this share of a processor the client itself is what holds up the operations.
const SATURATED: f64 = 0.9;

/// What is known of a run besides its measurements.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Circumstances {
    pub(crate) stack: String,
    pub(crate) target: Target,
    pub(crate) region: String,
    /// When it began.
    pub(crate) begun_at: String,
    /// The tool's version.
    pub(crate) version: &'static str,
    /// The machine that drove it.
    pub(crate) machine: String,
}

/// See the module's documentation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    pub(crate) run: String,
    /// All its orders are this client's.
    pub(crate) client_id: String,
    #[serde(flatten)]
    pub(crate) circumstances: Circumstances,
    pub(crate) settings: Settings,
    /// Whether it went to its end.
    pub(crate) complete: bool,
    pub(crate) seconds: f64,
    pub(crate) operations: u64,
    pub(crate) per_second: f64,
    pub(crate) errors: u64,
    /// Operations of an open loop that were due and could not be begun in time.
    pub(crate) not_sent: u64,
    pub(crate) latency_ms: Option<Percentiles>,
    /// In an open loop, from when an operation was due until it was sent.
    pub(crate) waited_ms: Option<Percentiles>,
    pub(crate) steps: BTreeMap<Step, StepSummary>,
    pub(crate) errors_by_kind: Vec<ErrorKind>,
    pub(crate) visible: Visible,
    /// Reads of an order that the read model did not have yet; no errors.
    pub(crate) early_reads: u64,
    /// `None` where the functions' logs say nothing of them.
    pub(crate) cold_starts: Option<ColdStarts>,
    pub(crate) client: Client,
    /// On this machine: what the same run would cost on AWS.
    pub(crate) cost: Estimate,
    pub(crate) timeline: Vec<Second>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) concurrency: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) orders: Option<u64>,
    pub(crate) mix: Mix,
    /// The same in words.
    #[serde(skip)]
    pub(crate) text: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepSummary {
    pub(crate) count: u64,
    pub(crate) per_second: f64,
    pub(crate) errors: u64,
    /// Of those that succeeded.
    pub(crate) latency_ms: Option<Percentiles>,
    /// Latency at more and more of the percentiles, for a drawing.
    #[serde(skip)]
    pub(crate) curve: Vec<(f64, f64)>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ErrorKind {
    pub(crate) step: Step,
    pub(crate) kind: String,
    #[serde(flatten)]
    pub(crate) failed: Failed,
}

/// From a create's acknowledgement to the answer of the query function that shows the order.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Visible {
    pub(crate) followed: u64,
    pub(crate) unseen: u64,
    pub(crate) left_out: u64,
    pub(crate) lag_ms: Option<Percentiles>,
    /// How long before that answer the order may have been visible already.
    pub(crate) within_ms: Option<Percentiles>,
    /// The lag at more and more of the percentiles, for a drawing.
    #[serde(skip)]
    pub(crate) curve: Vec<(f64, f64)>,
}

/// Among the calls whose logs were read.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ColdStarts {
    pub(crate) reports: u64,
    pub(crate) publisher: u64,
    pub(crate) publisher_init_ms: Option<Percentiles>,
    pub(crate) query: u64,
    pub(crate) query_init_ms: Option<Percentiles>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Client {
    /// Of one processor.
    pub(crate) cpu_share: f64,
    pub(crate) cpu_ms_per_operation: f64,
    /// Whether the figures say more about the client than about the stack.
    pub(crate) saturated: bool,
}

impl Summary {
    pub(crate) fn new(
        load: &Load,
        circumstances: Circumstances,
        machine: Machine,
        complete: bool,
    ) -> Self {
        let record = load.record();
        let plan = load.plan();
        let seconds = record.elapsed().as_secs_f64();
        let rate = |count: u64| rounded(count as f64 / seconds.max(1e-6));
        let operations = record.operations();
        let steps = record.steps.iter().map(|(step, of)| {
            let summary = StepSummary {
                count: of.count(),
                per_second: rate(of.count()),
                errors: of.failed,
                latency_ms: of.latencies.percentiles(),
                curve: of.latencies.curve(),
            };
            (step.clone(), summary)
        });
        let cpu = load.used().as_secs_f64();
        let cpu_share = rounded(cpu / seconds.max(1e-6));
        let open = matches!(plan.pace, Pace::Open { .. });
        Self {
            run: plan.run.clone(),
            client_id: format!("{MARK}{}", plan.run),
            circumstances,
            settings: Settings::of(plan),
            complete,
            seconds: rounded(seconds),
            operations,
            per_second: rate(operations),
            errors: record.failed(),
            not_sent: load.unsent(),
            latency_ms: record.latencies.percentiles(),
            waited_ms: record.waited.percentiles().filter(|_| open),
            steps: steps.collect(),
            errors_by_kind: errors(&record),
            visible: visible(&record),
            early_reads: record.early_reads,
            cold_starts: cold_starts(&record),
            client: Client {
                cpu_share,
                cpu_ms_per_operation: rounded(cpu * 1e3 / operations.max(1) as f64),
                saturated: cpu_share > SATURATED,
            },
            cost: cost::estimate(usage(&record), machine),
            timeline: record.timeline.past().to_vec(),
        }
    }
}

impl Settings {
    fn of(plan: &Plan) -> Self {
        let (concurrency, rate) = match plan.pace {
            Pace::Closed { concurrency } => (Some(concurrency), None),
            Pace::Open { rate } => (None, Some(rate)),
        };
        let (duration_seconds, orders) = match plan.until {
            Until::Time(time) => (Some(time.as_secs_f64()), None),
            Until::Orders(orders) => (None, Some(orders)),
        };
        Self {
            concurrency,
            rate,
            duration_seconds,
            orders,
            mix: plan.mix.clone(),
            text: format!("{}, {}, {}", plan.pace, plan.until, plan.mix),
        }
    }
}

fn errors(record: &Record) -> Vec<ErrorKind> {
    let mut errors: Vec<_> = record
        .errors
        .iter()
        .map(|((step, kind), failed)| ErrorKind {
            step: step.clone(),
            kind: kind.clone(),
            failed: failed.clone(),
        })
        .collect();
    errors.sort_by_key(|error| std::cmp::Reverse(error.failed.count));
    errors
}

fn visible(record: &Record) -> Visible {
    let visible = &record.visible;
    Visible {
        followed: visible.lag.count() + visible.unseen,
        unseen: visible.unseen,
        left_out: visible.left_out,
        lag_ms: visible.lag.percentiles(),
        within_ms: visible.within.percentiles(),
        curve: visible.lag.curve(),
    }
}

fn cold_starts(record: &Record) -> Option<ColdStarts> {
    let (publisher, query) = (&record.publisher, &record.query);
    let reports = publisher.reports + query.reports;
    (reports > 0).then(|| ColdStarts {
        reports,
        publisher: publisher.init.count(),
        publisher_init_ms: publisher.init.percentiles(),
        query: query.init.count(),
        query_init_ms: query.init.percentiles(),
    })
}

fn usage(record: &Record) -> Usage {
    Usage {
        publisher_calls: record.publisher.count as f64,
        query_calls: record.query.count as f64,
        publisher_ms: record.publisher.mean_billed_ms(),
        query_ms: record.query.mean_billed_ms(),
    }
}

/// To a thousandth: more would be noise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
