//! Ctrl-C and the other signals that ask a program to end: wherever the command is, at once when it is
//! said twice, and with everything brought to its end that must be.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;
use test_support::eventually;

use crate::bulk::{create_from, csv};
use crate::bulk_faults::Publisher;
use crate::support::{LocalStage, Reply, Running, Sandbox, Stage, handlers};

/// For what must come about soon; reached only when it does not.
const PATIENCE: Duration = Duration::from_secs(30);

/// The files of rows that failed, whole and cut off.
fn failed_files(sandbox: &Sandbox) -> Vec<String> {
    let files = fs::read_dir(sandbox.project()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".failed.")).collect()
}

/// Waits until the process listens to signals.
fn listens(running: &Running) {
    let status = format!("/proc/{}/status", running.pid());
    let caught = eventually(PATIENCE, || {
        let status = fs::read_to_string(&status).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
        let both = 1 << (2 - 1) | 1 << (15 - 1);
        mask & both == both
    });
    assert!(caught, "it does not listen to SIGINT and SIGTERM");
}

#[test]
fn ctrl_c_after_the_guide_ends_a_command_that_waits_for_aws() {
    // Connections wait here for ever.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let sandbox = Sandbox::against(&format!("http://{}", silent.local_addr().unwrap()));
    let mut terminal = sandbox
        .cqrs(["deploy", "--guided", "--prebuilt"])
        .arg(handlers())
        .on_terminal();
    for question in ["Stack [cqrs]:", "Region [eu-west-1]:"] {
        terminal.until(question);
        terminal.line("");
    }
    terminal.until("Guard it for production? [y/N]");
    terminal.line("n");
    for _ in 0..5 {
        terminal.until("Change any of these? [y/N]");
        terminal.line("n");
    }
    terminal.until("Wrote cqrs.toml");
    // It is asked who is asking.
    silent.accept().unwrap();
    terminal.control('c');
    let (code, rest) = terminal.end();
    assert_eq!(code, 130, "{rest}");
    assert!(rest.contains("error: interrupted"), "{rest}");
}

#[test]
fn a_second_signal_ends_a_process_whose_only_thread_is_blocked() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // As much as the pipe takes, so that the command waits for a reader.
    writer.write_all(&[b'x'; 1 << 16]).unwrap();
    let mut running = Sandbox::new().cqrs(["reference"]).start_to(writer);
    listens(&running);
    running.signal("-INT").signal("-TERM");
    let outcome = running.outcome();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (130, ""));
    drop(reader);
}

#[test]
fn a_signal_that_asks_to_end_leaves_a_bulk_run_with_its_summary_and_its_failed_rows_whole() {
    for signal in ["-TERM", "-HUP", "-INT"] {
        let (publisher, reached, go_on) = held_with_a_failed_row();
        let sandbox = publisher.sandbox();
        sandbox.write("orders.csv", &csv(50));
        let create = create_from(&sandbox, "orders.csv").arg("--concurrency=1");
        let mut running = create.start();
        reached.recv().unwrap();
        running.signal(signal).until("Stopping after");
        go_on.send(()).unwrap();
        let stopped = running.outcome();
        assert_eq!(stopped.code, 130, "{signal}: {stopped}");
        let summary = "9 orders created, 1 failed, 40 left";
        assert!(stopped.stdout.contains(summary), "{signal}: {stopped}");
        assert_eq!(failed_files(&sandbox), ["orders.failed.csv"], "{signal}");
        let failed = fs::read_to_string(sandbox.project().join("orders.failed.csv")).unwrap();
        assert_eq!(failed.lines().count(), 2, "{failed}");
        assert!(failed.ends_with('\n'), "{failed}");
    }
}

#[test]
fn a_killed_bulk_run_leaves_nothing_and_the_next_one_names_its_failed_rows() {
    let (publisher, reached, go_on) = held_with_a_failed_row();
    let sandbox = publisher.sandbox();
    sandbox.write("orders.csv", &csv(12));
    let create = || create_from(&sandbox, "orders.csv").arg("--concurrency=1");
    let mut running = create().start();
    reached.recv().unwrap();
    running.signal("-KILL");
    assert_eq!(running.outcome().code, -1);
    let mut left = fs::read_dir(sandbox.project()).unwrap().flatten();
    let is_rows = |name: &str| name != "orders.csv" && name != "template.yaml";
    let found = left.find(|entry| is_rows(entry.file_name().to_str().unwrap()));
    assert!(found.is_none(), "{found:?}");
    drop(go_on);
    let again = create().outcome();
    assert_eq!(again.code, 1, "{again}");
    assert_eq!(failed_files(&sandbox), ["orders.failed.csv"]);
}

/// A publisher that refuses the fourth row, and keeps the tenth waiting until the test lets it go on.
fn held_with_a_failed_row() -> (Publisher, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (reached, at) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let publisher = Publisher::new(move |asked| match asked {
        "p3" => Some(Reply::function(
            json!({"errorType": "IdempotencyConflict", "errorMessage": "no"}),
        )),
        "p9" => {
            // Nobody listens, and nobody says so, in a run that is not held.
            let _ = reached.send(());
            let _ = wait.recv();
            None
        }
        _ => None,
    });
    (publisher, at, go_on)
}

#[test]
fn a_stack_in_the_foreground_ends_in_order_with_sigterm() {
    let stage = LocalStage::deployed();
    stage.cqrs(["local", "stop"]).succeeds();
    let mut running = stage.cqrs(["local", "run"]).start();
    running.until("Ctrl-C stops it").signal("-TERM");
    let outcome = running.outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(outcome.stderr.contains("its data is kept"), "{outcome}");
}
