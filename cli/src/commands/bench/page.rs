//! A run as one HTML page that needs no other file. It is XML too, so that any XML parser reads it.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::chart::{self, Axis, Line, nines, power};
use super::text;
use crate::error::{Explain, Kind};
use crate::loadtest::cost::dollars;
use crate::loadtest::latency::Latencies;
use crate::loadtest::outcome::Outcome;
use crate::loadtest::record::StepRecord;
use crate::loadtest::timeline::{Second, whole};
use crate::settings::Target;

const TEMPLATE: &str = include_str!("page.html");
/// Points of a time line; of more seconds, several make one.
const MOST_POINTS: usize = 600;

/// A file that a run can be saved to.
#[derive(Clone, Debug)]
pub(crate) struct PageFile(PathBuf);

/// Why a run cannot be saved there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error("`{}` does not end in .html", .0.display())]
    NoPage(PathBuf),
    #[error("`{}` is there and is no file", .0.display())]
    NoFile(PathBuf),
    #[error("there is no folder `{}`", .0.display())]
    NoFolder(PathBuf),
    #[error("cannot write `{}`", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

impl Explain for PageError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoPage(_) | Self::NoFile(_) | Self::NoFolder(_) => Kind::Usage,
            Self::Unwritable { .. } => Kind::Failed,
        }
    }
}

impl PageFile {
    /// Looks whether it could be written, before the work is done. A file that is there is replaced.
    pub(crate) fn at(path: PathBuf) -> Result<Self, PageError> {
        if path.extension().is_none_or(|ending| ending != "html") {
            return Err(PageError::NoPage(path));
        }
        if path.exists() && !path.is_file() {
            return Err(PageError::NoFile(path));
        }
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                Err(PageError::NoFolder(folder.to_owned()))
            }
            _ => Ok(Self(path)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes it whole or not at all.
    pub(crate) fn write(&self, outcome: &Outcome) -> Result<(), PageError> {
        let mut unfinished = self.0.clone().into_os_string();
        unfinished.push(".unfinished");
        let written = fs::write(&unfinished, html(outcome));
        let written = written.and_then(|()| fs::rename(&unfinished, &self.0));
        written.map_err(|source| {
            // It may be what filled the disk, or not be there at all.
            let _ = fs::remove_file(&unfinished);
            let path = self.0.clone();
            PageError::Unwritable { path, source }
        })
    }
}

fn html(outcome: &Outcome) -> String {
    let title = format!("cqrs bench, {}", escaped(&outcome.plan.subject.mark));
    let header = text::STEPS_HEADER.map(str::to_lowercase).to_vec();
    let items = outcome.cost.items.iter();
    let items = items.map(|item| vec![item.what.to_owned(), dollars(item.usd)]);
    TEMPLATE
        .replace("{title}", &title)
        .replace("{facts}", &table("words", facts(outcome)))
        .replace("{cost}", &table("numbers", items))
        .replace("{charts}", &charts(outcome))
        .replace(
            "{steps}",
            &table("numbers", [vec![header], text::steps(outcome)].concat()),
        )
}

/// What was driven, how, where from, and what it came to.
fn facts(outcome: &Outcome) -> impl Iterator<Item = Vec<String>> {
    let (of, plan) = (&outcome.circumstances, &outcome.plan);
    let until = plan.until.words(&plan.subject.domain);
    let place = match of.target {
        Target::Aws => format!("stack {} in {}", of.stack, of.region),
        Target::Local => format!("stack {} on this machine", of.stack),
    };
    let end = if outcome.complete {
        ""
    } else {
        ", interrupted"
    };
    let facts = [
        ("driven", place),
        ("begun", of.begun_at.clone()),
        ("settings", format!("{}, {until}, {}", plan.pace, plan.mix)),
        ("from", format!("{}, cqrs {}", of.machine, of.version)),
        ("done", format!("{}{end}", text::in_a_line(outcome))),
    ];
    let facts = facts.into_iter().chain(text::facts(outcome));
    let facts = facts.chain(text::errors(outcome));
    facts.map(|(name, text)| vec![name.to_owned(), text])
}

fn charts(outcome: &Outcome) -> String {
    let record = &outcome.record;
    let steps = record.steps.iter();
    let names: Vec<_> = steps.clone().map(|(step, _)| step.to_string()).collect();
    let names = names.iter().map(String::as_str).chain(["visible"]);
    let all = steps
        .map(|(_, of)| &of.latencies)
        .chain([&record.visible.lag]);
    let curve = |(name, of): (_, &Latencies)| {
        let points = of.curve().into_iter();
        (
            name,
            points.map(|(at, ms)| (nines(at), power(ms))).collect(),
        )
    };
    let lines: Vec<Line<'_>> = names.zip(all).map(curve).collect();
    let most = record.steps.values().map(StepRecord::count).max();
    let x = Axis::nines("of the operations", most.unwrap_or_default());
    let y = Axis::powers("ms", &lines);
    let mut page = titled("Latency by percentile", &chart::svg(&x, &y, &lines));

    let points = points(record.timeline.past());
    let line = |name, value: fn(&Point) -> f64| -> Line<'_> {
        let points = points.iter();
        (name, points.map(|p| (p.at, value(p))).collect())
    };
    let x = Axis::linear("seconds", points.last().map_or(0.0, |point| point.at));
    let busiest = points.iter().map(|p| p.per_second).fold(0.0, f64::max);
    let y = Axis::linear("a second", busiest);
    let lines = [
        line("operations", |p| p.per_second),
        line("errors", |p| p.errors_per_second),
    ];
    page += &titled(
        "Operations and errors a second",
        &chart::svg(&x, &y, &lines),
    );
    let lines = [
        line("p50", |p| power(p.p50)),
        line("p99", |p| power(p.p99)),
        line("longest", |p| power(p.max)),
    ];
    let y = Axis::powers("ms", &lines);
    page + &titled("Latency over time", &chart::svg(&x, &y, &lines))
}

