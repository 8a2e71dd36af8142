//! A run as one file that needs no other: an HTML page, or its drawings alone as SVG.
//!
//! Both are XML, so that any XML parser reads them too.

mod chart;

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use self::chart::{HEIGHT, WIDTH};
use super::cost::dollars;
use super::latency::Percentiles;
use super::summary::Summary;
use crate::error::{Explain, Kind};
use crate::settings::Target;

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 780px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { text-align: right; padding: .15em .9em .15em 0; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child, .words td { text-align: left; }
svg { width: 100%; height: auto; }
";

/// A file that a run can be saved to.
#[derive(Clone, Debug)]
pub(crate) struct PageFile {
    path: PathBuf,
    text: fn(&Summary) -> String,
}

/// Why a run cannot be saved there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error("`{}` does not end in .html or .svg", .0.display())]
    NoForm(PathBuf),
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
            Self::NoForm(_) | Self::NoFile(_) | Self::NoFolder(_) => Kind::Usage,
            Self::Unwritable { .. } => Kind::Failed,
        }
    }
}

impl PageFile {
    /// Looks whether it could be written, before the work is done. A file that is there is replaced.
    pub(crate) fn at(path: PathBuf) -> Result<Self, PageError> {
        let text = match path.extension().and_then(|ending| ending.to_str()) {
            Some("html") => html,
            Some("svg") => svg,
            _ => return Err(PageError::NoForm(path)),
        };
        if path.exists() && !path.is_file() {
            return Err(PageError::NoFile(path));
        }
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                Err(PageError::NoFolder(folder.to_owned()))
            }
            _ => Ok(Self { path, text }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes it whole or not at all.
    pub(crate) fn write(&self, summary: &Summary) -> Result<(), PageError> {
        let mut unfinished = self.path.clone().into_os_string();
        unfinished.push(".unfinished");
        let written = fs::write(&unfinished, (self.text)(summary));
        let written = written.and_then(|()| fs::rename(&unfinished, &self.path));
        written.map_err(|source| {
            // It may be what filled the disk, or not be there at all.
            let _ = fs::remove_file(&unfinished);
            let path = self.path.clone();
            PageError::Unwritable { path, source }
        })
    }
}

fn html(summary: &Summary) -> String {
    let title = format!("cqrs bench, run {}", escaped(&summary.run));
    let facts = table("words", &facts(summary));
    let (steps, errors, cost) = (steps(summary), errors(summary), cost(summary));
    let drawing = drawing(summary, &[]);
    format!(
        r#"<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{title}</h1>
{facts}{steps}<p>Latencies in milliseconds, of what succeeded.</p>
{drawing}{errors}{cost}</body>
</html>
"#
    )
}

fn svg(summary: &Summary) -> String {
    drawing(summary, &facts(summary))
}

/// All charts, below the facts where nothing else tells them.
fn drawing(summary: &Summary, facts: &[Vec<String>]) -> String {
    const LINE: f64 = 18.0;
    let mut content = String::new();
    for (at, fact) in facts.iter().enumerate() {
        let (y, text) = (LINE * (at + 1) as f64, escaped(fact.join(": ")));
        content.push_str(&format!("<text x=\"0\" y=\"{y}\">{text}</text>\n"));
    }
    let mut top = if facts.is_empty() {
        0.0
    } else {
        LINE * (facts.len() + 1) as f64
    };
    for chart in chart::of(summary) {
        let drawn = chart.svg();
        content.push_str(&format!(
            "<g transform=\"translate(0 {top})\">\n{drawn}</g>\n"
        ));
        top += HEIGHT;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" role=\"img\">\n\
         <style>{}</style>\n{content}</svg>\n",
        chart::STYLE
    )
}

/// What was driven, how, where from, and what it came to.
fn facts(summary: &Summary) -> Vec<Vec<String>> {
    let of = &summary.circumstances;
    let place = match of.target {
        Target::Aws => format!("stack {} in {}", of.stack, of.region),
        Target::Local => format!("stack {} on this machine", of.stack),
    };
    let end = if summary.complete {
        ""
    } else {
        ", interrupted"
    };
    let done = format!(
        "{} operations in {:.1} s{end}: {:.1} a second, {} errors",
        summary.operations, summary.seconds, summary.per_second, summary.errors
    );
    let client = format!(
        "{:.0} % of one processor, {:.2} ms an operation",
        summary.client.cpu_share * 100.0,
        summary.client.cpu_ms_per_operation
    );
    let mut facts = vec![
        ("driven", place),
        ("begun", of.begun_at.clone()),
        ("settings", summary.settings.words.clone()),
        ("from", format!("{}, cqrs {}", of.machine, of.version)),
        ("done", done),
    ];
    if let Some(lag) = summary.visible.lag_ms {
        let lag = format!(
            "p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms, of {} orders followed",
            lag.p50, lag.p99, lag.max, summary.visible.followed
        );
        facts.push(("visible after", lag));
    }
    facts.push(("the client took", client));
    let row = |(name, value): (&str, String)| vec![name.to_owned(), value];
    facts.into_iter().map(row).collect()
}

fn steps(summary: &Summary) -> String {
    let header = "step,count,a second,p50,p90,p99,p99.9,longest,errors";
    let mut rows = vec![header.split(',').map(str::to_owned).collect::<Vec<_>>()];
    for (step, of) in &summary.steps {
        let mut row = vec![step.to_string(), of.count.to_string()];
        row.push(format!("{:.1}", of.per_second));
        let values: [fn(&Percentiles) -> f64; 5] =
            [|p| p.p50, |p| p.p90, |p| p.p99, |p| p.p999, |p| p.max];
        row.extend(values.map(|value| match &of.latency_ms {
            Some(latency) => format!("{:.2}", value(latency)),
            None => "-".to_owned(),
        }));
        row.push(of.errors.to_string());
        rows.push(row);
    }
    table("numbers", &rows)
}

fn errors(summary: &Summary) -> String {
    if summary.errors_by_kind.is_empty() {
        return String::new();
    }
    let rows = summary.errors_by_kind.iter().map(|error| {
        let failed = &error.failed;
        let count = format!("{} times, first:", failed.count);
        vec![
            error.step.to_string(),
            error.kind.clone(),
            count,
            failed.message.clone(),
        ]
    });
    format!(
        "<h2>Errors</h2>\n{}",
        table("words", &rows.collect::<Vec<_>>())
    )
}

fn cost(summary: &Summary) -> String {
    let said = match summary.circumstances.target {
        Target::Aws => "The run cost about",
        Target::Local => "The same run on AWS would cost about",
    };
    let cost = &summary.cost;
    let rows = cost.items.iter();
    let rows = rows.map(|item| vec![item.what.to_owned(), dollars(item.usd)]);
    let assumptions = cost.assumptions.iter();
    let assumptions = assumptions.map(|text| format!("<p>{}</p>\n", escaped(text)));
    format!(
        "<h2>Cost</h2>\n<p>{said} {} ({}).</p>\n{}{}",
        dollars(cost.usd),
        escaped(cost.prices),
        table("numbers", &rows.collect::<Vec<_>>()),
        assumptions.collect::<String>()
    )
}

fn table(class: &str, rows: &[Vec<String>]) -> String {
    let mut text = format!("<table class=\"{class}\">\n");
    for row in rows {
        let cells = row.iter().map(|cell| format!("<td>{}</td>", escaped(cell)));
        text.push_str(&format!("<tr>{}</tr>\n", cells.collect::<String>()));
    }
    text + "</table>\n"
}

/// A text as XML says it, which has no way to say most control characters.
fn escaped(text: impl Display) -> String {
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
