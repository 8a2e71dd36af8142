//! Which version of the tool there is, what came with it, and which deployed a stack.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{AwsStage, HANDLERS, Installed, LocalStage, Sandbox, Stage, architecture};

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn the_versions_of_a_release_are_said_for_people_and_for_programs() {
    let user = Installed::new();
    let said: Value = user.cqrs(["version"]).json();
    assert_eq!(said["version"], VERSION);
    assert_eq!(said["pattern"], VERSION);
    assert!(said["target"].as_str().unwrap().contains('-'), "{said}");
    let hashes = &said["bundle"]["handlers"][architecture()];
    for handler in HANDLERS {
        assert_eq!(hashes[handler].as_str().unwrap().len(), 64, "{said}");
    }
    assert_eq!(said["bundle"]["cacheServer"]["name"], "valkey");
    let text = user.cqrs(["version"]).outcome();
    let text = text
        .filter(r"\d+\.\d+\.\d+", "[VERSION]")
        .filter(r"\b[0-9a-f]{12}\b", "[HASH]")
        .filter(architecture(), "[THIS]")
        .filter(r"(?m), \S+-\S+$", ", [TARGET]");
    assert_snapshot!(text, @"
    exit code 0
    --- stdout
    cqrs          [VERSION], [TARGET]
    pattern       [VERSION]
    bundle        [SANDBOX]/opt/c q r s/share/cqrs
    functions     [THIS]: publisher [HASH], query [HASH], subscriber [HASH]
    cache server  valkey [VERSION]
    ");
}

#[test]
fn a_tool_by_itself_says_that_nothing_came_with_it() {
    let sandbox = Sandbox::new();
    let said: Value = sandbox.cqrs(["version"]).json();
    assert_eq!(said["bundle"], Value::Null);
    let short = sandbox.cqrs(["--version"]).succeeds();
    assert_eq!(short, format!("cqrs {VERSION}\n"));
}

#[test]
fn a_stack_on_aws_knows_which_version_deployed_it_and_an_older_tool_says_so() {
    let stage = AwsStage::deployed();
    let deployed_by = || deployed_by(&stage);
    let own = format!("Deployed by cqrs {VERSION}.");
    assert!(stage.deployed_template("cqrs").contains(&own));
    stage.make_again("cqrs", &own, "Deployed by cqrs 99.0.0.");
    assert_eq!(deployed_by(), "99.0.0");

    // It is no change by itself.
    let again = stage.deploy().args(["--output", "json"]).outcome();
    assert_eq!(again.code, 0, "{again}");
    let result: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(result["status"], "unchanged");
    assert!(again.stderr.contains(&newer()), "{again}");
    assert_eq!(deployed_by(), "99.0.0");
    let status = stage.cqrs(["status"]).outcome();
    assert!(
        status.stdout.contains("deployed by cqrs 99.0.0"),
        "{status}"
    );
    assert!(status.stdout.contains("install cqrs 99.0.0"), "{status}");
    let doctor = stage.cqrs(["doctor"]).outcome();
    assert!(
        doctor.stdout.contains("deployed by cqrs 99.0.0"),
        "{doctor}"
    );
    assert!(doctor.stdout.contains("install cqrs 99.0.0"), "{doctor}");

    // The next change makes it this tool's.
    let changed = stage.deploy().args(["--parameter", "LogRetentionDays=7"]);
    changed.succeeds();
    assert!(stage.deployed_template("cqrs").contains(&own));
}

/// As the status has it, whatever else it has to say.
fn deployed_by(stage: &impl Stage) -> Value {
    let status = stage.cqrs(["status", "--output", "json"]).outcome();
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    status["parts"]["stack"]["deployedBy"].clone()
}

fn newer() -> String {
    format!(
        "warning: stack cqrs was deployed by cqrs 99.0.0, and this is cqrs {VERSION}: what that one \
         added to it may be taken back"
    )
}

#[test]
fn a_stack_on_this_machine_knows_it_too() {
    let stage = LocalStage::deployed();
    let file = stage.state("cqrs").join("deployment.json");
    let deployed_by = || deployed_by(&stage);
    assert_eq!(deployed_by(), VERSION);
    let mut deployment: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    deployment["version"] = json!("99.0.0");
    fs::write(&file, deployment.to_string()).unwrap();
    assert_eq!(deployed_by(), "99.0.0");
    let doctor = stage.cqrs(["doctor"]).outcome();
    assert!(doctor.stdout.contains(", by cqrs 99.0.0"), "{doctor}");
    assert!(doctor.stdout.contains("install cqrs 99.0.0"), "{doctor}");
    let again = stage.deploy().outcome();
    assert_eq!(again.code, 0, "{again}");
    assert!(again.stderr.contains(&newer()), "{again}");
    assert_eq!(deployed_by(), VERSION);
}
