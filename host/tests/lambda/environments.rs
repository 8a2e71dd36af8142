//! How many processes a function has, and how they end.

use super::*;

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
async fn a_full_queue_throttles() {
    let host = Host::with([function()]).await;
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
