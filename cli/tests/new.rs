//! `cqrs new`: the project that it makes, through the real binary, the real Cargo and the stack on this
//! machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{LocalStage, Sandbox, Stage, files, repository, target};

const RECORD: &str = "handlers/pattern/record.toml";

fn text(path: PathBuf) -> String {
    fs::read_to_string(path).unwrap()
}

/// Runs Cargo in a project, with what was compiled for such projects before.
fn cargo(project: &Path, arguments: &[&str]) -> String {
    let output = Command::new("cargo")
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(project)
        .env("CARGO_TARGET_DIR", target().join("new"))
        .env("CQRS", env!("CARGO_BIN_EXE_cqrs"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_new_project_is_whole() {
    let sandbox = Sandbox::new();
    let said = sandbox
        .cqrs(["new", "helpdesk", "--entity", "ticket"])
        .outcome();
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(said.stdout, "helpdesk\n");
    assert!(
        said.stderr.contains("cd helpdesk && cqrs demo --local"),
        "{said}"
    );
    let project = sandbox.project().join("helpdesk");
    let own = |name: &String| !name.starts_with("handlers/pattern/src/");
    let names: Vec<_> = files(&project).into_iter().filter(own).collect();
    insta::assert_snapshot!(names.join("\n"), @"
    .github/workflows/test.yml
    .gitignore
    Cargo.lock
    Cargo.toml
    README.md
    cqrs.toml
    handlers/domain/Cargo.toml
    handlers/domain/domain.json
    handlers/domain/examples/describe.rs
    handlers/domain/src/lib.rs
    handlers/domain/tests/description.rs
    handlers/domain/tests/on_this_machine.rs
    handlers/domain/tests/rules.rs
    handlers/pattern/Cargo.toml
    handlers/pattern/LICENSE-APACHE
    handlers/pattern/LICENSE-MIT
    handlers/pattern/README.md
    handlers/pattern/record.toml
    handlers/publisher/Cargo.toml
    handlers/publisher/src/main.rs
    handlers/query/Cargo.toml
    handlers/query/src/main.rs
    handlers/subscriber/Cargo.toml
    handlers/subscriber/src/main.rs
    template.yaml
    ");
    let template = text(project.join("template.yaml"));
    assert!(template.contains("AttributeName: ticketId"));
    assert!(
        template.contains("~tickets:*") && !template.contains("orderId"),
        "{template}"
    );
    // Its words are the domain's, at once.
    let help = sandbox.cqrs(["ticket", "--help"]).current_dir(&project);
    assert!(help.succeeds().contains("finish"));
    // The lockfile is the one that Cargo would write, with the versions of this repository's.
    let known: toml::Table = text(repository().join("Cargo.lock")).parse().unwrap();
    let known = known["package"].as_array().unwrap();
    let known = known.iter().map(|package| {
        let [name, version] = ["name", "version"].map(|key| package[key].as_str().unwrap());
        format!("{name} v{version}")
    });
    let known: BTreeSet<String> = known.collect();
    let locked = cargo(&project, &["tree", "--prefix=none", "--format={p}"]);
    for line in locked
        .lines()
        .filter(|line| !line.is_empty() && !line.contains('/'))
    {
        let package = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let hint = "renew cli/project/Cargo.lock, which docs/testing.md tells how";
        assert!(known.contains(&package), "{package}: {hint}");
    }
    assert!(locked.contains("+helpdesk"), "{locked}");
}

/// Builds it, runs its own tests, drives it, and edits its domain.
#[test]
fn a_new_project_builds_and_passes_its_tests() {
    let stage = LocalStage::empty();
    stage.cqrs(["new", "things"]).succeeds();
    let project = stage.project().join("things");
    let run = |words: &[&str]| {
        let run = stage.cqrs(words).current_dir(&project).with_cargo();
        run.env("CARGO_TARGET_DIR", target().join("new"))
    };
    cargo(&project, &["test"]);
    run(&["deploy", "--yes", "--quiet"]).succeeds();
    let id = run(&["thing", "create", "--title", "one", "--wait"]).succeeds();
    run(&["thing", "finish", id.trim()]).succeeds();
    assert!(
        run(&["thing", "get", id.trim()])
            .succeeds()
            .contains("done")
    );

    let source = project.join("handlers/domain/src/lib.rs");
    let field = "    /// How far it is.\n    #[serde(default)]\n    pub status";
    let more = "    /// What else there is to say.\n    #[serde(default)]\n    pub note: Option<Text<0, 200>>,\n";
    let code = text(source.clone());
    assert!(code.contains(field));
    fs::write(&source, code.replace(field, &format!("{more}{field}"))).unwrap();
    // A description that is left as it was is seen.
    let deployed = run(&["deploy", "--yes"]).outcome();
    assert!(
        deployed
            .stderr
            .contains("warning: the functions do not say"),
        "{deployed}"
    );
    let stale = run(&["domain", "check"]).outcome();
    assert_eq!(stale.code, 2, "{stale}");
    run(&["domain", "check", "--write"]).succeeds();
    let deployed = run(&["deploy", "--yes"]).outcome();
    assert!(!deployed.stderr.contains("warning:"), "{deployed}");
    let noted = run(&[
        "thing", "create", "--title", "two", "--note", "a note", "--wait",
    ]);
    let noted = noted.succeeds();
    assert!(
        run(&["thing", "get", noted.trim()])
            .succeeds()
            .contains("a note")
    );
    assert!(run(&["thing", "get", id.trim()]).succeeds().contains("one"));
}

#[test]
fn what_cannot_be_made_leaves_nothing() {
    let sandbox = Sandbox::new();
    let before = files(&sandbox.project());
    for (arguments, message) in [
        (&["new"][..], "there is no terminal to ask"),
        (&["new", "Things"], "cannot be called `Things`"),
        (&["new", "deploys"], "taken by the tool"),
        (
            &["new", "a", "--entity", "self", "--plural", "selves"],
            "a name of Rust",
        ),
        (
            &["new", "a", "--entity", "ticket", "--plural", "ticket"],
            "must differ",
        ),
        (
            &["new", "a", "--from", "tickets", "--entity", "order"],
            "is about the ticket",
        ),
        (
            &["new", "a", "--path", "."],
            "is there already, and is not empty",
        ),
        (&["new", "a", "--path", "template.yaml"], "is a file"),
        (&["new", "--update"], "is no project that `cqrs new` made"),
    ] {
        let failed = sandbox.cqrs(arguments).outcome();
        assert_eq!(failed.code, 2, "{arguments:?}: {failed}");
        assert!(failed.stderr.contains(message), "{arguments:?}: {failed}");
        assert!(failed.stderr.contains("hint:"), "{failed}");
    }
    assert_eq!(files(&sandbox.project()), before);
}

#[test]
fn an_example_is_a_beginning_too() {
    let sandbox = Sandbox::new();
    for (from, entity) in [
        ("orders", "order"),
        ("tickets", "ticket"),
        ("accounts", "account"),
    ] {
        let path = sandbox.project().join(from);
        let new = sandbox.cqrs(["new", "one", "--from", from, "--path"]);
        let said: Value = new.arg(&path).json();
        assert_eq!(said["entity"], entity);
        let help = sandbox
            .cqrs([entity, "create", "--help"])
            .current_dir(&path);
        help.succeeds();
        cargo(&path, &["tree"]);
    }
}

#[test]
fn a_library_is_renewed_where_it_was_not_edited() {
    let sandbox = Sandbox::new();
    sandbox.cqrs(["new", "things"]).succeeds();
    let project = sandbox.project().join("things");
    let update = || sandbox.cqrs(["new", "--update"]).current_dir(&project);
    assert!(update().succeeds().contains("already"));
    let library = project.join("handlers/pattern/src/lib.rs");
    let code = text(library.clone());
    fs::write(&library, format!("{code}// Mine.\n")).unwrap();
    let refused = update().outcome();
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.stderr.contains("+// Mine."), "{refused}");
    fs::write(&library, code).unwrap();
    let record = text(project.join(RECORD));
    let newer = record.replace("version = \"", "version = \"9");
    fs::write(project.join(RECORD), newer).unwrap();
    let refused = update().outcome();
    assert_eq!(refused.code, 2, "{refused}");
    assert!(
        refused.stderr.contains("install the version that made it"),
        "{refused}"
    );
}
