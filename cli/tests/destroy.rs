//! `cqrs destroy`: nothing is left, unless it is asked for.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{AwsStage, Stage};

const BUCKET: &str = "cqrs-000000000000-eu-west-1-an";

#[test]
fn the_stack_its_artifacts_and_the_bucket_go() {
    let stage = AwsStage::deployed();
    stage
        .cqrs("order create --client 42 --product abc --wait".split(' '))
        .succeeds();
    assert_snapshot!(stage.cqrs(["destroy", "--yes"]).outcome().without_events(), @r"
    exit code 0
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root

    - 11  AWS::CloudWatch::Alarm
    - 1   AWS::CloudWatch::Dashboard
    - 1   AWS::DynamoDB::Table
    - 2   AWS::EC2::SecurityGroup
    - 2   AWS::EC2::Subnet
    - 1   AWS::EC2::VPC
    - 1   AWS::ElastiCache::ParameterGroup
    - 1   AWS::ElastiCache::ReplicationGroup
    - 1   AWS::ElastiCache::SubnetGroup
    - 3   AWS::IAM::Role
    - 1   AWS::Lambda::EventSourceMapping
    - 3   AWS::Lambda::Function
    - 3   AWS::Logs::LogGroup
    - 1   AWS::SQS::Queue
    - 1   AWS::SQS::QueuePolicy

    This deletes 33 resources and, for good, 1 order.

    Lambda takes 20 to 45 minutes to give back the network interfaces of functions in a private network; the functions, subnets and security group wait for that. Ctrl-C leaves AWS at it; `--express` does not wait in the first place.

    ✓ Stack cqrs is gone
    ");
    assert_eq!(stage.stacks(), Vec::<String>::new());
    assert_eq!(stage.buckets(), Vec::<String>::new());
}

#[test]
fn programs_get_one_document_and_the_artifacts_stay_on_demand() {
    let stage = AwsStage::deployed();
    let destroyed: Value = stage.cqrs(["destroy", "--yes", "--keep-artifacts"]).json();
    assert_eq!(destroyed["status"], "deleted");
    assert_eq!(destroyed["orders"], 0);
    assert_eq!(destroyed["artifacts"], 0);
    assert_eq!(stage.stacks(), Vec::<String>::new());
    assert_eq!(stage.objects(BUCKET).len(), 3);
}

#[test]
fn a_protected_stack_stays_until_the_protection_is_lifted() {
    let stage = AwsStage::empty();
    stage
        .deploy()
        .args(["--termination-protection", "on"])
        .succeeds();
    assert_snapshot!(stage.cqrs(["destroy", "--yes"]).outcome(), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    error: stack `cqrs` is protected from deletion, by the stack's termination protection
    hint: `cqrs deploy --stack cqrs --termination-protection off` lifts that
    ");
    assert_eq!(stage.stacks(), ["cqrs"]);

    let lifted: Value = stage
        .deploy()
        .args(["--termination-protection", "off"])
        .json();
    assert_eq!(lifted["status"], "unchanged");
    stage.cqrs(["destroy", "--yes"]).succeeds();
    assert_eq!(stage.stacks(), Vec::<String>::new());
}
