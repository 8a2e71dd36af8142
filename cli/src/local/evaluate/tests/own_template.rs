//! The template that the project ships, as this machine makes it.

use std::collections::BTreeSet;
use std::fs;

use super::*;

pub(super) fn own_template() -> Template {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let text = fs::read_to_string(path).unwrap();
    Template::from_text(Path::new(FILE), text).unwrap()
}

/// What it is evaluated with where the user gives these.
fn given(parameters: &[(&str, &str)]) -> Context {
    let mut context = context();
    let given = parameters.iter();
    let given = given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    context.parameters.extend(given);
    context
}

fn own(parameters: &[(&str, &str)]) -> Evaluated {
    evaluate(&own_template(), &given(parameters)).unwrap()
}

#[test]
fn the_definition_is_this() {
    insta::assert_json_snapshot!(own(&[]).definition);
}

#[test]
fn outputs_name_what_is_here() {
    let outputs = own(&[]).outputs;
    let outputs: Vec<_> = outputs
        .iter()
        .map(|output| (output.name.as_str(), output.value.as_str()))
        .collect();
    insta::assert_json_snapshot!(outputs);
}

#[test]
fn parameters_reach_what_they_are_for() {
    let evaluated = own(&[
        ("BatchSize", "7"),
        ("MaximumRetryAttempts", "0"),
        ("FunctionMemory", "1024"),
        ("LogLevel", "DEBUG"),
    ]);
    let mapping = &evaluated.definition.mappings[0];
    assert_eq!(mapping.batch_size, 7);
    assert_eq!(mapping.maximum_retry_attempts, Some(0));
    let function = &evaluated.definition.functions[0];
    assert_eq!(function.memory_mb, 1024);
    assert_eq!(function.log_level.as_deref(), Some("DEBUG"));
    assert!(evaluated.notes.is_empty(), "{:?}", evaluated.notes);
}

#[test]
fn invocations_are_reserved_for_each_function_by_itself() {
    let reserved = |parameters: &[(&str, &str)]| {
        let functions = own(parameters).definition.functions;
        let reserved = |function: &host::definition::Function| {
            let (_, handler) = function.name.split_once('-').unwrap();
            (handler.to_owned(), function.reserved_concurrency)
        };
        functions.iter().map(reserved).collect::<BTreeSet<_>>()
    };
    let are = |publisher, subscriber, query| {
        let named = |name: &str, reserved| (name.to_owned(), reserved);
        BTreeSet::from([
            named("publisher", publisher),
            named("subscriber", subscriber),
            named("query", query),
        ])
    };
    assert_eq!(reserved(&[]), are(None, None, None));
    let two = [("PublisherConcurrency", "5"), ("QueryConcurrency", "0")];
    assert_eq!(reserved(&two), are(Some(5), None, Some(0)));
    let last = [("SubscriberConcurrency", "7")];
    assert_eq!(reserved(&last), are(None, Some(7), None));
}

#[test]
fn quiet_logs_are_the_handlers_own_doing_so_that_metrics_pass() {
    for (level, of_lambda, of_handlers) in [
        ("DEBUG", "DEBUG", None),
        ("INFO", "INFO", None),
        ("WARN", "INFO", Some("WARN")),
        ("ERROR", "INFO", Some("ERROR")),
    ] {
        let evaluated = own(&[("LogLevel", level)]);
        for function in evaluated.definition.functions {
            assert_eq!(function.log_level.as_deref(), Some(of_lambda));
            let own = function.environment.get("LOG_LEVEL").map(String::as_str);
            assert_eq!(own, of_handlers);
        }
    }
}

