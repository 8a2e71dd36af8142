//! `cqrs doctor`: the way that works, and the way broken at each check.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_lambda::types::Environment;
use insta::assert_snapshot;
use serde_json::{Value, json};
use test_support::valkey::Valkey;

use crate::support::{
    AwsStage, LocalStage, Outcome, Reply, Run, Sandbox, Scripted, Stage, block_on, on_both,
};

on_both!(
    a_way_that_works_is_checked_to_its_end_and_nothing_is_changed,
    a_stack_that_is_not_there_is_the_check_that_fails,
    a_cache_that_hangs_is_found_from_inside_the_functions,
);

/// The report of a run, and the run itself.
#[track_caller]
fn report(run: Run) -> (Value, Outcome) {
    let outcome = run.args(["--output", "json"]).outcome();
    let report =
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e} in {outcome}"));
    (report, outcome)
}

#[track_caller]
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut checks = report["checks"].as_array().unwrap().iter();
    checks
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {report}"))
}

/// The report of a run that ends at these checks, with this in its hint.
#[track_caller]
fn broken(run: Run, failed: &[&str], way_out: &str) -> Value {
    let (report, outcome) = report(run);
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(in_status(&report, "failed"), failed, "{report}");
    let hint = outcome.error()["hint"].clone();
    assert!(hint.as_str().unwrap().contains(way_out), "{hint}");
    report
}

#[track_caller]
fn detail<'a>(report: &'a Value, name: &str) -> &'a str {
    check(report, name)["detail"].as_str().unwrap()
}

/// The names of the checks in some status.
fn in_status(report: &Value, status: &str) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["status"] == status)
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The steps of a function, the one that failed with a mark.
fn steps(check: &Value) -> Vec<String> {
    let steps = check["steps"].as_array().unwrap().iter();
    let name = |step: &Value| {
        let mark = if step["ok"] == true { "" } else { "!" };
        format!("{}{mark}", step["step"].as_str().unwrap())
    };
    steps.map(name).collect()
}

fn a_way_that_works_is_checked_to_its_end_and_nothing_is_changed<S: Stage>() {
    let stage = S::deployed();
    stage.place_order();
    let cache = stage.cache();
    let keys: i64 = cache.run(&["DBSIZE"]);
    let (report, outcome) = report(stage.cqrs(["doctor"]));
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (0, ""),
        "{outcome}"
    );
    // The project of the test has a template and no crates.
    assert_eq!(in_status(&report, "warning"), ["tools"], "{report}");
    assert!(in_status(&report, "skipped").is_empty(), "{report}");
    assert_eq!(steps(check(&report, "publisher")), ["table"]);
    assert_eq!(
        steps(check(&report, "subscriber")),
        ["resolve", "connect", "ping"]
    );
    assert_eq!(
        steps(check(&report, "query")),
        ["resolve", "connect", "ping", "contents"]
    );
    assert_eq!(cache.run::<i64>(&["DBSIZE"]), keys);
    let verified: Value = stage.cqrs(["verify"]).json();
    assert_eq!(
        (&verified["orders"], &verified["remaining"]),
        (&json!(1), &json!(0))
    );
}

fn a_stack_that_is_not_there_is_the_check_that_fails<S: Stage>() {
    let stage = S::empty();
    let (report, outcome) = report(stage.cqrs(["doctor"]));
    assert_eq!(outcome.code, 3, "{outcome}");
    assert_eq!(in_status(&report, "failed"), ["stack"], "{report}");
    let skipped = in_status(&report, "skipped");
    assert!(
        skipped.ends_with(&["subscriber".to_owned(), "query".to_owned()]),
        "{report}"
    );
    let error = outcome.error();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("broken at stack: "),
        "{error}"
    );
    assert!(
        error["hint"].as_str().unwrap().contains("cqrs deploy"),
        "{error}"
    );
}

fn a_cache_that_hangs_is_found_from_inside_the_functions<S: Stage>() {
    let stage = S::deployed();
    let cache = stage.cache();
    cache.pause();
    let (report, outcome) = report(stage.cqrs(["doctor"]));
    cache.resume();
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(
        in_status(&report, "failed"),
        ["subscriber", "query"],
        "{report}"
    );
    assert_eq!(check(&report, "publisher")["status"], "ok");
    assert_eq!(
        steps(check(&report, "subscriber")),
        ["resolve", "connect", "ping!"]
    );
    let message = &outcome.error()["message"];
    assert_eq!(message, "broken at subscriber: ping: no answer within 1 s");
}

