//! Why the handlers were not built, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::{Builder, text_of};
use crate::app::handler::Handler;
use crate::error::{Explain, Kind};
use crate::package::Architecture;

/// Why the handlers were not built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// Name the folder that holds the project.
    #[error("`{}` is not a project: it has no `Cargo.toml`", .0.display())]
    NoProject(PathBuf),
    /// The project's own `Cargo.toml` files need repair, see the cause.
    #[error("Cargo cannot read the project `{}`", project.display())]
    UnreadableProject {
        project: PathBuf,
        source: CompilerOutput,
    },
    /// The crates have gone or have other names.
    #[error("the project `{}` has no crate that makes the binary {}", project.display(), names(handlers))]
    MissingCrates {
        project: PathBuf,
        handlers: Vec<Handler>,
    },
    /// Install Rust, or bring finished binaries.
    #[error("Cargo is not installed")]
    NoCargo,
    /// Install what was asked for by name.
    #[error("`{0}` is not installed")]
    NotInstalled(Builder),
    /// Install Zig beside cargo-zigbuild.
    #[error("`cargo zigbuild` is installed, but Zig, which it links with, is not")]
    NoZig,
    /// Install one of those that can.
    #[error("nothing that is installed here can build for Lambda on {0}")]
    NoBuilder(Architecture),
    /// Add the target to the toolchain.
    #[error("Rust's standard library for {0} is not installed")]
    NoTarget(Architecture),
    /// The program is there but does not start.
    #[error("`{program}` cannot be started")]
    Start { program: String, source: io::Error },
    /// Read the compiler's messages.
    #[error("`{builder}` failed ({status})")]
    Failed {
        builder: Builder,
        status: ExitStatus,
        source: CompilerOutput,
    },
    /// The build ended well without making the file; a setting of Cargo's must be in the way.
    #[error("`{builder}` made no binary `{handler}`")]
    NoBinary { builder: Builder, handler: Handler },
}

/// The compiler's messages, as an error's cause; without any where the user has already seen them.
#[derive(Debug, thiserror::Error)]
#[error("{}", if .0.is_empty() { "its own messages are above" } else { .0 })]
pub(crate) struct CompilerOutput(pub(super) String);

impl CompilerOutput {
    /// What Cargo wrote, from its complaint on: what it compiled before is of no interest.
    pub(crate) fn complaint(stderr: &[u8]) -> Self {
        let text = text_of(stderr);
        Self(match text.find("\nerror") {
            Some(at) if !text.starts_with("error") => text[at + 1..].to_owned(),
            _ => text,
        })
    }
}

impl Explain for BuildError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoProject(_) | Self::UnreadableProject { .. } | Self::MissingCrates { .. } => {
                Kind::Usage
            }
            _ => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoProject(_) => "name the project's folder with `--project DIR`".to_owned(),
            Self::MissingCrates { .. } => {
                "restore these crates under `handlers/`, or deploy finished binaries with \
                 `cqrs deploy --prebuilt DIR`"
                    .to_owned()
            }
            Self::NoCargo => "install Rust (https://rustup.rs), or deploy finished binaries with \
                              `cqrs deploy --prebuilt DIR`"
                .to_owned(),
            Self::NotInstalled(Builder::CargoLambda) => {
                "run `pip install cargo-lambda`, or choose with `--builder`".to_owned()
            }
            Self::NotInstalled(_) => {
                "run `pip install cargo-zigbuild ziglang`, or choose with `--builder`".to_owned()
            }
            Self::NoZig => "run `pip install ziglang`".to_owned(),
            Self::NoBuilder(architecture) => format!(
                "run `pip install cargo-zigbuild ziglang` and `rustup target add {}`",
                architecture.rust_target()
            ),
            Self::NoTarget(architecture) => {
                format!("run `rustup target add {}`", architecture.rust_target())
            }
            Self::UnreadableProject { .. } | Self::Start { .. } | Self::Failed { .. } => {
                return None;
            }
            Self::NoBinary { .. } => {
                "look for settings in `.cargo/config.toml` that change what Cargo builds".to_owned()
            }
        })
    }
}

fn names(handlers: &[Handler]) -> String {
    let names: Vec<_> = handlers
        .iter()
        .map(|handler| format!("`{handler}`"))
        .collect();
    names.join(", ")
}
