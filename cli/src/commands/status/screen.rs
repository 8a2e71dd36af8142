//! How a report looks: a line for each part, then what to do about those that are not well.

use orders::timestamp::Timestamp;

use super::details::{alarms, failures, function, mapping, read_model, stack, write_model};
use super::report::{FunctionFacts, Outline, READ_MODEL, Report};
use crate::observe::judge::Health;
use crate::printer::Style;

/// The width of a symbol, a name and the spaces about them.
const MARGIN: usize = 15;
/// Narrower than this the text is not made to fit.
const NARROWEST: usize = 30;

/// The report for people; lines are broken at `columns`, where there is such a width.
pub(super) fn text(report: &Report, style: Style, columns: Option<usize>) -> String {
    let room = columns.map_or(usize::MAX, |columns| {
        columns.max(NARROWEST).saturating_sub(MARGIN + 1)
    });
    let stopped = report.parts.stack.facts.as_ref();
    let is_stopped = stopped.is_some_and(|stack| stack.status == "STOPPED");
    let mut text = headline(report, style);
    let said = said(report, room);
    for part in report.parts.outlines() {
        // One line says it for all.
        if is_stopped && part.name != "stack" || part.name == "metrics" && part.error.is_none() {
            continue;
        }
        let found = said.iter().find(|(name, _)| *name == part.name);
        let details = match (found, part.error) {
            (Some((_, details)), _) => details.clone(),
            (None, Some(error)) => vec![error.to_string()],
            (None, None) => Vec::new(),
        };
        text.push_str(&row(&part, &details, room, style));
    }
    if let Some(url) = &report.dashboard_url {
        text.push_str(&format!("  {:<12} {url}\n", "dashboard"));
    }
    let mut outlines = report.parts.outlines();
    outlines.retain(|part| !is_stopped || part.name == "stack");
    if report.parts.lost_contents() {
        outlines.sort_by_key(|part| part.name != READ_MODEL);
    }
    text.push_str(&advice(&outlines, room, style));
    text
}

fn headline(report: &Report, style: Style) -> String {
    let place = match report.target {
        "local" => "on this machine".to_owned(),
        _ => format!("in {}", report.region),
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

fn row(part: &Outline<'_>, details: &[String], room: usize, style: Style) -> String {
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
fn advice(outlines: &[Outline<'_>], room: usize, style: Style) -> String {
    let mut given: Vec<(Vec<&str>, Health, &str, Option<&str>)> = Vec::new();
    for part in outlines {
        let Some(advice) = part.advice else { continue };
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

/// What the parts that could be asked have to say.
fn said(report: &Report, room: usize) -> Vec<(&'static str, Vec<String>)> {
    let parts = &report.parts;
    let now = report.at;
    let functions: Vec<(&'static str, &FunctionFacts)> = [
        ("publisher", &parts.publisher),
        ("subscriber", &parts.subscriber),
        ("query", &parts.query),
    ]
    .into_iter()
    .filter_map(|(name, row)| Some((name, row.facts.as_ref()?)))
    .collect();
    let mut said = aligned(&functions, now, room);
    let mut add = |name, details: Option<Vec<String>>| {
        said.extend(details.map(|details| (name, details)));
    };
    add("stack", parts.stack.facts.as_ref().map(|s| stack(s, now)));
    add(
        "write model",
        parts.write_model.facts.as_ref().map(write_model),
    );
    add(
        "mapping",
        parts.mapping.facts.as_ref().map(|m| mapping(m, now)),
    );
    add(
        "read model",
        parts.read_model.facts.as_ref().map(read_model),
    );
    add("failures", parts.failures.facts.as_ref().map(failures));
    let alarms_row = parts.alarms.as_ref();
    add(
        "alarms",
        alarms_row.and_then(|row| row.facts.as_ref()).map(alarms),
    );
    said
}

/// The functions' details under one another, where there is room for that.
fn aligned(
    functions: &[(&'static str, &FunctionFacts)],
    now: Timestamp,
    room: usize,
) -> Vec<(&'static str, Vec<String>)> {
    let rows: Vec<_> = functions
        .iter()
        .map(|(name, facts)| (*name, function(facts, now)))
        .collect();
    let columns = rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
    let width = |column| {
        let cells = rows.iter().filter_map(|(_, cells)| cells.get(column));
        cells
            .map(|cell: &String| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let total = widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1);
    let fits = total <= room;
    rows.into_iter()
        .map(|(name, cells)| {
            if !fits {
                return (name, cells.into_iter().filter(|c| !c.is_empty()).collect());
            }
            let cells = cells.iter().zip(&widths);
            let padded: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:<width$}", width = *width))
                .collect();
            (name, vec![padded.join("  ").trim_end().to_owned()])
        })
        .collect()
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
