//! The read model's server: a real one as a child, or one that another process runs.
//!
//! The child keeps nothing on the disk and listens on 127.0.0.1 alone. When it dies it is started
//! again on the same port, empty, and [`Cache::restarted`] tells so; what was in it can be made
//! again from the write model.

mod child;
mod resp;

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};

use self::child::Keeper;
use crate::offspring::Offspring;

/// `EVAL_RO`, with which the read model is asked, came with Redis 7.0; every Valkey has it.
const OLDEST: u64 = 7;

/// Which server to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Choice {
    /// This program, as a child: `valkey-server`, `redis-server` or `meebis`.
    Program(PathBuf),
    /// A server that is there: `redis://host:port`.
    Url(String),
}

/// Where it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// A name or an IP address; an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// Reads `redis://host:port`; the port may be left out and is then 6379.
    ///
    /// # Errors
    /// What is wrong with it, such as a password, which the functions would not send.
    pub fn parse(url: &str) -> Result<Self, CacheError> {
        let bad = |why: &str| CacheError::BadUrl {
            url: url.to_owned(),
            why: why.to_owned(),
        };
        if url.starts_with("rediss://") {
            return Err(bad("TLS is for the cache on AWS"));
        }
        let Some(rest) = url.strip_prefix("redis://") else {
            return Err(bad("it looks like `redis://127.0.0.1:6379`"));
        };
        let authority = rest.trim_end_matches('/');
        if authority.contains('@') {
            return Err(bad("a user or password cannot be given"));
        }
        if authority.contains(['/', '?', '#']) {
            return Err(bad(
                "it ends with the port: there is no choice of a database",
            ));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => {
                let port = port.parse().ok().filter(|port| *port != 0);
                (
                    host,
                    port.ok_or_else(|| bad("its port is no number from 1 to 65535"))?,
                )
            }
            _ => (authority, 6379),
        };
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let well_formed = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && !host.contains(|c: char| c == ':' || c.is_whitespace()),
        };
        if !well_formed {
            return Err(bad("it looks like `redis://127.0.0.1:6379`"));
        }
        Ok(Self {
            host: bare.unwrap_or(host).to_owned(),
            port,
        })
    }
}

/// What can be done to a child on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strain {
    /// It stands still.
    Stop,
    /// It goes on.
    GoOn,
    /// It dies, and what it holds is lost.
    Kill,
}

/// Why there is no server, or no answer from it.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Give another address.
    #[error("`{url}` is no address of a cache: {why}")]
    BadUrl {
        /// As it was given.
        url: String,
        /// The rule that it breaks.
        why: String,
    },
    /// Nothing answers there, or nothing that speaks the protocol.
    #[error("the cache at {host}:{port} does not answer: {why}", host = .address.host, port = .address.port)]
    Unreachable {
        /// Where it was looked for.
        address: Address,
        /// The operating system's words, or the server's.
        why: String,
    },
    /// A newer one is needed.
    #[error("the cache is Redis {0}, and Redis 7 or any Valkey is needed")]
    TooOld(String),
    /// The program cannot be started, or ends at once; `said` is the end of what it said.
    #[error("`{program}` does not start{}{said}", if .said.is_empty() { "" } else { ": " }, program = .program.display())]
    DoesNotStart {
        /// The program.
        program: PathBuf,
        /// Its last lines, or the operating system's words.
        said: String,
    },
}

/// A server that runs. Clones share it; a child that dies is started again on the same port.
#[derive(Clone, Debug)]
pub struct Cache {
    address: Address,
    restarts: Arc<watch::Sender<u64>>,
    /// None for a server that another process runs, and after the end.
    keeper: Arc<Mutex<Option<Keeper>>>,
}

