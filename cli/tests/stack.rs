//! A stack's life, on AWS and on this machine: made, changed, asked for, taken away.
//!
//! Here is what programs rely on, which is the same on both. What people read differs by nature
//! (an account and a change set there, a port and what was left out here) and is compared word for
//! word in `deploy` and `destroy`, and below for this machine.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{LocalStage, Stage, another_query, on_both};

on_both!(
    deploying_again_changes_nothing,
    new_code_changes_its_function_alone_and_keeps_the_orders,
    parameters_are_kept_from_one_deployment_to_the_next,
    outputs_name_what_there_is,
    a_destroyed_stack_is_not_found_and_its_name_is_free,
    what_was_never_there_is_not_found,
    two_stacks_stand_side_by_side,
);

/// Action and logical id of each change.
fn changed(deployed: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let changes = deployed["changes"].as_array().unwrap().iter();
    let mut changes: Vec<_> = changes
        .map(|change| (text(&change["action"]), text(&change["logicalId"])))
        .collect();
    changes.sort();
    changes
}

fn modified(names: &[&str]) -> Vec<(String, String)> {
    let modified = |name: &&str| ("modify".to_owned(), (*name).to_owned());
    names.iter().map(modified).collect()
}

/// Creates an order and waits until it can be read; gives its id.
fn create(stage: &impl Stage, stack: &str) -> String {
    let id = stage
        .cqrs(["order", "create", "--client", "42", "--product", "abc"])
        .args(["--wait", "--stack", stack])
        .succeeds();
    id.trim().to_owned()
}

fn deploying_again_changes_nothing<S: Stage>() {
    let stage = S::empty();
    let created: Value = stage.deploy().json();
    assert_eq!(created["status"], "created", "{created}");
    assert_eq!(created["outputs"]["PublisherFunction"], "cqrs-publisher");
    let added = changed(&created);
    for logical_id in ["WriteModel", "Publisher", "Changes", "FailuresQueue"] {
        let add = ("add".to_owned(), logical_id.to_owned());
        assert!(added.contains(&add), "{logical_id} in {added:?}");
    }

    let again: Value = stage.deploy().json();
    assert_eq!(again["status"], "unchanged", "{again}");
    assert_eq!(again["changes"], json!([]));
    assert_eq!(again["outputs"], created["outputs"]);
}

fn new_code_changes_its_function_alone_and_keeps_the_orders<S: Stage>() {
    let stage = S::deployed();
    let id = create(&stage, "cqrs");
    let updated: Value = stage.deploy_from(another_query().path()).json();
    assert_eq!(updated["status"], "updated", "{updated}");
    assert_eq!(changed(&updated), modified(&["Query"]));

    let got: Value = stage.cqrs(["order", "get", &id]).json();
    assert_eq!(got["orderId"], id.as_str());
}

fn parameters_are_kept_from_one_deployment_to_the_next<S: Stage>() {
    let stage = S::empty();
    let with = |parameter| stage.deploy().args(["--parameter", parameter]);
    with("FunctionMemory=256").succeeds();
    let unchanged: Value = stage.deploy().json();
    assert_eq!(unchanged["status"], "unchanged", "{unchanged}");

    let updated: Value = with("LogLevel=DEBUG").json();
    assert_eq!(updated["status"], "updated", "{updated}");
    let functions = modified(&["Publisher", "Query", "Subscriber"]);
    assert_eq!(changed(&updated), functions);
    let unchanged: Value = with("FunctionMemory=256").json();
    assert_eq!(unchanged["status"], "unchanged", "{unchanged}");
    // The functions run with it.
    create(&stage, "cqrs");
}

fn outputs_name_what_there_is<S: Stage>() {
    let stage = S::deployed();
    let outputs: Value = stage.cqrs(["outputs"]).json();
    assert_eq!(outputs["QueryFunction"], "cqrs-query");
    let text = |name: &str| outputs[name].as_str().unwrap().to_owned();
    let table = text("TableName");
    let place = format!(":000000000000:table/{table}");
    assert!(text("TableArn").ends_with(&place), "{outputs}");
    let stream = text("StreamArn");
    let prefix = format!("{}/stream/", text("TableArn"));
    assert!(stream.starts_with(&prefix), "{stream}");
    // The emulator names itself `localhost` here.
    let endpoint = stage.endpoint();
    let port = endpoint.rsplit(':').next().unwrap();
    let url = format!(":{port}/000000000000/cqrs-FailuresQueue");
    assert!(text("FailuresQueueUrl").contains(&url), "{outputs}");

    // They are a table for people.
    let shown = stage.cqrs(["outputs"]).succeeds();
    let row = |line: &str| line.split_whitespace().eq(["TableName", &table]);
    assert!(shown.lines().any(row), "{shown}");
}

