//! Help, completions and the reference: all from one definition of the commands.

use std::fs;

use crate::support::{Sandbox, repository};

/// Every command that can be typed.
const COMMANDS: [&[&str]; 13] = [
    &["deploy"],
    &["destroy"],
    &["doctor"],
    &["outputs"],
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
fn every_shell_has_a_completion_script_that_knows_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = Sandbox::new().cqrs(["completions", shell]).succeeds();
        for word in ["deploy", "destroy", "create", "idempotency-key"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
}
