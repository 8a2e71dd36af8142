//! `scripts/emulator`, which people try the tool on.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use insta::assert_snapshot;
use rexpect::process::Signal;
use test_support::process::Process;

use crate::support::{Sandbox, repository};

const TERMINATE: i32 = Signal::SIGTERM as i32;

#[test]
fn it_says_what_to_type_serves_it_and_leaves_nothing_when_it_is_stopped() {
    let mut sandbox = Sandbox::new();
    let temporary = sandbox.path().join("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = Command::new(repository().join("scripts/emulator"));
    command
        .current_dir(sandbox.home())
        .env("TMPDIR", &temporary);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut emulator = Process::spawn(&mut command);

    let mut said = String::new();
    let mut output = BufReader::new(emulator.child().stdout.take().unwrap());
    while !said.contains("Ctrl-C") {
        assert!(
            output.read_line(&mut said).unwrap() > 0,
            "ended after {said:?}"
        );
    }
    assert_snapshot!(sandbox.filters.apply(&said), @r"
    export AWS_ENDPOINT_URL=http://[ADDRESS]
    export AWS_ACCESS_KEY_ID=test
    export AWS_SECRET_ACCESS_KEY=test
    export AWS_REGION=us-east-1

    # Paste these lines into another terminal; then, in the project's folder:
    #   cqrs deploy --parameter CacheAccess=open
    # Ctrl-C here ends the emulator, with everything in it.
    ");

    for line in said.lines() {
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|l| l.split_once('=')) {
            sandbox.set(name, value);
        }
    }
    let outcome = sandbox.cqrs(["outputs"]).outcome();
    assert_eq!(outcome.code, 3, "{outcome}");

    emulator.signal(TERMINATE);
    let ended = emulator.ended(Duration::from_secs(60)).unwrap();
    assert_eq!(ended.code(), Some(128 + TERMINATE));
    let address = said.lines().next().unwrap().rsplit('/').next().unwrap();
    TcpStream::connect(address).expect_err("the emulator still listens");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}
