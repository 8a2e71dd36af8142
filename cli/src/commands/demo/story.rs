//! The steps of the tour: command lines, each parsed and run by the tool itself.

use std::time::Instant;

use serde_json::Value;

use super::told::Step;
use crate::app::interrupt::Interrupt;
use crate::cli::{Cli, Command};
use crate::commands::order;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::Settings;

/// What each step is about, where it is not as the one before, and its command. `{client}` is the
/// tour's own, `{id}` the first order's; what a shell would keep to itself is not shown.
const STORY: [(&str, &str); 7] = [
    (
        "Place an order, and wait until the read model shows it",
        "cqrs order create --client {client} --product keyboard --quantity 2 \
         --idempotency-key {client}-keyboard --wait{flags}",
    ),
    (
        "Repeat it, as after a lost answer: the key makes it the same order",
        "cqrs order create --client {client} --product keyboard --quantity 2 \
         --idempotency-key {client}-keyboard --wait{flags}",
    ),
    (
        "Place two more; in a script the id is all there is on standard output",
        "id=$(cqrs order create --client {client} --product mouse --quantity 1 \
         --idempotency-key {client}-mouse --wait{flags})",
    ),
    (
        "",
        "id=$(cqrs order create --client {client} --product cable --quantity 10 \
         --idempotency-key {client}-cable --wait{flags})",
    ),
    (
        "Ship the first one, unless somebody else has changed it",
        "cqrs order ship {id} --expected-version 1 --wait{flags}",
    ),
    (
        "Read it from the read model, which the stream has kept up to date",
        "cqrs order get {id}{flags}",
    ),
    (
        "List this client's orders, the newest first",
        "cqrs order list --client {client}{flags}",
    ),
];

/// Takes all steps; `flags` lead a command to this stack.
pub(super) async fn take(
    settings: &Settings,
    flags: &str,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<Vec<Step>, Failure> {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    // Nobody else's orders are listed, also when the tour is taken again.
    let client = format!("demo-{}", &unique[..6]);
    let style = printer.data_style();
    let mut steps = Vec::<Step>::new();
    for (title, command) in STORY {
        let first = steps.first().map(Step::id).unwrap_or_default();
        let command = command
            .replace("{client}", &client)
            .replace("{id}", first)
            .replace("{flags}", flags);
        if !title.is_empty() {
            let gap = if steps.is_empty() { "" } else { "\n" };
            tell(printer, &format!("{gap}{}", style.bold(title)))?;
        }
        tell(printer, &format!("{} {command}", style.dim("$")))?;
        let begun = Instant::now();
        let typed = command.trim_start_matches("id=$(").trim_end_matches(')');
        let printed = run(typed, settings, interrupt, printer).await?;
        let text = if typed == command {
            &printed.text
        } else {
            // The id goes into the variable.
            printed.text.lines().last().unwrap_or_default()
        };
        tell(printer, text)?;
        steps.push(Step::new(title, command, begun.elapsed(), printed.json));
        expect(&steps)?;
    }
    Ok(steps)
}

/// What a command printed: for people, and for programs.
struct Printed {
    text: String,
    json: Value,
}

async fn run(
    typed: &str,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<Printed, Failure> {
    let parsed = Cli::from_arguments(typed.split(' '));
    let parsed = parsed.map_err(|e| Failure::new(Kind::Usage, e.to_string()))?;
    let Command::Order(command) = parsed.command else {
        return Err(Failure::new(Kind::Failed, "a step that is no order's"));
    };
    let (printer, printed) = printer.capturing();
    order::run(command, settings.clone(), interrupt, &printer).await?;
    let (text, json) = printed.take();
    Ok(Printed { text, json })
}

/// A step that does not come out as it is described fails the tour.
fn expect(steps: &[Step]) -> Result<(), Failure> {
    let holds = |otherwise: &str, holds: bool| {
        if holds {
            return Ok(());
        }
        Err(Failure::new(Kind::Failed, otherwise)
            .hint("`cqrs deploy` brings the functions to this version"))
    };
    let version = |step: &Step| step.result()["version"].as_u64();
    match steps {
        [first, second] => holds(
            "the repeated command made another order",
            first.id() == second.id() && version(second) == Some(1),
        ),
        [.., read] if steps.len() == STORY.len() - 1 => holds(
            "the read model shows an old version",
            version(read) == Some(2),
        ),
        [.., list] if steps.len() == STORY.len() => holds(
            "the list is not of three orders",
            list.result()["orders"].as_array().map(Vec::len) == Some(3),
        ),
        _ => Ok(()),
    }
}

/// Text of the tour; JSON comes as a whole, at the end.
fn tell(printer: &Printer, text: &str) -> Result<(), Failure> {
    if printer.is_json() || printer.is_quiet() {
        return Ok(());
    }
    printer.stdout(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_can_be_typed() {
        for (_, command) in STORY {
            let command = command.replace("{client}", "demo").replace("{flags}", "");
            let typed = command.replace("{id}", "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11");
            let typed = typed.trim_start_matches("id=$(").trim_end_matches(')');
            let parsed = Cli::from_arguments(typed.split(' '));
            assert!(parsed.is_ok(), "{typed}");
        }
    }
}
