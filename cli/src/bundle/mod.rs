//! What comes with the tool where it is installed from a release: the functions of the pattern that is
//! built in, packed for Lambda, and a cache server.
//!
//! With `DIR` the bundle's folder, as [`installed::bundle`] finds it:
//!
//! | file | what |
//! |---|---|
//! | `DIR/bundle.json` | [`Manifest`]: versions, and the hash of each of these files |
//! | `DIR/handlers/ARCHITECTURE/HANDLER.zip` | as `cqrs deploy` packs them; on Linux also for `--local` |
//! | `DIR/handlers/native/HANDLER` | programs for `--local`, where the system is not Linux |
//! | `DIR/../../libexec/cqrs/valkey-server` | the cache server |
//!
//! Nothing of it is trusted: a file is what `bundle.json` says, or the tool says that it is not.

mod error;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use self::error::BundleError;
use crate::app::handler::Handler;
use crate::app::installed::{self, MANIFEST};
use crate::app::version::VERSION;
use crate::package::{Architecture, Artifact, Content, ContentHash, Program};

/// The programs of a system that is not Linux.
const NATIVE: &str = "native";
/// From the bundle's folder.
const CACHE_SERVER: &str = "../../libexec/cqrs/valkey-server";

/// Hexadecimal SHA-256 of files, by handler.
type Hashes = BTreeMap<String, String>;

/// `bundle.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    /// The tool's.
    pub(crate) version: String,
    /// What the tool is built for.
    pub(crate) target: String,
    /// The functions, by the processor that they are built for.
    pub(crate) handlers: BTreeMap<String, Hashes>,
    pub(crate) cache_server: Option<CacheServer>,
}

/// The cache server that comes along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CacheServer {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) sha256: String,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    folder: PathBuf,
    manifest: Manifest,
}

impl Bundle {
    /// The one beside this program, where there is one.
    pub(crate) fn find() -> Result<Option<Self>, BundleError> {
        installed::bundle()
            .map(|folder| Self::open(&folder))
            .transpose()
    }

    /// Reads what a folder says that it holds.
    pub(crate) fn open(folder: &Path) -> Result<Self, BundleError> {
        let path = folder.join(MANIFEST);
        let text = read(&path)?;
        let manifest: Manifest = match serde_json::from_slice(&text) {
            Ok(manifest) => manifest,
            Err(source) => return Err(BundleError::Manifest { path, source }),
        };
        if manifest.version != VERSION {
            let version = manifest.version;
            return Err(BundleError::OtherVersion { path, version });
        }
        let folder = folder.to_owned();
        Ok(Self { folder, manifest })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The processors that there are functions for, on Lambda.
    pub(crate) fn architectures(&self) -> Vec<&str> {
        let names = self.manifest.handlers.keys().map(String::as_str);
        names.filter(|name| *name != NATIVE).collect()
    }

    /// What a deployment on AWS sends, as it is.
    pub(crate) fn artifacts(
        &self,
        architecture: Architecture,
    ) -> Result<Vec<Artifact>, BundleError> {
        let artifact = |handler| {
            let (zip, sha256) = self.zip(handler, architecture)?;
            let path = self.zip_path(handler, architecture);
            Artifact::packed(handler, architecture, path.clone(), zip, sha256)
                .map_err(|_| BundleError::Damaged { path })
        };
        Handler::ALL.into_iter().map(artifact).collect()
    }

    /// What runs on this machine.
    pub(crate) fn programs(&self) -> Result<Vec<Program>, BundleError> {
        let program = |handler: Handler| {
            let (content, sha256) = if cfg!(target_os = "linux") {
                let (zip, sha256) = self.zip(handler, Architecture::host())?;
                (Content::Zip(zip), sha256)
            } else {
                let path = self
                    .folder
                    .join("handlers")
                    .join(NATIVE)
                    .join(handler.name());
                let said = self.said(NATIVE, handler);
                let (program, sha256) = held(&path, said.map(String::as_str))?;
                (Content::Plain(program), sha256)
            };
            Ok(Program {
                handler,
                content,
                sha256,
            })
        };
        Handler::ALL.into_iter().map(program).collect()
    }

    /// The cache server's program, where one comes along; it is what was released.
    pub(crate) fn cache_server(&self) -> Result<Option<PathBuf>, BundleError> {
        let Some(server) = &self.manifest.cache_server else {
            return Ok(None);
        };
        let path = self.folder.join(CACHE_SERVER);
        // Without the way over the bundle's own folder, where it is there at all.
        let path = path.canonicalize().unwrap_or(path);
        held(&path, Some(&server.sha256))?;
        let mode = fs::metadata(&path).map(|file| file.permissions().mode());
        match mode {
            Ok(mode) if mode & 0o111 == 0 => Err(BundleError::NotExecutable { path }),
            _ => Ok(Some(path)),
        }
    }

    /// Whether all of it is as it was released.
    pub(crate) fn check(&self) -> Result<(), BundleError> {
        let architectures = self.architectures().into_iter();
        for architecture in architectures.filter_map(Architecture::from_lambda_name) {
            for handler in Handler::ALL {
                self.zip(handler, architecture)?;
            }
        }
        self.cache_server().map(drop)
    }

    fn zip(
        &self,
        handler: Handler,
        architecture: Architecture,
    ) -> Result<(Vec<u8>, ContentHash), BundleError> {
        let name = architecture.lambda_name();
        let said = self.said(name, handler);
        let said = said.ok_or_else(|| BundleError::NoArchitecture {
            asked: architecture,
            there: self
                .architectures()
                .iter()
                .map(ToString::to_string)
                .collect(),
        })?;
        held(&self.zip_path(handler, architecture), Some(said))
    }

    fn zip_path(&self, handler: Handler, architecture: Architecture) -> PathBuf {
        let folder = self
            .folder
            .join("handlers")
            .join(architecture.lambda_name());
        folder.join(format!("{handler}.zip"))
    }

    fn said(&self, folder: &str, handler: Handler) -> Option<&String> {
        self.manifest.handlers.get(folder)?.get(handler.name())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    fs::read(path).map_err(|source| BundleError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// A file's content, which must have this hash.
fn held(path: &Path, said: Option<&str>) -> Result<(Vec<u8>, ContentHash), BundleError> {
    let content = read(path)?;
    let sha256 = ContentHash::of(&content);
    if said.is_some_and(|said| said != sha256.to_string()) {
        return Err(BundleError::Damaged {
            path: path.to_owned(),
        });
    }
    Ok((content, sha256))
}
