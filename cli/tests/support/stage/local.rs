//! This machine: a sandbox whose binary runs the stack itself, with `CQRS_LOCAL=1`.

use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use test_support::valkey::Found;

use super::Stage;
use crate::support::sandbox::Sandbox;

/// Waits until its standard input is closed, then stops every stack of the project that it is in, and
/// of those that were made in it.
const GUARD: &str = r#"
    cat >/dev/null
    for stack in .cqrs/local/*/ */.cqrs/local/*/; do
        [ -e "$stack" ] &&
            "$0" local stop --project "./${stack%%.cqrs/*}" --stack "$(basename "$stack")"
    done
"#;

/// See the module's documentation. What runs for it ends with the value.
pub(crate) struct LocalStage {
    sandbox: Sandbox,
    /// A process of its own, so that nothing is left running either when the test is killed.
    guard: Child,
}

impl Stage for LocalStage {
    fn empty() -> Self {
        let mut sandbox = Sandbox::new();
        // Neither a region nor credentials: this needs nothing of AWS.
        sandbox.set("CQRS_LOCAL", "1");
        let guard = Command::new("sh")
            .args(["-c", GUARD, env!("CARGO_BIN_EXE_cqrs")])
            .env_clear()
            .env("PATH", sandbox.search_path())
            .env("HOME", sandbox.home())
            .current_dir(sandbox.project())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        Self { sandbox, guard }
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.host("cqrs")["port"])
    }

    fn cache(&self) -> Found {
        let outputs: Value = self.cqrs(["outputs"]).json();
        let endpoint = outputs["CacheEndpoint"].as_str().unwrap();
        Found::at(endpoint.rsplit(':').next().unwrap().parse().unwrap())
    }

    fn switch_mapping(&self, on: bool) {
        let position = "      StartingPosition: TRIM_HORIZON\n";
        self.restore_template();
        self.edit_template(position, &format!("{position}      Enabled: {on}\n"));
        self.deploy().arg("--quiet").succeeds();
    }

    fn pause(&self) {
        self.signal("-STOP");
    }

    fn resume(&self) {
        self.signal("-CONT");
    }
}

impl LocalStage {
    /// What the stack's background process says of itself.
    pub(crate) fn host(&self, stack: &str) -> Value {
        let file = self.state(stack).join("host.json");
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        serde_json::from_str(&text).unwrap()
    }

    /// Sends a signal to what serves the stack `cqrs`.
    pub(crate) fn signal(&self, signal: &str) {
        let process = self.host("cqrs")["pid"].to_string();
        let sent = Command::new("kill").args([signal, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// The folder with all that belongs to a stack.
    pub(crate) fn state(&self, stack: &str) -> PathBuf {
        self.project().join(".cqrs/local").join(stack)
    }
}

/// Whether a process serves the stack of this folder: it holds the lock for as long as it lives.
fn is_served(state: &Path) -> bool {
    File::open(state.join("lock")).is_ok_and(|lock| lock.try_lock_shared().is_err())
}

/// Fails where a process was left behind for a stack below this folder.
pub(crate) fn assert_none_is_served(stacks: &Path) {
    for stack in std::fs::read_dir(stacks).into_iter().flatten().flatten() {
        // A second panic would hide the first.
        let stopped = std::thread::panicking() || !is_served(&stack.path());
        assert!(stopped, "{} is still served", stack.path().display());
    }
}

impl Drop for LocalStage {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // A guard that failed leaves a process behind, which shows below.
        let _ = self.guard.wait();
        let within = std::fs::read_dir(self.project());
        let within = within.into_iter().flatten().flatten();
        let projects = within.map(|entry| entry.path()).chain([self.project()]);
        for project in projects {
            assert_none_is_served(&project.join(".cqrs/local"));
        }
    }
}

impl Deref for LocalStage {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl DerefMut for LocalStage {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.sandbox
    }
}
