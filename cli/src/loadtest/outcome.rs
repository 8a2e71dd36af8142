//! What came of a run: its measurements, and what is known of it besides. Its JSON form is part of
//! the tool's interface (docs/bench.md).

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::cost::{Estimate, Machine, Usage, estimate};
use super::drive::Load;
use super::latency::Percentiles;
use super::record::{Calls, Record};
use super::schedule::{Pace, Until};
use super::{MARK, Plan};
use crate::settings::Target;

/// Above this share of a processor the client itself is what holds up the operations.
const SATURATED: f64 = 0.9;

/// Where, when and from where a stack was driven.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub(crate) stack: String,
    pub(crate) target: Target,
    pub(crate) region: String,
    pub(crate) begun_at: String,
    /// The tool's version.
    pub(crate) version: &'static str,
    /// The machine that drove it.
    pub(crate) machine: String,
}

#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) plan: Plan,
    pub(crate) circumstances: Circumstances,
    /// Whether it went to its end.
    pub(crate) complete: bool,
    pub(crate) record: Record,
    /// Operations of an open loop that were due and could not be begun in time.
    pub(crate) not_sent: u64,
    /// CPU time of this process.
    pub(crate) used: Duration,
    /// On this machine: what the same run would cost on AWS.
    pub(crate) cost: Estimate,
}

impl Outcome {
    pub(crate) fn new(
        load: Load,
        circumstances: Circumstances,
        machine: Machine,
        complete: bool,
    ) -> Self {
        let (not_sent, used) = (load.unsent(), load.used());
        let (plan, record) = load.into_parts();
        let usage = Usage {
            publisher_calls: record.publisher.count as f64,
            query_calls: record.query.count as f64,
            publisher_ms: record.publisher.mean_billed_ms(),
            query_ms: record.query.mean_billed_ms(),
        };
        Self {
            plan,
            circumstances,
            complete,
            record,
            not_sent,
            used,
            cost: estimate(usage, machine),
        }
    }

    pub(crate) fn seconds(&self) -> f64 {
        rounded(self.record.elapsed().as_secs_f64())
    }

    pub(crate) fn per_second(&self, count: u64) -> f64 {
        rounded(count as f64 / self.record.elapsed().as_secs_f64().max(1e-6))
    }

    /// In an open loop, from when an operation was due until it was sent.
    pub(crate) fn waited(&self) -> Option<Percentiles> {
        let open = matches!(self.plan.pace, Pace::Open { .. });
        self.record.waited.percentiles().filter(|_| open)
    }

    /// How much of one processor this process took.
    pub(crate) fn cpu_share(&self) -> f64 {
        let seconds = self.record.elapsed().as_secs_f64();
        rounded(self.used.as_secs_f64() / seconds.max(1e-6))
    }

    pub(crate) fn cpu_ms_per_operation(&self) -> f64 {
        rounded(self.used.as_secs_f64() * 1e3 / self.record.operations().max(1) as f64)
    }

    /// Whether the figures say more about the client than about the stack.
    pub(crate) fn is_saturated(&self) -> bool {
        self.cpu_share() > SATURATED
    }

    fn settings(&self) -> Value {
        let mut settings = Map::new();
        let (pace, how_fast) = match self.plan.pace {
            Pace::Closed { concurrency } => ("concurrency", json!(concurrency)),
            Pace::Open { rate } => ("rate", json!(rate)),
        };
        let (until, how_long) = match self.plan.until {
            Until::Time(time) => ("durationSeconds", json!(time.as_secs_f64())),
            Until::Created(count) => (self.plan.subject.domain.plural.as_str(), json!(count)),
        };
        settings.insert(pace.to_owned(), how_fast);
        settings.insert(until.to_owned(), how_long);
        settings.insert("mix".to_owned(), json!(self.plan.mix));
        settings.into()
    }

    fn steps(&self) -> Value {
        let steps = self.record.steps.iter().map(|(step, of)| {
            let figures = json!({
                "count": of.count(),
                "perSecond": self.per_second(of.count()),
                "errors": of.failed,
                "latencyMs": of.latencies.percentiles(),
            });
            (step.to_string(), figures)
        });
        steps.collect::<Map<_, _>>().into()
    }

    fn errors(&self) -> Value {
        let errors = self.record.errors_by_count().into_iter();
        let errors = errors.map(|((step, kind), failed)| {
            json!({
                "step": step,
                "kind": kind,
                "count": failed.count,
                "message": failed.message,
            })
        });
        errors.collect::<Vec<_>>().into()
    }

    fn visible(&self) -> Value {
        let visible = &self.record.visible;
        json!({
            "followed": visible.followed(),
            "unseen": visible.unseen,
            "leftOut": visible.left_out,
            "lagMs": visible.lag.percentiles(),
            "withinMs": visible.within.percentiles(),
        })
    }

    fn cold_starts(&self) -> Value {
        let Record {
            publisher, query, ..
        } = &self.record;
        let Some(reports) = self.record.reports() else {
            return Value::Null;
        };
        let init = |calls: &Calls| calls.init.percentiles();
        json!({
            "reports": reports,
            "publisher": publisher.init.count(),
            "publisherInitMs": init(publisher),
            "query": query.init.count(),
            "queryInitMs": init(query),
        })
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { record, plan, .. } = self;
        let (of, subject) = (&self.circumstances, &plan.subject);
        serializer.collect_map([
            ("run", json!(subject.mark.trim_start_matches(MARK))),
            (subject.field.as_str(), json!(subject.mark)),
            ("stack", json!(of.stack)),
            ("target", json!(of.target)),
            ("region", json!(of.region)),
            ("begunAt", json!(of.begun_at)),
            ("version", json!(of.version)),
            ("machine", json!(of.machine)),
            ("settings", self.settings()),
            ("complete", json!(self.complete)),
            ("seconds", json!(self.seconds())),
            ("operations", json!(record.operations())),
            ("perSecond", json!(self.per_second(record.operations()))),
            ("errors", json!(record.failed())),
            ("notSent", json!(self.not_sent)),
            ("latencyMs", json!(record.latencies.percentiles())),
            ("waitedMs", json!(self.waited())),
            ("steps", self.steps()),
            ("errorsByKind", self.errors()),
            ("visible", self.visible()),
            ("earlyReads", json!(record.early_reads)),
            ("coldStarts", self.cold_starts()),
            (
                "client",
                json!({
                    "cpuShare": self.cpu_share(),
                    "cpuMsPerOperation": self.cpu_ms_per_operation(),
                    "saturated": self.is_saturated(),
                }),
            ),
            ("cost", json!(self.cost)),
            ("timeline", json!(record.timeline.past())),
        ])
    }
}

/// To a thousandth: more would be noise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
