//! What a test leaves running ends with it, also when it is killed.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::sandbox::Sandbox;

/// Waits until its standard input is closed, then stops every stack of the user and of the project, and
/// of those that were made in it.
const SCRIPT: &str = r#"
    cat >/dev/null
    for stack in .cqrs/local/*/ */.cqrs/local/*/; do
        [ -e "$stack" ] && "$0" local stop --project "./${stack%%.cqrs/*}" --stack "$(basename "$stack")"
    done
    cd "$HOME"
    for stack in .local/share/cqrs/local/*/; do
        [ -e "$stack" ] && "$0" local stop --stack "$(basename "$stack")"
    done
"#;

/// A process of its own, so that nothing is left running either when the test is killed. Dropped, it
/// stops the stacks below its folders, and fails the test where one is served all the same.
pub(crate) struct Guard {
    process: Child,
    project: PathBuf,
    home: PathBuf,
}

impl Guard {
    /// Of what runs for this sandbox. `bundle` is what comes with the tool, where it is installed.
    pub(crate) fn of(sandbox: &Sandbox, bundle: Option<PathBuf>) -> Self {
        let (project, home) = (sandbox.project(), sandbox.home());
        let process = Command::new("sh")
            .args(["-c", SCRIPT, env!("CARGO_BIN_EXE_cqrs")])
            .env_clear()
            .env("PATH", sandbox.search_path())
            .env("HOME", &home)
            .envs(bundle.map(|bundle| ("CQRS_BUNDLE", bundle)))
            .current_dir(&project)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            process,
            project,
            home,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // A guard that failed leaves a process behind, which shows below.
        let _ = self.process.wait();
        let within = std::fs::read_dir(&self.project);
        let within = within.into_iter().flatten().flatten();
        for project in within
            .map(|entry| entry.path())
            .chain([self.project.clone()])
        {
            assert_none_is_served(&project.join(".cqrs/local"));
        }
        assert_none_is_served(&self.home.join(".local/share/cqrs/local"));
    }
}

/// Whether a process serves the stack of this folder: it holds the lock for as long as it lives.
fn is_served(state: &Path) -> bool {
    File::open(state.join("lock")).is_ok_and(|lock| lock.try_lock_shared().is_err())
}

/// Fails where a process was left behind for a stack below this folder.
fn assert_none_is_served(stacks: &Path) {
    for stack in std::fs::read_dir(stacks).into_iter().flatten().flatten() {
        // A second panic would hide the first.
        let stopped = std::thread::panicking() || !is_served(&stack.path());
        assert!(stopped, "{} is still served", stack.path().display());
    }
}
