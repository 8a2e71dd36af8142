//! Functions as processes on the Runtime API, and what Lambda promises around them.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here fails the test"
)]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use host::definition::Function;
use host::lambda::{
    Counted, FunctionError, Functions, InvokeError, InvokeOptions, Invoked, Settings,
};
use host::offspring::Offspring;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::eventually;

/// Functions with a folder for their logs.
struct Host {
    functions: Functions,
    folder: TempDir,
}

impl Host {
    async fn with(functions: impl IntoIterator<Item = Function>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_offspring-parent"));
        let offspring = Offspring::new(program, &["watch"], folder.path()).unwrap();
        let settings = Settings {
            region: "eu-west-1".to_owned(),
            endpoint_url: "http://127.0.0.1:4000".to_owned(),
            logs: folder.path().join("logs"),
        };
        let host = Self {
            functions: Functions::new(settings, offspring),
            folder,
        };
        host.functions.apply(functions.into_iter().collect()).await;
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn try_invoke(&self, payload: Value) -> Result<Invoked, InvokeError> {
        let payload = Bytes::from(payload.to_string());
        let options = InvokeOptions::default();
        self.functions.invoke("f", payload, options).await
    }

    async fn invoke(&self, payload: Value) -> Invoked {
        self.try_invoke(payload).await.unwrap()
    }

    async fn answer(&self, payload: Value) -> Value {
        let invoked = self.invoke(payload).await;
        assert_eq!(invoked.error, None, "{:?}", invoked.payload);
        serde_json::from_slice(&invoked.payload).unwrap()
    }

    /// The error's type and message, without the request's id.
    async fn error(&self, payload: Value) -> (String, String) {
        let invoked = self.invoke(payload).await;
        assert_eq!(invoked.error, Some(FunctionError::Unhandled));
        let document: Value = serde_json::from_slice(&invoked.payload).unwrap();
        let text = |field: &str| document[field].as_str().unwrap().to_owned();
        let message = text("errorMessage").replace(&invoked.request_id, "<id>");
        (text("errorType"), message)
    }

    async fn pid(&self) -> u64 {
        self.answer(json!({ "describe": true })).await["pid"]
            .as_u64()
            .unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("logs/f.log")).unwrap_or_default()
    }
}

fn function() -> Function {
    Function {
        logical_id: "F".to_owned(),
        name: "f".to_owned(),
        program: env!("CARGO_BIN_EXE_scripted-handler").into(),
        handler: "bootstrap".to_owned(),
        environment: BTreeMap::new(),
        timeout_seconds: 30,
        memory_mb: 256,
        reserved_concurrency: None,
        log_level: Some("INFO".to_owned()),
        log_json: false,
        log_platform: true,
        log_group: "/aws/lambda/f".to_owned(),
    }
}

fn with_variable(name: &str, value: impl Into<String>) -> Function {
    let mut function = function();
    function.environment.insert(name.to_owned(), value.into());
    function
}

fn tailed() -> InvokeOptions {
    InvokeOptions {
        tail: true,
        ..InvokeOptions::default()
    }
}

fn is_running(pid: u64) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    test_kill_process(pid).is_ok()
}

async fn ends(pid: u64) -> bool {
    tokio::task::spawn_blocking(move || eventually(Duration::from_secs(10), || !is_running(pid)))
        .await
        .unwrap()
}

async fn comes_true(condition: impl FnMut() -> bool + Send + 'static) -> bool {
    tokio::task::spawn_blocking(move || eventually(Duration::from_secs(10), condition))
        .await
        .unwrap()
}

