//! `cqrs domain`: what is wrong is said before anything is built, what the tool makes of a domain is
//! shown, and what it changes in the deployed one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use pattern::description::Description;
use serde_json::{Value, json};

use crate::support::{LocalStage, Outcome, Sandbox, Stage, repository};

const FILE: &str = "handlers/domain/domain.json";
const SOURCE: &str = "handlers/domain/src/lib.rs";

fn of_repository(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap()
}

fn orders() -> Value {
    serde_json::from_str(&of_repository(FILE)).unwrap()
}

/// A project with the repository's domain, whose description is edited.
fn project(edit: impl FnOnce(&mut Value)) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut says = orders();
    edit(&mut says);
    sandbox.write(FILE, &says.to_string());
    sandbox.write(SOURCE, &of_repository(SOURCE));
    sandbox
}

fn check(sandbox: &Sandbox) -> Outcome {
    sandbox.cqrs(["domain", "check"]).outcome()
}

/// Checks the project with a Cargo that says this.
fn check_with_cargo(sandbox: &Sandbox, script: &str, arguments: &[&str]) -> Outcome {
    sandbox.write("handlers/domain/Cargo.toml", "");
    let folder = sandbox.path().join("cargo");
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("cargo");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), sandbox.search_path());
    let run = sandbox.cqrs(["domain", "check"]).args(arguments);
    run.env("PATH", path).outcome()
}

#[track_caller]
fn is_wrong(outcome: &Outcome, said: &[&str]) {
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stdout.is_empty(), "{outcome}");
    for said in said {
        assert!(outcome.stderr.contains(said), "{said}: {outcome}");
    }
    assert!(outcome.stderr.contains("hint: "), "{outcome}");
}

#[test]
fn a_domain_without_a_fault_is_said_to_be_so() {
    let sandbox = project(|_| ());
    let outcome = check(&sandbox);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(
        outcome
            .stdout
            .contains("order: 4 fields, 3 statuses, 2 commands; nothing is wrong"),
        "{outcome}"
    );
    assert!(outcome.stderr.contains("not compared"), "{outcome}");
}

#[test]
fn a_description_that_is_none_is_refused() {
    let sandbox = Sandbox::new();
    let missing = "there is no handlers/domain/domain.json";
    is_wrong(&check(&sandbox), &[missing]);
    sandbox.write(FILE, "{\n\"format\":");
    is_wrong(&check(&sandbox), &["handlers/domain/domain.json:2: "]);
    let newer = project(|says| says["format"] = json!(9));
    is_wrong(&check(&newer), &["it is of format 9", "install that one"]);
}

#[test]
fn each_fault_names_its_field_and_the_line_where_it_stands() {
    type Edit = fn(&mut Value);
    let cases: [(Edit, &str); 4] = [
        (
            |says| says["entity"] = json!("domain"),
            "the name domain is taken",
        ),
        (
            |says| says["plural"] = json!("order"),
            "handlers/domain/src/lib.rs:46: its plural must differ from its name order",
        ),
        (
            |says| says["draft"]["properties"]["version"] = json!({ "type": "integer" }),
            "the field version is one that the library adds",
        ),
        (
            |says| {
                for schema in ["draft", "document"] {
                    says[schema]["properties"]["region"] = json!({ "type": "string" });
                }
            },
            "`create` has an option `region` already",
        ),
    ];
    for (edit, said) in cases {
        is_wrong(&check(&project(edit)), &[said]);
    }
    let several = project(|says| {
        says["document"]["properties"]["quantity"]["default"] = json!(0);
        says["document"]["properties"]["tags"] =
            json!({ "type": "array", "items": { "type": "string" } });
        says["lists"] = json!(["tags", "status"]);
        says["commands"][0]["from"] = json!(["lost"]);
    });
    is_wrong(
        &check(&several),
        &[
            "the domain has 3 problems",
            "handlers/domain/src/lib.rs:25: the default of the field quantity breaks its rule",
            "the field tags has no single, exact value to make lists of",
            "handlers/domain/src/lib.rs:51: the command ship has the status lost",
        ],
    );
}

#[test]
fn a_template_of_another_entity_is_named_with_its_lines() {
    let sandbox = Sandbox::new();
    sandbox.write(FILE, &of_repository("examples/tickets/domain.json"));
    let outcome = check(&sandbox);
    is_wrong(
        &outcome,
        &[
            "the key attribute is orderId, and the domain's is ticketId",
            "the read model's key prefix is orders, and the domain's is tickets",
        ],
    );
    let template = of_repository("template.yaml");
    let access = template.lines().position(|line| line.contains("~orders:"));
    let place = format!("template.yaml:{}: ", access.unwrap() + 1);
    assert!(outcome.stderr.contains(&place), "{outcome}");
}

