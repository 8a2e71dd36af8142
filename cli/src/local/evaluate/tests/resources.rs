//! Resources: which are there, how they refer to one another, and what their properties take.

use host::definition::{Destination, StartingPosition};

use super::*;

const STACK: &str = "\
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
  Queue:
    Type: AWS::SQS::Queue
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      Role: role
      Code: {S3Bucket: b, S3Key: query}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Table.StreamArn
      FunctionName: !Ref Function
      StartingPosition: LATEST
";

/// The stack with one more property (or another, where `line` starts with a known one) of the
/// resource.
fn with_property(resource: &str, line: &str) -> String {
    let name = line.split(':').next().unwrap_or_default();
    let mut owner = "";
    let mut text = String::new();
    for existing in STACK.lines() {
        if existing.starts_with("  ") && !existing.starts_with("   ") {
            owner = existing.trim().trim_end_matches(':');
        }
        let replaced = existing.trim_start().starts_with(&format!("{name}:"));
        if !(owner == resource && replaced && existing.starts_with("      ")) {
            text.push_str(existing);
            text.push('\n');
        }
        let opens = if resource == "Queue" {
            "    Type:"
        } else {
            "    Properties:"
        };
        if owner == resource && existing.starts_with(opens) {
            if resource == "Queue" {
                text.push_str("    Properties:\n");
            }
            if !line.is_empty() {
                text.push_str(&format!("      {line}\n"));
            }
        }
    }
    text
}

#[test]
fn settings_that_are_left_out_are_awss_defaults() {
    let definition = evaluate_text(STACK).unwrap().definition;
    let queue = &definition.queues[0];
    assert_eq!(queue.name, "shop-Queue");
    assert_eq!(queue.visibility_timeout_seconds, 30);
    assert_eq!(queue.message_retention_seconds, 345_600);
    assert_eq!((queue.delay_seconds, queue.receive_wait_seconds), (0, 0));
    let function = &definition.functions[0];
    assert_eq!(function.name, "shop-Function");
    assert_eq!((function.timeout_seconds, function.memory_mb), (3, 128));
    assert_eq!(function.reserved_concurrency, None);
    assert_eq!((function.log_json, &function.log_level), (false, &None));
    let mapping = &definition.mappings[0];
    assert!(mapping.enabled);
    assert_eq!(mapping.starting_position, StartingPosition::Latest);
    assert_eq!((mapping.batch_size, mapping.window_seconds), (100, 0));
    assert_eq!(mapping.parallelization_factor, 1);
    assert!(!mapping.bisect_on_error && !mapping.report_item_failures);
    assert_eq!(mapping.maximum_retry_attempts, None);
    assert_eq!(mapping.maximum_record_age_seconds, None);
    assert_eq!(mapping.on_failure, None);
}

#[test]
fn a_mapping_finds_its_function_by_name_and_by_arn() {
    for name in [
        "!GetAtt Function.Arn",
        "shop-Function",
        "000000000000:function:shop-Function",
        "!Sub '${Function.Arn}:$LATEST'",
    ] {
        let text = with_property("Mapping", &format!("FunctionName: {name}"));
        let definition = evaluate_text(&text).unwrap().definition;
        assert_eq!(definition.mappings[0].function, "shop-Function", "{name}");
    }
}

#[test]
fn a_mapping_takes_its_settings() {
    let text = with_property("Mapping", "MaximumRetryAttempts: '-1'")
        .replace("StartingPosition: LATEST", "StartingPosition: TRIM_HORIZON\n      Enabled: 'false'\n      BisectBatchOnFunctionError: yes\n      FunctionResponseTypes: [ReportBatchItemFailures]\n      MaximumRecordAgeInSeconds: 60\n      DestinationConfig: {OnFailure: {Destination: !GetAtt Queue.Arn}}");
    let definition = evaluate_text(&text).unwrap().definition;
    let mapping = &definition.mappings[0];
    assert!(!mapping.enabled && mapping.bisect_on_error && mapping.report_item_failures);
    assert_eq!(mapping.starting_position, StartingPosition::TrimHorizon);
    assert_eq!(mapping.maximum_retry_attempts, None);
    assert_eq!(mapping.maximum_record_age_seconds, Some(60));
    let queue = Destination::Queue("shop-Queue".to_owned());
    assert_eq!(mapping.on_failure, Some(queue));
}

