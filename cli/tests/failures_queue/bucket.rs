//! Failures in a bucket, with their records. This machine leaves them there itself; the emulator does
//! not, so that what must hold on both begins with an object as Lambda names and writes it.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{Place, steady};
use crate::support::{AwsStage, LocalStage, Parts, Stage, block_on, on_both};

on_both!(
    records_in_a_bucket_are_retried_when_the_stream_has_them_no_more,
    what_is_in_a_bucket_and_is_no_failure_is_discarded,
);

const TO_BUCKET: &str = "FailureDestination=bucket";

/// Where objects can be put.
pub(crate) trait Keeps: Stage {
    fn keep(parts: &Parts<Self>, key: &str, body: String);
}

impl Keeps for AwsStage {
    fn keep(parts: &Parts<Self>, key: &str, body: String) {
        let config = aws_sdk_s3::config::Builder::from(&parts.stage.sdk());
        let config = config.force_path_style(true).build();
        let put = aws_sdk_s3::Client::from_conf(config)
            .put_object()
            .bucket(parts.output("FailuresBucket"))
            .key(key)
            .body(ByteStream::from(body.into_bytes()));
        block_on(put.send()).unwrap();
    }
}

impl Keeps for LocalStage {
    fn keep(parts: &Parts<Self>, key: &str, body: String) {
        let buckets = parts.stage.state("cqrs").join("buckets");
        let path = buckets.join(parts.output("FailuresBucket")).join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body).unwrap();
    }
}

impl<S: Keeps> Parts<S> {
    /// Leaves an object as Lambda does.
    fn kept(&self, name: &str, body: &Value) {
        let mapping = self.output("EventSourceMappingId");
        let key = format!("aws/lambda/{mapping}/shard/2026/11/14/2026-11-14T00.13.49-{name}");
        S::keep(self, &key, body.to_string());
    }

    /// What AWS says of a record that it gave up and the stream does not have.
    fn object(&self, order: &str) -> Value {
        let place = self.place(order);
        let sequence = place.before();
        let mut object = self.message(&Place {
            sequence: sequence.clone(),
            ..place
        });
        object["payload"] = json!({"Records": [{
            "eventID": "1", "eventName": "INSERT", "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_794_615_199,
                "Keys": {"orderId": {"S": order}},
                "NewImage": {
                    "orderId": {"S": order}, "clientId": {"S": "42"}, "productId": {"S": "abc"},
                    "quantity": {"N": "1"}, "status": {"S": "placed"}, "version": {"N": "1"},
                },
                "SequenceNumber": sequence, "SizeBytes": 54,
                "StreamViewType": "NEW_AND_OLD_IMAGES"
            },
            "eventSourceARN": self.output("StreamArn"),
        }]});
        object
    }
}

fn records_in_a_bucket_are_retried_when_the_stream_has_them_no_more<S: Keeps>() {
    let parts = Parts::<S>::with(S::empty(), &[TO_BUCKET]);
    let order = parts.order();
    parts.kept("0a1b", &parts.object(&order));
    parts.lose(&order);
    let listed = parts.listed();
    assert_eq!(listed.len(), 1, "{listed:?}");
    let name = listed[0]["messageId"].as_str().unwrap();
    assert!(name.ends_with("2026-11-14T00.13.49-0a1b"), "{name}");
    let id = listed[0]["id"].as_str().unwrap();
    let status = parts.stage.cqrs(["status", "--output", "json"]).outcome();
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["parts"]["failures"]["visible"], 1, "{status}");
    let doctor = parts.stage.cqrs(["doctor"]).outcome();
    let doctor = format!("{}{}", doctor.stdout, doctor.stderr);
    assert!(doctor.contains("about 1 failure waits"), "{doctor}");

    let shown: Value = parts.failures(&["show", id]).json();
    assert_eq!(shown["stream"], "whole");
    assert_eq!(shown["records"][0]["orderId"], order.as_str());
    let planned = parts.failures(&["retry", "--all", "--dry-run"]).outcome();
    assert_snapshot!(steady(planned), @r"
    exit code 0
    --- stdout
    [FAILURE]  would be retried and deleted
    RECORD  EVENT  ID  VERSION  TABLE HAS  READ MODEL HAS  IF PROJECTED
    [SEQUENCE]  INSERT  [ID]  1  version 1  nothing  applied

    1 failure: 1 would be retried and deleted
    1 record, if projected: 1 applied
    --- stderr
    Looking at the failures and both models…
    Nothing was changed
    ");
    assert!(!parts.can_be_read(&order));
    let report: Value = parts.failures(&["retry", id]).json();
    assert_eq!(
        (&report["retried"], &report["records"]),
        (&json!(1), &json!(1))
    );
    assert!(parts.can_be_read(&order));
    assert_eq!(parts.ids(), [""; 0]);
}