fn titled(title: &str, chart: &str) -> String {
    format!("<h2>{title}</h2>\n{chart}")
}

/// A point of the time line: a second, or several of a long run.
struct Point {
    at: f64,
    per_second: f64,
    errors_per_second: f64,
    p50: f64,
    p99: f64,
    max: f64,
}

fn points(timeline: &[Second]) -> Vec<Point> {
    let seconds = whole(timeline);
    let together = seconds.len().div_ceil(MOST_POINTS).max(1);
    let mut end = 0.0;
    let point = |seconds: &[Second]| {
        let length: f64 = seconds.iter().map(|second| second.seconds).sum();
        let largest = |of: fn(&Second) -> f64| seconds.iter().map(of).fold(0.0, f64::max);
        let rate = |of: fn(&Second) -> u64| seconds.iter().map(of).sum::<u64>() as f64 / length;
        end += length;
        Point {
            at: end,
            per_second: rate(|s| s.operations),
            errors_per_second: rate(|s| s.errors),
            p50: seconds.iter().map(|s| s.p50_ms).sum::<f64>() / seconds.len() as f64,
            p99: largest(|s| s.p99_ms),
            max: largest(|s| s.max_ms),
        }
    };
    seconds.chunks(together).map(point).collect()
}

fn table(class: &str, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let cell = |cell: &String| format!("<td>{}</td>", escaped(cell).replace('\n', "<br/>"));
    let row = |row: Vec<String>| {
        let cells: String = row.iter().map(cell).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.into_iter().map(row).collect();
    format!("<table class=\"{class}\">\n{rows}</table>\n")
}

/// A text as XML says it, which has no way to say most control characters.
pub(super) fn escaped(text: impl Display) -> String {
    let mut safe = String::new();
    for c in text.to_string().chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => safe.push('\u{FFFD}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests;
