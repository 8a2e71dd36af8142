//! How a stack is doing, on both targets; states that neither can be brought into come from a
//! scripted server.

use std::io::{BufRead, BufReader};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Outcome, Reply, Sandbox, Scripted, Stage, block_on, on_both};

on_both!(
    a_stack_that_is_well_shows_its_parts,
    a_cache_that_does_not_answer_makes_one_part_red_and_ends_with_1,
    a_read_model_that_lost_its_contents_is_said_and_is_well_after_a_rebuild,
    a_mapping_that_is_disabled_says_how_to_enable_it,
    failures_that_wait_are_for_cqrs_failures,
    refused_commands_are_counted_and_no_breakage,
    without_a_stack_every_command_about_one_says_so,
    a_watch_writes_a_document_for_each_look_until_its_output_is_closed,
    a_watch_on_a_terminal_draws_in_place_until_ctrl_c,
);

fn status(stage: &impl Stage) -> Outcome {
    stage.cqrs(["status", "--output", "json"]).outcome()
}

fn parts(outcome: &Outcome) -> Value {
    let mut report: Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("{error} in {outcome}"));
    report["parts"].take()
}

/// The parts that are in this health.
fn those_in(health: &str, parts: &Value) -> Vec<String> {
    let parts = parts.as_object().unwrap().iter();
    let found = parts.filter(|(_, part)| part["health"] == health);
    found.map(|(name, _)| name.clone()).collect()
}

fn next(part: &Value) -> &str {
    part["advice"]["next"].as_str().unwrap()
}

/// What `doctor` ends with: it judges as `status` does.
#[track_caller]
fn is_broken_at(stage: &impl Stage, check: &str, way_out: &str) -> Value {
    let doctor = stage.cqrs(["doctor", "--output", "json"]).outcome();
    assert_eq!(doctor.code, 1, "{doctor}");
    let error = doctor.error();
    let message = error["message"].as_str().unwrap();
    let place = format!("broken at {check}: ");
    assert!(message.starts_with(&place), "{error}");
    assert_eq!(error["hint"], way_out, "{error}");
    error
}

fn a_stack_that_is_well_shows_its_parts<S: Stage>() {
    let stage = S::deployed();
    stage.switch_mapping(true);
    stage.place_order();
    let outcome = status(&stage);
    assert_eq!(outcome.code, 0, "{outcome}");
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&report["stack"], &report["health"]),
        (&json!("cqrs"), &json!("ok")),
        "{outcome}"
    );
    let parts = &report["parts"];
    assert_eq!(parts["publisher"]["invocations"], 1);
    assert_eq!(parts["publisher"]["code"].as_str().unwrap().len(), 64);
    assert_eq!(parts["publisher"]["memoryMb"], 512);
    assert_eq!(parts["mapping"]["state"], "Enabled");
    assert_eq!(parts["readModel"]["orders"], 1);
    assert_eq!(parts["writeModel"]["status"], "ACTIVE");
    assert_eq!(parts["failures"]["visible"], 0);
    let text = stage.cqrs(["status"]).succeeds();
    assert!(
        text.contains("✓ read model   1 order, the cache answers in"),
        "{text}"
    );
    match report["target"].as_str() {
        Some("local") => {
            assert_eq!(parts["mapping"]["behind"], 0);
            assert!(
                text.contains("✓ mapping      Enabled, OK, nothing waits"),
                "{text}"
            );
        }
        // It produces no such metric, and what was not measured is not zero.
        _ => {
            assert_eq!(parts["mapping"]["lagMs"], Value::Null);
            assert!(
                text.contains("lag: no data in the last 5 minutes"),
                "{text}"
            );
            assert!(text.contains("✓ alarms       none of 11 raised"), "{text}");
        }
    }
}

fn a_cache_that_does_not_answer_makes_one_part_red_and_ends_with_1<S: Stage>() {
    let stage = S::deployed();
    let cache = stage.cache();
    cache.pause();
    let outcome = status(&stage);
    cache.resume();
    assert_eq!(outcome.code, 1, "{outcome}");
    let parts = parts(&outcome);
    assert_eq!(those_in("failed", &parts), ["readModel"], "{parts}");
    assert_eq!(parts["readModel"]["error"]["kind"], "ReadModelUnavailable");
    assert!(next(&parts["readModel"]).contains("cqrs doctor"), "{parts}");
    let error = outcome.error();
    assert_eq!(error["message"], "stack `cqrs` is not well: read model");
    assert_eq!(error["hint"], parts["readModel"]["advice"]["next"]);
}

