//! The result: one line a figure, with what stands beside it, the ratio of the two, and the
//! project's target.

use std::fmt;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::figure::{Figure, Target};

/// One figure of the result.
#[derive(Debug)]
pub(crate) struct Line {
    what: String,
    figure: Figure,
    beside: Option<(Figure, String)>,
    target: Option<Target>,
}

/// A line for `what`, with nothing beside it yet.
pub(crate) fn line(what: impl Into<String>, figure: Figure) -> Line {
    Line {
        what: what.into(),
        figure,
        beside: None,
        target: None,
    }
}

/// A line for a time.
pub(crate) fn time(what: impl Into<String>, time: Duration) -> Line {
    line(what, Figure::Time(time))
}

impl Line {
    /// The floor or the peer that was measured in the same run, and what it is.
    pub(crate) fn beside(mut self, figure: Figure, what: impl Into<String>) -> Self {
        self.beside = Some((figure, what.into()));
        self
    }

    pub(crate) fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// A target for the time itself.
    pub(crate) fn within(self, milliseconds: u64) -> Self {
        self.target(Target::AtMost(Figure::Time(Duration::from_millis(
            milliseconds,
        ))))
    }

    /// The figure in terms of what stands beside it.
    fn ratio(&self) -> Option<f64> {
        let (beside, _) = self.beside.as_ref()?;
        Some(self.figure.number() / beside.number())
    }

    fn is_met(&self) -> Option<bool> {
        self.target?.is_met(self.figure, self.ratio())
    }

    fn json(&self) -> Value {
        json!({
            "what": self.what,
            "value": self.figure.number(),
            "unit": self.figure.unit(),
            "beside": self.beside.as_ref().map(|(figure, what)| {
                json!({"value": figure.number(), "what": what})
            }),
            "ratio": self.ratio(),
            "target": self.target.map(|target| target.to_string()),
            "met": self.is_met(),
        })
    }

    fn cells(&self) -> [String; 7] {
        let (beside, what) = match &self.beside {
            Some((figure, what)) => (figure.to_string(), what.clone()),
            None => Default::default(),
        };
        let met = self.is_met().map(|met| if met { "yes" } else { "no" });
        [
            self.what.clone(),
            self.figure.to_string(),
            beside,
            self.ratio()
                .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            self.target
                .map_or_else(String::new, |target| target.to_string()),
            met.unwrap_or_default().to_owned(),
            what,
        ]
    }
}

const HEADER: [&str; 7] = [
    "",
    "measured",
    "beside",
    "ratio",
    "target",
    "met",
    "beside is",
];

/// All lines, and the machine that they were measured on.
pub(crate) struct Report {
    machine: String,
    /// Others' work at the beginning, which makes every figure worse.
    load_before: String,
    lines: Vec<Line>,
}

impl Report {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let model = processors
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown processor", |(_, model)| model);
        let kernel = read("/proc/sys/kernel/osrelease");
        let load = read("/proc/loadavg");
        Self {
            machine: format!("{cores} cores, {model}, Linux {}", kernel.trim()),
            load_before: load.split(' ').next().unwrap_or_default().to_owned(),
            lines: Vec::new(),
        }
    }

    /// Adds a line, and says it at once to whoever waits.
    pub(crate) fn add(&mut self, line: Line) {
        eprintln!("{}: {}", line.what, line.figure);
        self.lines.push(line);
    }

    pub(crate) fn json(&self) -> Value {
        let lines: Vec<_> = self.lines.iter().map(Line::json).collect();
        json!({"machine": self.machine, "loadBefore": self.load_before, "lines": lines})
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; load before: {}\n", self.machine, self.load_before)?;
        let mut rows = vec![HEADER.map(str::to_owned)];
        rows.extend(self.lines.iter().map(Line::cells));
        let width = |column: usize| {
            let widths = rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or(0)
        };
        let widths: [usize; 7] = std::array::from_fn(width);
        for row in &rows {
            let mut text = String::new();
            for (column, cell) in row.iter().enumerate() {
                // Words to the left, numbers to the right.
                let padding = " ".repeat(widths[column] - cell.chars().count());
                match column {
                    1..=3 => text.extend([padding.as_str(), cell, "  "]),
                    _ => text.extend([cell.as_str(), &padding, "  "]),
                }
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(rate: f64) -> Line {
        line("creates", Figure::Rate(rate)).beside(Figure::Rate(1000.0), "floor")
    }

    #[test]
    fn a_ratio_is_what_was_measured_by_what_stands_beside_it() {
        let json = rate(500.0).target(Target::RatioAtLeast(0.6)).json();
        assert_eq!(json["ratio"], 0.5);
        assert_eq!(json["met"], false);
        assert_eq!(json["target"], "ratio ≥ 0.6");
    }

    #[test]
    fn a_line_without_a_target_meets_none() {
        assert_eq!(rate(500.0).json()["met"], Value::Null);
        assert_eq!(rate(500.0).cells()[5], "");
    }
}