/// Numbers of a run, and what the machine has installed.
fn shown(outcome: Outcome) -> Outcome {
    outcome
        .filter(r"(resolve|connect|ping|table) \d+\.\d", "$1 [N]")
        .filter(r"(cqrs) \d+\.\d+\.\d+", "$1 [VERSION]")
        .filter(r"process \d+", "process [PID]")
        .filter(r"port \d+", "port [PORT]")
        .filter(r"cache /\S+", "cache [PROGRAM]")
        .filter(r"cqrs-WriteModel-\w+", "[TABLE]")
}

#[test]
fn on_aws_the_checks_read_from_this_machine_to_the_cache() {
    let stage = AwsStage::deployed();
    assert_snapshot!(shown(stage.cqrs(["doctor"]).outcome()), @"
    exit code 0
    --- stdout
    ! tools        cqrs [VERSION], [SANDBOX]/project, which has no crates to build  ([N] ms)
                   hint: deploy finished binaries with `cqrs deploy --prebuilt DIR`, or name the project's folder with `--project DIR`
    ✓ settings     stack cqrs, region eu-west-1 (AWS_REGION), keys of AWS_ACCESS_KEY_ID, endpoint http://[ADDRESS], [SANDBOX]/project/cqrs.toml  ([N] ms)
    ✓ region       [ADDRESS] answers, this machine's clock is right  ([N] ms)
    ✓ credentials  arn:aws:iam::000000000000:root in account 000000000000  ([N] ms)
    ✓ stack        cqrs is in CREATE_COMPLETE  ([N] ms)
    ✓ functions    publisher, subscriber and query are there and may be invoked  ([N] ms)
    ✓ publisher    to [TABLE]: table [N] ms  ([N] ms)
    ✓ table        [TABLE] is ACTIVE, about 0 orders  ([N] ms)
    ✓ mapping      Enabled, last result: No records processed  ([N] ms)
    ✓ queue        no failures wait  ([N] ms)
    ✓ subscriber   to the cache at [ADDRESS]: resolve [N], connect [N], ping [N] ms  ([N] ms)
    ✓ query        to the cache at [ADDRESS]: resolve [N], connect [N], ping [N], contents [N] ms  ([N] ms)
    ");
}

#[test]
fn on_this_machine_the_checks_read_from_the_tools_to_the_cache() {
    let stage = LocalStage::deployed();
    assert_snapshot!(shown(stage.cqrs(["doctor"]).outcome()), @"
    exit code 0
    --- stdout
    ! tools        cqrs [VERSION], [SANDBOX]/project, which has no crates to build  ([N] ms)
                   hint: deploy finished binaries with `cqrs deploy --prebuilt DIR`, or name the project's folder with `--project DIR`
    ✓ settings     stack cqrs, on this machine  ([N] ms)
    ✓ stack        cqrs is deployed in [SANDBOX]/project/.cqrs/local/cqrs, by cqrs [VERSION]  ([N] ms)
    ✓ process      process [PID] runs, answers on port [PORT], cache [PROGRAM]  ([N] ms)
    ✓ functions    publisher, subscriber and query are there and may be invoked  ([N] ms)
    ✓ publisher    to cqrs-WriteModel: table [N] ms  ([N] ms)
    ✓ table        cqrs-WriteModel is ACTIVE, 0 orders  ([N] ms)
    ✓ mapping      Enabled, last result: No records processed  ([N] ms)
    ✓ queue        no failures wait  ([N] ms)
    ✓ subscriber   to the cache at [ADDRESS]: resolve [N], connect [N], ping [N] ms  ([N] ms)
    ✓ query        to the cache at [ADDRESS]: resolve [N], connect [N], ping [N], contents [N] ms  ([N] ms)
    ");
}

#[test]
fn a_function_that_was_deleted_is_named_and_the_others_are_asked() {
    let stage = AwsStage::deployed();
    let client = aws_sdk_lambda::Client::new(&stage.sdk());
    block_on(
        client
            .delete_function()
            .function_name("cqrs-subscriber")
            .send(),
    )
    .unwrap();
    let (report, outcome) = report(stage.cqrs(["doctor"]));
    assert_eq!(outcome.code, 1, "{outcome}");
    let functions = check(&report, "functions");
    assert_eq!(functions["status"], "failed");
    let gone = "cqrs-subscriber: it is not there, though the stack has it";
    assert_eq!(functions["detail"], gone);
    assert_eq!(check(&report, "subscriber")["status"], "skipped");
    assert_eq!(check(&report, "query")["status"], "ok");
}

#[test]
fn a_cache_that_was_killed_is_not_connected_to() {
    let stage = AwsStage::deployed();
    stage.cache().kill();
    let both = ["subscriber", "query"];
    let report = broken(stage.cqrs(["doctor"]), &both, "describe-replication-groups");
    for name in both {
        assert_eq!(steps(check(&report, name)), ["resolve", "connect!"]);
    }
}

/// Changes the query function's environment behind the template's back.
fn set_cache_url(stage: &AwsStage, url: &str) {
    let client = aws_sdk_lambda::Client::new(&stage.sdk());
    let environment = Environment::builder().variables("CACHE_URL", url).build();
    let update = client
        .update_function_configuration()
        .function_name("cqrs-query")
        .environment(environment);
    block_on(update.send()).unwrap();
}

#[test]
fn a_cache_url_that_leads_nowhere_or_is_none_is_named() {
    let stage = AwsStage::deployed();
    set_cache_url(&stage, "redis://no-such-cache.invalid:6379");
    let unknown = broken(stage.cqrs(["doctor"]), &["query"], "CACHE_URL");
    assert_eq!(steps(check(&unknown, "query")), ["resolve!"]);

    // With this the function cannot start.
    set_cache_url(&stage, "nonsense");
    let (none, outcome) = report(stage.cqrs(["doctor"]));
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(in_status(&none, "failed"), ["query"]);
    let said = detail(&none, "query");
    assert!(
        said.contains("CACHE_URL must be redis://host:port"),
        "{said}"
    );
}

#[test]
fn another_cache_that_is_gone_is_not_connected_to_on_this_machine() {
    let mut server = Valkey::start();
    let stage = LocalStage::empty();
    let deploy = stage
        .deploy()
        .args(["--quiet", "--cache-url", &server.url()]);
    deploy.succeeds();
    server.stop();
    let (report, outcome) = report(stage.cqrs(["doctor"]));
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(steps(check(&report, "query")), ["resolve", "connect!"]);
    let hint = outcome.error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains(&server.url()), "{hint}");
    // It comes back empty.
    server.start_again();
    let (report, outcome) = self::report(stage.cqrs(["doctor"]));
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(
        steps(check(&report, "query")),
        ["resolve", "connect", "ping", "contents!"]
    );
    stage.cqrs(["rebuild"]).succeeds();
    stage.cqrs(["doctor"]).succeeds();
}

#[test]
fn a_process_on_this_machine_that_hangs_is_named_with_the_way_out() {
    let stage = LocalStage::deployed();
    let process = stage.host("cqrs")["pid"].to_string();
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &process]).status();
        assert!(sent.unwrap().success());
    };
    signal("-STOP");
    broken(stage.cqrs(["doctor"]), &["process"], "`cqrs local stop`");
    signal("-CONT");
}

