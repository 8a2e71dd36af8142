//! A run in words and numbers: the report for people, whose parts the page has too.

use std::fmt;

use crate::app::duration::ms;
use crate::commands::table::table;
use crate::domain::Domain;
use crate::loadtest::cost::dollars;
use crate::loadtest::latency::{Latencies, Percentiles};
use crate::loadtest::outcome::Outcome;
use crate::loadtest::record::{Calls, Visible};
use crate::settings::Target;

/// A name and what is said below it.
pub(super) type Fact<'a> = (&'a str, String);

pub(super) const STEPS_HEADER: [&str; 9] = [
    "STEP", "COUNT", "A SECOND", "P50 MS", "P90 MS", "P99 MS", "P99.9 MS", "MAX MS", "ERRORS",
];

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", in_a_line(self))?;
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

/// A row for each step and one for all.
pub(super) fn steps(outcome: &Outcome) -> Vec<Vec<String>> {
    let row = |step: &str, count: u64, latencies: &Latencies, errors: u64| {
        let values: [fn(&Percentiles) -> f64; 5] =
            [|p| p.p50, |p| p.p90, |p| p.p99, |p| p.p999, |p| p.max];
        let found = latencies.percentiles();
        let latencies = values.map(|value| match &found {
            Some(found) => ms(value(found)),
            None => "-".to_owned(),
        });
        let mut row = vec![step.to_owned(), count.to_string()];
        row.push(format!("{:.1}", outcome.per_second(count)));
        row.extend(latencies);
        row.push(errors.to_string());
        row
    };
    let record = &outcome.record;
    let steps = record.steps.iter();
    let rows = steps.map(|(step, of)| row(&step.to_string(), of.count(), &of.latencies, of.failed));
    let (all, failed) = (record.operations(), record.failed());
    rows.chain([row("all", all, &record.latencies, failed)])
        .collect()
}

/// In one line what it came to.
pub(super) fn in_a_line(outcome: &Outcome) -> String {
    let (operations, errors) = (outcome.record.operations(), outcome.record.failed());
    format!(
        "{operations} operations in {:.1} s, {:.1} a second, {errors} errors",
        outcome.seconds(),
        outcome.per_second(operations)
    )
}

pub(super) fn errors(outcome: &Outcome) -> impl Iterator<Item = Fact<'_>> {
    let errors = outcome.record.errors_by_count().into_iter();
    errors.map(|((step, kind), failed)| {
        let message = failed.message.lines().next().unwrap_or_default();
        let text = format!("{step} {kind}, {} times: {message}", failed.count);
        ("error", text)
    })
}

pub(super) fn facts(outcome: &Outcome) -> Vec<Fact<'_>> {
    let subject = &outcome.plan.subject;
    let domain = &subject.domain;
    let mut facts = Vec::new();
    if let Some(waited) = outcome.waited() {
        let waited = percentiles(&waited);
        let text = format!("{waited} from when it was due until it was sent");
        facts.push(("waited", text));
    }
    if outcome.not_sent > 0 {
        let text = format!("{} operations that were due", outcome.not_sent);
        facts.push(("not sent", text));
    }
    facts.push(("visible", visible(&outcome.record.visible, domain)));
    let early = outcome.record.early_reads;
    if early > 0 {
        let text = format!("{early} of what the read model did not have yet");
        facts.push(("early reads", text));
    }
    let client = format!(
        "{:.0} % of one processor, {:.2} ms an operation",
        outcome.cpu_share() * 100.0,
        outcome.cpu_ms_per_operation()
    );
    facts.extend([
        ("cold starts", cold_starts(outcome)),
        ("client", client),
        ("cost", cost(outcome)),
        (
            domain.plural.as_str(),
            format!("of {} {}", subject.label(), subject.mark),
        ),
    ]);
    facts
}

fn visible(visible: &Visible, domain: &Domain) -> String {
    let (unseen, left_out) = (visible.unseen, visible.left_out);
    let found = visible.lag.percentiles().zip(visible.within.percentiles());
    let Some((lag, within)) = found else {
        return match unseen {
            0 => format!("not measured: no {} was followed", domain.entity),
            unseen => format!("none of {} within 30 s", domain.counted(unseen)),
        };
    };
    let mut text = format!(
        "{}, {} followed by queries, each to within {} ms (p50)",
        percentiles(&lag),
        domain.counted(visible.followed()),
        ms(within.p50)
    );
    if unseen > 0 {
        text.push_str(&format!(", {unseen} not seen within 30 s"));
    }
    if left_out > 0 {
        let more = format!(", {left_out} more were not, for too many were at once");
        text.push_str(&more);
    }
    text
}

fn cold_starts(outcome: &Outcome) -> String {
    let Some(reports) = outcome.record.reports() else {
        return "not measured here: the functions' logs hold no reports of Lambda".to_owned();
    };
    let found = |calls: &Calls| match calls.init.percentiles() {
        None => "0".to_owned(),
        Some(init) => {
            let (count, p50, max) = (calls.init.count(), ms(init.p50), ms(init.max));
            format!("{count} (started in p50 {p50} ms, at most {max} ms)")
        }
    };
    format!(
        "publisher {}, query {}, of {reports} calls whose logs were read",
        found(&outcome.record.publisher),
        found(&outcome.record.query)
    )
}

/// The first line, and a line for each assumption.
fn cost(outcome: &Outcome) -> String {
    let about = match outcome.circumstances.target {
        Target::Aws => "about",
        Target::Local => "the same run on AWS would cost about",
    };
    let cost = &outcome.cost;
    let first = format!("{about} {} ({})", dollars(cost.usd), cost.prices);
    [&[first], cost.assumptions.as_slice()].concat().join("\n")
}

fn percentiles(of: &Percentiles) -> String {
    let [p50, p90, p99, max] = [of.p50, of.p90, of.p99, of.max].map(ms);
    format!("p50 {p50}, p90 {p90}, p99 {p99}, longest {max} ms")
}