fn a_destroyed_stack_is_not_found_and_its_name_is_free<S: Stage>() {
    let stage = S::deployed();
    create(&stage, "cqrs");
    let destroyed: Value = stage.cqrs(["destroy", "--yes"]).json();
    assert_eq!(destroyed["status"], "deleted", "{destroyed}");
    assert_eq!(destroyed["orders"], 1);
    assert_not_found(&stage, "cqrs");

    let deployed: Value = stage.deploy().json();
    assert_eq!(deployed["status"], "created", "{deployed}");
    create(&stage, "cqrs");
}

fn what_was_never_there_is_not_found<S: Stage>() {
    let stage = S::empty();
    assert_not_found(&stage, "cqrs");
    stage.deploy().succeeds();
    assert_not_found(&stage, "shop");
    let created = stage
        .cqrs(["order", "create", "--client", "42", "--product", "abc"])
        .args(["--stack", "shop"]);
    assert_eq!(created.outcome().code, 3);
}

fn assert_not_found(stage: &impl Stage, stack: &str) {
    for command in [&["outputs"][..], &["order", "list"], &["destroy", "--yes"]] {
        let run = stage.cqrs(command).args(["--stack", stack]);
        let outcome = run.args(["--output", "json"]).outcome();
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (3, ""),
            "{outcome}"
        );
        let error = outcome.error();
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("cqrs deploy"), "{error}");
    }
}

fn two_stacks_stand_side_by_side<S: Stage>() {
    let stage = S::deployed();
    stage.deploy().args(["--stack", "other"]).succeeds();
    let id = create(&stage, "cqrs");
    create(&stage, "other");
    // The second one's going leaves the first one alone.
    let destroy = stage.cqrs(["destroy", "--yes", "--stack", "other"]);
    destroy.succeeds();
    assert_not_found(&stage, "other");
    let got: Value = stage.cqrs(["order", "get", &id]).json();
    assert_eq!(got["orderId"], id.as_str());
}

// What differs on this machine.

