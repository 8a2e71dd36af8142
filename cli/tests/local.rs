//! The stack's process on this machine: how it is found, started, stopped and replaced, and what is
//! said where it cannot be.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;
use rustix::fs::Mode;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::umask;
use serde_json::Value;
use test_support::valkey::Valkey;
use test_support::{free_port, tree};

use crate::support::{LocalStage, Sandbox, Stage, handlers, read_model};

const CREATE: [&str; 6] = ["order", "create", "--client", "42", "--product", "abc"];

/// A sandbox on this machine, where nothing of the tool's runs.
fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("CQRS_LOCAL", "1");
    sandbox
}

fn port(stage: &LocalStage) -> u64 {
    stage.host("cqrs")["port"].as_u64().unwrap()
}

#[test]
fn a_stack_that_was_stopped_starts_again_by_itself_at_its_port_with_its_orders() {
    let stage = LocalStage::deployed();
    let before = port(&stage);
    let id = stage.cqrs(CREATE).succeeds();
    assert_snapshot!(stage.cqrs(["local", "stop"]).outcome(), @"
    exit code 0
    --- stderr
    Stopping…
    ✓ Stack cqrs has stopped; its data is kept
    ");
    assert!(!stage.state("cqrs").join("host.json").exists());
    assert_snapshot!(stage.cqrs(["local", "stop"]).outcome(), @"
    exit code 0
    --- stderr
    Stack cqrs does not run
    ");

    let got: Value = stage.cqrs(["order", "get", id.trim(), "--wait"]).json();
    assert_eq!(got["orderId"], id.trim());
    assert_eq!(port(&stage), before);
}

#[test]
fn a_process_that_was_killed_is_replaced_and_what_it_left_is_not_believed() {
    let stage = LocalStage::deployed();
    let id = stage.cqrs(CREATE).succeeds();
    let pid = stage.host("cqrs")["pid"].to_string();
    let killed = Command::new("kill").args(["-9", &pid]).status();
    assert!(killed.unwrap().success());
    let lock = File::open(stage.state("cqrs").join("lock")).unwrap();
    lock.lock_shared().unwrap();
    lock.unlock().unwrap();
    assert!(stage.state("cqrs").join("host.json").exists());

    let got: Value = stage.cqrs(["order", "get", id.trim(), "--wait"]).json();
    assert_eq!(got["orderId"], id.trim());
    assert_ne!(stage.host("cqrs")["pid"].to_string(), pid);
}

#[test]
fn two_deployments_at_once_are_one_after_the_other() {
    let stage = LocalStage::empty();
    let with = |parameter| stage.deploy().args(["--parameter", parameter]).start();
    let both = [with("FunctionMemory=256"), with("LogLevel=DEBUG")];
    for running in both {
        let outcome = running.outcome();
        assert_eq!(outcome.code, 0, "{outcome}");
    }
    // Neither has undone what the other did.
    let both = [
        "--parameter",
        "FunctionMemory=256",
        "--parameter",
        "LogLevel=DEBUG",
    ];
    let unchanged: Value = stage.deploy().args(both).json();
    assert_eq!(unchanged["status"], "unchanged", "{unchanged}");
}

#[test]
fn commands_that_find_the_stack_stopped_start_it_once() {
    let stage = LocalStage::deployed();
    stage.cqrs(["local", "stop"]).succeeds();
    let running: Vec<_> = (0..4).map(|_| stage.cqrs(CREATE).start()).collect();
    for create in running {
        let outcome = create.outcome();
        assert_eq!(outcome.code, 0, "{outcome}");
    }
    let log = std::fs::read_to_string(stage.state("cqrs").join("host.log")).unwrap();
    assert_eq!(log.matches("serves on port").count(), 2, "{log}");
}

#[test]
fn a_port_that_is_asked_for_is_taken_or_the_deployment_fails() {
    let stage = LocalStage::deployed();
    let wanted = free_port();
    let deploy = stage.deploy().args(["--port", &wanted.to_string()]);
    deploy.succeeds();
    assert_eq!(port(&stage), u64::from(wanted));

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().port().to_string();
    let deploy = stage.deploy().args(["--port", &taken]);
    let outcome = deploy.outcome().filter(&taken, "[PORT]");
    assert_snapshot!(outcome, @"
    exit code 2
    --- stderr
    Stack cqrs on this machine
    Stopping the stack to start it anew…
    Starting the stack…
    error: port [PORT] cannot be taken
      caused by: Address already in use (os error 98)
    hint: give another with `--port N`, or none to take a free one
    ");
    // It is where it was.
    stage.cqrs(CREATE).succeeds();
    assert_eq!(port(&stage), u64::from(wanted));
}

#[test]
fn a_port_that_was_taken_meanwhile_is_given_up_with_a_word() {
    let stage = LocalStage::deployed();
    let before = u16::try_from(port(&stage)).unwrap();
    stage.cqrs(["local", "stop"]).succeeds();
    let _other = TcpListener::bind(("127.0.0.1", before)).unwrap();
    let outcome = stage.cqrs(CREATE).outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    let said = format!("The stack is at port {} now, not at {before}", port(&stage));
    assert!(outcome.stderr.contains(&said), "{outcome}");
}

#[test]
fn a_cache_that_runs_already_is_used_and_then_no_more() {
    let valkey = Valkey::start();
    let stage = LocalStage::empty();
    let deploy = stage.deploy().args(["--cache-url", &valkey.url()]);
    let deployed: Value = deploy.json();
    assert_eq!(deployed["cache"], valkey.url().as_str());
    let id = stage.cqrs(CREATE).arg("--wait").succeeds();
    let key = read_model::key(id.trim());
    assert_eq!(valkey.run::<i64>(&["EXISTS", &key]), 1);

    // The read model moves with the stack.
    let deployed: Value = stage.deploy().json();
    assert_eq!(deployed["status"], "updated", "{deployed}");
    let got: Value = stage.cqrs(["order", "get", id.trim()]).json();
    assert_eq!(got["orderId"], id.trim());
}

#[test]
fn without_a_cache_program_the_ways_out_are_named_and_nothing_is_left_behind() {
    let sandbox = sandbox();
    let deploy = sandbox.cqrs(["deploy"]).env("PATH", sandbox.path());
    assert_snapshot!(deploy.outcome(), @"
    exit code 2
    --- stderr
    Stack cqrs on this machine
    error: there is no Valkey and no Redis from version 7 on this machine
    hint: install `valkey` or `redis`; or name a server that runs with `--cache-url redis://HOST:PORT`; or add `--yes` to let this tool install meebis 0.15.0, a small one, for itself
    ");
    assert!(!sandbox.project().join(".cqrs").exists());
    // A demo needs no agreement where nobody can be asked; here there is no Cargo either.
    let demo = sandbox.cqrs(["demo"]).env("PATH", sandbox.path()).outcome();
    assert_eq!(demo.code, 1, "{demo}");
    assert!(demo.stderr.contains("Installing meebis"), "{demo}");
    assert!(demo.stderr.contains("Cargo does not start"), "{demo}");
}

#[test]
fn a_redis_that_is_too_old_is_passed_over() {
    let sandbox = sandbox();
    let old = sandbox.path().join("redis-server");
    std::fs::write(
        &old,
        "#!/bin/sh\necho 'Redis server v=6.0.16 sha=00000000:0'\n",
    )
    .unwrap();
    std::fs::set_permissions(&old, PermissionsExt::from_mode(0o700)).unwrap();
    let deploy = sandbox.cqrs(["deploy", "--prebuilt"]).arg(handlers());
    let outcome = deploy.env("PATH", sandbox.path()).outcome();
    let said = "there is no Valkey and no Redis from version 7";
    assert!(
        outcome.code != 0 && outcome.stderr.contains(said),
        "{outcome}"
    );
}

#[test]
fn without_a_project_there_is_nothing_to_run() {
    let sandbox = sandbox();
    for command in [
        &CREATE[..],
        &["deploy"],
        &["destroy", "--yes"],
        &["local", "stop"],
    ] {
        let outcome = sandbox.cqrs(command).current_dir(sandbox.home()).outcome();
        let said = "there is no template.yaml here or in a folder above";
        assert!(
            outcome.code == 2 && outcome.stderr.contains(said),
            "{outcome}"
        );
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let stage = LocalStage::empty();
    // Also root cannot make a folder in a file.
    stage.write(".cqrs", "");
    let outcome = stage.deploy().outcome();
    assert_snapshot!(outcome, @"
    exit code 1
    --- stderr
    error: `[SANDBOX]/project/.cqrs/local/cqrs/deployment.json` cannot be used
      caused by: Not a directory (os error 20)
    hint: a local stack keeps its data in the project's folder `.cqrs`, or without a project in `$XDG_DATA_HOME/cqrs`: let it be written there
    ");
    std::fs::remove_file(stage.project().join(".cqrs")).unwrap();
}

#[test]
fn options_for_aws_and_options_for_this_machine_do_not_mix() {
    let mut sandbox = Sandbox::new();
    let local = sandbox.cqrs(["deploy", "--local", "--express", "--tag", "a=b"]);
    assert_snapshot!(local.outcome(), @"
    exit code 2
    --- stderr
    error: `--tag`, `--express` are for AWS and cannot be used with `--local`
    ");
    assert_snapshot!(sandbox.cqrs(["deploy", "--port", "4000"]).outcome(), @"
    exit code 2
    --- stderr
    error: `--port` is for a stack on this machine
    hint: add `--local`, or leave it out
    ");
    let both = sandbox.cqrs(["outputs", "--local", "--profile", "dev"]);
    assert_snapshot!(both.outcome(), @"
    exit code 2
    --- stderr
    error: `--profile` is for AWS and cannot be used with `--local`

    Usage: cqrs [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    // From the environment it is no contradiction.
    sandbox.set("CQRS_PROFILE", "dev");
    assert_snapshot!(sandbox.cqrs(["outputs", "--local"]).outcome(), @"
    exit code 3
    --- stderr
    error: there is no stack `cqrs` on this machine
    hint: `cqrs deploy --local` creates it; or check `--stack`
    ");
}

#[test]
fn a_plan_changes_nothing() {
    let stage = LocalStage::deployed();
    assert_snapshot!(stage.plan().succeeds(), @"Nothing would change");
    let changed = stage.plan().args(["--parameter", "BatchSize=7"]);
    assert_snapshot!(changed.succeeds(), @"
              Resource  Type                             Changed properties
    ~ change  Changes   AWS::Lambda::EventSourceMapping

    0 to add, 1 to change, 0 to replace, 0 to remove
    ");
    let unchanged: Value = stage.deploy().json();
    assert_eq!(unchanged["status"], "unchanged");
}

#[test]
fn awss_own_tools_are_pointed_at_the_stack() {
    let stage = LocalStage::deployed();
    stage.cqrs(["local", "stop"]).succeeds();
    let script = stage.cqrs(["local", "env"]).succeeds();
    let endpoint = format!("export AWS_ENDPOINT_URL={}\n", stage.endpoint());
    assert!(script.contains(&endpoint), "{script}");
    let read = format!("{script}\necho $AWS_ACCESS_KEY_ID $AWS_REGION ${{AWS_PROFILE-none}}");
    let shell = Command::new("sh")
        .args(["-c", &read])
        .env("AWS_PROFILE", "prod")
        .output()
        .unwrap();
    let said = String::from_utf8(shell.stdout).unwrap();
    assert_eq!(said, "local us-east-1 none\n");
}

#[test]
fn in_the_foreground_the_functions_logs_are_shown_until_ctrl_c() {
    let stage = LocalStage::deployed();
    let mut running = stage.cqrs(["local", "run"]).start();
    running.until("runs in the background: it is stopped there");
    running.until("; Ctrl-C stops it");
    let id = stage.cqrs(CREATE).arg("--wait").succeeds();
    running.interrupt();
    let outcome = running.outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    let logged = |function: &str| {
        let line = |line: &str| line.starts_with(function) && line.contains(id.trim());
        outcome.stdout.lines().any(line)
    };
    assert!(logged("publisher  | "), "{outcome}");
    assert!(
        outcome.stderr.contains("Stack cqrs has stopped"),
        "{outcome}"
    );
    // In the background it starts again by itself.
    stage.cqrs(["order", "get", id.trim()]).succeeds();
}

#[test]
fn what_was_not_deployed_cannot_run() {
    assert_snapshot!(sandbox().cqrs(["local", "run"]).outcome(), @"
    exit code 3
    --- stderr
    error: there is no stack `cqrs` on this machine
    hint: `cqrs deploy --local` creates it; or check `--stack`
    ");
}

/// The folder and all that is in it.
fn all_in(folder: &Path) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    let mut at = 0;
    while let Some(path) = all.get(at).cloned() {
        if path.is_dir() {
            all.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        at += 1;
    }
    all
}

#[test]
fn only_the_owner_can_read_a_stack_with_any_umask() {
    for mask in [0o000, 0o777] {
        let stage = LocalStage::empty();
        // Of this process, which runs this test alone, and of those that it starts.
        let before = umask(Mode::from_raw_mode(mask));
        let deployed = stage.deploy().arg("--quiet").outcome();
        umask(before);
        assert_eq!(deployed.code, 0, "{mask:o}: {deployed}");
        stage.cqrs(CREATE).arg("--wait").succeeds();
        let all = all_in(&stage.state("cqrs"));
        for name in [
            "data.db",
            "journal.db",
            "host.json",
            "host.log",
            "lock",
            "publisher",
        ] {
            assert!(
                all.iter().any(|path| path.ends_with(name)),
                "{name}: {all:?}"
            );
        }
        for path in all {
            let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{mask:o}: {} is {mode:o}", path.display());
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_descriptor_of_the_command_that_starts_the_process_stays_with_the_command() {
    let stage = LocalStage::deployed();
    stage.cqrs(["local", "stop"]).succeeds();
    let path = stage.path().join("held");
    let held = File::create(&path).unwrap();
    fcntl_setfd(&held, FdFlags::empty()).unwrap();
    stage.cqrs(CREATE).arg("--wait").succeeds();
    let host = u32::try_from(stage.host("cqrs")["pid"].as_u64().unwrap()).unwrap();
    let mut processes: Vec<u32> = tree::below(host).iter().map(|seen| seen.pid).collect();
    assert!(processes.len() >= 4, "{processes:?}");
    processes.push(host);
    for pid in processes {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let open: Vec<_> = open
            .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
            .collect();
        assert!(!open.contains(&path), "{pid}: {open:?}");
    }
}
