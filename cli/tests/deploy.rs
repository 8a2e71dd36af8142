//! `cqrs deploy` against the emulator of AWS: what is CloudFormation's, and what people read of it.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{
    AwsStage, Outcome, Stage, another_query, block_on, handlers, repository, target,
};

/// Where the artifacts of the emulator's account go.
const BUCKET: &str = "cqrs-000000000000-eu-west-1-an";

#[test]
fn a_stack_whose_read_model_cannot_be_completed_is_deployed_and_says_what_is_left_to_do() {
    let stage = AwsStage::empty();
    let cache = stage.cache();
    cache.pause();
    let deployed = stage.deploy().outcome();
    cache.resume();
    assert_eq!(deployed.code, 1, "{deployed}");
    assert!(deployed.stdout.contains("QueryFunction "), "{deployed}");
    assert!(
        deployed.stderr.contains(
            "error: the stack is deployed, but its read model cannot be completed yet\n  \
             caused by: the read model is unavailable"
        ),
        "{deployed}"
    );
    assert!(deployed.stderr.contains("`cqrs rebuild`"), "{deployed}");
    let list = stage.cqrs(["order", "list", "--output", "json"]).outcome();
    assert_eq!(list.error()["kind"], "ReadModelIncomplete", "{list}");
    stage.cqrs(["rebuild"]).succeeds();
    let list: Value = stage.cqrs(["order", "list"]).json();
    assert_eq!(list["orders"], serde_json::json!([]));
}

#[test]
fn a_change_set_is_left_for_a_review_and_executed_by_others() {
    let stage = AwsStage::empty();
    let left = || {
        let deploy = stage.cqrs(["deploy", "--change-set-only", "--prebuilt"]);
        deploy.arg(handlers()).json::<Value>()
    };
    let first = left();
    assert_eq!(stage.stack_status("cqrs"), "REVIEW_IN_PROGRESS");
    assert!(first["changes"].as_array().unwrap().len() > 20, "{first}");
    let client = aws_sdk_cloudformation::Client::new(&stage.sdk());
    let change_set = first["changeSet"].as_str().unwrap();
    let execute = client.execute_change_set().change_set_name(change_set);
    block_on(execute.send()).unwrap();

    // It waits for what is under way, and finds nothing else to do.
    let deployed: Value = stage.deploy().json();
    assert_eq!(deployed["status"], "unchanged", "{deployed}");
    stage
        .cqrs([
            "order",
            "create",
            "--client",
            "c",
            "--product",
            "p",
            "--wait",
        ])
        .succeeds();
    let second = left();
    assert_eq!(
        (&second["changeSet"], &second["changes"]),
        (&Value::Null, &serde_json::json!([]))
    );
    assert_eq!(stage.change_sets("cqrs"), 0);
}

