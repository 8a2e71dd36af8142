//! This machine: a sandbox whose binary runs the stack itself, with `CQRS_LOCAL=1`.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use test_support::valkey::Found;

use super::Stage;
use crate::support::guard::Guard;
use crate::support::sandbox::Sandbox;

/// See the module's documentation. What runs for it ends with the value.
pub(crate) struct LocalStage {
    // Before the sandbox, whose folder goes with it.
    _guard: Guard,
    sandbox: Sandbox,
}

impl Stage for LocalStage {
    fn empty() -> Self {
        let mut sandbox = Sandbox::new();
        // Neither a region nor credentials: this needs nothing of AWS.
        sandbox.set("CQRS_LOCAL", "1");
        Self {
            _guard: Guard::of(&sandbox, None),
            sandbox,
        }
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
