//! Help, completions and the reference: all from one definition of the commands.

use std::fs;

use crate::support::{Sandbox, repository};

/// Every command that can be typed.
const COMMANDS: [&[&str]; 19] = [
    &["deploy"],
    &["destroy"],
    &["dev"],
    &["doctor"],
    &["domain", "check"],
    &["domain", "describe"],
    &["domain", "diff"],
    &["outputs"],
    &["permissions"],
    &["version"],
    &["completions"],
    &["local", "run"],
    &["local", "stop"],
    &["local", "env"],
    &["order", "create"],
    &["order", "get"],
    &["order", "list"],
    &["order", "ship"],
    &["order", "cancel"],
];

#[test]
fn the_reference_in_docs_is_what_the_binary_says() {
    let says = Sandbox::new().cqrs(["reference"]).succeeds();
    let written = fs::read_to_string(repository().join("docs/reference.md")).unwrap();
    assert!(
        says == written,
        "docs/reference.md is out of date; renew it with \
         `cargo run -p cqrs -- reference > docs/reference.md`"
    );
}

#[test]
fn every_command_is_in_the_reference_and_helps_with_examples() {
    let sandbox = Sandbox::new();
    let reference = sandbox.cqrs(["reference"]).succeeds();
    for command in COMMANDS {
        let name = command.join(" ");
        assert!(reference.contains(&format!("## `cqrs {name}`")), "{name}");
        let help = sandbox.cqrs(command).arg("--help").succeeds();
        assert!(help.contains("Examples:"), "{name}: {help}");
        assert!(help.contains(&format!("\n  cqrs {name}")), "{name}: {help}");
    }
}

#[test]
fn the_help_is_no_wider_than_a_terminal() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        let help = sandbox.cqrs(command).arg("--help").succeeds();
        for line in help.lines() {
            assert!(line.chars().count() <= 100, "{command:?}: {line}");
        }
    }
}

#[test]
fn every_shell_has_a_completion_script_that_asks_the_tool() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = Sandbox::new().cqrs(["completions", shell]).succeeds();
        assert!(script.contains("CQRS_COMPLETE"), "{shell}: {script}");
    }
}

#[test]
fn completion_knows_the_commands_and_the_words_of_the_projects_entity() {
    let sandbox = Sandbox::new();
    let completed = |words: &[&str]| {
        let asked = sandbox.cqrs(["--", "cqrs"]).args(words);
        asked.env("CQRS_COMPLETE", "fish").succeeds()
    };
    assert!(completed(&["des"]).starts_with("destroy"));
    assert!(completed(&["order", "cre"]).starts_with("create"));
    assert!(completed(&["order", "create", "--qu"]).contains("--quantity"));
    let statuses = completed(&["order", "list", "--status", ""]);
    for status in ["placed", "shipped", "cancelled"] {
        assert!(statuses.contains(status), "{statuses}");
    }

    let described = repository().join("handlers/domain/domain.json");
    let described = fs::read_to_string(described).unwrap();
    let described = described
        .replace("order", "parcel")
        .replace("Order", "Parcel");
    sandbox.write("template.yaml", "");
    sandbox.write("handlers/domain/domain.json", &described);
    assert!(completed(&["par"]).starts_with("parcel"));
    assert!(!completed(&["order", "cre"]).contains("create"));
}

#[test]
fn every_command_has_a_man_page() {
    let sandbox = Sandbox::new();
    let folder = sandbox.project().join("man");
    sandbox.cqrs(["reference", "--man"]).arg(&folder).succeeds();
    let page = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert!(page("cqrs.1").contains("deploy"));
    for command in COMMANDS {
        let page = page(&format!("cqrs-{}.1", command.join("-")));
        assert!(page.contains("Examples"), "{page}");
    }
    assert!(page("cqrs-order-create.1").contains("idempotency"));
}
