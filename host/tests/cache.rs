//! The cache as a real server: a child that is kept running, and one that somebody else runs.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use host::cache::{Address, Cache, CacheError, Choice};
use host::offspring::Offspring;
use tempfile::TempDir;
use test_support::ClosedPort;
use test_support::valkey::{self, Found, Valkey};

fn offspring(folder: &TempDir) -> Offspring {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_offspring-parent"));
    Offspring::new(program, &["watch"], folder.path()).unwrap()
}

fn server() -> Choice {
    Choice::Program(valkey::executable())
}

async fn start(choice: Choice, folder: &TempDir, port: Option<u16>) -> Result<Cache, CacheError> {
    Cache::start(choice, folder.path().join("cache"), port, offspring(folder)).await
}

/// A program for tests, from its text.
fn script(folder: &TempDir, text: &str) -> Choice {
    let path = folder.path().join("valkey-server");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
    Choice::Program(path)
}

/// Whether the port is free to be taken.
fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[tokio::test]
async fn a_child_keeps_a_marker_and_is_gone_when_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let cache = start(server(), &folder, None).await.unwrap();
    assert_eq!(cache.marker("mark").await.unwrap(), None);
    cache.set_marker("mark", "läuft").await.unwrap();
    assert_eq!(
        cache.marker("mark").await.unwrap().as_deref(),
        Some("läuft")
    );

    cache.stop().await;
    assert!(is_free(cache.address().port));
    let error = cache.marker("mark").await.unwrap_err();
    assert!(matches!(error, CacheError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_child_that_dies_comes_back_empty_at_its_port() {
    let folder = tempfile::tempdir().unwrap();
    let cache = start(server(), &folder, None).await.unwrap();
    cache.set_marker("mark", "1").await.unwrap();
    let mut restarted = cache.restarted();
    for times in 1..=2 {
        Found::at(cache.address().port).kill();
        restarted.changed().await.unwrap();
        assert_eq!(*restarted.borrow_and_update(), times);
        assert_eq!(cache.marker("mark").await.unwrap(), None);
        cache.set_marker("mark", "1").await.unwrap();
    }
    cache.stop().await;
}

#[tokio::test]
async fn the_port_of_before_is_taken_again_where_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(server(), &folder, None).await.unwrap();
    first.stop().await;
    let port = first.address().port;
    let second = start(server(), &folder, Some(port)).await.unwrap();
    assert_eq!(second.address(), first.address());
    second.stop().await;
}

#[tokio::test]
async fn another_server_at_the_preferred_port_is_not_taken_for_the_child() {
    let other = Valkey::start();
    let folder = tempfile::tempdir().unwrap();
    let cache = start(server(), &folder, Some(other.port())).await.unwrap();
    assert_ne!(cache.address().port, other.port());
    cache.set_marker("mark", "1").await.unwrap();
    assert_eq!(other.run::<i64>(&["EXISTS", "mark"]), 0);
    cache.stop().await;
}

#[tokio::test]
async fn a_program_that_does_not_start_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let broken = script(&folder, "echo 'out of cheese' >&2; exit 1");
    let error = start(broken, &folder, None).await.unwrap_err().to_string();
    assert!(error.ends_with("does not start: out of cheese"), "{error}");

    let missing = Choice::Program(folder.path().join("missing"));
    let error = start(missing, &folder, None).await.unwrap_err().to_string();
    assert!(error.contains("No such file or directory"), "{error}");
}

#[tokio::test]
async fn a_server_that_runs_already_is_used_and_left_running() {
    let other = Valkey::start();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("redis://localhost:{}", other.port());
    let cache = start(Choice::Url(url), &folder, None).await.unwrap();
    cache.set_marker("mark", "1").await.unwrap();
    cache.stop().await;
    assert_eq!(other.run::<String>(&["GET", "mark"]), "1");
}

#[tokio::test]
async fn an_address_where_nothing_answers_is_named() {
    let closed = ClosedPort::take();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("redis://127.0.0.1:{}", closed.number());
    let error = start(Choice::Url(url), &folder, None).await.unwrap_err();
    let CacheError::Unreachable { address, .. } = error else {
        panic!("{error}");
    };
    let port = closed.number();
    let host = "127.0.0.1".to_owned();
    assert_eq!(address, Address { host, port });
}

#[tokio::test]
async fn a_server_that_wants_a_password_says_so() {
    let other = Valkey::start();
    other.run::<()>(&["CONFIG", "SET", "requirepass", "secret"]);
    let folder = tempfile::tempdir().unwrap();
    let error = start(Choice::Url(other.url()), &folder, None).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("NOAUTH"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_too_old_is_recognised_by_its_version() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 256];
        let _ = stream.read(&mut request).await.unwrap();
        let info = "redis_version:6.2.14\r\n";
        let answer = format!("${}\r\n{info}\r\n", info.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let error = start(Choice::Url(url), &folder, None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the cache is Redis 6.2.14, and Redis 7 or any Valkey is needed"
    );
}