#[test]
fn a_stack_on_this_machine_that_does_not_run_is_started_unless_a_program_was_lost() {
    let stage = LocalStage::deployed();
    stage.cqrs(["local", "stop"]).succeeds();
    let (started, outcome) = report(stage.cqrs(["doctor"]));
    assert_eq!(outcome.code, 0, "{outcome}");
    let process = detail(&started, "process");
    assert!(process.contains("it was started"), "{process}");

    stage.cqrs(["local", "stop"]).succeeds();
    let deployment = std::fs::read_to_string(stage.state("cqrs").join("deployment.json")).unwrap();
    let deployment: Value = serde_json::from_str(&deployment).unwrap();
    std::fs::remove_file(deployment["programs"]["query"].as_str().unwrap()).unwrap();
    let (lost, outcome) = report(stage.cqrs(["doctor"]));
    assert_eq!(outcome.code, 1, "{outcome}");
    let said = detail(&lost, "stack");
    assert!(said.contains("lost the query's program"), "{said}");
}

#[test]
fn without_credentials_the_way_ends_there_and_another_is_named() {
    let server = Scripted::new(|_| Reply::xml_error(403, "MissingAuthenticationToken", "none"));
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL", &server.endpoint());
    sandbox.set("AWS_REGION", "eu-west-1");
    let report = broken(sandbox.cqrs(["doctor"]), &["credentials"], "`--local`");
    assert_eq!(check(&report, "region")["status"], "ok", "{report}");
    assert_eq!(detail(&report, "stack"), "not checked: see credentials");
}