/// The emulator of AWS has one cache for all stacks, also for those that are gone.
#[test]
fn on_this_machine_each_stack_has_its_own_orders_and_a_new_one_has_none() {
    let stage = LocalStage::deployed();
    stage.deploy().args(["--stack", "other"]).succeeds();
    let id = create(&stage, "cqrs");
    let ids = |stack: &str| -> Vec<String> {
        let listed: Value = stage.cqrs(["order", "list", "--stack", stack]).json();
        let orders = listed["orders"].as_array().unwrap().iter();
        orders
            .map(|order| order["orderId"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids("other"), Vec::<String>::new());
    assert_eq!(ids("cqrs"), [id.as_str()]);

    stage.cqrs(["destroy", "--yes"]).succeeds();
    stage.deploy().succeeds();
    assert_eq!(ids("cqrs"), Vec::<String>::new());
    let got = stage.cqrs(["order", "get", &id]).outcome();
    assert_eq!(got.code, 3, "{got}");
}

#[test]
fn on_this_machine_a_protected_table_keeps_its_stack() {
    let stage = LocalStage::empty();
    let protection = |value: &str| {
        let parameter = format!("DeletionProtection={value}");
        stage.deploy().args(["--parameter", &parameter]).succeeds();
    };
    protection("on");
    let order = stage.place_order();
    assert_snapshot!(stage.cqrs(["destroy", "--yes"]).outcome(), @r"
    exit code 1
    --- stderr
    error: the table cqrs-WriteModel (WriteModel) is protected against deletion
    hint: `cqrs deploy --local --parameter DeletionProtection=off` takes the protection away
    ");
    stage.cqrs(["order", "get", &order, "--wait"]).succeeds();
    protection("off");
    stage.cqrs(["destroy", "--yes"]).succeeds();
}

#[test]
fn on_this_machine_a_value_that_the_template_does_not_allow_changes_nothing() {
    let stage = LocalStage::deployed();
    let deploy = stage.deploy().args(["--parameter", "BatchSize=0"]);
    assert_snapshot!(deploy.outcome(), @r"
    exit code 2
    --- stderr
    error: the parameter `BatchSize` is `0`, and at least 1 is needed (must be a number from 1 to 1000.)
    hint: give another with `--parameter BatchSize=VALUE`, or in cqrs.toml
    ");
    let unchanged: Value = stage.deploy().json();
    assert_eq!(unchanged["status"], "unchanged", "{unchanged}");
}

#[test]
fn on_this_machine_a_function_that_cannot_start_is_warned_of_and_fails_its_calls() {
    let stage = LocalStage::empty();
    stage.edit_template("WRITE_MODEL_TABLE: !Ref WriteModel", "OTHER: x");
    let deployed = stage.deploy().outcome();
    let said = &deployed.stderr;
    assert_eq!(deployed.code, 0, "{said}");
    assert!(
        said.contains("warning: cqrs-publisher cannot start: "),
        "{said}"
    );
    assert!(said.contains("WRITE_MODEL_TABLE"), "{said}");
    let placed = stage.cqrs(["order", "create", "--client", "1", "--product", "a"]);
    assert_ne!(placed.outcome().code, 0);
}

#[test]
fn on_this_machine_a_deployment_names_no_account_and_says_what_is_left_out() {
    let stage = LocalStage::empty();
    assert_snapshot!(stage.deploy().outcome(), @"
    exit code 0
    --- stdout
    TableName              cqrs-WriteModel
    TableArn               arn:aws:dynamodb:us-east-1:000000000000:table/cqrs-WriteModel
    StreamArn              arn:aws:dynamodb:us-east-1:000000000000:table/cqrs-WriteModel/stream/[TIME]
    PublisherFunction      cqrs-publisher
    PublisherFunctionArn   arn:aws:lambda:us-east-1:000000000000:function:cqrs-publisher
    SubscriberFunction     cqrs-subscriber
    SubscriberFunctionArn  arn:aws:lambda:us-east-1:000000000000:function:cqrs-subscriber
    QueryFunction          cqrs-query
    QueryFunctionArn       arn:aws:lambda:us-east-1:000000000000:function:cqrs-query
    EventSourceMappingId   [ID]
    FailuresQueueUrl       http://[ADDRESS]/000000000000/cqrs-FailuresQueue
    CacheEndpoint          [ADDRESS]
    CacheAccess            open
    ReplicationGroupId     cqrs-1
    PublisherLogGroup      /aws/lambda/cqrs-publisher
    SubscriberLogGroup     /aws/lambda/cqrs-subscriber
    QueryLogGroup          /aws/lambda/cqrs-query
    VpcId                  [VPC]
    --- stderr
    Stack cqrs on this machine
    Starting the stack…
    Deploying…

    ✓ Stack cqrs is created

    not needed on one machine: 25 resources (network, cache, policies, log groups, roles, alarms)
    without effect on one machine: 29 properties (Architectures, Description, PointInTimeRecoverySpecification, Role, SSESpecification, SqsManagedSseEnabled, VpcConfig, all of the cache)

    next: cqrs order create --local --client 123456789 --product abc-def-ghi
    ");
    assert_snapshot!(stage.deploy().outcome().without_outputs(), @"
    exit code 0
    --- stdout
    [OUTPUTS]
    --- stderr
    Stack cqrs on this machine
    Deploying…

    ✓ Nothing to change: stack cqrs is as described

    not needed on one machine: 25 resources (network, cache, policies, log groups, roles, alarms)
    without effect on one machine: 29 properties (Architectures, Description, PointInTimeRecoverySpecification, Role, SSESpecification, SqsManagedSseEnabled, VpcConfig, all of the cache)

    next: cqrs order create --local --client 123456789 --product abc-def-ghi
    ");
    assert_snapshot!(stage.cqrs(["destroy", "--yes"]).outcome(), @r"
    exit code 0
    --- stderr
    Stack cqrs on this machine

    - 1  AWS::DynamoDB::Table
    - 1  AWS::Lambda::EventSourceMapping
    - 3  AWS::Lambda::Function
    - 1  AWS::SQS::Queue

    This deletes 6 resources and, for good, 0 orders.

    Deleting…

    ✓ Stack cqrs is gone
    ");
    assert_snapshot!(stage.cqrs(["outputs"]).outcome(), @r"
    exit code 3
    --- stderr
    error: there is no stack `cqrs` on this machine
    hint: `cqrs deploy --local` creates it; or check `--stack`
    ");
    assert_snapshot!(stage.cqrs(["destroy", "--yes"]).outcome(), @r"
    exit code 3
    --- stderr
    error: there is no stack `cqrs` on this machine
    hint: `cqrs deploy --local` creates it; or check `--stack`
    ");
}