impl Cache {
    /// Starts the child, preferring `port`, or connects; returns when it answers. The child's
    /// output goes to `cache.log` in `folder`, which is made where it is missing.
    ///
    /// # Errors
    /// The program does not start, nothing answers at the address, or the server is too old.
    pub async fn start(
        choice: Choice,
        folder: PathBuf,
        port: Option<u16>,
        offspring: Offspring,
    ) -> Result<Self, CacheError> {
        let restarts = Arc::new(watch::Sender::new(0));
        let (address, keeper) = match choice {
            Choice::Url(url) => (Address::parse(&url)?, None),
            Choice::Program(program) => {
                let (address, keeper) =
                    child::start(program, folder, port, offspring, restarts.clone()).await?;
                (address, Some(keeper))
            }
        };
        let cache = Self {
            address,
            restarts,
            keeper: Arc::new(Mutex::new(keeper)),
        };
        match cache.check_version().await {
            Ok(()) => Ok(cache),
            Err(error) => {
                cache.stop().await;
                Err(error)
            }
        }
    }

    /// Where it is reached.
    #[must_use]
    pub fn address(&self) -> Address {
        self.address.clone()
    }

    /// Changes each time the child was started again, and so is empty. A server that somebody else
    /// runs may lose its data without a word: only a marker shows it.
    #[must_use]
    pub fn restarted(&self) -> watch::Receiver<u64> {
        self.restarts.subscribe()
    }

    /// The text that was kept under `key`, which tells an emptied server from a full one.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn marker(&self, key: &str) -> Result<Option<String>, CacheError> {
        self.ask(&["GET", key]).await
    }

    /// Keeps `value` under `key`.
    ///
    /// # Errors
    /// The server does not answer, or refuses to write.
    pub async fn set_marker(&self, key: &str, value: &str) -> Result<(), CacheError> {
        self.ask(&["SET", key, value]).await.map(drop)
    }

    /// Does this to the child's process; whether there is one.
    pub(crate) async fn strain(&self, strain: Strain) -> bool {
        match &*self.keeper.lock().await {
            Some(keeper) => keeper.strain(strain),
            None => false,
        }
    }

    /// Ends the child; a server that another process runs is left alone. Returns when it is gone.
    pub async fn stop(&self) {
        if let Some(keeper) = self.keeper.lock().await.take() {
            keeper.stop().await;
        }
    }

    async fn check_version(&self) -> Result<(), CacheError> {
        let info = self.ask(&["INFO", "server"]).await?.unwrap_or_default();
        match resp::info_field(&info, "redis_version") {
            Some(version) if major(version).is_some_and(|major| major < OLDEST) => {
                Err(CacheError::TooOld(version.to_owned()))
            }
            _ => Ok(()),
        }
    }

    async fn ask(&self, words: &[&str]) -> Result<Option<String>, CacheError> {
        resp::ask(&self.address, words)
            .await
            .map_err(|error| CacheError::Unreachable {
                address: self.address.clone(),
                why: error.to_string(),
            })
    }
}

fn major(version: &str) -> Option<u64> {
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_and_without_a_port() {
        let parse = |url: &str| {
            let Address { host, port } = Address::parse(url).unwrap();
            (host, port)
        };
        assert_eq!(parse("redis://127.0.0.1:7000"), ("127.0.0.1".into(), 7000));
        assert_eq!(parse("redis://cache"), ("cache".into(), 6379));
        assert_eq!(parse("redis://cache:7000/"), ("cache".into(), 7000));
        assert_eq!(parse("redis://[::1]:7000"), ("::1".into(), 7000));
        assert_eq!(parse("redis://[::1]"), ("::1".into(), 6379));
    }

    #[test]
    fn an_address_that_promises_what_is_not_done_is_refused() {
        for url in [
            "rediss://cache:6379",
            "cache:6379",
            "redis://",
            "redis://:6379",
            "redis://user:secret@cache:6379",
            "redis://cache:6379/1",
            "redis://cache:0",
            "redis://cache:65536",
            "redis://::1:6379",
            "redis://[cache]:6379",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_version_is_judged_by_its_first_number() {
        assert_eq!(major("6.2.14"), Some(6));
        assert_eq!(major("7.2.4"), Some(7));
        assert_eq!(major("255.255.255"), Some(255));
        assert_eq!(major("unstable"), None);
    }
}
