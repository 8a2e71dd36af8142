//! Real parts to test against, started and stopped by the test that uses them.
//!
//! Each part listens on a free port of 127.0.0.1, keeps what it writes in a directory of its own,
//! and ends with the handle that was given for it, or with the test's process. For tests only: a
//! part that does not come up panics and says what to do.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "what fails here fails the test, and is best shown where it happened"
)]

pub mod emulator;
pub mod http;
pub mod metrics;
pub mod process;
pub mod proxy;
pub mod runtime_api;
pub mod template;
pub mod tls;
pub mod tree;
pub mod valkey;
pub mod wire;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The top of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("a workspace").to_owned()
}

/// The binary of a workspace package, from the build that the running test belongs to.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test
        .ancestors()
        .find(|dir| dir.ends_with("debug") || dir.ends_with("release"));
    let path = profile
        .expect("a test is built into target/<profile>")
        .join(name);
    assert!(
        path.is_file(),
        "{} is missing; build it first: cargo build -p {name}",
        path.display()
    );
    path
}

/// Whether `condition` came to hold before `limit` was over.
pub fn eventually(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A port that nothing listens on at the moment.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// A port that refuses connections for as long as this is held: bound, and never listening. A free
/// port would be taken by another test's server sooner or later.
#[derive(Debug)]
pub struct ClosedPort {
    number: u16,
    _held: tokio::net::TcpSocket,
}

impl ClosedPort {
    /// Takes one.
    #[must_use]
    pub fn take() -> Self {
        let held = tokio::net::TcpSocket::new_v4().expect("a socket");
        held.bind((Ipv4Addr::LOCALHOST, 0).into())
            .expect("a free port");
        let number = held.local_addr().expect("it is bound").port();
        Self {
            number,
            _held: held,
        }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// Holds a file that is made of code to what the code says now; writes it where `CQRS_TEST_RECORD` is
/// set.
pub fn is_recorded(file: impl AsRef<Path>, text: &str) {
    let file = file.as_ref();
    if std::env::var_os("CQRS_TEST_RECORD").is_some() {
        std::fs::write(file, text).expect("it can be written");
    }
    let recorded = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        recorded == text,
        "{} is out of date: run this test with CQRS_TEST_RECORD=1, and look at what changed",
        file.display()
    );
}

/// The first of `candidates` that is a file, or that is found on `PATH`.
fn find(candidates: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    candidates.into_iter().find_map(|candidate| {
        if candidate.components().count() > 1 {
            return candidate.is_file().then_some(candidate);
        }
        std::env::split_paths(&path)
            .map(|dir| dir.join(&candidate))
            .find(|file| file.is_file())
    })
}
