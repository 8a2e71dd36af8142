//! A run in words and numbers: the report for people, whose parts the page has too.

use std::fmt;

use crate::app::duration::ms;
use crate::commands::table::table;
use crate::loadtest::cost::dollars;
use crate::loadtest::latency::Percentiles;
use crate::loadtest::summary::{ColdStarts, StepSummary, Summary, Visible};
use crate::settings::Target;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", outcome(self))?;
        writeln!(f, "{}", table(&STEPS_HEADER, steps(self)))?;
        for (name, text) in errors(self).chain(facts(self)) {
            for (at, line) in text.lines().enumerate() {
                let name = if at == 0 { name } else { "" };
                writeln!(f, "{name:<12} {line}")?;
            }
        }
        Ok(())
    }
}

/// A name and what is said below it.
pub(super) type Fact = (&'static str, String);

/// What came to the operations, a row for each step and one for all.
pub(super) fn steps(summary: &Summary) -> Vec<Vec<String>> {
    let row = |step: &str, of: &StepSummary| {
        let values: [fn(&Percentiles) -> f64; 5] =
            [|p| p.p50, |p| p.p90, |p| p.p99, |p| p.p999, |p| p.max];
        let latencies = values.map(|value| match &of.latency_ms {
            Some(latency) => ms(value(latency)),
            None => "-".to_owned(),
        });
        let mut row = vec![step.to_owned(), of.count.to_string()];
        row.push(format!("{:.1}", of.per_second));
        row.extend(latencies);
        row.push(of.errors.to_string());
        row
    };
    let all = StepSummary {
        count: summary.operations,
        per_second: summary.per_second,
        errors: summary.errors,
        latency_ms: summary.latency_ms,
        curve: Vec::new(),
    };
    let steps = summary.steps.iter();
    let rows = steps.map(|(step, of)| row(&step.to_string(), of));
    rows.chain([row("all", &all)]).collect()
}

pub(super) const STEPS_HEADER: [&str; 9] = [
    "STEP", "COUNT", "A SECOND", "P50 MS", "P90 MS", "P99 MS", "P99.9 MS", "MAX MS", "ERRORS",
];

/// In one line what it came to.
pub(super) fn outcome(summary: &Summary) -> String {
    format!(
        "{} operations in {:.1} s, {:.1} a second, {} errors",
        summary.operations, summary.seconds, summary.per_second, summary.errors
    )
}

pub(super) fn errors(summary: &Summary) -> impl Iterator<Item = Fact> {
    summary.errors_by_kind.iter().map(|error| {
        let message = error.failed.message.lines().next().unwrap_or_default();
        let (step, kind, count) = (&error.step, &error.kind, error.failed.count);
        ("error", format!("{step} {kind}, {count} times: {message}"))
    })
}

pub(super) fn facts(summary: &Summary) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(waited) = summary.waited_ms {
        let waited = percentiles(&waited);
        let text = format!("{waited} from when it was due until it was sent");
        facts.push(("waited", text));
    }
    if summary.not_sent > 0 {
        let text = format!("{} operations that were due", summary.not_sent);
        facts.push(("not sent", text));
    }
    facts.push(("visible", visible(&summary.visible)));
    if summary.early_reads > 0 {
        let early = summary.early_reads;
        let text = format!("{early} of an order that the read model did not have yet");
        facts.push(("early reads", text));
    }
    let client = format!(
        "{:.0} % of one processor, {:.2} ms an operation",
        summary.client.cpu_share * 100.0,
        summary.client.cpu_ms_per_operation
    );
    facts.extend([
        ("cold starts", cold_starts(summary.cold_starts.as_ref())),
        ("client", client),
        ("cost", cost(summary)),
        ("orders", format!("of client {}", summary.client_id)),
    ]);
    facts
}

fn visible(visible: &Visible) -> String {
    let (Some(lag), Some(within)) = (visible.lag_ms, visible.within_ms) else {
        return match visible.unseen {
            0 => "not measured: no order was followed".to_owned(),
            unseen => format!("none of {unseen} orders within 30 s"),
        };
    };
    let mut text = format!(
        "{}, {} orders followed by queries, each to within {} ms (p50)",
        percentiles(&lag),
        visible.followed,
        ms(within.p50)
    );
    if visible.unseen > 0 {
        text.push_str(&format!(", {} not seen within 30 s", visible.unseen));
    }
    if visible.left_out > 0 {
        let more = visible.left_out;
        text.push_str(&format!(
            ", {more} more were not, for too many were at once"
        ));
    }
    text
}

fn cold_starts(found: Option<&ColdStarts>) -> String {
    let Some(found) = found else {
        return "not measured here: the functions' logs hold no reports of Lambda".to_owned();
    };
    let init = |init: Option<Percentiles>| match init {
        None => String::new(),
        Some(init) => {
            let (p50, max) = (ms(init.p50), ms(init.max));
            format!(" (started in p50 {p50} ms, at most {max} ms)")
        }
    };
    format!(
        "publisher {}{}, query {}{}, of {} calls whose logs were read",
        found.publisher,
        init(found.publisher_init_ms),
        found.query,
        init(found.query_init_ms),
        found.reports
    )
}

/// The first line, and a line for each assumption.
fn cost(summary: &Summary) -> String {
    let about = match summary.circumstances.target {
        Target::Aws => "about",
        Target::Local => "the same run on AWS would cost about",
    };
    let cost = &summary.cost;
    let mut text = format!("{about} {} ({})", dollars(cost.usd), cost.prices);
    for assumption in &cost.assumptions {
        text.push_str(&format!("\n{assumption}"));
    }
    text
}

fn percentiles(of: &Percentiles) -> String {
    let [p50, p90, p99, max] = [of.p50, of.p90, of.p99, of.max].map(ms);
    format!("p50 {p50}, p90 {p90}, p99 {p99}, longest {max} ms")
}
