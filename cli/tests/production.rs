//! A guarded stack: the preset, what it takes to delete it, what it costs, and what others changed on its
//! resources.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{AwsStage, LocalStage, Reply, Sandbox, Scripted, Stage, block_on};

const TOPIC: &str = "AlarmTopicArn=arn:aws:sns:eu-west-1:000000000000:on-call";

/// `cqrs deploy --yes --preset production` with a topic.
fn guarded(stage: &AwsStage) -> crate::support::Run {
    let preset = ["--preset", "production", "--parameter", TOPIC];
    stage.deploy().args(preset)
}

#[test]
fn a_preset_without_the_topic_of_its_alarms_fails_before_aws_is_asked() {
    let server = Scripted::new(|_| Reply::LOST);
    let sandbox = Sandbox::against(&server.endpoint());
    let deploy = || sandbox.deploy();
    assert_snapshot!(deploy().args(["--preset", "production"]).outcome(), @r"
    exit code 2
    --- stderr
    error: the preset production needs a topic that its alarms notify
    hint: add `--parameter AlarmTopicArn=ARN` with the ARN of an SNS topic, write it to cqrs.toml, or run `cqrs deploy --guided --preset production`
    ");
    sandbox.write("cqrs.toml", "[env.prod]\npreset = \"production\"\n");
    let outcome = deploy().args(["--env", "prod"]).outcome();
    assert_eq!(outcome.code, 2, "{outcome}");
    let unknown = deploy().args(["--preset", "staging"]).outcome();
    assert_eq!(unknown.code, 2, "{unknown}");
    let local = deploy()
        .args(["--preset", "production", "--local"])
        .outcome();
    assert!(local.stderr.contains("`--preset` is for AWS"), "{local}");
    assert_eq!(server.actions(), [""; 0]);
}

#[test]
fn a_guarded_stack_says_what_it_takes_and_is_not_deleted_before_the_guard_is_lifted() {
    let stage = AwsStage::empty();
    let created = guarded(&stage)
        .args(["--parameter", "LogRetentionDays=30"])
        .outcome();
    assert_eq!(created.code, 0, "{created}");
    let said = created.stderr.split("\nAsking").next().unwrap();
    let said = said.split("Preset").nth(1).unwrap();
    assert_snapshot!(said.trim_end(), @r"
     production:
      Parameter              Default          Now
      CacheNodeType          cache.t4g.micro  cache.m7g.large
      CacheReplicas          0                1
      DeletionProtection     off              on
      LogRetentionDays       30               30                                          as you said
      PublisherConcurrency   -1               100
      SubscriberConcurrency  -1               50
      QueryConcurrency       -1               100
      AlarmTopicArn          (none)           arn:aws:sns:eu-west-1:000000000000:on-call  as you said
      Termination protection: on (default off)
      Rollback on alarms: 5 alarms, from the next update on (default off)
    ");
    for (name, value) in [
        ("CacheNodeType", "cache.m7g.large"),
        ("CacheReplicas", "1"),
        ("DeletionProtection", "on"),
        ("LogRetentionDays", "30"),
        ("SubscriberConcurrency", "50"),
    ] {
        assert_eq!(stage.stack_parameter("cqrs", name), value, "{name}");
    }

    assert_snapshot!(stage.cqrs(["destroy", "--yes"]).outcome(), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 000000000000, eu-west-1, as arn:aws:iam::000000000000:root
    error: stack `cqrs` is protected from deletion, by the stack's termination protection and by its table's deletion protection
    hint: `cqrs deploy --stack cqrs --termination-protection off --parameter DeletionProtection=off` lifts that
    ");

    // The next deployment watches the alarms, and keeps what was said before it.
    let again = guarded(&stage).args(["--parameter", "LagAlarmMilliseconds=30000"]);
    let again = again.outcome();
    assert_eq!(again.code, 0, "{again}");
    let watched = "5 alarms, for 10 minutes after an update";
    assert!(again.stderr.contains(watched), "{again}");

    let lift = [
        "--termination-protection",
        "off",
        "--parameter",
        "DeletionProtection=off",
    ];
    stage.deploy().args(lift).succeeds();
    stage.cqrs(["destroy", "--yes"]).succeeds();
    assert_eq!(stage.stacks(), Vec::<String>::new());
}

#[test]
fn an_environment_of_the_file_names_the_preset_and_outranks_it() {
    let stage = AwsStage::empty();
    stage.write(
        "cqrs.toml",
        "[parameters]\nCacheAccess = \"open\"\n[env.prod]\npreset = \"production\"\n[env.prod.parameters]\n\
         AlarmTopicArn = \"arn:aws:sns:eu-west-1:000000000000:on-call\"\nCacheReplicas = 0\n",
    );
    stage.deploy().args(["--env", "prod"]).succeeds();
    assert_eq!(stage.stack_parameter("cqrs", "CacheReplicas"), "0");
    assert_eq!(stage.stack_parameter("cqrs", "LogRetentionDays"), "90");

    // One after the other.
    let both = ["--env", "prod", "--parameter", "CacheReplicas=1"];
    let refused = stage.deploy().args(both).outcome();
    assert_eq!(refused.code, 2, "{refused}");
    assert!(
        refused.stderr.contains("only one after the other"),
        "{refused}"
    );
    let first = stage.deploy().args(both);
    first.args(["--parameter", "CacheFailover=off"]).succeeds();
}

/// What a deployed stack has, so that nothing of its network is to be chosen.
const DEPLOYED: [(&str, &str); 3] = [
    ("QueryCodeKey", "query.zip"),
    ("FirstZoneId", "euw1-az1"),
    ("SecondZoneId", "euw1-az2"),
];

/// A stack that has an alarm in this state, and a region with so many invocations.
fn server(raised: bool, free: u32) -> Scripted {
    Scripted::new(move |request| match request.action().as_str() {
        "GetCallerIdentity" => Reply::identity(),
        "DescribeStacks" => Reply::stack_of("cqrs", "UPDATE_COMPLETE", &DEPLOYED, ""),
        "ListStackResources" => Reply::xml(
            "ListStackResources",
            "<StackResourceSummaries><member><LogicalResourceId>LagAlarm</LogicalResourceId>\
             <PhysicalResourceId>cqrs-lag</PhysicalResourceId>\
             <ResourceType>AWS::CloudWatch::Alarm</ResourceType>\
             <ResourceStatus>CREATE_COMPLETE</ResourceStatus></member></StackResourceSummaries>",
        ),
        "GET /2016-08-19/account-settings" => Reply::json(
            200,
            json!({"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": free}}),
        ),
        action if action.contains("DescribeAlarms") => {
            let alarm = json!({"AlarmName": "cqrs-lag", "StateValue": "ALARM"});
            let alarms = if raised { vec![alarm] } else { Vec::new() };
            Reply::cbor(200, &json!({ "MetricAlarms": alarms }))
        }
        "CreateChangeSet" => Reply::change_set_begun(),
        "DescribeChangeSet" => Reply::change_set(
            "CREATE_COMPLETE",
            "<Changes><member><Type>Resource</Type><ResourceChange>\
             <Action>Modify</Action><LogicalResourceId>Query</LogicalResourceId>\
             <ResourceType>AWS::Lambda::Function</ResourceType></ResourceChange></member></Changes>",
        ),
        "DeleteChangeSet" => Reply::xml("DeleteChangeSet", ""),
        _ => Reply::xml_error(400, "ValidationError", "no more is asked"),
    })
}

#[test]
fn an_update_does_not_begin_while_an_alarm_would_undo_it() {
    let raised = server(true, 1000);
    let watched = ["--yes", "--rollback-alarms", "on"];
    assert_snapshot!(raised.deploy(&watched), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    Asking CloudFormation what would change…

              Resource  Type                   Changed properties
    ~ change  Query     AWS::Lambda::Function

    0 to add, 1 to change, 0 to replace, 0 to remove
    Cost: not known, docs/cost.md has prices of us-east-1 and none of eu-west-1

    error: the alarm cqrs-lag is raised: CloudFormation would undo this update
    hint: `cqrs status` says what to do; where this update is the cure, add `--rollback-alarms off`
    ");
    assert!(raised.actions().contains(&"DeleteChangeSet".to_owned()));
    let planned = raised.deploy(&["--plan", "--rollback-alarms", "on"]);
    assert_eq!(planned.code, 0, "{planned}");
    assert!(
        planned.stderr.contains("the alarm cqrs-lag is raised"),
        "{planned}"
    );

    for (raised, switch) in [(true, "off"), (false, "on")] {
        let asked = server(raised, 1000);
        let outcome = asked.deploy(&["--yes", "--rollback-alarms", switch]);
        assert!(!outcome.stderr.contains("is raised"), "{outcome}");
        // It goes on to the bucket of the artifacts, which is not played here.
        assert!(!outcome.stderr.contains("would undo"), "{outcome}");
        assert!(
            asked
                .actions()
                .iter()
                .any(|action| action.contains(" /cqrs-1234")),
            "{outcome}"
        );
    }
}

#[test]
fn what_the_account_has_not_is_not_reserved() {
    let few = server(false, 250);
    let outcome = |server: &Scripted, count| {
        let reserve = format!("QueryConcurrency={count}");
        server.deploy(&["--plan", "--parameter", &reserve])
    };
    assert_snapshot!(outcome(&few, "151"), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: the functions are to reserve 151 invocations at once; eu-west-1 has 1000, of which 250 are free, and Lambda keeps 100 for functions that reserve none
    hint: ask for more in Service Quotas (Lambda, `Concurrent executions`, L-B99A9384), or reserve less: `--parameter PublisherConcurrency=-1 --parameter SubscriberConcurrency=-1 --parameter QueryConcurrency=-1` reserves none
    ");
    outcome(&few, "150");
    assert_eq!(few.counts().get("CreateChangeSet"), Some(&1));
}

#[test]
fn a_plan_says_what_the_stack_costs_and_what_changes_in_it() {
    let stage = AwsStage::empty();
    let plan = |more: &[&str]| -> Value {
        let plan = stage.plan().args(["--region", "us-east-1"]);
        plan.args(more).json()
    };
    let new = plan(&[])["cost"].clone();
    assert_eq!(new["region"], "us-east-1");
    assert_eq!(new["after"]["idleMonth"], 11.04);
    assert_eq!(new["before"], Value::Null);
    assert!(new["assumptions"].as_array().unwrap().len() > 3, "{new}");

    stage.deploy().args(["--region", "us-east-1"]).succeeds();
    let changed = plan(&["--parameter", "CacheNodeType=cache.m7g.large"])["cost"].clone();
    assert_eq!(changed["before"]["idleMonth"], 11.04);
    assert_eq!(changed["after"]["idleMonth"], 93.97);
    let unknown = plan(&["--parameter", "CacheNodeType=cache.r7g.large"])["cost"].clone();
    assert_eq!(unknown["after"], Value::Null);
}

#[test]
fn what_others_changed_on_a_resource_is_shown_property_by_property() {
    let stage = AwsStage::deployed();
    let clean = stage.cqrs(["status", "--drift"]).outcome();
    assert_eq!(clean.code, 0, "{clean}");
    let none = "none changed outside of the stack";
    assert!(clean.stdout.contains(none), "{clean}");

    let lambda = aws_sdk_lambda::Client::new(&stage.sdk());
    let memory = |mb| {
        let change = lambda.update_function_configuration();
        let change = change.function_name("cqrs-query").memory_size(mb);
        block_on(change.send()).unwrap();
    };
    memory(1024);
    let found = stage.cqrs(["status", "--drift"]).outcome();
    assert_snapshot!(found.filter(r"\b\d+ resources compared", "[N] resources compared"), @r"
    exit code 1
    --- stdout
    Stack cqrs: [N] resources compared, 1 changed outside of the stack

    Resource  Type                   Property     By the template  As it is
    Query     AWS::Lambda::Function  /MemorySize  512              1024
    --- stderr
    CloudFormation compares the resources with the template…
    error: 1 resource of stack `cqrs` changed outside of the stack
    hint: put each back by the means that changed it; or say in template.yaml, or by a parameter, what is to be, and run `cqrs deploy`
    ");
    let found = stage
        .cqrs(["status", "--drift", "--output", "json"])
        .outcome();
    let found: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(found["changed"][0]["logicalId"], "Query");
    assert_eq!(
        found["changed"][0]["properties"],
        json!([{"path": "/MemorySize", "byTemplate": "512", "asItIs": "1024"}])
    );
    // What `cqrs status` says of the last look leads here.
    let status = stage.cqrs(["status"]).outcome();
    assert!(
        status.stdout.contains("`cqrs status --drift` shows what"),
        "{status}"
    );

    memory(512);
    stage.cqrs(["status", "--drift"]).succeeds();
}

#[test]
fn on_this_machine_there_is_nothing_to_compare_and_without_a_stack_neither() {
    let local = LocalStage::empty();
    let said = local.cqrs(["status", "--drift"]).succeeds();
    assert!(said.contains("there is nothing to compare"), "{said}");
    let stage = AwsStage::empty();
    let missing = stage.cqrs(["status", "--drift"]).outcome();
    assert_eq!(missing.code, 3, "{missing}");
}