#[test]
fn a_bucket_is_a_destination_too_and_says_how_long_it_keeps_what_comes() {
    let bucket = "  Kept:
    Type: AWS::S3::Bucket
    Properties:
      LifecycleConfiguration:
        Rules:
          - {Status: Enabled, ExpirationInDays: '90'}
          - {Status: Enabled, ExpirationInDays: 7, Prefix: other/}
          - {Status: Disabled, ExpirationInDays: 1}
";
    let to_bucket = "DestinationConfig: {OnFailure: {Destination: !GetAtt Kept.Arn}}";
    let text = with_property("Mapping", to_bucket) + bucket;
    let definition = evaluate_text(&text).unwrap().definition;
    let kept = &definition.buckets[0];
    assert_eq!(
        (kept.name.as_str(), kept.expiration_days),
        ("shop-kept", Some(90))
    );
    let bucket = Destination::Bucket("shop-kept".to_owned());
    assert_eq!(definition.mappings[0].on_failure, Some(bucket));
}

#[test]
fn a_table_is_what_create_table_takes() {
    let text = with_property(
        "Table",
        "TimeToLiveSpecification: {Enabled: true, AttributeName: until}",
    )
    .replace(
        "PAY_PER_REQUEST",
        "PROVISIONED\n      ProvisionedThroughput: &no",
    )
    .replace(" &no", " {ReadCapacityUnits: '5', WriteCapacityUnits: 6}");
    let table = &evaluate_text(&text).unwrap().definition.tables[0];
    assert_eq!(table.time_to_live.as_deref(), Some("until"));
    assert_eq!(
        serde_json::Value::from(table.properties.clone()),
        serde_json::json!({
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PROVISIONED",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        })
    );
}

#[test]
fn what_a_property_does_not_take_is_refused_with_its_resource() {
    check_table(
        r#"
        Function Timeout: abc => `Timeout` is `abc`, which is no whole number
        Function Timeout: 901 => `Timeout` is 901, and can be from 1 to 900
        Function Timout: 3 => there is no property `Timout`; did you mean `Timeout`?
        Function Timeout: [3] => `Timeout` is a list, not a text
        Function Runtime: python3.13 => `Runtime` is `python3.13`, and this machine runs only: `provided.al2023`, `provided.al2`
        Function Code: {S3Key: other} => `Code.S3Key` is `other`, which is no handler's program; those are: `publisher`, `query`, `subscriber`
        Function Code: {ZipFile: x} => the property `Code.S3Key` is missing
        Function Code: text => `Code` is a text, not a mapping
        Function PackageType: Image => `PackageType` is `Image`, and images do not run here
        Function Environment: {Variables: {AWS_REGION: x}} => `Environment.Variables.AWS_REGION` is set by Lambda itself
        Function Environment: {Variables: {A-B: x}} => `A-B` is no name that Lambda takes for a variable
        Function Environment: {Variables: {KEY: [x]}} => `Environment.Variables.KEY` is a list, not a text
        Function Environment: {Variables: {KEY: '{{resolve:ssm:x}}'}} => `Environment.Variables.KEY` is read from another service, which is not there with `--local`
        Function LoggingConfig: {ApplicationLogLevel: INFO} => `LoggingConfig.ApplicationLogLevel` needs a `LogFormat` of `JSON`
        Queue FifoQueue: true => `FifoQueue` is true, and there are only standard queues here
        Queue VisibilityTimeout: 43201 => `VisibilityTimeout` is 43201, and can be from 0 to 43200
        Mapping BatchSize: 0 => `BatchSize` is 0, and can be from 1 to 10000
        Mapping BatchSize: 1.5 => `BatchSize` is `1.5`, which is no whole number
        Mapping MaximumRecordAgeInSeconds: 59 => `MaximumRecordAgeInSeconds` is 59, and can be from 60 to 604800
        Mapping Enabled: 'yes' => `Enabled` is `yes`, which is neither true nor false
        Mapping StartingPosition: AT_TIMESTAMP => `StartingPosition` is `AT_TIMESTAMP`, and can be: `TRIM_HORIZON`, `LATEST`
        Mapping FilterCriteria: {Filters: []} => `FilterCriteria` is not supported with `--local`
        Mapping TumblingWindowInSeconds: 5 => `TumblingWindowInSeconds` is not supported with `--local`
        Mapping FunctionName: other => `FunctionName` is `other`, which is no function of this stack; those are: `shop-Function`
        Mapping EventSourceArn: !GetAtt Queue.Arn => `EventSourceArn` is `arn:aws:sqs:eu-west-1:000000000000:shop-Queue`, which is no stream of a table of this stack
        Mapping DestinationConfig: {OnFailure: {Destination: a}} => `DestinationConfig.OnFailure.Destination` is `a`, which is no queue and no bucket of this stack
        Mapping FunctionResponseTypes: [A] => `FunctionResponseTypes` has `A`, and can have: `ReportBatchItemFailures`
        Table KeySchema: [{AttributeName: id, KeyType: HASHED}] => `KeySchema[0].KeyType` is `HASHED`, and can be: `HASH`, `RANGE`
        Table BillingMode: PROVISIONED => the property `ProvisionedThroughput` is missing
        Table StreamSpecification: {} => the property `StreamSpecification.StreamViewType` is missing
        "#,
        |case| {
            let (resource, line) = case.split_once(' ').unwrap();
            let text = with_property(resource, line);
            let complaint = complaint(&text);
            let (place, what) = complaint.split_once(": ").unwrap();
            let what = what
                .strip_prefix(&format!("resource `{resource}`: "))
                .unwrap();
            let number: usize = place.split(':').nth(1).unwrap().parse().unwrap();
            let written = text.lines().nth(number - 1).unwrap().trim();
            let missing = what.starts_with("the property");
            assert!(written == line || missing, "{place} is about `{line}`");
            what.to_owned()
        },
    );
}

#[test]
fn a_property_that_must_be_there_is_missed() {
    for (resource, name) in [
        ("Table", "KeySchema"),
        ("Table", "AttributeDefinitions"),
        ("Function", "Runtime"),
        ("Function", "Role"),
        ("Function", "Handler"),
        ("Function", "Code"),
        ("Mapping", "StartingPosition"),
        ("Mapping", "FunctionName"),
        ("Mapping", "EventSourceArn"),
    ] {
        let text = with_property(resource, &format!("{name}: !Ref AWS::NoValue"));
        let complaint = complaint(&text);
        let expected = format!("resource `{resource}`: the property `{name}` is missing");
        assert!(complaint.ends_with(&expected), "{complaint}");
    }
}

#[test]
fn names_have_the_length_and_the_letters_that_their_service_takes() {
    for (resource, line) in [
        ("Table", "TableName: ab"),
        ("Table", "TableName: 'a b c'"),
        ("Function", "FunctionName: a.b"),
        ("Queue", "QueueName: a.fifo"),
    ] {
        let complaint = complaint(&with_property(resource, line));
        assert!(complaint.contains(": the name `"), "{complaint}");
    }
    let long = "x".repeat(65);
    let complaint = complaint(&with_property("Function", &format!("FunctionName: {long}")));
    assert!(
        complaint.ends_with("has 65 characters, and takes 1 to 64"),
        "{complaint}"
    );
}

#[test]
fn two_of_a_kind_have_two_names() {
    let text = format!(
        "{STACK}  Other: {{Type: 'AWS::SQS::Queue', Properties: {{QueueName: shop-Queue}}}}\n"
    );
    assert_eq!(
        complaint(&text),
        "template.yaml:24:3: resource `Other`: the name `shop-Queue` is that of `Queue` already"
    );
}

#[test]
fn what_has_no_effect_is_named_also_what_aws_adds_later() {
    check_table(
        "
        Queue RedrivePolicy: {deadLetterTargetArn: a, maxReceiveCount: 3} => missed
        Queue MaximumMessageSize: 2048 => missed
        Queue KmsMasterKeyId: k => needless
        Table PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true} => needless
        Table SSESpecification: {SSEEnabled: true} => needless
        Table KinesisStreamSpecification: {StreamArn: a} => missed
        Table ReplicaSettings: {} => missed
        Function DeadLetterConfig: {TargetArn: a} => missed
        Mapping StartingPositionTimestamp: 1 => missed
        Mapping Tags: [] => needless
        ",
        |case| {
            let (resource, property) = case.split_once(' ').unwrap();
            let (name, _) = property.split_once(':').unwrap();
            let evaluated = evaluate_text(&with_property(resource, property)).unwrap();
            let mut without = evaluated.without_effect;
            // All that the stack of these tests sets besides.
            without.retain(|one| (&*one.logical_id, &*one.property) != ("Function", "Role"));
            assert_eq!(without.len(), 1, "{without:?}");
            assert_eq!(
                (&*without[0].logical_id, &*without[0].property),
                (resource, name)
            );
            let said = if without[0].needless {
                "needless"
            } else {
                "missed"
            };
            said.to_owned()
        },
    );
}

#[test]
fn lambdas_own_lines_are_left_out_by_their_level() {
    for (logging, expected) in [
        ("{LogFormat: JSON, SystemLogLevel: WARN}", false),
        ("{LogFormat: JSON, SystemLogLevel: INFO}", true),
        ("{LogFormat: JSON}", true),
        ("{LogFormat: Text}", true),
    ] {
        let text = with_property("Function", &format!("LoggingConfig: {logging}"));
        let definition = evaluate_text(&text).unwrap().definition;
        assert_eq!(definition.functions[0].log_platform, expected, "{logging}");
    }
    let text = with_property("Function", "LoggingConfig: {SystemLogLevel: WARN}");
    assert!(
        complaint(&text).contains("`LoggingConfig.SystemLogLevel` needs a `LogFormat` of `JSON`")
    );
}

#[test]
fn deletion_protection_reaches_the_table() {
    let text = with_property("Table", "DeletionProtectionEnabled: true");
    let definition = evaluate_text(&text).unwrap().definition;
    let properties = &definition.tables[0].properties;
    assert_eq!(properties["DeletionProtectionEnabled"], true);
}

fn topic(name: &str, more: &str) -> String {
    format!("  {name}:\n    Type: AWS::SNS::Topic\n{more}")
}

#[test]
fn circles_are_shown() {
    let refer = |name: &str| format!("    Properties: {{TopicName: !Ref {name}}}\n");
    let text = format!(
        "Resources:\n{}{}{}",
        topic("A", &refer("B")),
        topic("B", "    DependsOn: C\n"),
        topic("C", "    Properties: {TopicName: !Sub '${B.TopicArn}'}\n"),
    );
    assert_eq!(
        complaint(&text),
        "template.yaml:10:29: resource `C`: this is a circle: B -> C -> B"
    );
    let text = format!("Resources:\n{}", topic("A", &refer("A")));
    assert_eq!(
        complaint(&text),
        "template.yaml:4:29: resource `A`: this is a circle: A -> A"
    );
}

#[test]
fn a_long_chain_is_refused_before_it_takes_the_threads_stack() {
    let mut text = "Resources:\n".to_owned();
    for index in 0..800 {
        text += &topic(
            &format!("T{index}"),
            &format!("    Properties: {{A: !Ref T{}}}\n", index + 1),
        );
    }
    text += &topic("T800", "");
    assert!(complaint(&text).ends_with("this leads too deep to be evaluated"));
    let mut text = "Conditions:\n".to_owned();
    for index in 0..800 {
        text += &format!("  C{index}: !Not [!Condition C{}]\n", index + 1);
    }
    text += "  C800: !Equals [a, a]\nResources:\n  T: {Type: 'AWS::SNS::Topic'}\n";
    assert!(complaint(&text).ends_with("this leads too deep to be evaluated"));
}

#[test]
fn a_resource_whose_condition_does_not_hold_is_not_there() {
    let text = format!(
        "Conditions:\n  Never: !Equals [a, b]\nResources:\n{}{}",
        topic("Gone", "    Condition: Never\n"),
        topic("Here", "    DependsOn: [Gone]\n"),
    );
    let left_out = evaluate_text(&text).unwrap().left_out;
    assert_eq!(
        left_out,
        [LeftOut {
            logical_id: "Here".to_owned(),
            resource_type: "AWS::SNS::Topic".to_owned(),
            needless: false,
        }]
    );
}

#[test]
fn a_mistake_in_a_resource_is_placed() {
    check_table(
        r#"
        A: {Type: 'AWS::SNS::Topic', DependsOn: B} => 2:43: resource `A`: there is no resource `B`; did you mean `A`?
        A: {Type: 'AWS::SNS::Topic', DependsOn: {B: C}} => 2:43: resource `A`: `DependsOn` is the name of a resource, or a list of such names
        A: {Type: 'AWS::SNS::Topic', Condition: B} => 2:43: resource `A`: there is no condition `B`
        A: {Typ: 'AWS::SNS::Topic'} => 2:7: resource `A`: a resource has no `Typ`; did you mean `Type`?
        A: {Properties: {}} => 2:3: resource `A`: there is no `Type`
        A: {Type: 'AWS::SNS::Topic', Properties: [a]} => 2:44: resource `A`: `Properties` is a list, not a mapping
        A: text => 2:6: resource `A`: a resource is a mapping with a `Type`
        A-B: {Type: 'AWS::SNS::Topic'} => 2:3: resource `A-B`: a logical id is made of letters and digits only
        'Fn::ForEach::A': [a] => 2:3: resource `Fn::ForEach::A`: a logical id is made of letters and digits only
        "#,
        |case| {
            let complaint = complaint(&format!("Resources:\n  {case}\n"));
            complaint.strip_prefix("template.yaml:").unwrap().to_owned()
        },
    );
}

#[test]
fn a_parameter_from_systems_manager_is_refused() {
    let text = format!(
        "Parameters:\n  Ami: {{Type: 'AWS::SSM::Parameter::Value<String>', Default: /a}}\n{STACK}"
    );
    assert_eq!(
        complaint(&text),
        "template.yaml:2:3: parameter `Ami`: `AWS::SSM::Parameter::Value<String>` is read from Systems Manager, which is not there with `--local`"
    );
}

#[test]
fn what_is_not_made_here_still_has_ids_and_arns() {
    let resources = "\
\x20 Role: {Type: 'AWS::IAM::Role'}
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.1.0.0/16}}
  Logs: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: /logs}}
  Topic: {Type: 'AWS::SNS::Topic'}
  Queue: {Type: 'AWS::SQS::Queue'}
  Cache: {Type: 'AWS::ElastiCache::ReplicationGroup'}
