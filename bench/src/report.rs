//! The result: a row for each figure, with what stands beside it, the ratio of the two, and the
//! project's target.

use std::fs;

use serde::Serialize;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Unit {
    Seconds,
    PerSecond,
    Bytes,
    /// Of one processor core.
    Cores,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 0.001 => format!("{:.0} µs", value * 1e6),
            Self::Seconds if value < 1.0 => format!("{:.2} ms", value * 1e3),
            Self::Seconds => format!("{value:.2} s"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Bytes => format!("{:.2} MB", value / 1e6),
            Self::Cores => format!("{:.2} %", value * 100.0),
        }
    }
}

/// What the project wants of a figure, or of its ratio to what stands beside it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Target {
    None,
    AtMost(f64),
    RatioAtMost(f64),
    RatioAtLeast(f64),
}

/// One figure of the result.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    what: String,
    unit: Unit,
    value: f64,
    beside: Option<f64>,
    beside_is: String,
    target: Target,
}

pub(crate) fn seconds(what: impl Into<String>, value: f64) -> Line {
    line(what, Unit::Seconds, value)
}

pub(crate) fn rate(what: impl Into<String>, value: f64) -> Line {
    line(what, Unit::PerSecond, value)
}

pub(crate) fn bytes(what: impl Into<String>, value: f64) -> Line {
    line(what, Unit::Bytes, value)
}

pub(crate) fn cores(what: impl Into<String>, value: f64) -> Line {
    line(what, Unit::Cores, value)
}

/// A line for `what`, with nothing beside it and no target yet.
fn line(what: impl Into<String>, unit: Unit, value: f64) -> Line {
    Line {
        what: what.into(),
        unit,
        value,
        beside: None,
        beside_is: String::new(),
        target: Target::None,
    }
}

impl Line {
    /// The floor or the peer that was measured in the same run, and what it is.
    pub(crate) fn beside(mut self, value: f64, what: impl Into<String>) -> Self {
        self.beside = Some(value);
        self.beside_is = what.into();
        self
    }

    pub(crate) fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.beside.map(|beside| self.value / beside)
    }

    /// The target, and whether it is met.
    fn verdict(&self) -> (String, Option<bool>) {
        let ratio = self.ratio();
        match self.target {
            Target::None => (String::new(), None),
            Target::AtMost(most) => {
                let most_shown = self.unit.show(most);
                (format!("≤ {most_shown}"), Some(self.value <= most))
            }
            Target::RatioAtMost(most) => {
                let is_met = ratio.map(|ratio| ratio <= most);
                (format!("ratio ≤ {most}"), is_met)
            }
            Target::RatioAtLeast(least) => {
                let is_met = ratio.map(|ratio| ratio >= least);
                (format!("ratio ≥ {least}"), is_met)
            }
        }
    }

    fn row(&self) -> String {
        let (target, is_met) = self.verdict();
        let cells = [
            self.what.clone(),
            self.unit.show(self.value),
            self.beside.map_or_else(String::new, |v| self.unit.show(v)),
            self.ratio().map_or_else(String::new, |r| format!("{r:.2}")),
            target,
            is_met
                .map_or("", |met| if met { "yes" } else { "no" })
                .into(),
            self.beside_is.clone(),
        ];
        format!("| {} |\n", cells.join(" | "))
    }
}

/// All lines, and the machine that they were measured on.
#[derive(Serialize)]
pub(crate) struct Report {
    machine: String,
    lines: Vec<Line>,
}

impl Report {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let model = processors.lines().find_map(|line| {
            let (_, model) = line.strip_prefix("model name")?.split_once(": ")?;
            Some(model)
        });
        let (model, load) = (model.unwrap_or_default(), read("/proc/loadavg"));
        Self {
            machine: format!("{cores} cores, {model}; load before: {}", load.trim()),
            lines: Vec::new(),
        }
    }

    /// Adds a line, and says it at once to whoever waits.
    pub(crate) fn add(&mut self, line: Line) {
        eprintln!("{}: {}", line.what, line.unit.show(line.value));
        self.lines.push(line);
    }

    /// As docs/performance.md has it.
    pub(crate) fn table(&self) -> String {
        let head = "| | measured | beside | ratio | target | met | beside is |\n|---|---|---|---|---|---|---|\n";
        let rows: String = self.lines.iter().map(Line::row).collect();
        format!("{}\n\n{head}{rows}", self.machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_its_ratio_and_whether_its_target_is_met() {
        let rate = || rate("rate", 600.0);
        let beside = |target| rate().beside(1000.0, "floor").target(target);
        let met = |line: Line| line.verdict().1;
        assert_eq!(met(beside(Target::RatioAtLeast(0.6))), Some(true));
        assert_eq!(met(beside(Target::RatioAtMost(0.5))), Some(false));
        assert_eq!(met(rate().target(Target::RatioAtMost(0.5))), None);
        assert_eq!(
            beside(Target::RatioAtLeast(0.6)).row(),
            "| rate | 600/s | 1000/s | 0.60 | ratio ≥ 0.6 | yes | floor |\n"
        );
    }
}