fn a_read_model_that_lost_its_contents_is_said_and_is_well_after_a_rebuild<S: Stage>() {
    let stage = S::deployed();
    stage.place_order();
    stage.cache().run::<()>(&["FLUSHALL"]);
    let outcome = status(&stage);
    assert_eq!(outcome.code, 1, "{outcome}");
    let lost = parts(&outcome);
    assert_eq!(those_in("failed", &lost), ["readModel"], "{lost}");
    assert_eq!(lost["readModel"]["complete"], false);
    assert!(next(&lost["readModel"]).contains("cqrs rebuild"), "{lost}");
    let doctor = stage.cqrs(["doctor"]).outcome();
    assert_eq!(doctor.code, 1, "{doctor}");
    assert!(
        doctor
            .stderr
            .contains("contents: the read model is incomplete"),
        "{doctor}"
    );
    assert!(doctor.stderr.contains("cqrs rebuild"), "{doctor}");
    stage.cqrs(["rebuild"]).succeeds();
    assert_eq!(parts(&status(&stage))["readModel"]["complete"], true);
}

fn a_mapping_that_is_disabled_says_how_to_enable_it<S: Stage>() {
    let stage = S::deployed();
    stage.switch_mapping(false);
    let outcome = status(&stage);
    assert_eq!(outcome.code, 1, "{outcome}");
    let parts = parts(&outcome);
    assert_eq!(those_in("failed", &parts), ["mapping"], "{parts}");
    let way_out = next(&parts["mapping"]);
    assert!(way_out.to_lowercase().contains("enable"), "{parts}");
    is_broken_at(&stage, "mapping", way_out);
}

fn failures_that_wait_are_for_cqrs_failures<S: Stage>() {
    let stage = S::deployed();
    let outputs: Value = stage.cqrs(["outputs"]).json();
    let client = aws_sdk_sqs::Client::new(&stage.sdk());
    let sent = client
        .send_message()
        .queue_url(outputs["FailuresQueueUrl"].as_str().unwrap())
        .message_body("anything");
    block_on(sent.send()).unwrap();
    let outcome = status(&stage);
    assert_eq!(outcome.code, 1, "{outcome}");
    let parts = parts(&outcome);
    assert_eq!(those_in("failed", &parts), ["failures"], "{parts}");
    assert_eq!(parts["failures"]["visible"], 1);
    let way_out = next(&parts["failures"]);
    assert!(way_out.contains("cqrs failures list"), "{parts}");
    let error = is_broken_at(&stage, "queue", way_out);
    assert_eq!(
        error["message"], "broken at queue: about 1 failure waits",
        "{error}"
    );
}

fn refused_commands_are_counted_and_no_breakage<S: Stage>() {
    let stage = S::deployed();
    let ship = stage.cqrs(["order", "ship", "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11"]);
    assert_eq!(ship.outcome().code, 3);
    let outcome = status(&stage);
    assert_eq!(outcome.code, 0, "{outcome}");
    let seen = parts(&outcome);
    assert_eq!(those_in("warning", &seen), ["publisher"], "{seen}");
    let publisher = &seen["publisher"];
    assert_eq!(
        (&publisher["invocations"], &publisher["errors"]),
        (&json!(1), &json!(1))
    );
    if outcome.stdout.contains(r#""target":"local""#) {
        assert_eq!(publisher["lastError"]["errorType"], "OrderNotFound");
        assert_eq!(publisher["crashes"], 0);
    }
    for _ in 0..2 {
        stage.place_order();
    }
    let seen = parts(&status(&stage));
    assert_eq!(those_in("warning", &seen), [""; 0], "{seen}");
}

fn without_a_stack_every_command_about_one_says_so<S: Stage>() {
    let stage = S::empty();
    for command in [
        "status",
        "status --watch",
        "logs",
        "logs --follow",
        "failures list",
        "verify",
        "rebuild",
        "bench --yes --orders 1",
        "bench --yes --clean",
    ] {
        let outcome = stage.cqrs(command.split(' ')).outcome();
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (3, ""),
            "{command}: {outcome}"
        );
        assert!(outcome.stderr.contains("`cqrs deploy "), "{outcome}");
    }
}

