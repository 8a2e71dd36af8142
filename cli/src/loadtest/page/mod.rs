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
use super::summary::Summary;
use super::words;
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
    let (steps, cost) = (steps(summary), cost(summary));
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
{facts}{steps}<p>Latencies are of what succeeded.</p>
{drawing}<h2>Cost</h2>
{cost}</body>
</html>
"#
    )
}

fn svg(summary: &Summary) -> String {
    let facts = facts(summary).into_iter();
    let lines: Vec<_> = facts.flat_map(|fact| wrapped(&fact.join(": "))).collect();
    drawing(summary, &lines)
}

/// Lines that are short enough for the drawings' width.
fn wrapped(text: &str) -> Vec<String> {
    const LONGEST: usize = 100;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < LONGEST => {
                line.push_str(if line.is_empty() { "" } else { " " });
                line.push_str(word);
            }
            _ => lines.push(format!("    {word}")),
        }
    }
    lines
}

/// All charts, below lines of text where nothing else says what they are of.
fn drawing(summary: &Summary, lines: &[String]) -> String {
    const LINE: f64 = 18.0;
    let mut content = String::new();
    let mut top = 0.0;
    for line in lines {
        top += LINE;
        let text = escaped(line);
        content.push_str(&format!("<text x=\"0\" y=\"{top}\">{text}</text>\n"));
    }
    top += if lines.is_empty() { 0.0 } else { LINE };
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
    let facts = [
        ("driven", place),
        ("begun", of.begun_at.clone()),
        ("settings", summary.settings.words.clone()),
        ("from", format!("{}, cqrs {}", of.machine, of.version)),
        ("done", format!("{}{end}", words::outcome(summary))),
    ];
    let facts = facts.into_iter().chain(words::facts(summary));
    let facts = facts.chain(words::errors(summary));
    facts
        .map(|(name, said)| vec![name.to_owned(), said])
        .collect()
}

fn steps(summary: &Summary) -> String {
    let header = words::STEPS_HEADER.map(str::to_lowercase).to_vec();
    table("numbers", &[vec![header], words::steps(summary)].concat())
}

fn cost(summary: &Summary) -> String {
    let rows = summary.cost.items.iter();
    let rows = rows.map(|item| vec![item.what.to_owned(), dollars(item.usd)]);
    table("numbers", &rows.collect::<Vec<_>>())
}

fn table(class: &str, rows: &[Vec<String>]) -> String {
    let mut text = format!("<table class=\"{class}\">\n");
    for row in rows {
        let cell = |cell: &String| format!("<td>{}</td>", escaped(cell).replace('\n', "<br/>"));
        let cells = row.iter().map(cell);
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
