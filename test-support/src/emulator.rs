//! MiniStack, an emulator of the AWS API, with a real cache server behind it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::Process;
use crate::valkey::Valkey;
use crate::{eventually, find, free_port, workspace};

/// A running emulator, empty at first.
#[derive(Debug)]
pub struct Emulator {
    port: u16,
    // Before what it runs on, so that it is stopped first.
    process: Process,
    valkey: Valkey,
    directory: TempDir,
}

impl Emulator {
    /// Starts the emulator that `scripts/test` installs, or the one that `CQRS_TEST_MINISTACK`
    /// names, and waits until it is well.
    #[must_use]
    pub fn start() -> Self {
        let valkey = Valkey::start();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let port = free_port();
        let process = spawn(port, &valkey, &directory);
        let mut emulator = Self {
            port,
            process,
            valkey,
            directory,
        };
        let well = eventually(Duration::from_secs(60), || emulator.is_well());
        assert!(well, "the emulator does not come up:\n{}", emulator.log());
        emulator
    }

    /// `http://127.0.0.1:port`, for every service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The server behind its cache endpoints.
    #[must_use]
    pub fn valkey(&self) -> &Valkey {
        &self.valkey
    }

    /// The variables that point an AWS client to it.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_REGION", "eu-west-1".into()),
            ("AWS_DEFAULT_REGION", "eu-west-1".into()),
            ("AWS_ACCESS_KEY_ID", "test".into()),
            ("AWS_SECRET_ACCESS_KEY", "test".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ]
    }

    /// Freezes it: connections are taken, and nothing is answered.
    pub fn pause(&self) {
        self.process.signal(libc::SIGSTOP);
    }

    /// Thaws it.
    pub fn resume(&self) {
        self.process.signal(libc::SIGCONT);
    }

    /// What it wrote so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn is_well(&mut self) -> bool {
        let status = self.process.ended(Duration::ZERO);
        assert!(status.is_none(), "the emulator ended:\n{}", self.log());
        let mut answer = [0; 12];
        TcpStream::connect(("127.0.0.1", self.port))
            .and_then(|mut stream| {
                stream.set_read_timeout(Some(Duration::from_secs(5)))?;
                stream.write_all(
                    b"GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                )?;
                stream.read_exact(&mut answer)
            })
            .is_ok_and(|()| answer.ends_with(b" 200"))
    }
}

fn spawn(port: u16, valkey: &Valkey, directory: &TempDir) -> Process {
    let installed = workspace().join("target/venv/bin/ministack");
    let named = std::env::var_os("CQRS_TEST_MINISTACK").map(Into::into);
    let program = find(named.into_iter().chain([installed, "ministack".into()])).unwrap_or_else(|| {
        panic!("no ministack: run scripts/test, which installs it, or name it with CQRS_TEST_MINISTACK")
    });
    let log = std::fs::File::create(directory.path().join("log")).expect("it is writable");
    let mut command = Command::new(program);
    command
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("REDIS_HOST", "127.0.0.1")
        .env("REDIS_PORT", valkey.port().to_string())
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .env("HOME", directory.path())
        .env("TMPDIR", directory.path())
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a descriptor"))
        .stderr(log);
    Process::spawn(&mut command)
}
