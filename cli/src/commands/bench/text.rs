//! A run's summary for people.

use super::plot;
use crate::commands::table::table;
use crate::loadtest::summary::Summary;
use crate::loadtest::timeline::whole;
use crate::loadtest::words::{self, Fact, ms};

const COLUMNS: usize = 60;

pub(super) fn report(summary: &Summary) -> String {
    let mut facts: Vec<Fact> = words::errors(summary).collect();
    facts.extend(drawings(summary));
    facts.extend(words::facts(summary));
    let outcome = words::outcome(summary);
    let steps = table(&words::STEPS_HEADER, words::steps(summary));
    let mut text = format!("{outcome}\n\n{steps}\n");
    for (name, said) in facts {
        for (at, line) in said.lines().enumerate() {
            let name = if at == 0 { name } else { "" };
            text.push_str(&format!("{name:<12} {line}\n"));
        }
    }
    text
}

fn drawings(summary: &Summary) -> Vec<Fact> {
    let mut facts = Vec::new();
    if !summary.latencies_drawn.is_empty()
        && let Some(latency) = summary.latency_ms
    {
        let counts = summary.latencies_drawn.iter().map(|count| *count as f64);
        let plot = plot::columns(counts);
        let (from, to) = (ms(summary.shortest_ms), ms(latency.max));
        let text = format!("{plot} {from} to {to} ms, logarithmic");
        facts.push(("latency", text));
    }
    let seconds = whole(&summary.timeline).iter();
    let seconds: Vec<f64> = seconds.map(|second| second.per_second()).collect();
    if seconds.len() > 1 {
        let together = seconds.len().div_ceil(COLUMNS);
        let means = seconds.chunks(together);
        let means = means.map(|part| part.iter().sum::<f64>() / part.len() as f64);
        facts.push(("a second", plot::columns(means)));
    }
    facts
}
