//! From the handlers' sources, or from finished binaries, to artifacts that can be deployed.
//!
//! Everything is checked here, before anything is sent: that the binaries are there, that they
//! can run in the functions' runtime, and that they fit. Progress is reported as typed events; what
//! they look like is the command's business.

mod archive;
mod artifact;
mod build;
mod inspect;
mod native;
mod prebuilt;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use aws_smithy_types::base64;
use clap::ValueEnum;
use futures_util::future;
use sha2::{Digest, Sha256};

pub(crate) use self::archive::ArchiveError;
pub(crate) use self::artifact::{Artifact, Zip};
pub(crate) use self::build::{
    BuildError, BuildOutput, Builder, CompilerOutput, builder, newer_glibc,
};
pub(crate) use self::inspect::{GlibcVersion, InspectError, RUNTIME_GLIBC};
pub(crate) use self::native::{Content, Program, programs};
pub(crate) use self::prebuilt::PrebuiltError;
use crate::app::handler::Handler;
use crate::error::{Explain, Kind};

/// The processors that Lambda runs functions on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    #[value(name = "arm64", alias = "aarch64")]
    Arm64,
    #[value(name = "x86_64", alias = "amd64")]
    X86_64,
}

impl Architecture {
    /// This machine's, or the one that Lambda has instead.
    pub(crate) const fn host() -> Self {
        if cfg!(target_arch = "aarch64") {
            Self::Arm64
        } else {
            Self::X86_64
        }
    }

    /// The name in Lambda's API and in the template.
    pub(crate) const fn lambda_name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    pub(crate) fn from_lambda_name(name: &str) -> Option<Self> {
        [Self::Arm64, Self::X86_64]
            .into_iter()
            .find(|known| known.lambda_name() == name)
    }

    /// The name in Rust's toolchain.
    pub(crate) const fn rust_target(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
            Self::X86_64 => "x86_64-unknown-linux-gnu",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.lambda_name())
    }
}

/// A SHA-256: of a program, of its zip, of what an artifact is named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentHash([u8; 32]);

impl ContentHash {
    pub(crate) fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    pub(crate) fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// As S3's checksum headers take it.
    pub(crate) fn base64(self) -> String {
        base64::encode(self.0)
    }
}

/// In lower-case hexadecimal.
impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What to package.
#[derive(Clone, Debug)]
pub(crate) struct PackageRequest {
    /// The folder with the workspace of the handlers' crates.
    pub(crate) project: PathBuf,
    /// A folder of finished binaries to take instead of building.
    pub(crate) prebuilt: Option<PathBuf>,
    pub(crate) builder: Builder,
    pub(crate) architecture: Architecture,
    pub(crate) output: BuildOutput,
}

/// What happens while packaging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PackageEvent {
    /// The compiler starts; from here to the next event stderr is its own.
    Building { builder: Builder },
    /// The binary can run in the functions' runtime; `glibc` is the newest version of the C
    /// library that it asks for, none for a static one.
    Checked {
        handler: Handler,
        size: u64,
        glibc: Option<GlibcVersion>,
    },
}