fn a_watch_writes_a_document_for_each_look_until_its_output_is_closed<S: Stage>() {
    let stage = S::deployed();
    stage.switch_mapping(true);
    let (reader, writer) = std::io::pipe().unwrap();
    let reading = std::thread::spawn(move || {
        let mut lines = BufReader::new(reader).lines();
        let mut report =
            || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
        (report(), report())
    });
    let watch = "status --watch 1 --output json".split(' ');
    let outcome = stage.cqrs(watch).stdout_to(writer);
    let (first, second) = reading.join().unwrap();
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (0, ""),
        "{outcome}"
    );
    assert_eq!(
        (&first["health"], &second["health"]),
        (&json!("ok"), &json!("ok"))
    );
    assert!(first["at"].as_str() < second["at"].as_str());
}

fn a_watch_on_a_terminal_draws_in_place_until_ctrl_c<S: Stage>() {
    let stage = S::deployed();
    let mut terminal = stage.cqrs(["status", "--watch", "1"]).on_terminal();
    terminal.until("read model   0 orders");
    terminal.until("every 1 s, until Ctrl-C");
    stage.place_order();
    terminal.until("read model   1 order,");
    terminal.until("every 1 s, until Ctrl-C");
    terminal.control('c');
    let (code, rest) = terminal.end();
    assert_eq!(code, 130, "{rest}");
    assert!(!rest.contains("error"), "{rest}");
}

