//! The stack's process in trouble: a deployment that fails half-way, and a process that is stopped.

use std::fs::{self, File};

use serde_json::Value;
use test_support::tree;
use test_support::valkey::Valkey;

use crate::support::{LocalStage, Stage};

fn create(stage: &LocalStage) -> String {
    let create = stage.cqrs(["order", "create", "--client", "42", "--product", "abc"]);
    create.arg("--wait").succeeds().trim().to_owned()
}

/// A deployment that would change the mapping, and the cache where one is named.
fn changed(stage: &LocalStage, cache: Option<&Valkey>) -> crate::support::Run {
    let deploy = stage.deploy().args(["--parameter", "BatchSize=7"]);
    match cache {
        Some(cache) => deploy.args(["--cache-url", &cache.url()]),
        None => deploy,
    }
}

/// The servers of caches that the stack's process has.
fn caches(stage: &LocalStage) -> usize {
    let pid = stage.host("cqrs")["pid"].as_u64().unwrap();
    let children = tree::below(u32::try_from(pid).unwrap());
    let servers = ["valkey", "redis", "meebis"];
    let is_server = |name: &str| servers.iter().any(|server| name.starts_with(server));
    children.iter().filter(|c| is_server(&c.name)).count()
}

#[test]
fn after_a_deployment_that_failed_half_way_the_stack_serves_as_it_was() {
    let stage = LocalStage::deployed();
    let placed = create(&stage);
    let process = stage.host("cqrs");
    // As with a full disk: what the next process starts with cannot be written.
    let in_the_way = stage.state("cqrs").join("deployment.new");
    fs::create_dir(&in_the_way).unwrap();
    let failed = changed(&stage, None).outcome();
    assert_eq!(failed.code, 1, "{failed}");

    let status: Value = stage.cqrs(["status"]).json();
    assert_eq!(status["health"], "ok", "{status}");
    assert_eq!(stage.host("cqrs"), process);
    stage.cqrs(["order", "get", &placed]).succeeds();
    create(&stage);
    assert_eq!(caches(&stage), 1);

    fs::remove_dir(&in_the_way).unwrap();
    let deployed: Value = changed(&stage, None).json();
    assert_eq!(deployed["status"], "updated");
    assert_eq!(stage.host("cqrs"), process);
    assert_eq!(caches(&stage), 1);
    create(&stage);
}

#[test]
fn after_a_change_of_the_cache_that_failed_the_old_one_is_looked_after() {
    let other = Valkey::start();
    let stage = LocalStage::deployed();
    let placed = create(&stage);
    // It is then not known whose read model a cache holds.
    let identity = stage.state("cqrs").join("identity");
    let text = fs::read(&identity).unwrap();
    fs::remove_file(&identity).unwrap();
    fs::create_dir(&identity).unwrap();
    let failed = changed(&stage, Some(&other)).outcome();
    assert_eq!(failed.code, 1, "{failed}");

    stage.cqrs(["order", "get", &placed]).succeeds();
    create(&stage);
    assert_eq!(caches(&stage), 1);

    fs::remove_dir(&identity).unwrap();
    fs::write(&identity, text).unwrap();
    changed(&stage, Some(&other)).succeeds();
    stage.cqrs(["order", "get", &placed]).succeeds();
    assert_eq!(caches(&stage), 0);
}

#[test]
fn after_a_first_deployment_that_failed_nothing_runs() {
    let stage = LocalStage::empty();
    fs::create_dir_all(stage.state("cqrs").join("deployment.new")).unwrap();
    let failed = stage.deploy().outcome();
    assert_eq!(failed.code, 1, "{failed}");
    let lock = File::open(stage.state("cqrs").join("lock")).unwrap();
    lock.try_lock().unwrap();
    assert_eq!(stage.cqrs(["status"]).outcome().code, 3);
}

#[test]
fn a_process_that_is_stopped_is_named_by_every_command_that_asks_it() {
    let stage = LocalStage::deployed();
    let process = stage.host("cqrs")["pid"].to_string();
    stage.pause();
    let commands: [&[&str]; 9] = [
        &["status"],
        &["outputs"],
        &["logs"],
        &["logs", "--follow"],
        &["order", "list"],
        &["order", "create", "--client", "42", "--product", "abc"],
        &["failures", "list"],
        &["verify"],
        &["bench", "--orders", "1"],
    ];
    let mut running: Vec<_> = commands
        .map(|arguments| (arguments.join(" "), stage.cqrs(arguments).start()))
        .into();
    running.push(("deploy".to_owned(), changed(&stage, None).start()));
    let outcomes: Vec<_> = running
        .into_iter()
        .map(|(command, running)| (command, running.outcome()))
        .collect();
    stage.resume();
    for (command, outcome) in outcomes {
        assert_eq!(outcome.code, 1, "{command}: {outcome}");
        let said = format!("error: the stack's process {process} says nothing, for 10 s now");
        assert!(outcome.stderr.contains(&said), "{command}: {outcome}");
        let hint = format!("`kill -CONT {process}` lets it go on; `cqrs local stop` ends it");
        assert!(outcome.stderr.contains(&hint), "{command}: {outcome}");
    }
    create(&stage);
}

#[test]
fn a_stack_that_does_not_run_is_counted_and_stays_so_when_it_is_not_destroyed() {
    let stage = LocalStage::deployed();
    create(&stage);
    stage.cqrs(["local", "stop"]).succeeds();
    let mut terminal = stage.cqrs(["destroy"]).on_terminal();
    terminal.until("for good, 1 order.");
    terminal.until("to delete it:");
    terminal.line("no");
    let (code, rest) = terminal.end();
    assert_eq!(code, 1, "{rest}");
    let lock = File::open(stage.state("cqrs").join("lock")).unwrap();
    lock.try_lock().unwrap();
}

#[test]
fn the_region_is_the_one_that_the_stack_was_made_with() {
    let stage = LocalStage::deployed();
    let region = |command: &str| {
        let elsewhere = ["--region", "eu-central-1"];
        let shown: Value = stage.cqrs([command]).args(elsewhere).json();
        shown["region"].clone()
    };
    assert_eq!(region("status"), "us-east-1");
    stage.cqrs(["local", "stop"]).succeeds();
    assert_eq!(region("status"), "us-east-1");
    let bench = ["bench", "--orders", "1", "--region", "eu-central-1"];
    let measured: Value = stage.cqrs(bench).json();
    assert_eq!(measured["region"], "us-east-1", "{measured}");
}
