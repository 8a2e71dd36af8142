//! A run's summary for people.

use super::plot;
use crate::commands::table::table;
use crate::loadtest::cost::dollars;
use crate::loadtest::latency::Percentiles;
use crate::loadtest::summary::{ColdStarts, StepSummary, Summary, Visible};
use crate::loadtest::timeline::whole;
use crate::settings::Target;

const COLUMNS: usize = 60;

pub(super) fn report(summary: &Summary) -> String {
    let mut text = format!(
        "{} operations in {:.1} s, {:.1} a second, {} errors\n\n{}\n",
        summary.operations,
        summary.seconds,
        summary.per_second,
        summary.errors,
        steps(summary)
    );
    let mut add = |name: &str, value: String| {
        text.push_str(&format!("{name:<12} {value}\n"));
    };
    for error in &summary.errors_by_kind {
        let kind = format!("{} {}", error.step, error.kind);
        let count = error.failed.count;
        let message = error.failed.message.lines().next().unwrap_or_default();
        add("error", format!("{kind}, {count} times: {message}"));
    }
    if !summary.latencies_drawn.is_empty()
        && let Some(latency) = summary.latency_ms
    {
        let counts = summary.latencies_drawn.iter().map(|count| *count as f64);
        let plot = plot::columns(counts);
        let (from, to) = (ms(summary.shortest_ms), ms(latency.max));
        add("latency", format!("{plot} {from} to {to} ms, logarithmic"));
    }
    let seconds = whole(&summary.timeline).iter();
    let seconds: Vec<f64> = seconds.map(|second| second.per_second()).collect();
    if seconds.len() > 1 {
        let together = seconds.len().div_ceil(COLUMNS);
        let means = seconds.chunks(together);
        let means = means.map(|part| part.iter().sum::<f64>() / part.len() as f64);
        add("a second", plot::columns(means));
    }
    if let Some(waited) = summary.waited_ms {
        add(
            "waited",
            format!(
                "{} from when it was due until it was sent",
                percentiles(&waited)
            ),
        );
    }
    if summary.not_sent > 0 {
        add(
            "not sent",
            format!("{} operations that were due", summary.not_sent),
        );
    }
    add("visible", visible(&summary.visible));
    if summary.early_reads > 0 {
        let early = summary.early_reads;
        add(
            "early reads",
            format!("{early} of an order that the read model did not have yet"),
        );
    }
    add("cold starts", cold_starts(summary.cold_starts.as_ref()));
    let client = summary.client;
    add(
        "client",
        format!(
            "{:.0} % of one processor, {:.2} ms an operation",
            client.cpu_share * 100.0,
            client.cpu_ms_per_operation
        ),
    );
    add("cost", cost(summary));
    add("orders", format!("of client {}", summary.client_id));
    text
}

fn steps(summary: &Summary) -> String {
    let header = [
        "STEP", "COUNT", "A SECOND", "P50 MS", "P90 MS", "P99 MS", "P99.9 MS", "MAX MS", "ERRORS",
    ];
    let row = |step: &str, of: &StepSummary| {
        let at = |value: fn(&Percentiles) -> f64| {
            let found = of.latency_ms.as_ref().map(value);
            found.map_or_else(|| "-".to_owned(), ms)
        };
        vec![
            step.to_owned(),
            of.count.to_string(),
            format!("{:.1}", of.per_second),
            at(|p| p.p50),
            at(|p| p.p90),
            at(|p| p.p99),
            at(|p| p.p999),
            at(|p| p.max),
            of.errors.to_string(),
        ]
    };
    let mut rows: Vec<_> = summary
        .steps
        .iter()
        .map(|(step, of)| row(step.name(), of))
        .collect();
    let all = StepSummary {
        count: summary.operations,
        per_second: summary.per_second,
        errors: summary.errors,
        latency_ms: summary.latency_ms,
        curve: Vec::new(),
    };
    rows.push(row("all", &all));
    table(&header, rows)
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
        text.push_str(&format!(
            ", {} more were not, for too many were at once",
            visible.left_out
        ));
    }
    text
}

fn cold_starts(found: Option<&ColdStarts>) -> String {
    let Some(found) = found else {
        return "not measured here: the functions' logs hold no reports of Lambda".to_owned();
    };
    let init = |init: Option<Percentiles>| {
        init.map_or_else(String::new, |init| {
            format!(
                " (started in p50 {} ms, at most {} ms)",
                ms(init.p50),
                ms(init.max)
            )
        })
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

fn cost(summary: &Summary) -> String {
    let told = match summary.circumstances.target {
        Target::Aws => "about",
        Target::Local => "the same run on AWS would cost about",
    };
    let cost = &summary.cost;
    let mut text = format!("{told} {} ({})", dollars(cost.usd), cost.prices);
    for assumption in &cost.assumptions {
        text.push_str(&format!("\n{:<12} {assumption}", ""));
    }
    text
}

fn percentiles(of: &Percentiles) -> String {
    format!(
        "p50 {}, p90 {}, p99 {}, longest {} ms",
        ms(of.p50),
        ms(of.p90),
        ms(of.p99),
        ms(of.max)
    )
}

/// Three digits are enough for people.
fn ms(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}
