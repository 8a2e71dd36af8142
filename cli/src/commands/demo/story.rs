//! The steps of the tour: command lines, each parsed and run by the tool itself.
//!
//! Their values come from the description's examples.

use std::time::Instant;

use pattern::description::CommandKind;
use serde_json::Value;

use super::tour::Step;
use crate::app::interrupt::Interrupt;
use crate::cli::{Cli, Command};
use crate::commands::entity;
use crate::domain::Domain;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::Settings;

/// Where an earlier step's id goes.
const ID: &str = "{id}";

/// A step to be taken.
struct Scene {
    title: String,
    /// After `cqrs` and the entity's name.
    words: String,
    /// What must have come of it, given the first step's id.
    holds: fn(&Value, &Domain, &str) -> bool,
    otherwise: &'static str,
}

/// The story of one entity: created, created again, seen, changed, listed.
fn story(domain: &Domain) -> Vec<Scene> {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let key = format!("demo-{}", &unique[..6]);
    let (one, entity) = (domain.one(), &domain.entity);
    let create = format!("create{} --idempotency-key {key} --wait", domain.example());
    let mut scenes = vec![
        Scene {
            title: format!("Create {one}, and wait until the read model shows it"),
            words: create.clone(),
            holds: |result, _, _| result["version"] == 1,
            otherwise: "the first version is not 1",
        },
        Scene {
            title: format!("Repeat it, as after a lost answer: the key makes it the same {entity}"),
            words: create,
            holds: |result, domain, id| result[&domain.id] == id && result["version"] == 1,
            otherwise: "the repeated command made another one",
        },
        Scene {
            title: "Read it from the read model, which the stream keeps up to date".to_owned(),
            words: format!("get {ID}"),
            holds: |result, domain, id| result[&domain.id] == id,
            otherwise: "the read model shows another one",
        },
    ];
    let moves = |command: &&pattern::description::Command| {
        let first = domain.statuses.first();
        matches!(&command.kind, CommandKind::Move { from, .. } if from.first() == first)
    };
    if let Some(command) = domain.commands.iter().find(moves) {
        scenes.push(Scene {
            title: format!("{}, if nobody has changed it since", command.help),
            words: format!("{} {ID} --expected-version 1 --wait", command.name),
            holds: |result, _, _| result["version"] == 2,
            otherwise: "the changed version is not 2",
        });
    }
    scenes.push(Scene {
        title: format!("List the {}, the newest first", domain.plural),
        words: "list --limit 5".to_owned(),
        holds: |result, domain, _| {
            result[&domain.plural]
                .as_array()
                .is_some_and(|l| !l.is_empty())
        },
        otherwise: "the list is empty",
    });
    scenes
}

/// Takes all steps; `flags` lead a command to this stack.
pub(super) async fn take(
    settings: &Settings,
    flags: &str,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<Vec<Step>, Failure> {
    let domain = &settings.domain;
    let style = printer.data_style();
    let mut steps = Vec::<Step>::new();
    let mut id = String::new();
    for scene in story(domain) {
        let words = scene.words.replace(ID, &id);
        let command = format!("cqrs {} {words}{flags}", domain.entity);
        let gap = if steps.is_empty() { "" } else { "\n" };
        say(printer, &format!("{gap}{}", style.bold(&scene.title)))?;
        say(printer, &format!("{} {command}", style.dim("$")))?;
        let begun = Instant::now();
        let (text, result) = run(&command, settings, interrupt, printer).await?;
        let took = begun.elapsed();
        say(printer, &text)?;
        if id.is_empty() {
            id = result[&domain.id].as_str().unwrap_or_default().to_owned();
        }
        if !(scene.holds)(&result, domain, &id) {
            let failure = Failure::new(Kind::Failed, scene.otherwise);
            return Err(failure.hint("`cqrs deploy` brings the functions to this version"));
        }
        steps.push(Step::new(scene.title, command, took, result));
    }
    Ok(steps)
}

/// What a command prints: for people, and for programs.
async fn run(
    typed: &str,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(String, Value), Failure> {
    let words = split(typed);
    let parsed = Cli::from_arguments(words, &settings.domain);
    let parsed = parsed.map_err(|e| Failure::new(Kind::Usage, e.to_string()))?;
    let Command::Entity(typed) = parsed.command else {
        return Err(Failure::new(
            Kind::Failed,
            "a step is no command of the entity",
        ));
    };
    let (printer, printed) = printer.capturing();
    entity::run(&typed, settings, interrupt, &printer).await?;
    Ok(printed.take())
}

/// The words of a command line, as a shell parts them; what is quoted is one.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            letter => words
                .last_mut()
                .iter_mut()
                .for_each(|word| word.push(letter)),
        }
    }
    words
}

/// Text of the tour; JSON comes as a whole, at the end.
fn say(printer: &Printer, text: &str) -> Result<(), Failure> {
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
        let domain = Domain::bundled();
        for scene in story(&domain) {
            let words = scene
                .words
                .replace(ID, "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11");
            let typed = split(&format!("cqrs order {words}"));
            assert!(Cli::from_arguments(typed, &domain).is_ok(), "{words}");
        }
    }
}