#[test]
fn what_the_source_says_outranks_the_file() {
    let sandbox = project(|_| ());
    let says = of_repository(FILE).replace("1000000", "10");
    sandbox.write("says.json", &says);
    let stale = check_with_cargo(&sandbox, "cat says.json", &[]);
    is_wrong(
        &stale,
        &[
            "domain.json:1: it is not what handlers/domain says: field quantity is at most 10",
            "`cqrs domain check --write`",
        ],
    );
    let written = check_with_cargo(&sandbox, "cat says.json", &["--write"]);
    assert_eq!(written.code, 0, "{written}");
    assert_eq!(
        fs::read_to_string(sandbox.project().join(FILE)).unwrap(),
        says
    );
    let again = check_with_cargo(&sandbox, "cat says.json", &["--output", "json"]);
    let checked: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(checked["compared"], true);

    let refused = "echo 'Error: InvalidDomain(\"the name order is taken\")' >&2; exit 1";
    let refused = check_with_cargo(&sandbox, refused, &["--write"]);
    let place = "handlers/domain/src/lib.rs:45: the name order is taken";
    is_wrong(&refused, &[place]);
    let broken =
        "printf 'error: no such type\\n --> handlers/domain/src/lib.rs:23:9\\n' >&2; exit 101";
    let broken = check_with_cargo(&sandbox, broken, &[]);
    is_wrong(
        &broken,
        &["handlers/domain/src/lib.rs:23: error: no such type"],
    );
}

#[test]
fn orders_and_tickets_are_described_field_by_field() {
    let sandbox = project(|_| ());
    insta::assert_snapshot!(sandbox.cqrs(["domain", "describe"]).succeeds());
    sandbox.write(FILE, &of_repository("examples/tickets/domain.json"));
    insta::assert_snapshot!(sandbox.cqrs(["domain", "describe"]).succeeds());
    let text = sandbox
        .cqrs(["domain", "describe", "--output=json"])
        .succeeds();
    let described: Value = serde_json::from_str(&text).unwrap();
    let says = Description::parse(&of_repository("examples/tickets/domain.json")).unwrap();
    assert_eq!(described["entity"], "ticket");
    let commands = described["commands"].as_array().unwrap();
    assert_eq!(commands.len(), says.commands.len());
    let fields = described["fields"].as_array().unwrap().iter();
    let taken = fields.filter(|field| field["onlyCommands"] == false);
    assert_eq!(taken.count(), says.draft.fields.len());
}

#[test]
fn the_difference_to_the_deployed_domain_is_said_with_what_it_means() {
    let stage = LocalStage::deployed();
    let diff = |arguments: &[&str]| stage.cqrs(["domain", "diff"]).args(arguments).outcome();
    let write = |says: &Value| stage.write(FILE, &says.to_string());
    write(&orders());
    let same = diff(&["--exit-code"]);
    assert_eq!(same.code, 0, "{same}");
    assert!(same.stdout.contains("the domain is what stack"), "{same}");

    let mut says = orders();
    for schema in ["draft", "document"] {
        says[schema]["properties"]["note"] = json!({ "type": "string", "maxLength": 200 });
    }
    write(&says);
    let added = diff(&[]);
    assert_eq!(added.code, 0, "{added}");
    assert_eq!(
        added.stdout,
        "field note is new; items that exist are read with none\n"
    );
    assert!(added.stderr.contains("`cqrs rebuild"), "{added}");
    assert_eq!(diff(&["--exit-code"]).code, 1);

    for schema in ["draft", "document"] {
        says[schema]["properties"]["quantity"]["maximum"] = json!(10);
    }
    write(&says);
    let narrower = diff(&["--output=json"]);
    let document: Value = serde_json::from_str(&narrower.stdout).unwrap();
    let differences = document["differences"].as_array().unwrap();
    let risks = differences.iter().filter(|one| one["warning"].is_string());
    assert_eq!(risks.count(), 1, "{narrower}");
    let said = "warning: field quantity is at most 10: items that do not fit cannot be read";
    let text = diff(&[]).stdout;
    assert!(text.contains(said), "{text}");
}
