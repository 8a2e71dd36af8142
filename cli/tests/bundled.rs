//! Without a project: what came with the tool is deployed, on this machine and on AWS, and what is kept
//! lies with the user.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{AwsStage, HANDLERS, Installed, Release, Stage, files, handlers};

#[test]
fn whoever_has_nothing_but_a_release_comes_to_an_order_and_leaves_nothing() {
    let user = Installed::new();
    let demo = user.cqrs(["demo", "--local"]).outcome();
    assert_eq!(demo.code, 0, "{demo}");
    let bundled = "Deploying the bundled pattern of cqrs ";
    assert!(demo.stderr.contains(bundled), "{demo}");
    assert!(demo.stdout.contains("status    shipped"), "{demo}");

    // Every other command finds the stack, from any folder.
    let outputs: Value = user
        .cqrs(["outputs", "--local"])
        .current_dir(user.path())
        .json();
    assert_eq!(outputs["TableName"], "cqrs-WriteModel");
    let deployment = fs::read_to_string(user.state("cqrs").join("deployment.json")).unwrap();
    let deployment: Value = serde_json::from_str(&deployment).unwrap();
    let server = user.release.server().canonicalize().unwrap();
    assert_eq!(deployment["cache"]["program"], server.to_str().unwrap());
    let doctor: Value = user.cqrs(["doctor", "--local"]).json();
    assert_eq!(doctor["checks"][0]["status"], "ok", "{doctor}");

    // What is as it was is not unpacked again.
    let again: Value = user.cqrs(["deploy", "--local"]).json();
    assert_eq!(again["status"], "unchanged");

    user.cqrs(["destroy", "--local", "--yes"]).succeeds();
    assert_eq!(files(&user.home()), Vec::<String>::new());
    assert!(!user.home().join(".local/share/cqrs").exists());
    assert!(!user.home().join(".cache/cqrs").exists());
}

#[test]
fn a_project_goes_before_what_came_with_the_tool() {
    let user = Installed::new();
    let refused = user
        .cqrs(["deploy", "--local", "--plan"])
        .current_dir(user.project());
    // The template alone is no project that could be built, and the bundled functions are not its own.
    assert_snapshot!(refused.outcome(), @"
    exit code 2
    --- stderr
    Stack cqrs on this machine
    error: `[SANDBOX]/project` is not a project: it has no `Cargo.toml`
    hint: name the project's folder with `--project DIR`
    ");
    let named = user.cqrs(["deploy", "--local", "--plan", "--project", "."]);
    assert_snapshot!(named.outcome(), @"
    exit code 2
    --- stderr
    error: `./template.yaml` does not exist
    hint: name the project's folder with `--project DIR`
    ");
    let built = user.cqrs(["deploy", "--local", "--builder", "cargo"]);
    assert_snapshot!(built.outcome(), @"
    exit code 2
    --- stderr
    error: `--builder` is for a project, and the bundled functions are built already
    hint: leave it out, or make a project with `cqrs new NAME`
    ");
}

#[test]
fn finished_programs_go_before_those_that_came_along() {
    let user = Installed::new();
    let plan = user.cqrs(["deploy", "--local", "--plan", "--prebuilt"]);
    let plan: Value = plan.arg(handlers()).json();
    let bundled: Value = user.cqrs(["deploy", "--local", "--plan"]).json();
    assert_eq!(plan["changes"], bundled["changes"]);
    let wrong = user.cqrs(["deploy", "--local", "--plan", "--prebuilt", "."]);
    assert_eq!(wrong.outcome().code, 2);
}

#[test]
fn settings_of_the_user_hold_where_there_is_no_project() {
    let user = Installed::new();
    let folder = user.home().join(".config/cqrs");
    fs::create_dir_all(&folder).unwrap();
    let settings = "stack = \"mine\"\nlocal = true\n[env.other]\nstack = \"theirs\"\n";
    fs::write(folder.join("cqrs.toml"), settings).unwrap();
    let stack = |run: crate::support::Run| run.json::<Value>()["stack"].clone();
    assert_eq!(stack(user.cqrs(["deploy", "--plan"])), "mine");
    let other = user.cqrs(["deploy", "--plan", "--env", "other"]);
    assert_eq!(stack(other), "theirs");

    // A folder with settings and no template has its own.
    let here = user.path().join("here");
    fs::create_dir(&here).unwrap();
    fs::write(here.join("cqrs.toml"), "stack = \"here\"\nlocal = true\n").unwrap();
    let planned = user.cqrs(["deploy", "--plan"]).current_dir(&here);
    assert_eq!(stack(planned), "here");
}

#[test]
fn on_aws_the_zips_are_sent_as_they_are() {
    let stage = AwsStage::empty();
    let release = Release::unpacked_into(stage.path().join("opt"));
    let deploy = || {
        let deploy = release.cqrs(&stage, ["deploy", "--yes"]);
        deploy.args(["--parameter", "CacheAccess=open"])
    };
    let outcome = deploy().outcome().brief().without_outputs();
    let outcome = outcome
        .filter(r"cqrs \d+\.\d+\.\d+", "cqrs [VERSION]")
        .filter(r"in account .*", "in account [ACCOUNT]");
    assert_snapshot!(outcome, @"
    exit code 0
    --- stdout
    [OUTPUTS]
    --- stderr
    Deploying the bundled pattern of cqrs [VERSION], about orders; `cqrs new NAME` makes a project of your own
    Stack cqrs in account [ACCOUNT]
    Asking CloudFormation what would change…

    [TABLE]

    [N] to add, 0 to change, 0 to replace, 0 to remove
    Cost: not known, docs/cost.md has prices of us-east-1 and none of eu-west-1

    Uploading…

    ✓ Stack cqrs is created

    next: cqrs order create --client 123456789 --product abc-def-ghi
    ");
    let bucket = stage.buckets().remove(0);
    for handler in HANDLERS {
        let zip = fs::read(release.zip(handler)).unwrap();
        let sent = stage.object(&bucket, &format!("cqrs/{handler}/"));
        assert!(sent == zip, "{handler} is sent as another zip");
    }
    let again: Value = deploy().json();
    assert_eq!(again["status"], "unchanged");
    let create = "order create --client 42 --product abc --wait";
    release.cqrs(&stage, create.split(' ')).succeeds();
    release.cqrs(&stage, ["destroy", "--yes"]).succeeds();
    assert_eq!(files(&stage.home()), Vec::<String>::new());
}

#[test]
fn settings_that_are_asked_for_are_kept_with_the_user() {
    let stage = AwsStage::empty();
    let release = Release::unpacked_into(stage.path().join("opt"));
    let mut terminal = release
        .cqrs(&stage, ["deploy", "--guided"])
        .args(["--parameter", "CacheAccess=open"])
        .on_terminal();
    terminal.until("Stack [cqrs]:");
    terminal.line("shop");
    terminal.until("Region [eu-west-1]:");
    terminal.line("");
    let mut said = String::new();
    while !said.contains("Deploy these changes?") {
        said = terminal.until("[y/N]");
        terminal.line("n");
    }
    assert!(said.contains(".config/cqrs/cqrs.toml"), "{said}");
    assert_eq!(terminal.end().0, 1);
    let kept = stage.home().join(".config/cqrs/cqrs.toml");
    let kept = fs::read_to_string(kept).unwrap();
    assert!(kept.contains("stack = \"shop\""), "{kept}");
}