#[test]
fn what_has_no_use_here_is_off_unless_asked_for() {
    let evaluated = own(&[("Metrics", "on"), ("Dashboard", "on")]);
    for function in &evaluated.definition.functions {
        assert_eq!(function.environment["METRICS"], "on");
    }
    assert!(evaluated.notes.is_empty(), "{:?}", evaluated.notes);
    let outputs = evaluated.outputs.iter();
    let of_dashboard = outputs.filter(|output| output.name.starts_with("Dashboard"));
    let of_dashboard: Vec<_> = of_dashboard.map(|output| output.value.as_str()).collect();
    assert_eq!(
        of_dashboard,
        [
            "shop-eu-west-1",
            "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/shop-eu-west-1",
        ]
    );
    let mut left_out = evaluated.left_out.iter();
    let dashboard = left_out.find(|resource| resource.resource_type.ends_with("::Dashboard"));
    assert!(dashboard.unwrap().needless);
}

#[test]
fn what_one_machine_has_no_use_for_is_left_out() {
    let left_out = own(&[]).left_out;
    assert!(
        left_out.iter().all(|left_out| left_out.needless),
        "{left_out:?}"
    );
    let types: BTreeSet<_> = left_out
        .iter()
        .map(|left_out| left_out.resource_type.as_str())
        .collect();
    assert_eq!(
        Vec::from_iter(types),
        [
            "AWS::CloudWatch::Alarm",
            "AWS::EC2::SecurityGroup",
            "AWS::EC2::Subnet",
            "AWS::EC2::VPC",
            "AWS::ElastiCache::ParameterGroup",
            "AWS::ElastiCache::SubnetGroup",
            "AWS::IAM::Role",
            "AWS::Logs::LogGroup",
            "AWS::SQS::QueuePolicy",
        ]
    );
}

#[test]
fn the_cache_is_open_here_and_it_is_said_where_the_user_wanted_else() {
    let evaluated = own(&[("CacheAccess", "iam")]);
    assert_eq!(
        evaluated.notes,
        ["CacheAccess is `open` on this machine, not `iam`"]
    );
    let environment = &evaluated.definition.functions[1].environment;
    assert_eq!(environment["CACHE_URL"], "redis://127.0.0.1:6399");
}

#[test]
fn a_rule_that_is_not_kept_is_said_in_its_own_words() {
    let refused = |parameters: &[(&str, &str)]| {
        let error = evaluate(&own_template(), &given(parameters)).unwrap_err();
        let error = error.to_string();
        let (place, what) = error.split_once(": ").unwrap();
        assert!(place.starts_with("template.yaml:"), "{place}");
        what.to_owned()
    };
    assert_eq!(
        refused(&[("FirstZoneId", "euw1-az1"), ("SecondZoneId", "euw1-az1")]),
        "rule `OwnNetwork`: FirstZoneId and SecondZoneId must be two zones, unless VpcId is given."
    );
    for given in [("SubnetIds", "subnet-1"), ("SecurityGroupIds", "sg-1")] {
        assert_eq!(
            refused(&[given]),
            "rule `OwnNetwork`: SubnetIds and SecurityGroupIds go with VpcId."
        );
    }
    assert_eq!(
        refused(&[("VpcId", "vpc-1")]),
        "rule `YourNetwork`: VpcId goes with SubnetIds."
    );
}

/// A network of the user's, and a key.
const YOURS: [(&str, &str); 3] = [
    ("VpcId", "vpc-1"),
    ("SubnetIds", "subnet-1,subnet-2"),
    (
        "KmsKeyArn",
        "arn:aws:kms:eu-west-1:000000000000:key/0e1f2a3b",
    ),
];

/// The properties of the resources as AWS would have them, by their names.
fn properties(parameters: &[(&str, &str)]) -> BTreeMap<String, serde_json::Value> {
    let (template, context) = (own_template(), given(parameters));
    let mut values = parameters::values(&template, &context).unwrap().by_name;
    values.insert("CacheAccess", value::Value::text(template.root().at, "iam"));
    let (_, resources) = evaluate_resources(&template, &context, values).unwrap();
    let resources = resources.iter();
    resources
        .map(|resource| (resource.id.clone(), resource.properties.to_json()))
        .collect()
}

