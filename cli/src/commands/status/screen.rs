//! How a report looks: a line for each part, then what to do about those that are not well.

use super::details;
use super::report::Report;
use crate::app::handler::Handler;
use crate::observe::judge::Health;
use crate::observe::judged::Judged;
use crate::printer::Style;
use crate::settings::Target;

/// The width of a symbol, a name and the spaces about them.
const MARGIN: usize = 15;
/// Narrower than this the text is not made to fit.
const NARROWEST: usize = 30;

/// The report for people; lines are broken at `columns`, where there is such a width.
pub(super) fn text(report: &Report, style: Style, columns: Option<usize>) -> String {
    let room = columns.map_or(usize::MAX, |columns| {
        columns.max(NARROWEST).saturating_sub(MARGIN + 1)
    });
    let mut text = headline(report, style);
    // One line says it for all where the stack does not run.
    let is_shown = |part: &&Judged| {
        (!report.is_stopped || part.name == "stack")
            && (part.name != "metrics" || part.error.is_some())
    };
    let shown = report.parts.iter().filter(is_shown);
    let details = |part: &Judged| {
        let facts = part.facts.as_ref();
        facts
            .map(|facts| details::of(facts, report.at))
            .unwrap_or_default()
    };
    let mut rows: Vec<_> = shown.map(|part| (part, details(part))).collect();
    align(&mut rows, room);
    for (part, mut details) in rows {
        details.extend(part.error.as_ref().map(ToString::to_string));
        text.push_str(&row(part, &details, room, style));
    }
    if let Some(url) = &report.dashboard_url {
        text.push_str(&format!("  {:<12} {url}\n", "dashboard"));
    }
    let mut advised = report.weightiest_first();
    advised.retain(|part| !report.is_stopped || part.name == "stack");
    text.push_str(&advice(&advised, room, style));
    text
}

fn headline(report: &Report, style: Style) -> String {
    let place = match report.target {
        Target::Local => "on this machine".to_owned(),
        Target::Aws => format!("in {}", report.region),
    };
    let verdict = match report.health {
        Health::Ok => style.green("is well"),
        Health::Unknown => style.yellow("is well as far as can be seen"),
        Health::Warning => style.yellow("works, but look below"),
        Health::Failed => style.red("is not well"),
    };
    let at = style.dim(report.at);
    format!(
        "Stack {} {place} {verdict}  {at}\n\n",
        style.bold(&report.stack)
    )
}

fn symbol(health: Health, style: Style) -> String {
    match health {
        Health::Ok => style.green("✓"),
        Health::Unknown => style.dim("?"),
        Health::Warning => style.yellow("!"),
        Health::Failed => style.red("✗"),
    }
}

fn row(part: &Judged, details: &[String], room: usize, style: Style) -> String {
    let indent = format!("\n{:MARGIN$}", "");
    let details = listed(details, room).join(&indent);
    let details = match part.health {
        Health::Unknown => style.dim(details),
        _ => details,
    };
    let line = format!("{} {:<12} {details}", symbol(part.health, style), part.name);
    format!("{}\n", line.trim_end())
}

/// Each piece of advice once, with the parts that it is for.
fn advice(parts: &[&Judged], room: usize, style: Style) -> String {
    let mut given: Vec<(Vec<&str>, Health, &str, Option<&str>)> = Vec::new();
    for part in parts {
        let Some(advice) = &part.advice else { continue };
        let next = advice.next.as_deref();
        let same = given
            .iter_mut()
            .find(|(_, _, message, _)| *message == advice.message);
        match same {
            Some((parts, ..)) => parts.push(part.name),
            None => given.push((vec![part.name], part.health, &advice.message, next)),
        }
    }
    let mut text = String::new();
    for (parts, health, message, next) in given {
        let Some(next) = next else { continue };
        let what = format!("{}: {message}", parts.join(", "));
        let room = room.saturating_add(MARGIN - 2);
        let what = wrapped(&what, room).join("\n  ");
        text.push_str(&format!("\n{} {what}\n", symbol(health, style)));
        let room = room.saturating_sub(6);
        let next = wrapped(next, room).join("\n        ");
        text.push_str(&format!("  {} {next}\n", style.dim("next:")));
    }
    text
}

/// The functions' details under one another, where there is room for that.
fn align(parts: &mut [(&Judged, Vec<String>)], room: usize) {
    let is_function = |part: &Judged| Handler::named(part.name).is_some();
    let functions = parts.iter().filter(|(part, _)| is_function(part));
    let mut widths: Vec<usize> = Vec::new();
    for (_, cells) in functions {
        widths.resize(widths.len().max(cells.len()), 0);
        for (column, cell) in widths.iter_mut().zip(cells) {
            *column = (*column).max(width(cell));
        }
    }
    let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    for (part, cells) in parts {
        if is_function(part) && !cells.is_empty() && total <= room {
            let cell = |(cell, width): (&String, &usize)| format!("{cell:<width$}");
            let line: Vec<_> = cells.iter().zip(&widths).map(cell).collect();
            *cells = vec![line.join("  ").trim_end().to_owned()];
        }
        cells.retain(|cell| !cell.is_empty());
    }
}

/// Breaks between the parts of a list, and within one only where it is too long for a line.
fn listed(parts: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let comma = if i + 1 < parts.len() { "," } else { "" };
        let part = format!("{part}{comma}");
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(&part) <= room => {
                line.push(' ');
                line.push_str(&part);
            }
            _ => lines.extend(wrapped(&part, room)),
        }
    }
    lines
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Breaks at spaces. What others have written is kept from steering the terminal.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let text = text.replace(|c: char| c.is_control() && !c.is_whitespace(), "?");
    // Spaces that align are kept where nothing need be broken.
    if width(&text) <= room && !text.contains(['\n', '\r', '\t']) {
        return vec![text];
    }
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + 1 + width(word) <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests;