#[test]
fn a_stack_on_this_machine_that_is_stopped_is_said_to_be_and_not_started() {
    let stage = crate::support::LocalStage::deployed();
    stage.cqrs(["local", "stop"]).succeeds();
    let outcome = stage.cqrs(["status"]).outcome();
    let outcome = outcome
        .filter(r"changed .* ago", "changed [AGE] ago")
        .filter(r"cqrs \d+\.\d+\.\d+", "cqrs [VERSION]");
    assert_snapshot!(outcome, @r"
    exit code 0
    --- stdout
    Stack cqrs on this machine works, but look below  [TIME]

    ! stack        does not run, changed [AGE] ago, deployed by cqrs [VERSION]

    ! stack: it does not run
      next: `cqrs local run` starts it, as any command but this one does
    ");
    let seen = parts(&status(&stage));
    assert_eq!(seen["stack"]["status"], "STOPPED");
    assert_eq!(seen["query"]["error"]["kind"], "Stopped");
}

#[test]
fn seconds_that_are_none_are_a_wrong_usage() {
    for seconds in ["0", "soon", "-1", "86401"] {
        let watch = format!("--watch={seconds}");
        let outcome = Sandbox::new().cqrs(["status", &watch]).outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
    }
}

const CLOUDWATCH: &str = "POST /service/GraniteServiceVersion20100801/operation";
const MAPPING: &str = "0f5c7ef9-0a52-4d28-a7f4-0a5f3c6f5f4e";

/// The cache, on nodes of this type.
fn running_on(node_type: &str) -> Reply {
    Reply::xml(
        "DescribeReplicationGroups",
        &format!(
            "<ReplicationGroups><ReplicationGroup><ReplicationGroupId>cqrs</ReplicationGroupId>\
             <CacheNodeType>{node_type}</CacheNodeType></ReplicationGroup></ReplicationGroups>"
        ),
    )
}

/// A stack on AWS, all of whose parts are well.
fn answer(request: &crate::support::Request) -> Reply {
    let output = |name: &str, value: &str| {
        format!("<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>")
    };
    let queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/cqrs-FailuresQueue";
    let action = request.action();
    match action.as_str() {
        "DescribeStacks" => Reply::stack_of(
            "cqrs",
            "CREATE_COMPLETE",
            &[
                ("QueryCodeKey", "query.zip"),
                ("CacheNodeType", "cache.t4g.micro"),
            ],
            &format!(
                "<Outputs>{}{}{}{}{}{}</Outputs>",
                output("EventSourceMappingId", MAPPING),
                output("TableName", "orders"),
                output(
                    "StreamArn",
                    "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/1"
                ),
                output("FailuresQueueUrl", queue),
                output("ReplicationGroupId", "cqrs"),
                output("DashboardUrl", "https://example.org/dashboard"),
            ),
        ),
        "DescribeReplicationGroups" => running_on("cache.t4g.micro"),
        "ListStackResources" => Reply::xml(
            "ListStackResources",
            "<StackResourceSummaries><member><LogicalResourceId>LagAlarm</LogicalResourceId>\
             <PhysicalResourceId>cqrs-lag</PhysicalResourceId>\
             <ResourceType>AWS::CloudWatch::Alarm</ResourceType>\
             <ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
             <LastUpdatedTimestamp>2026-11-01T08:00:00Z</LastUpdatedTimestamp></member>\
             </StackResourceSummaries>",
        ),
        get if get.ends_with("/configuration") => Reply::json(
            200,
            json!({
                "State": "Active", "LastUpdateStatus": "Successful", "MemorySize": 512,
                "CodeSha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                "LastModified": "2026-11-01T08:00:00.000+0000",
            }),
        ),
        get if get.ends_with(MAPPING) => Reply::json(
            200,
            json!({ "UUID": MAPPING, "State": "Enabled", "LastProcessingResult": "OK" }),
        ),
        post if post.ends_with("/invocations") => Reply::json(
            200,
            json!({ "version": env!("CARGO_PKG_VERSION"), "cacheMs": 0.5, "orders": 7 }),
        ),
        post if post.starts_with(CLOUDWATCH) && post.ends_with("GetMetricData") => {
            let now = std::time::SystemTime::UNIX_EPOCH
                .elapsed()
                .unwrap()
                .as_secs();
            let points = |id: &str, value: f64| {
                json!({
                    "Id": id, "StatusCode": "Complete", "Values": [value],
                    "Timestamps": [{ "seconds": now - 60 }],
                })
            };
            let results = [
                points("lag", 312.0),
                points("queryDuration", 21.5),
                points("queryInvocations", 4.0),
            ];
            Reply::cbor(200, &json!({ "MetricDataResults": results }))
        }
        post if post.starts_with(CLOUDWATCH) => Reply::cbor(200, &json!({ "MetricAlarms": [] })),
        _ if request.body().contains("QueueUrl") => Reply::json(
            200,
            json!({ "Attributes": {
                "ApproximateNumberOfMessages": "0",
                "ApproximateNumberOfMessagesNotVisible": "0",
            } }),
        ),
        _ if request.body().contains("TableName") => Reply::json(
            200,
            json!({ "Table": { "TableName": "orders", "TableStatus": "ACTIVE", "ItemCount": 7 } }),
        ),
        other => panic!("nobody expects {other}: {}", request.body()),
    }
}

/// The service's own refusal, in its protocol.
fn denied() -> Reply {
    Reply::json(
        400,
        json!({ "__type": "AccessDeniedException", "message": "not authorized" }),
    )
}

fn denied_by_cloudwatch() -> Reply {
    Reply::cbor(
        403,
        &json!({ "__type": "AccessDenied", "message": "not authorized" }),
    )
}

fn shown(server: &Scripted) -> Outcome {
    let sandbox = Sandbox::against(&server.endpoint());
    let outcome = sandbox.cqrs(["status"]).outcome();
    outcome
        .filter(r"\d+ d \d+ h ago", "[AGE] ago")
        .filter(r"1 min \d+ s ago", "1 min ago")
        .filter(r"version \d+\.\d+\.\d+", "version [VERSION]")
}

#[test]
fn on_aws_the_lag_the_counts_and_the_dashboard_are_shown() {
    let server = Scripted::new(answer);
    assert_snapshot!(shown(&server), @r"
    exit code 0
    --- stdout
    Stack cqrs in eu-west-1 is well  [TIME]

    ✓ stack        CREATE_COMPLETE, changed [AGE] ago
    ✓ publisher    Active  0 invocations in 1 h  0 errors  0 throttled             512 MB  code e3b0c44298fc, [AGE] ago
    ✓ write model  ACTIVE, about 7 orders (DynamoDB counts every six hours)
    ✓ mapping      Enabled, OK, lag at most [N] ms in 5 minutes, last measured 1 min ago
    ✓ subscriber   Active  0 invocations in 1 h  0 errors  0 throttled             512 MB  code e3b0c44298fc, [AGE] ago
    ✓ read model   7 orders, the cache answers in [N] ms, the function in [N] ms, version [VERSION]
    ✓ query        Active  4 invocations in 1 h  0 errors  0 throttled  p99 [N] ms  512 MB  code e3b0c44298fc, [AGE] ago
    ✓ failures     none wait
    ✓ alarms       none of 1 raised
      dashboard    https://example.org/dashboard
    ");
    let asked = server.counts();
    assert_eq!(asked[&format!("{CLOUDWATCH}/GetMetricData")], 1);
}

#[test]
fn a_permission_that_is_missing_hides_its_own_part_and_is_no_breakage() {
    let server = Scripted::new(|request| match request.action().as_str() {
        action if action.ends_with("GetMetricData") => denied_by_cloudwatch(),
        action if action.ends_with(MAPPING) => denied(),
        _ => answer(request),
    });
    assert_snapshot!(shown(&server), @r"
    exit code 0
    --- stdout
    Stack cqrs in eu-west-1 is well as far as can be seen  [TIME]

    ✓ stack        CREATE_COMPLETE, changed [AGE] ago
    ✓ publisher    Active  invocations not known  512 MB  code e3b0c44298fc, [AGE] ago
    ✓ write model  ACTIVE, about 7 orders (DynamoDB counts every six hours)
    ? mapping      permission denied: lambda:GetEventSourceMapping
    ✓ subscriber   Active  invocations not known  512 MB  code e3b0c44298fc, [AGE] ago
    ✓ read model   7 orders, the cache answers in [N] ms, the function in [N] ms, version [VERSION]
    ✓ query        Active  invocations not known  512 MB  code e3b0c44298fc, [AGE] ago
    ✓ failures     none wait
    ✓ alarms       none of 1 raised
    ? metrics      permission denied: cloudwatch:GetMetricData
      dashboard    https://example.org/dashboard

    ? mapping: permission denied: lambda:GetEventSourceMapping
      next: allow lambda:GetEventSourceMapping for this principal (`cqrs permissions` prints what a task needs), or use another with `--profile`

    ? metrics: permission denied: cloudwatch:GetMetricData
      next: allow cloudwatch:GetMetricData for this principal (`cqrs permissions` prints what a task needs), or use another with `--profile`
    ");
}

#[test]
fn where_the_outputs_cannot_be_read_the_functions_are_still_shown() {
    let server = Scripted::new(|request| match request.action().as_str() {
        "DescribeStacks" => Reply::xml_error(403, "AccessDenied", "not authorized"),
        _ => answer(request),
    });
    assert_snapshot!(shown(&server), @r"
    exit code 0
    --- stdout
    Stack cqrs in eu-west-1 is well as far as can be seen  [TIME]

    ? stack        permission denied: cloudformation:DescribeStacks
    ✓ publisher    Active  0 invocations in 1 h  0 errors  0 throttled             512 MB  code e3b0c44298fc, [AGE] ago
    ? write model  its name is in the stack's outputs, which could not be read
    ? mapping      its name is in the stack's outputs, which could not be read
    ✓ subscriber   Active  0 invocations in 1 h  0 errors  0 throttled             512 MB  code e3b0c44298fc, [AGE] ago
    ✓ read model   7 orders, the cache answers in [N] ms, the function in [N] ms, version [VERSION]
    ✓ query        Active  4 invocations in 1 h  0 errors  0 throttled  p99 [N] ms  512 MB  code e3b0c44298fc, [AGE] ago
    ? failures     its name is in the stack's outputs, which could not be read
    ? alarms       its name is in the stack's outputs, which could not be read

    ? stack: permission denied: cloudformation:DescribeStacks
      next: allow cloudformation:DescribeStacks for this principal (`cqrs permissions` prints what a task needs), or use another with `--profile`
    ");
}

#[test]
fn a_function_that_is_gone_and_a_raised_alarm_are_broken_parts() {
    let server = Scripted::new(|request| match request.action().as_str() {
        action if action.contains("cqrs-publisher/") => Reply::json(
            404,
            json!({ "__type": "ResourceNotFoundException", "Message": "Function not found" }),
        ),
        action if action.ends_with("DescribeAlarms") => Reply::cbor(
            200,
            &json!({ "MetricAlarms": [{
                "AlarmName": "cqrs-lag", "StateValue": "ALARM",
                "AlarmDescription": "The read model is behind the write model.",
                "StateTransitionedTimestamp": { "seconds": 1_790_000_000 },
            }] }),
        ),
        _ => answer(request),
    });
    assert_snapshot!(shown(&server), @r"
    exit code 1
    --- stdout
    Stack cqrs in eu-west-1 is not well  [TIME]

    ✓ stack        CREATE_COMPLETE, changed [AGE] ago
    ✗ publisher    lambda:GetFunctionConfiguration failed: Function not found
    ✓ write model  ACTIVE, about 7 orders (DynamoDB counts every six hours)
    ✓ mapping      Enabled, OK, lag at most [N] ms in 5 minutes, last measured 1 min ago
    ✓ subscriber   Active  0 invocations in 1 h  0 errors  0 throttled             512 MB  code e3b0c44298fc, [AGE] ago
    ✓ read model   7 orders, the cache answers in [N] ms, the function in [N] ms, version [VERSION]
    ✓ query        Active  4 invocations in 1 h  0 errors  0 throttled  p99 [N] ms  512 MB  code e3b0c44298fc, [AGE] ago
    ✓ failures     none wait
    ✗ alarms       1 of 1 raised: cqrs-lag
      dashboard    https://example.org/dashboard

    ✗ publisher: it is not there, though the stack has it
      next: `cqrs destroy`, which deletes the items, and `cqrs deploy` make the stack anew; `cqrs status --drift` finds what else is gone

    ✗ alarms: cqrs-lag: The read model is behind the write model
      next: `aws cloudwatch describe-alarms --alarm-names cqrs-lag` shows when and why
    --- stderr
    error: stack `cqrs` is not well: publisher, alarms
    hint: `cqrs destroy`, which deletes the items, and `cqrs deploy` make the stack anew; `cqrs status --drift` finds what else is gone
    ");
}

#[test]
fn a_watch_asks_for_metrics_once_a_minute_and_outlives_a_lost_answer() {
    let mut looks = 0;
    let server = Scripted::new(move |request| {
        looks += usize::from(request.action() == "DescribeStacks");
        // All three attempts of the second look.
        match request.action().as_str() {
            "DescribeStacks" if (2..=4).contains(&looks) => Reply::LOST,
            _ => answer(request),
        }
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let (reader, writer) = std::io::pipe().unwrap();
    let reading = std::thread::spawn(move || BufReader::new(reader).lines().take(2).count());
    let watch = "status --watch 1 --output json".split(' ');
    let outcome = sandbox.cqrs(watch).stdout_to(writer);
    assert_eq!((reading.join().unwrap(), outcome.code), (2, 0), "{outcome}");
    assert_eq!(outcome.error()["kind"], "Unreachable", "{outcome}");
    assert_eq!(server.counts()[&format!("{CLOUDWATCH}/GetMetricData")], 1);
}

#[test]
fn a_node_type_that_elasticache_refused_is_shown_though_cloudformation_reports_success() {
    for (runs, health) in [("cache.t4g.micro", "ok"), ("cache.m7g.large", "warning")] {
        let server = Scripted::new(move |request| match request.action().as_str() {
            "DescribeReplicationGroups" => running_on(runs),
            _ => answer(request),
        });
        let report: Value = Sandbox::against(&server.endpoint()).cqrs(["status"]).json();
        let stack = &report["parts"]["stack"];
        assert_eq!(stack["health"], health, "{stack}");
        if health == "warning" {
            assert_eq!(
                stack["advice"]["message"],
                "the cache runs on cache.m7g.large, and cache.t4g.micro was asked for: ElastiCache \
                 has not made the change"
            );
        }
    }
}

#[test]
fn alarms_are_asked_for_by_a_permission_on_the_stacks_own() {
    let (sender, requests) = std::sync::mpsc::channel();
    let server = Scripted::new(move |request| {
        if request.action().ends_with("DescribeAlarms") {
            sender.send(request.body().to_owned()).unwrap();
        }
        answer(request)
    });
    let sandbox = Sandbox::against(&server.endpoint());
    sandbox.cqrs(["status"]).succeeds();
    let asked = requests.recv().unwrap();
    assert!(asked.contains("MetricAlarm"), "{asked}");
    assert!(!asked.contains("CompositeAlarm"), "{asked}");
}