Outputs:
";
    let value = |expression: &str| {
        let text = format!("Resources:\n{resources}  Out:\n    Value: {expression}\n");
        evaluate_text(&text).unwrap().outputs[0].value.clone()
    };
    check_table(
        "
        !Ref Role => shop-Role
        !GetAtt Role.Arn => arn:aws:iam::000000000000:role/shop-Role
        !GetAtt Vpc.CidrBlock => 10.1.0.0/16
        !Ref Logs => /logs
        !GetAtt Logs.Arn => arn:aws:logs:eu-west-1:000000000000:log-group:/logs:*
        !Ref Topic => shop-Topic
        !GetAtt Topic.TopicArn => arn:aws:sns:eu-west-1:000000000000:shop-Topic
        !Ref Queue => http://127.0.0.1:4000/000000000000/shop-Queue
        !GetAtt Queue.QueueName => shop-Queue
        !Ref Cache => shop-cache
        !GetAtt Cache.PrimaryEndPoint.Address => 127.0.0.1
        !GetAtt Cache.ReaderEndPoint.Port => 6399
        ",
        value,
    );
    let id = value("!Ref Vpc");
    let digits = id.strip_prefix("vpc-").unwrap();
    assert_eq!(digits.len(), 17);
    assert!(digits.chars().all(|c| c.is_ascii_hexdigit()), "{id}");
    assert_eq!(value("!GetAtt Vpc.VpcId"), id);
}
