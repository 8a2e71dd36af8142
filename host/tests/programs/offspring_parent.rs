//! The two processes that a test of [`host::offspring`] can kill: the watcher (`watch`), and a
//! parent of children (`parent`).
//!
//! The parent, whose folder is its second argument, starts a `sleep` for each line `spawn` on its
//! standard input and answers with its process id; `spawn-shell <text>` starts a shell likewise. `end
//! <pid>` kills one, waits for it and reports it gone; `watcher` answers with the watcher's id.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what fails here fails the test that runs it"
)]

use std::collections::HashMap;
use std::env;

use host::offspring::{self, Offspring};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

fn main() {
    match env::args().nth(1).as_deref() {
        Some("watch") => offspring::watch(),
        Some("parent") => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(parent()),
        other => panic!("no such role: {other:?}"),
    }
}

async fn parent() {
    let folder = env::args().nth(2).expect("a folder");
    let program = env::current_exe().unwrap();
    let offspring = Offspring::new(program, &["watch"], folder.as_ref()).unwrap();
    let mut children: HashMap<u32, Child> = HashMap::new();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        match line.split_once(' ').unwrap_or((&line, "")) {
            (kind @ ("spawn" | "spawn-shell"), text) => {
                let mut command = Command::new("sh");
                command.args([
                    "-c",
                    if kind == "spawn" {
                        "exec sleep 1000"
                    } else {
                        text
                    },
                ]);
                let child = offspring.spawn(command).unwrap();
                let pid = child.id().unwrap();
                children.insert(pid, child);
                println!("{pid}");
            }
            ("spawn-missing", _) => {
                let missing = Command::new("/nowhere/to/be/found");
                println!("{}", offspring.spawn(missing).unwrap_err());
            }
            ("end", pid) => {
                let pid = pid.parse().unwrap();
                children.remove(&pid).unwrap().kill().await.unwrap();
                offspring.gone(pid);
                println!("ended");
            }
            ("watcher", _) => println!("{}", offspring.watcher()),
            other => panic!("no such order: {other:?}"),
        }
    }
}
