//! The result: one line a figure, with its floor, the ratio of the two, and the project's target.

use std::fmt;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

/// A measured value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Figure {
    Time(Duration),
    /// A second.
    Rate(f64),
    /// In bytes.
    Memory(u64),
    /// Of one processor core.
    Share(f64),
    /// One figure in terms of another.
    Ratio(f64),
}

/// What the figure cannot go below, and what it is made of.
pub(crate) type Floor = (Figure, &'static str);

#[derive(Debug)]
struct Line {
    what: String,
    figure: Figure,
    floor: Option<Floor>,
    target: Option<&'static str>,
}

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
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        figure: Figure,
        floor: Option<Floor>,
        target: Option<&'static str>,
    ) {
        let line = Line {
            what: what.into(),
            figure,
            floor,
            target,
        };
        eprintln!("{}: {}", line.what, line.figure);
        self.lines.push(line);
    }

    pub(crate) fn json(&self) -> Value {
        let lines: Vec<_> = self.lines.iter().map(Line::json).collect();
        json!({"machine": self.machine, "loadBefore": self.load_before, "lines": lines})
    }
}

impl Line {
    /// How many times the floor's cost it is.
    fn ratio(&self) -> Option<f64> {
        let (floor, _) = self.floor?;
        Some(match (self.figure, floor) {
            (Figure::Rate(figure), Figure::Rate(floor)) => floor / figure,
            (figure, floor) => figure.number() / floor.number(),
        })
    }

    fn json(&self) -> Value {
        json!({
            "what": self.what,
            "value": self.figure.number(),
            "unit": self.figure.unit(),
            "floor": self.floor.map(|(figure, what)| json!({"value": figure.number(), "what": what})),
            "timesFloor": self.ratio(),
            "target": self.target,
        })
    }
}

impl Figure {
    fn number(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Memory(bytes) => bytes as f64,
            Self::Rate(number) | Self::Share(number) | Self::Ratio(number) => number,
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Time(_) => "s",
            Self::Rate(_) => "1/s",
            Self::Memory(_) => "B",
            Self::Share(_) => "cores",
            Self::Ratio(_) => "1",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Time(time) if time < Duration::from_micros(1000) => {
                write!(f, "{:.0} µs", time.as_secs_f64() * 1e6)
            }
            Self::Time(time) if time < Duration::from_millis(100) => {
                write!(f, "{:.2} ms", time.as_secs_f64() * 1e3)
            }
            Self::Time(time) if time < Duration::from_secs(10) => {
                write!(f, "{:.0} ms", time.as_secs_f64() * 1e3)
            }
            Self::Time(time) => write!(f, "{:.1} s", time.as_secs_f64()),
            Self::Rate(rate) => write!(f, "{rate:.0}/s"),
            Self::Memory(bytes) => write!(f, "{:.1} MB", bytes as f64 / 1e6),
            Self::Share(share) => write!(f, "{:.2} %", share * 100.0),
            Self::Ratio(ratio) => write!(f, "{ratio:.2}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; load before: {}\n", self.machine, self.load_before)?;
        let header = ["", "measured", "floor", "x floor", "target", "floor is"];
        let mut rows = vec![header.map(str::to_owned)];
        rows.extend(self.lines.iter().map(|line| {
            let (floor, what) = match line.floor {
                Some((figure, what)) => (figure.to_string(), what),
                None => Default::default(),
            };
            [
                line.what.clone(),
                line.figure.to_string(),
                floor,
                line.ratio()
                    .map_or_else(String::new, |ratio| format!("{ratio:.1}")),
                line.target.unwrap_or_default().to_owned(),
                what.to_owned(),
            ]
        }));
        let width = |column: usize| {
            let widths = rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or(0)
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        for row in &rows {
            let mut text = String::new();
            for (column, cell) in row.iter().enumerate() {
                // Words to the left, numbers to the right.
                let padding = " ".repeat(widths[column] - cell.chars().count());
                match column {
                    0 | 5 => text.extend([cell.as_str(), &padding, "  "]),
                    _ => text.extend([padding.as_str(), cell, "  "]),
                }
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}
