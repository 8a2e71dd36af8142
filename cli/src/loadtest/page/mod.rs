//! A run as one file that needs no other: an HTML page, or its drawings alone as SVG.
//!
//! Both are written as XML, so that any XML parser reads them too.

mod chart;
mod drawings;
mod xml;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use self::chart::{HEIGHT, WIDTH};
use self::drawings::charts;
use self::xml::Xml;
use super::cost::dollars;
use super::latency::Percentiles;
use super::mix::Step;
use super::summary::Summary;
use crate::error::{Explain, Kind};
use crate::settings::Target;

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 780px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { text-align: right; padding: .15em .9em .15em 0; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child, .words td { text-align: left; }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; fill: currentColor; }
";
const CHART_STYLE: &str = "
text { fill: currentColor; font: 12px system-ui, sans-serif; }
.title { font-size: 15px; font-weight: 600; }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: currentColor; stroke-opacity: .15; fill: none; }
.axis { stroke: currentColor; stroke-opacity: .6; fill: none; }
.line { stroke-width: 2; fill: none; stroke-linejoin: round; stroke-linecap: round; }
.s0 { stroke: #1f77b4; } .s1 { stroke: #ff7f0e; } .s2 { stroke: #2ca02c; }
.s3 { stroke: #9467bd; } .s4 { stroke: #d62728; }
";

/// A file that a run can be saved to.
#[derive(Clone, Debug)]
pub(crate) struct PageFile {
    path: PathBuf,
    form: Form,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Html,
    Svg,
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
        let ending = path.extension().and_then(|ending| ending.to_str());
        let form = match ending {
            Some("html") => Form::Html,
            Some("svg") => Form::Svg,
            _ => return Err(PageError::NoForm(path)),
        };
        if path.exists() && !path.is_file() {
            return Err(PageError::NoFile(path));
        }
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                Err(PageError::NoFolder(folder.to_owned()))
            }
            _ => Ok(Self { path, form }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes it whole or not at all.
    pub(crate) fn write(&self, summary: &Summary) -> Result<(), PageError> {
        let text = match self.form {
            Form::Html => html(summary),
            Form::Svg => svg(summary),
        };
        let mut unfinished = self.path.clone().into_os_string();
        unfinished.push(".unfinished");
        let written = fs::write(&unfinished, text);
        let written = written.and_then(|()| fs::rename(&unfinished, &self.path));
        written.map_err(|source| {
            // It may be what filled the disk, or not be there at all.
            let _ = fs::remove_file(&unfinished);
            PageError::Unwritable {
                path: self.path.clone(),
                source,
            }
        })
    }
}

fn html(summary: &Summary) -> String {
    let mut xml = Xml::default();
    xml.raw("<!DOCTYPE html>\n");
    let root: [xml::Attribute<'_>; 2] =
        [("xmlns", &"http://www.w3.org/1999/xhtml"), ("lang", &"en")];
    xml.element("html", &root, |xml| {
        xml.element("head", &[], |xml| {
            xml.empty("meta", &[("charset", &"utf-8")]);
            let viewport = "width=device-width, initial-scale=1";
            xml.empty("meta", &[("name", &"viewport"), ("content", &viewport)]);
            xml.line("title", &[], format_args!("cqrs bench, {}", summary.run));
            xml.element("style", &[], |xml| {
                xml.raw(STYLE);
                xml.raw(CHART_STYLE);
            });
        });
        xml.element("body", &[], |xml| {
            xml.line("h1", &[], format_args!("cqrs bench, run {}", summary.run));
            table(xml, "words", &[], &facts(summary));
            steps(xml, summary);
            drawing(xml, summary, 0.0);
            errors(xml, summary);
            cost(xml, summary);
        });
    });
    xml.finish()
}

fn svg(summary: &Summary) -> String {
    let mut xml = Xml::default();
    drawing(&mut xml, summary, 18.0);
    xml.finish()
}

/// All charts, below as many lines as tell what they show where nothing else does.
fn drawing(xml: &mut Xml, summary: &Summary, line: f64) {
    let charts = charts(summary);
    let facts = facts(summary);
    let head = line * (facts.len() + 1) as f64;
    let height = head + HEIGHT * charts.len() as f64;
    let view = format!("0 0 {WIDTH} {height}");
    let root: [xml::Attribute<'_>; 3] = [
        ("xmlns", &"http://www.w3.org/2000/svg"),
        ("viewBox", &view),
        ("role", &"img"),
    ];
    xml.element("svg", &root, |xml| {
        xml.line(
            "title",
            &[],
            format_args!("cqrs bench, run {}", summary.run),
        );
        if line > 0.0 {
            xml.element("style", &[], |xml| xml.raw(CHART_STYLE));
            for (at, fact) in facts.iter().enumerate() {
                let y = line * (at + 1) as f64;
                xml.line("text", &[("x", &0), ("y", &y)], fact.join(": "));
            }
        }
        for (at, chart) in charts.iter().enumerate() {
            chart.draw(xml, head + HEIGHT * at as f64);
        }
    });
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
    let lag = |lag: Percentiles| {
        format!(
            "p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms, of {} orders followed",
            lag.p50, lag.p99, lag.max, summary.visible.followed
        )
    };
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
    if let Some(found) = summary.visible.lag_ms {
        facts.push(("visible after", lag(found)));
    }
    facts.push(("the client took", client));
    let facts = facts.into_iter();
    facts
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect()
}

fn steps(xml: &mut Xml, summary: &Summary) {
    let header = [
        "step", "count", "a second", "p50", "p90", "p99", "p99.9", "longest", "errors",
    ];
    let rows: Vec<_> = summary
        .steps
        .iter()
        .map(|(step, of): (&Step, _)| {
            let ms = |value: fn(&Percentiles) -> f64| {
                let found = of.latency_ms.as_ref().map(value);
                found.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.2}"))
            };
            let mut row = vec![step.to_string(), of.count.to_string()];
            row.push(format!("{:.1}", of.per_second));
            row.extend([
                ms(|p| p.p50),
                ms(|p| p.p90),
                ms(|p| p.p99),
                ms(|p| p.p999),
                ms(|p| p.max),
            ]);
            row.push(of.errors.to_string());
            row
        })
        .collect();
    table(xml, "numbers", &header, &rows);
    xml.line("p", &[], "Latencies in milliseconds, of what succeeded.");
}

fn errors(xml: &mut Xml, summary: &Summary) {
    if summary.errors_by_kind.is_empty() {
        return;
    }
    xml.line("h2", &[], "Errors");
    let rows = summary.errors_by_kind.iter().map(|error| {
        vec![
            error.step.to_string(),
            error.kind.clone(),
            error.failed.count.to_string(),
            error.failed.message.clone(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    table(xml, "words", &["step", "kind", "count", "the first"], &rows);
}

fn cost(xml: &mut Xml, summary: &Summary) {
    xml.line("h2", &[], "Cost");
    let told = match summary.circumstances.target {
        Target::Aws => "The run cost about",
        Target::Local => "The same run on AWS would cost about",
    };
    let cost = &summary.cost;
    xml.line(
        "p",
        &[],
        format_args!("{told} {} ({}).", dollars(cost.usd), cost.prices),
    );
    let rows = cost.items.iter();
    let rows: Vec<_> = rows
        .map(|item| vec![item.what.to_owned(), dollars(item.usd)])
        .collect();
    table(xml, "numbers", &[], &rows);
    for assumption in &cost.assumptions {
        xml.line("p", &[], assumption);
    }
}

fn table(xml: &mut Xml, class: &'static str, header: &[&str], rows: &[Vec<String>]) {
    xml.element("table", &[("class", &class)], |xml| {
        if !header.is_empty() {
            xml.element("tr", &[], |xml| {
                for name in header {
                    xml.line("th", &[], name);
                }
            });
        }
        for row in rows {
            xml.element("tr", &[], |xml| {
                for cell in row {
                    xml.line("td", &[], cell);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests;