#[test]
fn a_network_of_the_users_takes_the_place_of_the_stacks_own() {
    let own = properties(&[]);
    for name in [
        "Vpc",
        "FirstSubnet",
        "SecondSubnet",
        "FunctionSecurityGroup",
    ] {
        assert!(own.contains_key(name), "{name}");
    }
    assert_eq!(own["FirstSubnet"]["AvailabilityZoneId"], "local-az1");
    let yours = properties(&YOURS);
    for name in ["Vpc", "FirstSubnet", "SecondSubnet"] {
        assert!(!yours.contains_key(name), "{name}");
    }
    let subnets = serde_json::json!(["subnet-1", "subnet-2"]);
    assert_eq!(yours["CacheSubnets"]["SubnetIds"], subnets);
    let group = &yours["FunctionSecurityGroup"];
    assert_eq!(group["VpcId"], "vpc-1");
    assert_eq!(group["SecurityGroupEgress"][0]["CidrIp"], "0.0.0.0/0");
    for function in ["Subscriber", "Query"] {
        assert_eq!(yours[function]["VpcConfig"]["SubnetIds"], subnets);
    }
    assert!(yours["Publisher"].get("VpcConfig").is_none());

    let mut with_groups = YOURS.to_vec();
    with_groups.push(("SecurityGroupIds", "sg-1,sg-2"));
    let with_groups = properties(&with_groups);
    let groups = serde_json::json!(["sg-1", "sg-2"]);
    assert!(!with_groups.contains_key("FunctionSecurityGroup"));
    assert!(!with_groups.contains_key("CacheSecurityGroup"));
    assert_eq!(with_groups["Cache"]["SecurityGroupIds"], groups);
    assert_eq!(
        with_groups["Query"]["VpcConfig"]["SecurityGroupIds"],
        groups
    );
}

#[test]
fn a_key_of_the_users_is_on_all_that_holds_data_and_roles_use_it_by_their_services_alone() {
    const PLACES: [(&str, &str); 9] = [
        ("WriteModel", "/SSESpecification/KMSMasterKeyId"),
        ("Cache", "/KmsKeyId"),
        ("FailuresQueue", "/KmsMasterKeyId"),
        ("PublisherLogs", "/KmsKeyId"),
        ("SubscriberLogs", "/KmsKeyId"),
        ("QueryLogs", "/KmsKeyId"),
        ("Publisher", "/KmsKeyArn"),
        ("Subscriber", "/KmsKeyArn"),
        ("Query", "/KmsKeyArn"),
    ];
    let key = YOURS[2].1;
    let (own, yours) = (properties(&[]), properties(&YOURS));
    for (name, place) in PLACES {
        assert_eq!(yours[name].pointer(place).unwrap(), key, "{name}");
        assert_eq!(own[name].pointer(place), None, "{name}");
    }
    assert_eq!(own["FailuresQueue"]["SqsManagedSseEnabled"], "true");
    assert_eq!(yours["FailuresQueue"]["SqsManagedSseEnabled"], "false");
    let to_bucket = [&YOURS[..], &[("FailureDestination", "bucket")]].concat();
    let with_bucket = properties(&to_bucket);
    let place = "/BucketEncryption/ServerSideEncryptionConfiguration/0\
                 /ServerSideEncryptionByDefault/KMSMasterKeyID";
    let bucket = with_bucket["FailuresBucket"].pointer(place);
    assert_eq!(bucket.unwrap(), key);
    let statements = |of: &BTreeMap<String, serde_json::Value>, role: &str| -> Vec<_> {
        let policy = &of[role]["Policies"][0]["PolicyDocument"]["Statement"];
        let statements = policy.as_array().unwrap().iter();
        let with_key = statements.filter(|statement| statement["Sid"] == "UseKey");
        with_key.cloned().collect()
    };
    for (role, services) in [
        ("PublisherRole", &["dynamodb.*", "lambda.*"][..]),
        (
            "SubscriberRole",
            &["dynamodb.*", "lambda.*", "s3.*", "sqs.*"],
        ),
        ("QueryRole", &["lambda.*"]),
    ] {
        assert_eq!(statements(&own, role), Vec::<serde_json::Value>::new());
        let [statement] = statements(&yours, role).try_into().unwrap();
        assert_eq!(statement["Resource"], key);
        let via = serde_json::json!({"StringLike": {"kms:ViaService": services}});
        assert_eq!(statement["Condition"], via);
    }
}

