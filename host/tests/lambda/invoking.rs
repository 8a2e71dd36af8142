//! Invocations and what comes of them.

use super::*;

#[tokio::test]
async fn an_invocation_is_answered_with_what_the_function_says() {
    let host = Host::with([function()]).await;
    let invoked = host.invoke(json!({ "hello": "world" })).await;
    assert_eq!(invoked.payload, Bytes::from(r#"{"hello":"world"}"#));
    assert!(!invoked.failed);
    assert_eq!(invoked.log_tail, None);
    assert_eq!(invoked.request_id.len(), 36);
    // The environment is used again.
    let second = host.answer(json!({ "describe": true })).await;
    assert_eq!(second["invocations"], 2);
}

#[tokio::test]
async fn the_environment_variables_are_lambdas_and_the_functions_and_no_others() {
    let host = Host::with([with_variable("WRITE_MODEL_TABLE", "orders")]).await;
    let description = host.answer(json!({ "describe": true })).await;
    let folder = Path::new(env!("CARGO_BIN_EXE_scripted-handler"))
        .parent()
        .unwrap();
    assert_eq!(description["directory"], folder.to_str().unwrap());
    let variables = description["environment"].as_object().unwrap();
    for (name, value) in [
        ("AWS_ENDPOINT_URL", &*host.endpoint()),
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
        ("WRITE_MODEL_TABLE", "orders"),
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
    assert!(invoked.failed);
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
async fn a_functions_invocations_are_counted_by_their_outcome() {
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
async fn a_process_that_dies_while_it_is_idle_is_replaced() {
    let host = Host::with([function()]).await;
    let first = host.pid().await;
    let pid = Pid::from_raw(i32::try_from(first).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    assert!(ends(first).await);
    assert_ne!(host.pid().await, first);
}

#[tokio::test]
async fn a_process_that_ends_after_its_answer_does_no_harm() {
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
async fn the_largest_payload_and_answer_pass_and_larger_answers_do_not() {
    const LARGEST: usize = 6_291_556;
    let host = Host::with([function()]).await;
    let payload = Value::String("x".repeat(6 * 1024 * 1024 - 2));
    let echoed = host.invoke(payload.clone()).await;
    assert!(!echoed.failed);
    assert!(echoed.payload == payload.to_string());
    let largest = host.invoke(json!({ "answerBytes": LARGEST })).await;
    assert!(!largest.failed);
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
