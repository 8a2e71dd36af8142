//! The processes of a function, and what others may ask of them.

use test_support::http;

use super::*;

/// The address of the Runtime API of the function's only environment.
async fn runtime_api(host: &Host) -> String {
    let description = host.answer(json!({ "describe": true })).await;
    let address = description["environment"]["AWS_LAMBDA_RUNTIME_API"].as_str();
    address.unwrap().to_owned()
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
            // This process is no function's.
            let line = format!("{method} /2018-06-01/runtime/{path}");
            let answer = http::ask(&address, &line, headers, "{}");
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