#[test]
fn a_clock_that_is_far_off_is_named_before_any_signature_is_refused() {
    let server = Scripted::new(|_| Reply::identity().dated("Tue, 14 Nov 2023 22:13:20 GMT"));
    let (report, outcome) = report(Sandbox::against(&server.endpoint()).cqrs(["doctor"]));
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(in_status(&report, "failed"), ["region"]);
    let said = detail(&report, "region");
    assert!(
        said.ends_with(" h ahead, and AWS refuses signatures"),
        "{said}"
    );
}

#[test]
fn credentials_that_are_about_to_end_are_a_warning() {
    let server = Scripted::new(|request| match request.action().as_str() {
        "GetCallerIdentity" => Reply::identity(),
        _ => no_stack(),
    });
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL", &server.endpoint());
    sandbox.set("AWS_REGION", "eu-west-1");
    let process = r#"credential_process = printf '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T","Expiration":"%s"}' "$(date -u -d '+5 minutes' +%FT%TZ)""#;
    let folder = sandbox.home().join(".aws");
    std::fs::create_dir(&folder).unwrap();
    let config = format!("[default]\n{process}\n");
    std::fs::write(folder.join("config"), config).unwrap();
    let (report, outcome) = report(sandbox.cqrs(["doctor"]));
    assert_eq!(outcome.code, 3, "{outcome}");
    assert_eq!(
        check(&report, "credentials")["status"],
        "warning",
        "{report}"
    );
    assert!(
        detail(&report, "credentials").contains(", for 4 min "),
        "{report}"
    );
}

#[test]
fn an_endpoint_without_a_server_is_the_region_that_is_not_reached() {
    let sandbox = Sandbox::against("http://127.0.0.1:1");
    broken(sandbox.cqrs(["doctor"]), &["region"], "AWS_ENDPOINT_URL");
}

#[test]
fn settings_that_cannot_be_used_have_their_own_exit_code() {
    let sandbox = Sandbox::new();
    let (unset, outcome) = report(sandbox.cqrs(["doctor"]));
    assert_eq!(outcome.code, 2, "{outcome}");
    assert_eq!(in_status(&unset, "failed"), ["settings"]);
    sandbox.write("cqrs.toml", "regoin = \"eu-west-1\"\n");
    let (misspelt, outcome) = report(sandbox.cqrs(["doctor"]));
    assert_eq!(outcome.code, 2, "{outcome}");
    let said = detail(&misspelt, "settings");
    assert!(said.contains("cqrs.toml:1:1"), "{said}");
    assert_eq!(check(&misspelt, "tools")["status"], "ok");
}

fn no_stack() -> Reply {
    Reply::xml_error(400, "ValidationError", "Stack with id cqrs does not exist")
}

#[test]
fn functions_that_are_too_old_to_say_are_a_warning_with_the_way_out() {
    let server = Scripted::new(|request| match request.action().as_str() {
        "GetCallerIdentity" => Reply::identity(),
        "DescribeStacks" => Reply::stack("cqrs", "UPDATE_COMPLETE"),
        action if action.starts_with("GET ") => Reply::json(
            200,
            json!({"State": "Active", "LastUpdateStatus": "Successful"}),
        ),
        _ if request.body() == r#"{"diagnose":true}"# => Reply::function(
            json!({"errorType": "InvalidQuery", "errorMessage": "diagnose is not a field"}),
        ),
        _ => Reply::json(204, ""),
    });
    let (report, outcome) = report(Sandbox::against(&server.endpoint()).cqrs(["doctor"]));
    // The outputs of that stack are of another template.
    assert_eq!(check(&report, "stack")["status"], "warning");
    assert_eq!(in_status(&report, "failed"), ["table", "mapping", "queue"]);
    assert_eq!(outcome.code, 1, "{outcome}");
    let query = check(&report, "query");
    assert_eq!(query["status"], "warning", "{report}");
    assert!(
        query["hint"].as_str().unwrap().contains("cqrs deploy"),
        "{query}"
    );
}