/// Why there is nothing to deploy. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    /// The build did not come to an end; its own error says what to do.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The folder of finished binaries is not as it should be.
    #[error(transparent)]
    Prebuilt(#[from] PrebuiltError),
    /// The file cannot be read: see the cause.
    #[error("the {handler}'s file `{}` cannot be read", path.display())]
    Unreadable {
        handler: Handler,
        path: PathBuf,
        source: io::Error,
    },
    /// The binary cannot run where the functions run: see the cause.
    #[error("the {handler} at `{}` cannot run on Lambda", path.display())]
    Inspect {
        handler: Handler,
        path: PathBuf,
        source: InspectError,
    },
    /// The binary cannot run on this machine: see the cause.
    #[error("the {handler} at `{}` cannot run on this machine", path.display())]
    Foreign {
        handler: Handler,
        path: PathBuf,
        source: InspectError,
    },
    /// The zip cannot be read or made: see the cause.
    #[error("the {handler} at `{}` cannot be packed", path.display())]
    Archive {
        handler: Handler,
        path: PathBuf,
        source: ArchiveError,
    },
    /// A worker thread ended early; nothing a user can change.
    #[error("packing was cut short")]
    CutShort(#[source] tokio::task::JoinError),
}

impl Explain for PackageError {
    fn kind(&self) -> Kind {
        match self {
            Self::Build(error) => error.kind(),
            Self::Prebuilt(error) => error.kind(),
            Self::Inspect { source, .. } | Self::Foreign { source, .. } => source.kind(),
            Self::Archive { source, .. } => source.kind(),
            Self::Unreadable { .. } | Self::CutShort(_) => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Build(error) => error.hint(),
            Self::Prebuilt(error) => error.hint(),
            Self::Inspect { source, .. } => source.hint(),
            Self::Foreign { .. } => {
                Some("leave `--prebuilt` out to build the handlers for this machine".to_owned())
            }
            Self::Archive { source, .. } => source.hint(),
            Self::Unreadable { .. } | Self::CutShort(_) => None,
        }
    }
}

/// Builds or reads the handlers' binaries and checks all of them, side by side. The artifacts come in
/// the order of [`Handler::ALL`]; none is packed yet.
pub(crate) async fn package(
    request: PackageRequest,
    mut events: impl FnMut(PackageEvent),
) -> Result<Vec<Artifact>, PackageError> {
    let architecture = request.architecture;
    let files = match &request.prebuilt {
        Some(folder) => prebuilt::find(folder)?,
        None => {
            build::build(&request, |builder| {
                events(PackageEvent::Building { builder })
            })
            .await?
        }
    };
    let checking = files
        .into_iter()
        .map(|(handler, path)| blocking(move || check(handler, path, architecture)));
    let mut artifacts = Vec::new();
    for checked in future::join_all(checking).await {
        let Checked {
            artifact,
            size,
            glibc,
        } = checked??;
        let handler = artifact.handler;
        events(PackageEvent::Checked {
            handler,
            size,
            glibc,
        });
        artifacts.push(artifact);
    }
    Ok(artifacts)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PackageError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(PackageError::CutShort)
}

/// A program that can run on Lambda.
struct Checked {
    artifact: Artifact,
    size: u64,
    glibc: Option<GlibcVersion>,
}

fn check(
    handler: Handler,
    path: PathBuf,
    architecture: Architecture,
) -> Result<Checked, PackageError> {
    let bytes = read(handler, &path)?;
    match inspect::inspect(&bytes, architecture) {
        Ok(inspection) => Ok(Checked {
            size: bytes.len() as u64,
            artifact: Artifact::new(handler, architecture, path, bytes.into()),
            glibc: inspection.glibc,
        }),
        Err(source) => Err(PackageError::Inspect {
            handler,
            path,
            source,
        }),
    }
}

fn read(handler: Handler, path: &Path) -> Result<Vec<u8>, PackageError> {
    let unreadable = |source| PackageError::Unreadable {
        handler,
        path: path.to_owned(),
        source,
    };
    let refused = |source| PackageError::Archive {
        handler,
        path: path.to_owned(),
        source,
    };
    // Asked first, so that a file that can never fit is not read into memory.
    if std::fs::metadata(path).map_err(unreadable)?.len() > archive::MAX_UNPACKED {
        return Err(refused(ArchiveError::TooLarge));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    if prebuilt::is_zip(path) {
        archive::unpack(&bytes).map_err(refused)
    } else {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::inspect::fixture::Fixture;
    use super::*;

    fn folder_of_binaries() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for handler in Handler::ALL {
            let binary = Fixture {
                architecture: Architecture::Arm64,
                interpreter: None,
                ..Fixture::default()
            }
            .build();
            std::fs::write(folder.path().join(handler.name()), binary).unwrap();
        }
        folder
    }

    fn request(folder: &Path) -> PackageRequest {
        PackageRequest {
            project: PathBuf::new(),
            prebuilt: Some(folder.to_owned()),
            builder: Builder::Auto,
            architecture: Architecture::Arm64,
            output: BuildOutput::Captured,
        }
    }

    #[tokio::test]
    async fn every_handler_is_checked_and_none_is_packed() {
        let folder = folder_of_binaries();
        let mut checked = Vec::new();
        let artifacts = package(request(folder.path()), |event| match event {
            PackageEvent::Checked { handler, .. } => checked.push(handler),
            PackageEvent::Building { .. } => panic!("{event:?}"),
        })
        .await
        .unwrap();

        let handlers: Vec<_> = artifacts.iter().map(|artifact| artifact.handler).collect();
        assert_eq!(handlers, Handler::ALL);
        assert_eq!(checked, Handler::ALL);
        assert!(artifacts.iter().all(|artifact| artifact.zipped().is_none()));
    }

    #[tokio::test]
    async fn one_binary_gives_one_name_however_it_is_handed_in() {
        let plain = folder_of_binaries();
        let nested = tempfile::tempdir().unwrap();
        for handler in Handler::ALL {
            let folder = nested.path().join(handler.name());
            std::fs::create_dir(&folder).unwrap();
            std::fs::copy(plain.path().join(handler.name()), folder.join("bootstrap")).unwrap();
        }
        let zipped = tempfile::tempdir().unwrap();
        for handler in Handler::ALL {
            let binary = std::fs::read(plain.path().join(handler.name())).unwrap();
            let zip = archive::pack(&binary).unwrap().bytes;
            std::fs::write(zipped.path().join(format!("{handler}.zip")), zip).unwrap();
        }
        let mut hashes = Vec::new();
        for folder in [plain, nested, zipped] {
            let artifacts = package(request(folder.path()), |_| {}).await.unwrap();
            hashes.push(artifacts.iter().map(|a| a.name).collect::<Vec<_>>());
        }
        assert_eq!(hashes[0], hashes[1]);
        assert_eq!(hashes[0], hashes[2]);
    }

    #[test]
    fn a_hash_is_shown_in_hexadecimal_and_sent_in_base64() {
        let hash = ContentHash::new([0xab; 32]);
        assert_eq!(hash.to_string(), "ab".repeat(32));
        assert_eq!(
            hash.base64(),
            "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="
        );
    }
}
