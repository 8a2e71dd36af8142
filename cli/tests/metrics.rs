//! What the deployed functions tell CloudWatch, and the dashboard that shows it.

use serde_json::Value;

use crate::support::{AwsStage, Stage, on_both};

on_both!(
    metrics_are_in_the_functions_log_while_they_are_on,
    quiet_logs_leave_the_metrics,
);

/// What the publisher logs of an order that is created.
fn logged(stage: &impl Stage) -> String {
    let create = "order create --client 42 --product abc -v";
    stage.cqrs(create.split(' ')).outcome().stderr
}

fn metrics_are_in_the_functions_log_while_they_are_on<S: Stage>() {
    let stage = S::empty();
    let with = |parameter| stage.deploy().args(["--parameter", parameter]).succeeds();
    with("Metrics=on");
    let on = logged(&stage);
    assert!(
        on.contains(r#""FunctionName":"cqrs-publisher","_aws":{"#),
        "{on}"
    );
    with("Metrics=off");
    let off = logged(&stage);
    assert!(off.contains(r#""command":"create","commands":1"#), "{off}");
    assert!(!off.contains("_aws"), "{off}");
}

fn quiet_logs_leave_the_metrics<S: Stage>() {
    let stage = S::empty();
    let deploy = stage.deploy().args(["--parameter", "Metrics=on"]);
    deploy.args(["--parameter", "LogLevel=ERROR"]).succeeds();
    let quiet = logged(&stage);
    assert!(
        quiet.contains(r#""commands":1"#) && quiet.contains("_aws"),
        "{quiet}"
    );
    assert!(!quiet.contains("orderId"), "{quiet}");
}

#[test]
fn the_dashboard_shows_the_stacks_alarms_and_can_be_left_out() {
    let stage = AwsStage::empty();
    stage.deploy().succeeds();
    let body = stage.dashboard("cqrs-eu-west-1");
    let alarms = body["widgets"][0]["properties"]["alarms"].as_array();
    let of_stack = |arn: &Value| {
        let place = "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:cqrs-";
        arn.as_str().unwrap().starts_with(place)
    };
    assert!(alarms.unwrap().iter().all(of_stack), "{body}");

    let without = stage.deploy().args(["--stack", "other"]);
    let without: Value = without.args(["--parameter", "Dashboard=off"]).json();
    assert_eq!(without["outputs"].get("DashboardUrl"), None, "{without}");
}