#[test]
fn a_stack_is_created_and_then_unchanged() {
    let stage = AwsStage::empty();

    assert_snapshot!(stage.deploy().outcome().without_events(), @"
    exit code 0
    --- stdout
    TableName              cqrs-WriteModel-[SUFFIX]
    TableArn               arn:aws:dynamodb:eu-west-1:000000000000:table/cqrs-WriteModel-[SUFFIX]
    StreamArn              arn:aws:dynamodb:eu-west-1:000000000000:table/cqrs-WriteModel-[SUFFIX]/stream/[TIME]
    PublisherFunction      cqrs-publisher
    PublisherFunctionArn   arn:aws:lambda:eu-west-1:000000000000:function:cqrs-publisher
    SubscriberFunction     cqrs-subscriber
    SubscriberFunctionArn  arn:aws:lambda:eu-west-1:000000000000:function:cqrs-subscriber
    QueryFunction          cqrs-query
    QueryFunctionArn       arn:aws:lambda:eu-west-1:000000000000:function:cqrs-query
    EventSourceMappingId   [ID]
    FailuresQueueUrl       http://[ADDRESS]/000000000000/cqrs-FailuresQueue-[SUFFIX]
    CacheEndpoint          [ADDRESS]
    CacheAccess            open
    ReplicationGroupId     cqrs-1
    PublisherLogGroup      /aws/lambda/cqrs-publisher
    SubscriberLogGroup     /aws/lambda/cqrs-subscriber
    QueryLogGroup          /aws/lambda/cqrs-query
    VpcId                  [VPC]
    DashboardName          cqrs-eu-west-1
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    Asking CloudFormation what would change…

           Resource               Type                                Changed properties
    + add  Cache                  AWS::ElastiCache::ReplicationGroup
    + add  CacheCpuAlarm          AWS::CloudWatch::Alarm
    + add  CacheErrorsAlarm       AWS::CloudWatch::Alarm
    + add  CacheMemoryAlarm       AWS::CloudWatch::Alarm
    + add  CacheParameters        AWS::ElastiCache::ParameterGroup
    + add  CacheSecurityGroup     AWS::EC2::SecurityGroup
    + add  CacheSignInsAlarm      AWS::CloudWatch::Alarm
    + add  CacheSubnets           AWS::ElastiCache::SubnetGroup
    + add  CacheUsers             AWS::ElastiCache::UserGroup
    + add  Changes                AWS::Lambda::EventSourceMapping
    + add  FailuresAlarm          AWS::CloudWatch::Alarm
    + add  FailuresBucket         AWS::S3::Bucket
    + add  FailuresBucketPolicy   AWS::S3::BucketPolicy
    + add  FailuresQueue          AWS::SQS::Queue
    + add  FailuresQueuePolicy    AWS::SQS::QueuePolicy
    + add  FirstSubnet            AWS::EC2::Subnet
    + add  FunctionSecurityGroup  AWS::EC2::SecurityGroup
    + add  LagAlarm               AWS::CloudWatch::Alarm
    + add  MappingAlarm           AWS::CloudWatch::Alarm
    + add  OperationsDashboard    AWS::CloudWatch::Dashboard
    + add  Publisher              AWS::Lambda::Function
    + add  PublisherErrorsAlarm   AWS::CloudWatch::Alarm
    + add  PublisherLogs          AWS::Logs::LogGroup
    + add  PublisherRole          AWS::IAM::Role
    + add  Query                  AWS::Lambda::Function
    + add  QueryCacheUser         AWS::ElastiCache::User
    + add  QueryErrorsAlarm       AWS::CloudWatch::Alarm
    + add  QueryLogs              AWS::Logs::LogGroup
    + add  QueryRole              AWS::IAM::Role
    + add  ReadModelAlarm         AWS::CloudWatch::Alarm
    + add  ReadModelQueriesAlarm  AWS::CloudWatch::Alarm
    + add  SecondSubnet           AWS::EC2::Subnet
    + add  Subscriber             AWS::Lambda::Function
    + add  SubscriberCacheUser    AWS::ElastiCache::User
    + add  SubscriberErrorsAlarm  AWS::CloudWatch::Alarm
    + add  SubscriberLogs         AWS::Logs::LogGroup
    + add  SubscriberRole         AWS::IAM::Role
    + add  ThrottlesAlarm         AWS::CloudWatch::Alarm
    + add  Vpc                    AWS::EC2::VPC
    + add  WriteModel             AWS::DynamoDB::Table

    40 to add, 0 to change, 0 to replace, 0 to remove
    Cost: not known, docs/cost.md has prices of us-east-1 and none of eu-west-1

    Uploading…

    ✓ Stack cqrs is created

    next: cqrs order create --client 123456789 --product abc-def-ghi
    ");

    let again = stage.deploy().outcome();
    assert_snapshot!(again.without_outputs(), @"
    exit code 0
    --- stdout
    [OUTPUTS]
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    Asking CloudFormation what would change…

    ✓ Nothing to change: stack cqrs is as described

    next: cqrs order create --client 123456789 --product abc-def-ghi
    ");
}

/// The handlers whose zips a deployment made.
fn zipped(outcome: &Outcome) -> Vec<&str> {
    let zipped = |line: &'_ str| line.contains(" bytes zipped, ");
    let lines = outcome.stderr.lines().filter(|line| zipped(line));
    lines
        .filter_map(|line| line.trim().split(':').next())
        .collect()
}

#[test]
fn what_did_not_change_is_neither_packed_nor_uploaded() {
    let stage = AwsStage::empty();
    let first = stage.deploy().arg("--verbose").outcome();
    assert_eq!(first.code, 0, "{first}");
    assert_eq!(zipped(&first), ["publisher", "subscriber", "query"]);
    let uploaded = stage.objects(BUCKET);
    // An upload would take the mark away.
    uploaded.iter().for_each(|key| stage.mark(BUCKET, key));

    let again = stage.deploy().arg("--verbose").outcome();
    assert!(again.stderr.contains("Nothing to change"), "{again}");
    assert_eq!(zipped(&again), [""; 0]);

    let more = ["--verbose", "--parameter", "FunctionMemory=256"];
    let other = stage.deploy().args(more).outcome();
    assert_eq!(other.code, 0, "{other}");
    assert!(!other.stderr.contains("Uploading"), "{other}");
    assert_eq!(zipped(&other), [""; 0]);

    let changed = another_query();
    let one = stage.deploy_from(changed.path()).arg("--verbose").outcome();
    assert_eq!(one.code, 0, "{one}");
    assert_eq!(zipped(&one), ["query"]);
    assert_eq!(stage.objects(BUCKET).len(), 4);
    let marked = uploaded.iter().filter(|key| stage.is_marked(BUCKET, key));
    // The former query has the mark of what is superseded in the place of this one.
    assert_eq!(marked.count(), 2);
}

#[test]
fn what_somebody_put_in_an_artifacts_place_is_not_deployed() {
    let stage = AwsStage::deployed();
    let key = stage.stack_parameter("cqrs", "QueryCodeKey");
    let changed = another_query();
    stage.deploy_from(changed.path()).succeeds();
    stage.put_object(BUCKET, &key, b"somebody else's");

    stage.deploy().succeeds();
    assert_eq!(stage.stack_parameter("cqrs", "QueryCodeKey"), key);
    let object = stage.object(BUCKET, &key);
    assert!(object.starts_with(b"PK"), "{} bytes", object.len());
    stage.cqrs(["order", "list"]).succeeds();
}

#[test]
fn a_plan_shows_the_changes_and_leaves_nothing_behind() {
    let stage = AwsStage::empty();
    assert_snapshot!(stage.plan().outcome().brief(), @r"
    exit code 0
    --- stdout
    [TABLE]

    [N] to add, 0 to change, 0 to replace, 0 to remove
    Cost: not known, docs/cost.md has prices of us-east-1 and none of eu-west-1
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    Asking CloudFormation what would change…
    ");
    assert_eq!(stage.stacks(), Vec::<String>::new());
    assert_eq!(stage.buckets(), Vec::<String>::new());
}

#[test]
fn a_plan_of_a_deployed_stack_leaves_its_change_set_behind_neither() {
    let stage = AwsStage::deployed();
    let plan = |parameter| stage.plan().args(["--parameter", parameter]).outcome();
    assert_snapshot!(plan("FunctionMemory=1024"), @r"
    exit code 0
    --- stdout
              Resource    Type                   Changed properties
    ~ change  Publisher   AWS::Lambda::Function  MemorySize
    ~ change  Query       AWS::Lambda::Function  MemorySize
    ~ change  Subscriber  AWS::Lambda::Function  MemorySize

    0 to add, 3 to change, 0 to replace, 0 to remove
    Cost: not known, docs/cost.md has prices of us-east-1 and none of eu-west-1
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    Asking CloudFormation what would change…
    ");
    assert_snapshot!(plan("FunctionMemory=512"), @r"
    exit code 0
    --- stdout
    Nothing would change
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    Asking CloudFormation what would change…
    ");
    assert_eq!(stage.change_sets("cqrs"), 0);
}

#[test]
fn a_stack_that_goes_leaves_the_artifacts_of_another() {
    let stage = AwsStage::deployed();
    let deploy = stage.deploy();
    deploy.args(["--stack", "other", "--express"]).succeeds();
    let destroy = stage.cqrs(["destroy", "--stack", "other", "--yes"]);
    destroy.succeeds();
    assert_eq!(stage.stacks(), ["cqrs"]);
    assert_eq!(stage.buckets(), [BUCKET]);
    assert_eq!(stage.objects(BUCKET).len(), 3);
}

/// CloudFormation takes this, and finds only on the way that it cannot be.
const FAILS: &str = "
  Unreachable:
    Type: AWS::Lambda::Url
    DependsOn: Publisher
    Properties: {AuthType: AWS_IAM, TargetFunctionArn: nobody}
";

#[test]
fn a_failed_creation_names_its_root_cause_and_the_next_deployment_mends_it() {
    let stage = AwsStage::empty();
    stage.add_resources(FAILS);
    assert_snapshot!(stage.deploy().outcome().brief(), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    Asking CloudFormation what would change…

    [TABLE]

    [N] to add, 0 to change, 0 to replace, 0 to remove
    Cost: not known, docs/cost.md has prices of us-east-1 and none of eu-west-1

    Uploading…
    error: stack `cqrs` ended in ROLLBACK_COMPLETE
      caused by: Unreachable (AWS::Lambda::Url): Lambda function not found: nobody
    hint: mend the cause and run `cqrs deploy --stack cqrs` again: it deletes what is left and creates the stack anew
    ");
    assert_eq!(stage.stack_status("cqrs"), "ROLLBACK_COMPLETE");

    assert_snapshot!(stage.plan().outcome(), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    error: stack `cqrs` is in ROLLBACK_COMPLETE, for which no change can be planned
    hint: `cqrs deploy --stack cqrs` would delete it and create it anew
    ");

    stage.restore_template();
    let mended = stage.deploy().outcome();
    assert_eq!(mended.code, 0, "{mended}");
    let note = "Stack cqrs is in ROLLBACK_COMPLETE";
    assert!(mended.stderr.contains(note), "{mended}");
    assert_eq!(stage.stack_status("cqrs"), "CREATE_COMPLETE");
}

#[test]
fn a_failed_update_is_rolled_back_and_says_so() {
    let stage = AwsStage::deployed();
    stage.add_resources(FAILS);
    assert_snapshot!(stage.deploy().outcome().without_events(), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    Asking CloudFormation what would change…

           Resource     Type              Changed properties
    + add  Unreachable  AWS::Lambda::Url

    1 to add, 0 to change, 0 to replace, 0 to remove
    Cost: not known, docs/cost.md has prices of us-east-1 and none of eu-west-1

    error: stack `cqrs` ended in UPDATE_ROLLBACK_COMPLETE
      caused by: Unreachable (AWS::Lambda::Url): Lambda function not found: nobody
    hint: the stack is as it was before; mend the cause and run `cqrs deploy --stack cqrs` again
    ");
    assert_eq!(stage.stack_status("cqrs"), "UPDATE_ROLLBACK_COMPLETE");

    let outcome = stage.deploy().args(["--output", "json"]).outcome();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
    let error = outcome.error();
    assert_eq!(error["kind"], "Failed");
    assert!(
        error["hint"].as_str().unwrap().contains("cqrs deploy"),
        "{error}"
    );

    stage.restore_template();
    let mended: Value = stage.deploy().json();
    assert_eq!(mended["status"], "unchanged");
}

#[test]
fn with_no_rollback_what_succeeded_is_kept_for_the_next_deployment() {
    let stage = AwsStage::empty();
    stage.add_resources(FAILS);
    let failed = stage.deploy().arg("--no-rollback").outcome();
    assert_eq!(failed.code, 1, "{failed}");
    assert_eq!(stage.stack_status("cqrs"), "CREATE_FAILED");
    stage.restore_template();
    let mended: Value = stage.deploy().json();
    assert_eq!(mended["status"], "updated");
    stage.cqrs(["order", "list"]).succeeds();
}

#[test]
fn a_template_that_cloudformation_rejects_leaves_nothing_behind() {
    let stage = AwsStage::empty();
    stage.add_resources("\n  Odd: {Type: AWS::SQS::Tail}\n");
    assert_snapshot!(stage.deploy().outcome(), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    Asking CloudFormation what would change…
    error: CloudFormation does not accept the template
      caused by: cloudformation:CreateChangeSet failed: Template format error: Unrecognized resource types: [AWS::SQS::Tail]
    hint: correct template.yaml or the parameters, then run `cqrs deploy` again
    ");
    assert_eq!(stage.stacks(), Vec::<String>::new());
    assert_eq!(stage.buckets(), Vec::<String>::new());
}

#[test]
fn two_deployments_at_once_both_end_well_or_say_why_not() {
    let stage = AwsStage::empty();
    let first = stage.deploy().start();
    let second = stage.deploy().start();
    let outcomes = [first.outcome(), second.outcome()];
    assert!(
        outcomes.iter().any(|outcome| outcome.code == 0),
        "{outcomes:?}"
    );
    for outcome in outcomes.iter().filter(|outcome| outcome.code != 0) {
        assert_eq!(outcome.code, 1, "{outcome}");
        assert!(outcome.stderr.contains("hint: "), "{outcome}");
    }
    // Whatever one of them met, a further run mends.
    let third: Value = stage.deploy().json();
    assert_eq!(third["status"], "unchanged");
    assert_eq!(stage.stack_status("cqrs"), "CREATE_COMPLETE");
}

#[test]
fn a_deployment_follows_the_one_that_is_under_way_and_then_does_its_own() {
    let stage = AwsStage::empty();
    stage.hold();
    let mut first = stage.deploy().start();
    first.until("CREATE_IN_PROGRESS   AWS::CloudFormation::WaitCondition ");

    let mut second = stage
        .deploy()
        .args(["--parameter", "LogLevel=DEBUG"])
        .start();
    second.until("following that operation first");
    stage.release();
    let first = first.outcome();
    assert_eq!(first.code, 0, "{first}");
    let second = second.outcome();
    assert_eq!(second.code, 0, "{second}");
    assert_eq!(stage.stack_status("cqrs"), "UPDATE_COMPLETE");
    assert_eq!(stage.stack_parameter("cqrs", "LogLevel"), "DEBUG");
}

#[test]
fn an_interrupted_deployment_goes_on_and_the_next_run_comes_back_to_it() {
    let stage = AwsStage::empty();
    stage.hold();
    let mut first = stage.deploy().start();
    first
        .until("CREATE_IN_PROGRESS   AWS::CloudFormation::WaitCondition ")
        .interrupt();
    let outcome = first.outcome();
    assert_eq!(outcome.code, 130, "{outcome}");
    assert!(outcome.stderr.contains("AWS goes on"), "{outcome}");
    assert!(outcome.stderr.contains("comes back to it"), "{outcome}");

    assert_snapshot!(stage.plan().outcome(), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    error: stack `cqrs` is in CREATE_IN_PROGRESS, for which no change can be planned
    hint: `cqrs deploy --stack cqrs` would wait for that operation first
    ");

    let mut second = stage.deploy().start();
    second.until("following that operation first");
    stage.release();
    let second = second.outcome();
    assert_eq!(second.code, 0, "{second}");
    assert!(second.stderr.contains("Nothing to change"), "{second}");
    assert_eq!(stage.stack_status("cqrs"), "CREATE_COMPLETE");
}

#[test]
fn a_stack_that_is_not_there_has_its_own_exit_code() {
    let stage = AwsStage::empty();
    assert_snapshot!(stage.cqrs(["outputs"]).outcome(), @r"
    exit code 3
    --- stderr
    error: there is no stack `cqrs` in eu-west-1
    hint: `cqrs deploy --stack cqrs` creates it; or check `--stack` and `--region`
    ");
    assert_snapshot!(stage.cqrs(["destroy", "--yes"]).outcome(), @r"
    exit code 3
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    error: there is no stack `cqrs` in eu-west-1
    hint: `cqrs deploy --stack cqrs` creates it; or check `--stack` and `--region`
    ");
    assert_snapshot!(stage.cqrs(["order", "list", "--stack", "shop"]).outcome(), @r"
    exit code 3
    --- stderr
    error: stack `shop` has no function `shop-query` in this region
    hint: `cqrs deploy --stack shop` creates it; or check `--stack` and `--region`
    ");
    let outcome = stage.cqrs(["outputs", "--output", "json"]).outcome();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""));
    assert_eq!(outcome.error()["kind"], "NotFound");
}

#[test]
fn a_bucket_of_ones_own_takes_the_artifacts_and_stays() {
    let stage = AwsStage::empty();
    let deploy = || stage.deploy().args(["--artifact-bucket", "my-own-bucket"]);
    assert_snapshot!(deploy().outcome().brief(), @r"
    exit code 2
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    Asking CloudFormation what would change…

    [TABLE]

    [N] to add, 0 to change, 0 to replace, 0 to remove
    Cost: not known, docs/cost.md has prices of us-east-1 and none of eu-west-1

    error: the bucket `my-own-bucket` does not exist
    hint: make it with `aws s3 mb s3://my-own-bucket`, or leave `--artifact-bucket` out to have one made and kept
    ");
    assert_eq!(stage.stacks(), Vec::<String>::new());

    stage.make_bucket("my-own-bucket");
    deploy().succeeds();
    assert_eq!(stage.objects("my-own-bucket").len(), 3);
    // The stack remembers it.
    let unchanged: Value = stage.deploy().json();
    assert_eq!(unchanged["status"], "unchanged");

    stage.cqrs(["destroy", "--yes"]).succeeds();
    assert_eq!(stage.buckets(), ["my-own-bucket"]);
    assert_eq!(stage.objects("my-own-bucket"), Vec::<String>::new());
}

#[test]
fn the_handlers_are_built_where_none_are_given() {
    let stage = AwsStage::empty();
    let deployed: Value = stage
        .cqrs("deploy --yes --builder cargo --parameter CacheAccess=open".split(' '))
        .arg("--project")
        .arg(repository())
        // The target folder of the tests has them already.
        .env("CARGO_TARGET_DIR", target())
        .with_cargo()
        .json();
    assert_eq!(deployed["status"], "created");
    stage.cqrs(["order", "list"]).succeeds();
}

#[test]
fn tags_are_kept_from_one_deployment_to_the_next_and_parameters_reach_the_stack() {
    let stage = AwsStage::empty();
    stage
        .deploy()
        .args(["--parameter", "FunctionMemory=256", "--tag", "team=orders"])
        .succeeds();
    let unchanged: Value = stage.deploy().json();
    assert_eq!(unchanged["status"], "unchanged");
    assert_eq!(stage.stack_parameter("cqrs", "FunctionMemory"), "256");
}
