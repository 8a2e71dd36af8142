//! The whole way on this machine, through `cqrs`: what the domain gives as examples is created,
//! projected, and listed. Runs where `cqrs` is on the search path, or where `CQRS` names it.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Output};

use domain::Subject;
use pattern::description::Description;
use serde_json::Value;

/// A stack of its own, which goes with the test.
struct Stack {
    tool: OsString,
    name: String,
}

impl Stack {
    fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Command::new(&self.tool)
            .args(arguments)
            .args(["--local", "--stack", &self.name, "--output", "json"])
            .current_dir(project)
            .output()
            .unwrap()
    }

    /// What a command that succeeds says.
    fn says<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Value {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.run(["destroy", "--yes"]);
    }
}

#[test]
fn the_examples_are_created_and_listed() {
    let tool = std::env::var_os("CQRS").unwrap_or_else(|| "cqrs".into());
    if Command::new(&tool).arg("--version").output().is_err() {
        eprintln!("skipped: there is no `cqrs` on the search path, and CQRS names none");
        return;
    }
    let name = format!("test-{}", std::process::id());
    let stack = Stack { tool, name };
    stack.says(["deploy", "--yes"]);

    let domain = Description::of::<Subject>().unwrap();
    let rows = domain.examples.iter().map(|example| {
        let row = serde_json::to_string(example).unwrap();
        row + "\n"
    });
    let file = std::env::temp_dir().join(format!("{}.jsonl", stack.name));
    std::fs::write(&file, rows.collect::<String>()).unwrap();
    let create = [&domain.entity, "create", "--from"].map(OsString::from);
    stack.says(create.into_iter().chain([file.clone().into()]));
    std::fs::remove_file(file).unwrap();

    // Once all is projected, the models agree.
    let agrees = || stack.run(["verify"]).status.success();
    let agreed = (0..50).any(|_| agrees());
    assert!(agreed, "the read model does not come to agree");
    let list = stack.says([&domain.entity, "list"]);
    let listed = list[&domain.plural].as_array().unwrap();
    assert_eq!(listed.len(), domain.examples.len());
}
