//! Functions that start, or cannot.

use super::*;

#[tokio::test]
async fn why_a_function_cannot_start_is_known_until_it_does() {
    let mut missing = function();
    missing.program = "/nowhere/bootstrap".into();
    let host = Host::with([missing]).await;
    let (kind, message) = host.error(json!({})).await;
    assert_eq!(kind, "Runtime.InvalidEntrypoint");
    assert!(message.contains("/nowhere/bootstrap"), "{message}");
    let status = host.functions.status().remove(0);
    let why = status.cannot_start.unwrap();
    assert!(why.starts_with("Runtime.InvalidEntrypoint: "), "{why}");
    assert_eq!((status.counted.invocations, status.counted.crashes), (1, 1));
    host.functions.apply(vec![function()]).await;
    host.answer(json!({ "answer": 1 })).await;
    assert_eq!(host.functions.status().remove(0).cannot_start, None);
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
        ("error", "Scripted.Init", "asked to fail"),
    ] {
        let host = Host::with([with_variable("INIT", init)]).await;
        let error = host.error(json!({})).await;
        assert_eq!(error, (kind.to_owned(), message.to_owned()), "{init}");
    }
}

#[tokio::test]
async fn warming_starts_every_function_or_names_those_that_fail() {
    let mut broken = with_variable("INIT", "error");
    broken.name = "broken".to_owned();
    let host = Host::with([function(), broken]).await;
    assert_eq!(
        host.functions.warm().await,
        ["broken cannot start: Scripted.Init: asked to fail"]
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
    assert!(!invoked.failed, "{:?}", invoked.payload);
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
async fn a_function_that_cannot_start_is_tried_again_now_and_then_and_used_once_it_starts() {
    let host = Host::with([]).await;
    let healed = host.path("healed");
    let init = format!("exit-unless-file:{}", healed.display());
    host.functions
        .apply(vec![with_variable("INIT", init)])
        .await;
    for _ in 0..200 {
        assert_eq!(host.error(json!({})).await.0, "Runtime.ExitError");
    }
    fs::write(healed, "").unwrap();
    while host.invoke(json!({})).await.failed {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    host.functions.stop().await;
    let starts = host.log().matches("Error: Runtime exited").count();
    assert!((1..50).contains(&starts), "{starts} starts");
}
