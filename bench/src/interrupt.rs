//! Ctrl-C: what was started in the background would else outlive the benchmark.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, exit};
use std::sync::Mutex;
use std::thread;

/// The folders of stacks that are there, each with the tool that can remove what is in it.
static STACKS: Mutex<Vec<(PathBuf, PathBuf)>> = Mutex::new(Vec::new());

/// From now on Ctrl-C and SIGTERM remove the stacks before they end the process.
pub(crate) fn listen() {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let mut terminated = signal(SignalKind::terminate()).unwrap();
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
        });
        // What is measured fails now, which is no news.
        std::panic::set_hook(Box::new(|_| {}));
        // Kept locked: nothing is to be added any more, and who lets go of a stack waits here.
        let stacks = STACKS.lock().unwrap();
        for (folder, cqrs) in stacks.iter() {
            let _ = Command::new(cqrs)
                .args(["destroy", "--local", "--yes"])
                .current_dir(folder)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            let _ = std::fs::remove_dir_all(folder);
        }
        eprintln!("interrupted");
        exit(130);
    });
}

pub(crate) fn remember(folder: &Path, cqrs: &Path) {
    let stack = (folder.to_owned(), cqrs.to_owned());
    STACKS.lock().unwrap().push(stack);
}

pub(crate) fn forget(folder: &Path) {
    STACKS.lock().unwrap().retain(|(known, _)| known != folder);
}