#[test]
fn a_look_that_is_not_allowed_is_no_failure_and_the_functions_are_asked() {
    let server = Scripted::new(|request| match request.action().as_str() {
        "GetCallerIdentity" => Reply::identity(),
        action if action.starts_with("GET ") => Reply::json(
            200,
            json!({"State": "Active", "LastUpdateStatus": "Successful"}),
        ),
        _ if request.body() == r#"{"diagnose":true}"# => Reply::json(
            200,
            json!({"version": "0.0.1", "steps": [{"step": "ping", "ok": true, "ms": 1.0, "detail": "PONG"}]}),
        ),
        action if action.starts_with("POST /2015-03-31/functions/") => Reply::json(204, ""),
        _ => Reply::xml_error(403, "AccessDenied", "not you"),
    });
    let (report, outcome) = report(Sandbox::against(&server.endpoint()).cqrs(["doctor"]));
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_eq!(in_status(&report, "skipped"), ["table", "mapping", "queue"]);
    let denied = "permission denied: cloudformation:DescribeStacks";
    assert!(detail(&report, "stack").contains(denied), "{report}");
    assert_eq!(check(&report, "functions")["status"], "ok", "{report}");
    let query = detail(&report, "query");
    assert!(query.ends_with("is version 0.0.1"), "{query}");
}

#[test]
fn a_key_that_cannot_be_used_is_named_with_its_state() {
    const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/0e1f2a3b";
    let of_table = |answer: Reply| {
        let server = Scripted::new(move |request| match request.action().as_str() {
            "GetCallerIdentity" => Reply::identity(),
            "DescribeStacks" => {
                let parameters = [("QueryCodeKey", "query.zip"), ("KmsKeyArn", KEY)];
                Reply::stack_of("cqrs", "UPDATE_COMPLETE", &parameters, "")
            }
            _ if request.body().contains("KeyId") => {
                assert!(request.body().contains(KEY), "{request:?}");
                answer.clone()
            }
            _ => Reply::json(200, json!({"State": "Active"})),
        });
        let (report, _) = report(Sandbox::against(&server.endpoint()).cqrs(["doctor"]));
        detail(&report, "table").to_owned()
    };
    let in_state = |state: &str| Reply::json(200, json!({"KeyMetadata": {"KeyState": state}}));
    let unusable = format!("its key {KEY} is Disabled, and nothing that it encrypts can be read");
    assert_eq!(of_table(in_state("Disabled")), unusable);
    let gone = Reply::json(
        400,
        json!({"__type": "NotFoundException", "message": "no key"}),
    );
    assert!(of_table(gone).starts_with(&format!("its key {KEY} is gone,")));
    // What comes next is that this stack has no outputs.
    let denied = Reply::json(
        400,
        json!({"__type": "AccessDeniedException", "Message": "no"}),
    );
    for fine in [in_state("Enabled"), denied] {
        let detail = of_table(fine);
        assert!(!detail.contains("key"), "{detail}");
    }
}

#[test]
fn a_stack_that_must_be_deleted_is_named_with_the_way_out() {
    let server = Scripted::new(|request| match request.action().as_str() {
        "GetCallerIdentity" => Reply::identity(),
        _ => Reply::stack("cqrs", "ROLLBACK_COMPLETE"),
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let way_out = "deletes what is left and creates the stack anew";
    let report = broken(sandbox.cqrs(["doctor"]), &["stack"], way_out);
    assert_eq!(detail(&report, "stack"), "cqrs is in ROLLBACK_COMPLETE");
}

#[test]
fn on_a_terminal_the_check_under_way_is_shown_and_ctrl_c_ends_it() {
    let released = Arc::new(AtomicBool::new(false));
    let server = Scripted::new({
        let released = Arc::clone(&released);
        move |request| match request.action().as_str() {
            "GetCallerIdentity" => Reply::identity(),
            _ => {
                while !released.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                no_stack()
            }
        }
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let mut terminal = sandbox.cqrs(["doctor"]).on_terminal();
    terminal.until("credentials  arn:aws");
    terminal.control('c');
    let (code, rest) = terminal.end();
    released.store(true, Ordering::SeqCst);
    assert_eq!(code, 130, "{rest}");
}
