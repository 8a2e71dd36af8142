//! A stack of the same name that another tool made: nothing of it is touched, and every command
//! says what it is.

use insta::assert_snapshot;

use crate::support::{AwsStage, Reply, Sandbox, Scripted, Stage};

/// Commands that would change something, and those that only look.
const COMMANDS: [&[&str]; 12] = [
    &["destroy", "--yes"],
    &["rebuild"],
    &["verify", "--repair"],
    &["failures", "retry", "--all", "--yes"],
    &["failures", "list"],
    &["order", "create", "--client", "42", "--product", "abc"],
    &["order", "list"],
    &["outputs"],
    &["status"],
    &["logs"],
    &["verify"],
    &["bench", "--yes", "--orders", "1"],
];

#[test]
fn every_command_refuses_it_and_says_what_it_is() {
    let stage = AwsStage::empty();
    stage.make_other_stack("cqrs");
    assert_snapshot!(stage.deploy().outcome(), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    error: stack `cqrs` in eu-west-1 was not made by this tool: its template is described as `Somebody's jobs`
    hint: nothing of it is touched; choose another name with `--stack`
    ");
    for command in COMMANDS {
        let outcome = stage.cqrs(command).args(["--output", "json"]).outcome();
        assert_eq!(outcome.code, 2, "{command:?}: {outcome}");
        let error = outcome.error();
        assert_eq!(error["kind"], "NotOurs", "{command:?}: {error}");
    }
    let doctor = stage.cqrs(["doctor"]).outcome();
    assert_eq!(doctor.code, 2, "{doctor}");
    let said = "broken at stack: stack `cqrs` in eu-west-1 was not made by this tool";
    assert!(doctor.stderr.contains(said), "{doctor}");
    assert_eq!(stage.stack_status("cqrs"), "CREATE_COMPLETE");
    assert_eq!(stage.stack_parameter("cqrs", "Seconds"), "30");
}

#[test]
fn a_preview_of_another_tool_is_left_alone_and_is_no_stack_yet() {
    let stage = AwsStage::empty();
    stage.make_other_preview("cqrs");
    assert_eq!(stage.stack_status("cqrs"), "REVIEW_IN_PROGRESS");
    for command in [stage.deploy(), stage.cqrs(["destroy", "--yes"])] {
        let outcome = command.outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(
            outcome.stderr.contains("was not made by this tool"),
            "{outcome}"
        );
    }
    assert_eq!(stage.change_sets("cqrs"), 1);

    assert_snapshot!(stage.cqrs(["outputs"]).outcome(), @r"
    exit code 3
    --- stderr
    error: there is no stack `cqrs` in eu-west-1
    hint: `cqrs deploy --stack cqrs` creates it; or check `--stack` and `--region`
    ");
}

#[test]
fn one_that_must_be_deleted_first_is_not_deleted() {
    let server = Scripted::new(|request| match request.action().as_str() {
        "GetCallerIdentity" => Reply::identity(),
        "DescribeStacks" => Reply::other_stack("cqrs", "ROLLBACK_COMPLETE", ""),
        _ => Reply::xml_error(400, "ValidationError", "enough"),
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let outcome = sandbox.deploy().outcome();
    assert_eq!(outcome.code, 2, "{outcome}");
    let asked = server.counts();
    assert_eq!(asked.get("DeleteStack"), None, "{asked:?}");
}