fn what_is_in_a_bucket_and_is_no_failure_is_discarded<S: Keeps>() {
    let parts = Parts::<S>::with(S::empty(), &[TO_BUCKET]);
    parts.kept("1", &json!("hello"));
    parts.kept("2", &json!({"hello": "world"}));
    let report: Value = parts.failures(&["retry", "--all", "--yes"]).json();
    assert_eq!(
        (&report["foreign"], &report["retried"]),
        (&json!(2), &json!(0))
    );
    let unknown = parts.failures(&["retry", "0123456789ab"]).outcome();
    assert_eq!(unknown.code, 3, "{unknown}");
    assert!(
        unknown.stderr.contains("waits in the failures bucket"),
        "{unknown}"
    );
    let discarded: Value = parts.failures(&["discard", "--all", "--yes"]).json();
    assert_eq!(discarded["discarded"], 2);
    assert_eq!(parts.ids(), [""; 0]);
}

#[test]
fn a_bucket_that_holds_failures_is_emptied_before_its_stack_is_deleted() {
    let parts = Parts::with(AwsStage::empty(), &[TO_BUCKET]);
    parts.kept("1", &json!("hello"));
    let outcome = parts.stage.cqrs(["destroy", "--yes"]).outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    let said = "The failures bucket is emptied before: 1 failure in it.";
    assert!(outcome.stderr.contains(said), "{outcome}");
    let config = aws_sdk_s3::config::Builder::from(&parts.stage.sdk());
    let config = config.force_path_style(true).build();
    let listed = aws_sdk_s3::Client::from_conf(config)
        .list_objects_v2()
        .bucket(parts.output("FailuresBucket"));
    let left = block_on(listed.send());
    assert!(left.is_err(), "{left:?}");
}

#[test]
fn what_this_machine_gives_up_is_kept_with_its_records_over_a_restart() {
    let parts = Parts::with(LocalStage::empty(), &[TO_BUCKET, "MaximumRetryAttempts=1"]);
    let poison = ["local", "fault", "poison", "--records", "1"];
    parts.stage.cqrs(poison).succeeds();
    let create = ["order", "create", "--client", "42", "--product", "abc"];
    let order = parts.stage.cqrs(create).succeeds().trim().to_owned();
    let listed = (0..400).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        Some(parts.listed()).filter(|listed| !listed.is_empty())
    });
    let listed = listed.expect("nothing was given up");
    assert_eq!(
        listed[0]["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert!(!parts.can_be_read(&order));
    // The record is kept as it was written, and not as the fault spoiled it.
    let plan: Value = parts.failures(&["retry", "--all", "--dry-run"]).json();
    assert_eq!(plan["projections"], json!({"applied": 1}), "{plan}");
    parts.stage.cqrs(["local", "stop"]).succeeds();
    assert_eq!(parts.ids(), [listed[0]["id"].as_str().unwrap()]);
    let report: Value = parts.failures(&["retry", "--all", "--yes"]).json();
    assert_eq!(report["retried"], 1, "{report}");
    assert!(parts.can_be_read(&order));
    assert_eq!(parts.ids(), [""; 0]);
}

#[test]
fn no_deployment_takes_failures_away_that_wait() {
    let parts = Parts::with(LocalStage::empty(), &[TO_BUCKET]);
    parts.kept("1", &json!("hello"));
    let back = ["--parameter", "FailureDestination=queue"];
    let outcome = parts.stage.deploy().args(back).outcome();
    assert_eq!(outcome.code, 1, "{outcome}");
    let said = "not deployed: 1 failure in the failures bucket would go with it";
    assert!(outcome.stderr.contains(said), "{outcome}");
    assert_eq!(parts.ids().len(), 1);
    parts.failures(&["discard", "--all", "--yes"]).succeeds();
    parts.stage.deploy().args(back).succeeds();
    let outputs: Value = parts.stage.cqrs(["outputs"]).json();
    assert!(outputs["FailuresBucket"].is_null(), "{outputs}");
    assert!(outputs["FailuresQueueUrl"].is_string(), "{outputs}");
}
