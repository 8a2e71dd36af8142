//! Children end with their parent, however it ends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;
use test_support::eventually;

const PATIENCE: Duration = Duration::from_secs(10);

/// A parent in a process of its own.
struct Parent {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Parent {
    fn start() -> Self {
        Self::of(&tempfile::tempdir().unwrap())
    }

    /// One whose children are known by this folder.
    fn of(folder: &TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offspring-parent"));
        command.arg("parent").arg(folder.path());
        Self::run(&mut command)
    }

    fn run(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            orders: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    fn tell(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    fn pid(&mut self, order: &str) -> Pid {
        Pid::from_raw(self.tell(order).parse().unwrap()).unwrap()
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Gone, or dead and not waited for: an orphan's new parent may take its time.
fn ended(pid: Pid) -> bool {
    if test_kill_process(pid).is_err() {
        return true;
    }
    let state = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.as_raw_nonzero().to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8(state.stdout).unwrap();
    state.is_empty() || state.starts_with('Z')
}

fn end(pid: Pid) -> bool {
    eventually(PATIENCE, || ended(pid))
}

#[test]
fn children_and_watcher_end_when_the_parent_is_killed() {
    let mut parent = Parent::start();
    let watcher = parent.pid("watcher");
    let children = [parent.pid("spawn"), parent.pid("spawn")];
    assert!(children.iter().all(|&child| !ended(child)));
    parent.kill();
    assert!(children.into_iter().all(end));
    assert!(end(watcher));
}

#[test]
fn a_watcher_that_died_is_replaced_and_gets_the_list_of_running_processes() {
    let mut parent = Parent::start();
    let first = parent.pid("watcher");
    let before = parent.pid("spawn");
    kill_process(first, Signal::KILL).unwrap();
    assert!(end(first));
    let after = parent.pid("spawn");
    let second = parent.pid("watcher");
    assert_ne!(first, second);
    parent.kill();
    assert!(end(before) && end(after) && end(second));
}

#[test]
fn a_program_that_is_missing_is_an_error_and_harms_nothing() {
    let mut parent = Parent::start();
    assert!(parent.tell("spawn-missing").contains("No such file"));
    let child = parent.pid("spawn");
    assert!(!ended(child));
    parent.kill();
    assert!(end(child));
}

/// Without the watcher, the kernel alone ends them.
#[cfg(target_os = "linux")]
#[test]
fn children_end_though_the_watcher_was_killed_before_the_parent() {
    let mut parent = Parent::start();
    let watcher = parent.pid("watcher");
    let child = parent.pid("spawn");
    kill_process(watcher, Signal::KILL).unwrap();
    parent.kill();
    assert!(end(child) && end(watcher));
}

/// A shell that leaves a process in a session of its own, and that process.
#[cfg(target_os = "linux")]
fn detached(parent: &mut Parent, folder: &TempDir) -> (Pid, Pid) {
    let file = folder.path().join("pid");
    let name = file.display();
    let shell = parent.pid(&format!(
        "spawn-shell setsid sh -c 'echo $$ >{name}.new; mv {name}.new {name}; exec sleep 1000' & wait"
    ));
    assert!(eventually(PATIENCE, || file.exists()));
    let pid = std::fs::read_to_string(file).unwrap();
    (shell, Pid::from_raw(pid.trim().parse().unwrap()).unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_child_put_into_a_session_of_its_own_ends_with_the_child_and_with_the_parent() {
    let folder = tempfile::tempdir().unwrap();
    let mut parent = Parent::of(&folder);
    let (shell, left) = detached(&mut parent, &folder);
    let other = parent.pid("spawn");
    parent.tell(&format!("end {}", shell.as_raw_nonzero()));
    assert!(end(left) && !ended(other));

    std::fs::remove_file(folder.path().join("pid")).unwrap();
    let (_, left) = detached(&mut parent, &folder);
    parent.kill();
    assert!(end(left) && end(other));
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_left_running_is_ended_by_the_next_parent_with_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut parent = Parent::of(&folder);
    let watcher = parent.pid("watcher");
    let (shell, left) = detached(&mut parent, &folder);
    kill_process(watcher, Signal::KILL).unwrap();
    parent.kill();
    assert!(end(shell) && !ended(left));
    let mut another = Parent::start();
    another.pid("spawn");
    assert!(!ended(left));
    let mut next = Parent::of(&folder);
    next.pid("watcher");
    assert!(ended(left));
}

#[cfg(target_os = "linux")]
#[test]
fn a_descriptor_that_the_parent_was_started_with_is_no_childs() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec 9>\"$1/lock\"; exec \"$0\" parent \"$1\""])
        .arg(env!("CARGO_BIN_EXE_offspring-parent"))
        .arg(folder.path());
    let mut parent = Parent::run(&mut command);
    let inherited = |pid: Pid| {
        let descriptor = format!("/proc/{}/fd/9", pid.as_raw_nonzero());
        std::fs::symlink_metadata(descriptor).is_ok()
    };
    let own = Pid::from_raw(i32::try_from(parent.process.id()).unwrap()).unwrap();
    let (watcher, child) = (parent.pid("watcher"), parent.pid("spawn"));
    assert!(inherited(own));
    assert!(!inherited(watcher) && !inherited(child));
}

/// Speaks the pipe's protocol to a watcher, as a parent that reported a child gone.
#[test]
fn a_child_that_was_reported_gone_is_not_killed() {
    let mut kept = sleep();
    let mut killed = sleep();
    let mut watcher = Command::new(env!("CARGO_BIN_EXE_offspring-parent"))
        .arg("watch")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = watcher.stdin.take().unwrap();
    for (pid, ticket) in [(kept.id(), 1_u32), (killed.id(), 2), (0, 1)] {
        pipe.write_all(&pid.to_ne_bytes()).unwrap();
        pipe.write_all(&ticket.to_ne_bytes()).unwrap();
    }
    drop(pipe);
    assert!(watcher.wait().unwrap().success());
    assert!(!killed.wait().unwrap().success());
    assert_eq!(kept.try_wait().unwrap(), None);
    kept.kill().unwrap();
    kept.wait().unwrap();
}

fn sleep() -> Child {
    use std::os::unix::process::CommandExt;
    Command::new("sleep")
        .arg("1000")
        .process_group(0)
        .spawn()
        .unwrap()
}
