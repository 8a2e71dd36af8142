//! One run of the binary, and what it said.

use std::ffi::OsStr;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;

use serde::de::DeserializeOwned;

use super::filters::Filters;
use super::terminal::Terminal;

/// A run that is not started yet.
pub(crate) struct Run {
    command: Command,
    stdin: Stdio,
    filters: Filters,
}

impl Run {
    pub(super) fn new(command: Command, filters: Filters) -> Self {
        let stdin = Stdio::null();
        Self {
            command,
            stdin,
            filters,
        }
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn current_dir(mut self, folder: impl AsRef<std::path::Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Lets it find the Cargo and the compiler that built the tests.
    pub(crate) fn with_cargo(mut self) -> Self {
        for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            if let Some(value) = std::env::var_os(name) {
                self.command.env(name, value);
            }
        }
        self
    }

    /// Gives it this text on stdin.
    pub(crate) fn input(self, text: impl AsRef<[u8]>) -> Self {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_ref()).unwrap();
        file.rewind().unwrap();
        self.stdin_from(file)
    }

    /// Takes stdin from elsewhere.
    pub(crate) fn stdin_from(mut self, from: impl Into<Stdio>) -> Self {
        self.stdin = from.into();
        self
    }

    /// Sends stdout elsewhere than into the outcome.
    pub(crate) fn stdout_to(mut self, to: impl Into<Stdio>) -> Outcome {
        let output = self
            .command
            .stdin(self.stdin)
            .stderr(Stdio::piped())
            .stdout(to)
            .output();
        Outcome::new(output.unwrap(), self.filters)
    }

    /// Runs it to its end, without a terminal, and with nothing on stdin unless that was said.
    pub(crate) fn outcome(mut self) -> Outcome {
        let output = self.command.stdin(self.stdin).output().unwrap();
        Outcome::new(output, self.filters)
    }

    /// Runs it to its end with this text on stdin, through a pipe.
    pub(crate) fn outcome_of(mut self, input: &str) -> Outcome {
        let piped = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // One that does not read all of it is as it may be.
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join().unwrap();
        Outcome::new(output, self.filters)
    }

    /// Runs it to its end, which must be a success; gives its stdout.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        let outcome = self.outcome();
        assert_eq!(outcome.code, 0, "{outcome}");
        outcome.stdout
    }

    /// Runs it to a success with `--output json`; gives the document.
    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(self) -> T {
        let text = self.args(["--output", "json"]).succeeds();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e} in {text}"))
    }

    /// Starts it, without a terminal.
    pub(crate) fn start(self) -> Running {
        self.start_with(Stdio::piped())
    }

    fn start_with(mut self, stdout: Stdio) -> Running {
        let command = self.command.stdin(self.stdin).stdout(stdout);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().map(|mut stdout| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                stdout.read_to_end(&mut text).unwrap();
                text
            })
        });
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running {
            child,
            stdout,
            stderr,
            said: Vec::new(),
            filters: self.filters,
        }
    }

    /// Starts it with a stdout that nobody reads.
    pub(crate) fn start_unread(self) -> Running {
        let (nobody, stdout) = std::io::pipe().unwrap();
        drop(nobody);
        self.start_with(stdout.into())
    }

    /// Starts it with this stdout.
    pub(crate) fn start_to(self, stdout: impl Into<Stdio>) -> Running {
        self.start_with(stdout.into())
    }

    /// Starts it on a terminal of its own.
    pub(crate) fn on_terminal(self) -> Terminal {
        Terminal::start(self.command, self.filters)
    }
}

/// A run in progress; dropped, it is killed.
pub(crate) struct Running {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: BufReader<std::process::ChildStderr>,
    said: Vec<u8>,
    filters: Filters,
}

impl Running {
    /// Reads stderr up to a line that holds `text`.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> &mut Self {
        loop {
            let begin = self.said.len();
            let read = self.stderr.read_until(b'\n', &mut self.said).unwrap();
            let said = String::from_utf8_lossy(&self.said);
            assert!(read > 0, "ended without saying {text:?}, but:\n{said}");
            if String::from_utf8_lossy(&self.said[begin..]).contains(text) {
                return self;
            }
        }
    }

    /// What Ctrl-C on a terminal sends.
    pub(crate) fn interrupt(&mut self) -> &mut Self {
        self.signal("-INT")
    }

    pub(crate) fn signal(&mut self, signal: &str) -> &mut Self {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        self
    }

    /// Its process's number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub(crate) fn outcome(mut self) -> Outcome {
        self.stderr.read_to_end(&mut self.said).unwrap();
        let stdout = self.stdout.take();
        let stdout = stdout.map_or_else(Vec::new, |reading| reading.join().unwrap());
        let stderr = std::mem::take(&mut self.said);
        let status = self.child.wait().unwrap();
        Outcome::new(
            Output {
                status,
                stdout,
                stderr,
            },
            self.filters.clone(),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already waited for, in most cases.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run came to. Shown, it is one text without what differs from run to run.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit code; -1 after a signal.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    filters: Filters,
}

impl Outcome {
    fn new(output: Output, filters: Filters) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            filters,
        }
    }

    /// Replaces one more thing in what is shown.
    pub(crate) fn filter(mut self, pattern: &str, name: &str) -> Self {
        self.filters.add(pattern, name);
        self
    }

    /// Leaves the lines about single resources out of what is shown.
    pub(crate) fn without_events(self) -> Self {
        self.filter(r"(?m)^\d\d:\d\d:\d\dZ .*\n", "")
    }

    /// Likewise, and without the long table of what a new stack adds.
    pub(crate) fn brief(self) -> Self {
        let table = r"(?m)^ +Resource +Type.*\n(\+ add .*\n)+\n\d+ to add";
        self.without_events().filter(table, "[TABLE]\n\n[N] to add")
    }

    /// Without the outputs of a stack, which are always the same.
    pub(crate) fn without_outputs(self) -> Self {
        self.filter(r"(?m)^(\w+ {2,}\S+\n){18,}", "[OUTPUTS]\n")
    }

    /// The document that `--output json` wrote to stderr.
    #[track_caller]
    pub(crate) fn error(&self) -> serde_json::Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        let mut document: serde_json::Value =
            serde_json::from_str(last).unwrap_or_else(|e| panic!("{e} in {self}"));
        document["error"].take()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                let text = self.filters.apply(text);
                let lines: Vec<_> = text.lines().map(str::trim_end).collect();
                writeln!(f, "--- {name}\n{}", lines.join("\n").trim_end())?;
            }
        }
        Ok(())
    }
}