#[tokio::test]
async fn an_invocation_is_answered_with_what_the_function_says() {
    let host = Host::with([function()]).await;
    let invoked = host.invoke(json!({ "hello": "world" })).await;
    assert_eq!(invoked.payload, Bytes::from(r#"{"hello":"world"}"#));
    assert_eq!(invoked.error, None);
    assert_eq!(invoked.log_tail, None);
    assert_eq!(invoked.executed_version, "$LATEST");
    assert_eq!(invoked.request_id.len(), 36);
}

#[tokio::test]
async fn an_environment_is_used_again() {
    let host = Host::with([function()]).await;
    let first = host.answer(json!({ "describe": true })).await;
    let second = host.answer(json!({ "describe": true })).await;
    assert_eq!(first["pid"], second["pid"]);
    assert_eq!(second["invocations"], 2);
}

#[tokio::test]
async fn a_function_is_found_by_name_and_arn_only() {
    let host = Host::with([function()]).await;
    let arn = function().arn("eu-west-1");
    for name in [
        "f",
        &arn,
        &format!("{arn}:$LATEST"),
        "000000000000:function:f",
    ] {
        assert_eq!(host.functions.get(name), Some(function()), "{name}");
    }
    assert_eq!(host.functions.get("g"), None);
    let options = InvokeOptions::default();
    let missing = host.functions.invoke("g", Bytes::new(), options).await;
    assert!(matches!(missing, Err(InvokeError::NotFound(name)) if name == "g"));
}

#[tokio::test]
async fn the_environment_variables_are_lambdas_and_the_functions_and_no_others() {
    let host = Host::with([with_variable("ORDERS_TABLE", "orders")]).await;
    let description = host.answer(json!({ "describe": true })).await;
    let folder = Path::new(env!("CARGO_BIN_EXE_scripted-handler"))
        .parent()
        .unwrap();
    assert_eq!(description["directory"], folder.to_str().unwrap());
    let variables = description["environment"].as_object().unwrap();
    for (name, value) in [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4000"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_FORMAT", "Text"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("LAMBDA_TASK_ROOT", folder.to_str().unwrap()),
        ("ORDERS_TABLE", "orders"),
        ("TZ", ":UTC"),
        ("_HANDLER", "bootstrap"),
    ] {
        assert_eq!(variables[name], value, "{name}");
    }
    let names: HashSet<&str> = variables.keys().map(String::as_str).collect();
    assert!(
        !names.contains("HOME") && !names.contains("CARGO_MANIFEST_DIR"),
        "{names:?}"
    );
}

#[tokio::test]
async fn what_a_function_reports_is_passed_on_as_unhandled() {
    let host = Host::with([function()]).await;
    let error = json!({ "errorType": "OrderNotFound", "errorMessage": "no order", "extra": 1 });
    let invoked = host.invoke(json!({ "error": error })).await;
    assert_eq!(invoked.error, Some(FunctionError::Unhandled));
    let document: Value = serde_json::from_slice(&invoked.payload).unwrap();
    assert_eq!(document, error);
}

#[tokio::test]
async fn a_crash_is_answered_and_the_next_invocation_has_a_new_process() {
    let host = Host::with([function()]).await;
    let first = host.pid().await;
    for (script, message) in [
        (
            json!({ "exit": 3 }),
            "Runtime exited with error: exit status 3",
        ),
        (
            json!({ "abort": true }),
            "Runtime exited with error: signal: aborted",
        ),
        (
            json!({ "exit": 0 }),
            "Runtime exited without providing a reason",
        ),
    ] {
        let (kind, text) = host.error(script).await;
        assert_eq!(kind, "Runtime.ExitError");
        assert_eq!(text, format!("RequestId: <id> Error: {message}"));
    }
    assert_ne!(host.pid().await, first);
}

#[tokio::test]
async fn what_became_of_a_functions_invocations_is_counted() {
    let mut bounded = function();
    bounded.reserved_concurrency = Some(1);
    let host = Host::with([bounded]).await;
    host.answer(json!({ "answer": 1 })).await;
    let reported = json!({ "errorType": "OrderNotFound", "errorMessage": "no order" });
    host.error(json!({ "error": reported })).await;
    let status = host.functions.status().remove(0);
    let last = status.last_error.unwrap();
    assert_eq!((status.function.name.as_str(), status.processes), ("f", 1));
    assert_eq!(
        (last.error_type.as_str(), last.message.as_str()),
        ("OrderNotFound", "no order")
    );
    host.error(json!({ "exit": 3 })).await;

    let mut closed = function();
    closed.reserved_concurrency = Some(0);
    host.functions.apply(vec![closed]).await;
    host.try_invoke(json!({})).await.unwrap_err();
    let status = host.functions.status().remove(0);
    let counted = Counted {
        invocations: 3,
        errors: 2,
        crashes: 1,
        throttles: 1,
    };
    assert_eq!(status.counted, counted);
    assert_eq!(status.last_error.unwrap().error_type, "Runtime.ExitError");
    assert_eq!(status.cannot_start, None);
}

#[tokio::test]
async fn why_a_function_cannot_start_is_known_until_it_does() {
    let mut missing = function();
    missing.program = "/nowhere/bootstrap".into();
    let host = Host::with([missing]).await;
    host.error(json!({})).await;
    let status = host.functions.status().remove(0);
    let why = status.cannot_start.unwrap();
    assert!(why.starts_with("Runtime.InvalidEntrypoint: "), "{why}");
    assert_eq!((status.counted.invocations, status.counted.crashes), (1, 1));
    host.functions.apply(vec![function()]).await;
    host.answer(json!({ "answer": 1 })).await;
    assert_eq!(host.functions.status().remove(0).cannot_start, None);
}

#[tokio::test]
async fn a_process_that_dies_while_it_is_idle_is_replaced() {
    let host = Host::with([function()]).await;
    let first = host.pid().await;
    let pid = Pid::from_raw(i32::try_from(first).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    assert!(ends(first).await);
    assert_ne!(host.pid().await, first);
}

#[tokio::test]
async fn a_process_that_ends_after_its_answer_harms_nobody() {
    let host = Host::with([function()]).await;
    for _ in 0..5 {
        let script = json!({ "describe": true, "exitAfter": 1 });
        let pid = host.answer(script).await["pid"].as_u64().unwrap();
        assert!(ends(pid).await);
    }
}

#[tokio::test]
async fn the_time_runs_from_the_delivery_and_not_from_the_queue() {
    // The start takes longer than the time that an invocation has.
    let mut slow = with_variable("INIT", "sleep:1500");
    slow.timeout_seconds = 1;
    let host = Host::with([slow]).await;
    assert_eq!(host.answer(json!({ "answer": 1 })).await, 1);
}

#[tokio::test]
async fn an_invocation_whose_time_is_over_is_killed_and_answered() {
    let mut quick = function();
    quick.timeout_seconds = 1;
    let host = Host::with([quick]).await;
    let before = host.pid().await;
    let (kind, message) = host.error(json!({ "sleepMs": 60_000 })).await;
    assert_eq!(kind, "Sandbox.Timedout");
    assert_eq!(
        message,
        "RequestId: <id> Error: Task timed out after 1.00 seconds"
    );
    assert!(ends(before).await);
    assert_ne!(host.pid().await, before);
}

#[tokio::test]
async fn a_function_that_cannot_start_says_why() {
    for (init, kind, message) in [
        (
            "exit:4",
            "Runtime.ExitError",
            "RequestId: <id> Error: Runtime exited with error: exit status 4",
        ),
        (
            "exit:0",
            "Runtime.ExitError",
            "RequestId: <id> Error: Runtime exited without providing a reason",
        ),
        ("error", "Scripted.Init", "told to fail"),
    ] {
        let host = Host::with([with_variable("INIT", init)]).await;
        let error = host.error(json!({})).await;
        assert_eq!(error, (kind.to_owned(), message.to_owned()), "{init}");
    }
}

#[tokio::test]
async fn a_program_that_is_missing_is_an_invalid_entrypoint() {
    let mut missing = function();
    missing.program = "/nowhere/bootstrap".into();
    let host = Host::with([missing]).await;
    let (kind, message) = host.error(json!({})).await;
    assert_eq!(kind, "Runtime.InvalidEntrypoint");
    assert!(message.contains("/nowhere/bootstrap"), "{message}");
    let errors = host.functions.warm().await;
    let error = &errors[0];
    assert!(
        error.starts_with("f cannot start: Runtime.InvalidEntrypoint: "),
        "{error}"
    );
}

#[tokio::test]
async fn warming_starts_every_function_or_names_those_that_fail() {
    let mut broken = with_variable("INIT", "error");
    broken.name = "broken".to_owned();
    let host = Host::with([function(), broken]).await;
    assert_eq!(
        host.functions.warm().await,
        ["broken cannot start: Scripted.Init: told to fail"]
    );
    host.functions.apply(vec![function()]).await;
    assert!(host.functions.warm().await.is_empty());
}

#[tokio::test]
async fn a_start_that_hangs_is_ended_and_the_next_one_serves_those_who_wait() {
    let host = Host::with([]).await;
    let init = format!("hang-once:{}", host.path("hung").display());
    host.functions
        .apply(vec![with_variable("INIT", init)])
        .await;
    let invoked = host.invoke(json!({ "print": ["began"] })).await;
    assert_eq!(invoked.error, None, "{:?}", invoked.payload);
    host.functions.stop().await;
    let log = host.log();
    let (hung, began) = (
        log.find("Task timed out after 10.00 seconds"),
        log.find("began"),
    );
    assert!(hung.is_some() && hung < began, "{log}");
}

#[tokio::test]
async fn a_start_that_hangs_twice_fails_the_call_with_the_functions_own_timeout() {
    let mut hangs = with_variable("INIT", "hang");
    hangs.timeout_seconds = 1;
    let host = Host::with([hangs]).await;
    let error = host.error(json!({})).await;
    let message = "RequestId: <id> Error: Task timed out after 1.00 seconds";
    assert_eq!(error, ("Sandbox.Timedout".to_owned(), message.to_owned()));
}

#[tokio::test]
async fn a_function_that_cannot_start_is_not_started_for_each_invocation() {
    let host = Host::with([function()]).await;
    let healed = host.path("healed");
    let init = format!("exit-unless-file:{}", healed.display());
    host.functions
        .apply(vec![with_variable("INIT", init)])
        .await;
    for _ in 0..200 {
        assert_eq!(host.error(json!({})).await.0, "Runtime.ExitError");
    }
    host.functions.stop().await;
    let starts = host.log().matches("Error: Runtime exited").count();
    assert!((1..50).contains(&starts), "{starts} starts");
}

#[tokio::test]
async fn a_function_that_starts_again_after_failures_is_used() {
    let host = Host::with([]).await;
    let healed = host.path("healed");
    let init = format!("exit-unless-file:{}", healed.display());
    host.functions
        .apply(vec![with_variable("INIT", init)])
        .await;
    assert_eq!(host.error(json!({})).await.0, "Runtime.ExitError");
    fs::write(healed, "").unwrap();
    loop {
        // The pause after one failure is short.
        if host.invoke(json!({})).await.error.is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn invocations_that_wait_long_run_beside_each_other() {
    let host = Host::with([function()]).await;
    let gate = host.path("gate");
    let script = json!({ "waitForFile": gate, "describe": true });
    let invocations = join_all((0..6).map(|_| host.answer(script.clone())));
    let open = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        fs::write(&gate, "").unwrap();
    };
    let (answers, ()) = tokio::join!(invocations, open);
    let pids: HashSet<u64> = answers
        .iter()
        .map(|answer| answer["pid"].as_u64().unwrap())
        .collect();
    assert_eq!(pids.len(), 6);
}

#[tokio::test]
async fn a_reservation_that_is_used_up_throttles_at_once_and_is_free_again_with_the_answer() {
    let mut bounded = function();
    bounded.reserved_concurrency = Some(2);
    let host = Host::with([bounded]).await;
    let gate = host.path("gate");
    let script = json!({ "waitForFile": gate, "describe": true });
    let attempts = join_all((0..20).map(|_| host.try_invoke(script.clone())));
    let open = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        fs::write(&gate, "").unwrap();
    };
    let (attempts, ()) = tokio::join!(attempts, open);
    let (answered, refused): (Vec<_>, Vec<_>) = attempts.into_iter().partition(Result::is_ok);
    assert_eq!((answered.len(), refused.len()), (2, 18));
    for refusal in refused {
        assert!(
            matches!(refusal, Err(InvokeError::Throttled)),
            "{refusal:?}"
        );
    }
    // Whoever has an answer may ask again.
    for _ in 0..200 {
        let pair = join_all((0..2).map(|_| host.try_invoke(json!({ "answer": 1 })))).await;
        assert!(pair.iter().all(Result::is_ok), "{pair:?}");
    }
}

#[tokio::test]
async fn a_reservation_bounds_the_environments() {
    let mut bounded = function();
    bounded.reserved_concurrency = Some(2);
    let host = Host::with([bounded]).await;
    let mut pids = HashSet::new();
    for _ in 0..10 {
        let script = json!({ "sleepMs": 10, "describe": true });
        for answer in join_all((0..2).map(|_| host.answer(script.clone()))).await {
            pids.insert(answer["pid"].as_u64().unwrap());
        }
    }
    assert!(pids.len() <= 2, "{pids:?}");
}

#[tokio::test]
async fn a_full_queue_and_a_reservation_of_nothing_throttle() {
    let mut none = function();
    none.reserved_concurrency = Some(0);
    let host = Host::with([none]).await;
    assert!(matches!(
        host.try_invoke(json!({})).await,
        Err(InvokeError::Throttled)
    ));

    host.functions.apply(vec![function()]).await;
    let gate = host.path("gate");
    let script = json!({ "waitForFile": gate, "answer": 1 });
    let results = join_all((0..1_100).map(|at| {
        let (host, gate, script) = (&host, &gate, script.clone());
        async move {
            let result = host.try_invoke(script).await;
            if at == 1_099 {
                fs::write(gate, "").unwrap();
            }
            result
        }
    }))
    .await;
    let throttled = results
        .iter()
        .filter(|result| matches!(result, Err(InvokeError::Throttled)))
        .count();
    assert_eq!(throttled, 100);
    assert!(
        results
            .iter()
            .flatten()
            .all(|invoked| invoked.payload == "1")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_under_load_loses_no_invocation() {
    let host = Host::with([with_variable("KIND", "0")]).await;
    let load = join_all((0..8).map(async |_| {
        let mut kinds = HashSet::new();
        for _ in 0..250 {
            let answer = host.answer(json!({ "describe": true })).await;
            kinds.insert(answer["environment"]["KIND"].to_string());
        }
        kinds
    }));
    let swaps = async {
        for kind in 1..=5 {
            tokio::time::sleep(Duration::from_millis(40)).await;
            let kind = kind.to_string();
            host.functions
                .apply(vec![with_variable("KIND", kind)])
                .await;
        }
    };
    let (kinds, ()) = tokio::join!(load, swaps);
    assert_eq!(kinds.len(), 8);
    let last = host.answer(json!({ "describe": true })).await;
    assert_eq!(last["environment"]["KIND"], "5");
}

#[tokio::test]
async fn a_swap_lets_the_running_invocation_finish_and_serves_the_next_at_once() {
    let host = Host::with([with_variable("KIND", "old")]).await;
    let gate = host.path("gate");
    let script = json!({ "waitForFile": gate, "describe": true });
    let before = host.answer(script);
    let swap = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        host.functions
            .apply(vec![with_variable("KIND", "new")])
            .await;
        let after = host.answer(json!({ "describe": true })).await;
        fs::write(&gate, "").unwrap();
        after
    };
    let (before, after) = tokio::join!(before, swap);
    assert_eq!(before["environment"]["KIND"], "old");
    assert_eq!(after["environment"]["KIND"], "new");
    assert!(ends(before["pid"].as_u64().unwrap()).await);
}

#[tokio::test]
async fn a_function_that_did_not_change_keeps_its_environment() {
    let host = Host::with([function()]).await;
    let pid = host.pid().await;
    host.functions.apply(vec![function()]).await;
    assert_eq!(host.pid().await, pid);
    host.functions.apply(Vec::new()).await;
    assert!(ends(pid).await);
    assert!(matches!(
        host.try_invoke(json!({})).await,
        Err(InvokeError::NotFound(_))
    ));
}

#[tokio::test]
async fn the_tail_has_the_lines_of_its_invocation_only() {
    let host = Host::with([function()]).await;
    host.invoke(json!({ "print": ["before"] })).await;
    for round in 0..50 {
        let line = format!("line {round}");
        let payload = json!({ "print": [line], "warn": ["error"] }).to_string();
        let options = tailed();
        let invoked = host
            .functions
            .invoke("f", payload.into(), options)
            .await
            .unwrap();
        let tail = String::from_utf8(invoked.log_tail.unwrap().to_vec()).unwrap();
        let id = &invoked.request_id;
        let lines: Vec<&str> = tail.lines().collect();
        assert_eq!(lines[0], format!("START RequestId: {id} Version: $LATEST"));
        assert_eq!(lines[1..3], [line.as_str(), "error"]);
        assert_eq!(lines[3], format!("END RequestId: {id}"));
        assert!(lines[4].starts_with(&format!("REPORT RequestId: {id}\tDuration: ")));
        assert_eq!(lines.len(), 5);
    }
}

#[tokio::test]
async fn the_tail_is_the_last_4_kb() {
    let host = Host::with([function()]).await;
    let lines: Vec<String> = (0..2_000).map(|number| format!("{number:05}")).collect();
    let payload = json!({ "print": lines }).to_string();
    let options = tailed();
    let invoked = host
        .functions
        .invoke("f", payload.into(), options)
        .await
        .unwrap();
    let tail = String::from_utf8(invoked.log_tail.unwrap().to_vec()).unwrap();
    assert_eq!(tail.len(), 4_096);
    assert!(tail.contains("01999\nEND"));
}

#[tokio::test]
async fn the_log_has_each_line_with_its_time_and_request() {
    let host = Host::with([function()]).await;
    let mut followed = host.functions.logs();
    let first = host.invoke(json!({ "print": ["one", "", "two"] })).await;
    let second = host.invoke(json!({ "exit": 1, "print": ["three"] })).await;
    host.functions.stop().await;
    let log = host.log();
    let lines: Vec<(&str, &str)> = log
        .lines()
        .map(|line| {
            let mut words = line.splitn(4, ' ');
            assert!(words.next().unwrap().parse::<i64>().unwrap() > 1_700_000_000_000);
            let request = words.next().unwrap();
            assert!(words.next().unwrap().contains("/[$LATEST]"), "{line}");
            (request, words.next().unwrap())
        })
        .filter(|(_, text)| !text.starts_with("REPORT RequestId: "))
        .collect();
    let (first, second) = (first.request_id.as_str(), second.request_id.as_str());
    let started = |id: &str| format!("START RequestId: {id} Version: $LATEST");
    let ended = |id: &str| format!("END RequestId: {id}");
    let crash = format!("RequestId: {second} Error: Runtime exited with error: exit status 1");
    assert_eq!(
        lines,
        [
            (first, &*started(first)),
            (first, "one"),
            (first, ""),
            (first, "two"),
            (first, &ended(first)),
            (second, &started(second)),
            (second, "three"),
            (second, &crash),
            (second, &ended(second)),
        ]
    );
    let line = followed.recv().await.unwrap();
    assert_eq!((&*line.function, &*line.text), ("f", &*started(first)));
}

#[tokio::test]
async fn a_log_that_grew_large_is_turned_over() {
    let host = Host::with([function()]).await;
    let line = "x".repeat(100 * 1024);
    let script = json!({ "print": vec![line; 10], "answer": 1 });
    for _ in 0..24 {
        host.answer(script.clone()).await;
        // The buffer before the file is bounded too.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    host.functions.stop().await;
    let size = |name: &str| fs::metadata(host.path(name)).unwrap().len();
    let limit = 10 * 1024 * 1024;
    let (old, new) = (size("logs/f.log.1"), size("logs/f.log"));
    assert!((limit..limit + limit / 2).contains(&old), "{old}");
    assert!(new < limit, "{new}");
    assert_eq!(fs::read_dir(host.path("logs")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let host = Host::with([function()]).await;
    fs::remove_dir(host.path("logs")).unwrap();
    fs::write(host.path("logs"), "").unwrap();
    for _ in 0..3 {
        assert_eq!(
            host.answer(json!({ "print": ["lost"], "answer": 1 })).await,
            1
        );
    }
}

#[tokio::test]
async fn the_largest_payload_and_answer_pass_and_larger_answers_do_not() {
    const LARGEST: usize = 6_291_556;
    let host = Host::with([function()]).await;
    let payload = Value::String("x".repeat(6 * 1024 * 1024 - 2));
    let echoed = host.invoke(payload.clone()).await;
    assert_eq!(echoed.error, None);
    assert!(echoed.payload == payload.to_string());
    let largest = host.invoke(json!({ "answerBytes": LARGEST })).await;
    assert_eq!(largest.error, None);
    assert_eq!(largest.payload.len(), LARGEST);
    let pid = host.pid().await;
    let (kind, message) = host.error(json!({ "answerBytes": LARGEST + 1 })).await;
    assert_eq!(kind, "Function.ResponseSizeTooLarge");
    assert_eq!(
        message,
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    );
    assert_eq!(host.pid().await, pid);
}

#[tokio::test]
async fn an_invocation_goes_on_when_its_caller_has_gone() {
    let host = Host::with([]).await;
    let record = host.path("record");
    let mut single = with_variable("RECORD", record.to_str().unwrap());
    single.reserved_concurrency = Some(1);
    host.functions.apply(vec![single]).await;
    let gate = host.path("gate");
    {
        let invocation = host.try_invoke(json!({ "waitForFile": gate }));
        tokio::pin!(invocation);
        tokio::select! {
            _ = &mut invocation => panic!("it waits"),
            delivered = comes_true(move || record.exists()) => assert!(delivered),
        }
    }
    fs::write(gate, "").unwrap();
    // The reservation is free again when the first has come to its end.
    let next = loop {
        match host.try_invoke(json!({ "describe": true })).await {
            Err(InvokeError::Throttled) => tokio::time::sleep(Duration::from_millis(5)).await,
            next => break next.unwrap(),
        }
    };
    let next: Value = serde_json::from_slice(&next.payload).unwrap();
    assert_eq!(next["invocations"], 2);
}

#[tokio::test]
async fn stopping_waits_for_what_runs_and_ends_every_process() {
    let host = Host::with([function()]).await;
    let pid = host.pid().await;
    let running = host.invoke(json!({ "sleepMs": 300, "answer": 1 }));
    let stop = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        host.functions.stop().await;
    };
    let (running, ()) = tokio::join!(running, stop);
    assert_eq!(running.payload, "1");
    assert!(!is_running(pid));
    assert!(matches!(
        host.try_invoke(json!({})).await,
        Err(InvokeError::Stopping)
    ));
}

#[tokio::test]
async fn stopping_ends_what_does_not_end() {
    let host = Host::with([with_variable("INIT", "hang")]).await;
    let invocation = host.try_invoke(json!({}));
    let stop = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        host.functions.stop().await;
    };
    let (result, ()) = tokio::join!(invocation, stop);
    assert!(matches!(result, Err(InvokeError::Stopping)));
}

/// The address of the Runtime API of the function's only environment.
async fn runtime_api(host: &Host) -> String {
    let description = host.answer(json!({ "describe": true })).await;
    let address = description["environment"]["AWS_LAMBDA_RUNTIME_API"].as_str();
    address.unwrap().to_owned()
}

/// What this process, which is no function's, is answered there.
fn ask(address: &str, method: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\n{headers}Connection: close\r\n\
         Content-Length: 2\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_port_serves_its_own_process_and_no_other() {
    let host = Host::with([function()]).await;
    let pid = host.pid().await;
    let address = runtime_api(&host).await;
    let local = format!("Host: {address}\r\n");
    for (headers, reason) in [
        (local.as_str(), "Only the function's own process"),
        ("Host: evil.example\r\n", "The Host must be"),
        (
            &format!("{local}Origin: https://evil.example\r\n"),
            "other sites' web pages",
        ),
    ] {
        for (method, path) in [
            ("GET", "invocation/next"),
            ("POST", "invocation/1/response"),
            ("POST", "init/error"),
        ] {
            let answer = ask(&address, method, path, headers);
            assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
            assert!(answer.contains(reason), "{path}: {answer}");
        }
    }
    assert_eq!(host.pid().await, pid);
}

/// Somebody who asks for work and leaves, again and again.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_connection_costs_no_environment() {
    let host = Host::with([function()]).await;
    let pid = host.pid().await;
    let address = runtime_api(&host).await;
    for _ in 0..50 {
        let mut stream = TcpStream::connect(&address).unwrap();
        let request =
            format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        drop(stream);
        assert_eq!(host.answer(json!({ "n": 1 })).await, json!({ "n": 1 }));
    }
    assert!(is_running(pid));
    // More than one only where the machine was too slow for the first.
    let processes = host.functions.status()[0].processes;
    assert!(processes <= 8, "{processes}");
}

/// As a bootstrap does that is a script.
#[tokio::test]
async fn what_the_process_started_may_speak_for_it() {
    for start in ["", "setsid "] {
        let folder = tempfile::tempdir().unwrap();
        let bootstrap = folder.path().join("bootstrap");
        let handler = env!("CARGO_BIN_EXE_scripted-handler");
        fs::write(&bootstrap, format!("#!/bin/sh\n{start}{handler} & wait\n")).unwrap();
        fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).unwrap();
        let mut function = function();
        function.program = bootstrap;
        let host = Host::with([function]).await;
        assert_eq!(host.answer(json!({ "n": 1 })).await, json!({ "n": 1 }));
    }
}

#[tokio::test]
async fn an_environment_that_never_asks_for_work_again_is_replaced() {
    let mut function = function();
    function.reserved_concurrency = Some(1);
    function.timeout_seconds = 1;
    let host = Host::with([function]).await;
    host.invoke(json!({ "hangAfter": true })).await;
    let next = async {
        loop {
            if let Ok(invoked) = host.try_invoke(json!({ "n": 1 })).await {
                return invoked;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let invoked = tokio::time::timeout(Duration::from_secs(60), next).await;
    assert_eq!(invoked.unwrap().payload, Bytes::from(r#"{"n":1}"#));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_function_put_into_a_session_of_its_own_ends_with_it() {
    let host = Host::with([function()]).await;
    let file = host.path("detached");
    host.invoke(json!({ "detach": file })).await;
    assert!(
        comes_true({
            let file = file.clone();
            move || file.exists()
        })
        .await
    );
    let pid = fs::read_to_string(file).unwrap().trim().parse().unwrap();
    assert!(is_running(pid));
    host.functions.stop().await;
    assert!(ends(pid).await);
}