#[test]
fn failures_go_to_a_queue_or_to_a_bucket_that_their_role_writes_to_and_to_no_other() {
    for (destination, there, away) in [
        ("queue", "FailuresQueue", "FailuresBucket"),
        ("bucket", "FailuresBucket", "FailuresQueue"),
    ] {
        let chosen = [("FailureDestination", destination)];
        let properties = properties(&chosen);
        assert!(properties.contains_key(there) && !properties.contains_key(away));
        assert!(!properties.contains_key(&format!("{away}Policy")));
        let evaluated = own(&chosen);
        let outputs = evaluated.outputs.iter();
        let of_failures = outputs.filter(|output| output.name.starts_with("Failures"));
        assert_eq!(of_failures.count(), 1);
        let definition = evaluated.definition;
        let mapping = &definition.mappings[0];
        let arn = mapping.on_failure.as_ref().unwrap().arn("eu-west-1");
        let statements = &properties["SubscriberRole"]["Policies"][0]["PolicyDocument"];
        let statements = statements["Statement"].as_array().unwrap().iter();
        let mut reports = statements.filter(|statement| statement["Sid"] == "ReportFailures");
        let resource = reports.next().unwrap()["Resource"].to_string();
        assert!(resource.contains(&arn), "{resource}");
        let alarm = properties["FailuresAlarm"]["Namespace"].as_str();
        let has_counts = properties["Changes"].get("MetricsConfig").is_some();
        let expected = match destination {
            "bucket" => (Some("AWS/Lambda"), true),
            _ => (Some("AWS/SQS"), false),
        };
        assert_eq!((alarm, has_counts), expected);
        let kept = definition
            .buckets
            .iter()
            .map(|bucket| bucket.expiration_days);
        assert!(kept.into_iter().all(|days| days == Some(90)));
    }
}

#[test]
fn a_key_and_a_network_of_the_users_are_taken_here_without_effect() {
    let evaluated = own(&YOURS);
    assert!(evaluated.notes.is_empty(), "{:?}", evaluated.notes);
    assert_eq!(evaluated.definition, own(&[]).definition);
    let without: BTreeSet<_> = evaluated
        .without_effect
        .iter()
        .map(|without| (without.property.as_str(), without.needless))
        .collect();
    for property in [
        "KmsKeyArn",
        "KmsMasterKeyId",
        "SSESpecification",
        "VpcConfig",
    ] {
        assert!(without.contains(&(property, true)), "{without:?}");
    }
}

#[test]
fn the_stream_is_the_tables_own_once_it_is_there() {
    let mut context = context();
    let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/shop-WriteModel/stream/2026";
    context
        .streams
        .insert("WriteModel".to_owned(), arn.to_owned());
    let evaluated = evaluate(&own_template(), &context).unwrap();
    let output = evaluated
        .outputs
        .iter()
        .find(|output| output.name == "StreamArn");
    assert_eq!(output.unwrap().value, arn);
    assert_eq!(evaluated.definition.mappings[0].table, "shop-WriteModel");
}

#[test]
fn ids_stay_as_long_as_names_do() {
    let id = |context: &Context| {
        let evaluated = evaluate(&own_template(), context).unwrap();
        evaluated.definition.mappings[0].id.clone()
    };
    let mut other = context();
    assert_eq!(id(&context()), id(&other));
    other.stack = "other".to_owned();
    assert_ne!(id(&context()), id(&other));
}

#[test]
fn what_the_tool_sets_cannot_be_given() {
    let error = evaluate(&own_template(), &given(&[("QueryCodeKey", "x")])).unwrap_err();
    assert!(matches!(error, TemplateError::SetByTool(_)), "{error:?}");
}
