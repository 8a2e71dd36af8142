//! What a function logs.

use super::*;

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
