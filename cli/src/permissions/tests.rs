use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex_lite::Regex;

use super::*;

fn actions() -> BTreeSet<&'static str> {
    let needs = ALL.iter().flat_map(|command| command.needs);
    needs.flat_map(|need| need.actions).copied().collect()
}

/// Where the table is, which proves nothing of itself.
const TABLE: &str = "permissions/table.rs";

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with(TABLE) {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_action_that_the_sources_name_is_in_the_table() {
    let mut texts = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut texts,
    );
    let action = Regex::new(r#""([a-z0-9]+:[A-Z][A-Za-z]+)""#).unwrap();
    let known = actions();
    let mut seen = 0;
    for text in &texts {
        for found in action.captures_iter(text) {
            let name = found.get(1).unwrap().as_str();
            assert!(
                known.contains(name),
                "{name} is in the sources, not in the table"
            );
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn the_actions_of_a_need_are_sorted() {
    for command in &ALL {
        for need in command.needs {
            assert!(need.actions.is_sorted(), "{}: {need:?}", command.command);
        }
    }
}

/// The table as docs/permissions.md has it.
fn markdown() -> String {
    let mut text = String::new();
    for command in &ALL {
        text.push_str(&format!("\n## `cqrs {}`\n\n", command.command));
        text.push_str("| On | Actions |\n|---|---|\n");
        for need in command.needs {
            let actions: Vec<String> = need.actions.iter().map(|a| format!("`{a}`")).collect();
            let on = need.on.arn(&Place {
                partition: "aws",
                region: "REGION",
                account: "ACCOUNT",
                stack: "STACK",
                bucket: "BUCKET",
            });
            // One function stands for all three where IAM is asked.
            let on = on.replace("-publisher", "-*");
            text.push_str(&format!("| `{on}` | {} |\n", actions.join(", ")));
        }
    }
    text
}

#[test]
fn the_document_has_the_table_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/permissions.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("\n## ").unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{head}{}", markdown())).unwrap();
        return;
    }
    assert!(
        format!("\n## {rest}") == markdown(),
        "docs/permissions.md is out of date; renew it with \
         `UPDATE_DOCS=1 cargo test -p cqrs permissions`"
    );
}
