//! The handlers' binaries, from their crates: all three in one call of Cargo.
//!
//! Which builder is best depends on the machine; see the decision record on builders. Whatever
//! made a binary, it is inspected afterwards: a builder is trusted with nothing.

mod error;

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::ValueEnum;
use serde::Deserialize;
use tokio::process::Command;

pub(crate) use self::error::{BuildError, CompilerOutput};
use super::archive::BOOTSTRAP;
use super::inspect::{GlibcVersion, RUNTIME_GLIBC};
use super::{Architecture, Handler, PackageRequest};

/// What builds the handlers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Builder {
    /// The best of those that are installed.
    #[default]
    Auto,
    /// `cargo build`: against this machine's own C library.
    Cargo,
    /// `cargo zigbuild`: for any architecture and the runtime's C library, on any machine.
    Zigbuild,
    /// `cargo lambda build`: likewise.
    CargoLambda,
}

impl fmt::Display for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Cargo => "cargo build",
            Self::Zigbuild => "cargo zigbuild",
            Self::CargoLambda => "cargo lambda build",
        })
    }
}

/// Where the compiler's own messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuildOutput {
    /// To this process's stderr as they come, coloured where that is a terminal.
    Inherited,
    /// The same, of warnings and errors alone.
    Complaints,
    /// Into the error, should there be one; for when stderr is to hold one JSON document.
    Captured,
}

/// What is installed here, as far as the choice of a builder depends on it.
#[derive(Clone, Copy, Debug, Default)]
struct Installed {
    cargo: bool,
    zigbuild: bool,
    zig: bool,
    cargo_lambda: bool,
    /// The architecture whose binaries plain Cargo makes: the host's, on Linux.
    native: Option<Architecture>,
}

impl Installed {
    /// Looks where the programs would be found. Nothing but Python is started, and that only when
    /// nothing else is left to tell whether Zig is there.
    async fn detect() -> Self {
        let zigbuild = find("cargo-zigbuild").is_some();
        Self {
            cargo: find("cargo").is_some(),
            zigbuild,
            zig: zigbuild && zig_is_installed().await,
            cargo_lambda: find("cargo-lambda").is_some(),
            native: cfg!(target_os = "linux").then(Architecture::host),
        }
    }

    /// The same, for builds that are to run here whatever this machine is.
    async fn natively(architecture: Architecture) -> Self {
        Self {
            native: Some(architecture),
            ..Self::detect().await
        }
    }

    /// The builder to use for `asked`; never [`Builder::Auto`].
    ///
    /// The cross builders come first even where plain Cargo would do: their binaries ask for the
    /// runtime's C library whatever machine they are made on.
    fn choose(self, asked: Builder, architecture: Architecture) -> Result<Builder, BuildError> {
        let available = |is: bool, error| if is { Ok(asked) } else { Err(error) };
        if !self.cargo {
            return Err(BuildError::NoCargo);
        }
        match asked {
            Builder::Cargo => Ok(asked),
            Builder::Zigbuild if self.zigbuild => available(self.zig, BuildError::NoZig),
            Builder::Zigbuild => Err(BuildError::NotInstalled(asked)),
            Builder::CargoLambda => available(self.cargo_lambda, BuildError::NotInstalled(asked)),
            Builder::Auto if self.zigbuild && self.zig => Ok(Builder::Zigbuild),
            Builder::Auto if self.cargo_lambda => Ok(Builder::CargoLambda),
            Builder::Auto if self.native == Some(architecture) => Ok(Builder::Cargo),
            Builder::Auto => Err(BuildError::NoBuilder(architecture)),
        }
    }
}

/// Where a program is, as Cargo finds its subcommands: on the path or in its own folder.
fn find(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH").unwrap_or_default();
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    env::split_paths(&path)
        .chain(cargo_home.map(|home| home.join("bin")))
        .map(|folder| folder.join(&file))
        .find(|candidate| candidate.is_file())
}

/// Whether cargo-zigbuild will find Zig, by its rules: these variables, a Python package, or a
/// program on the path.
async fn zig_is_installed() -> bool {
    let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
    if set("CARGO_ZIGBUILD_ZIG_COMMAND")
        .or_else(|| set("CARGO_ZIGBUILD_ZIG_PATH"))
        .is_some()
    {
        return true;
    }
    if find("zig").is_some() {
        return true;
    }
    let python = set("CARGO_ZIGBUILD_PYTHON_PATH").unwrap_or_else(|| "python3".to_owned());
    let found = quiet(OsStr::new(&python))
        .args(["-m", "ziglang", "version"])
        .status()
        .await;
    found.is_ok_and(|status| status.success())
}

/// A program that reads nothing, shows nothing, and ends with this process's interest in it.
fn quiet(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Builds all handlers of the project for Lambda; `started` is given the chosen builder before it
/// runs.
pub(super) async fn build(
    request: &PackageRequest,
    started: impl FnOnce(Builder),
) -> Result<BTreeMap<Handler, PathBuf>, BuildError> {
    build_with(
        Installed::detect().await,
        request,
        Profile::Release,
        started,
    )
    .await
}

/// Builds them for this machine itself, whatever it is; with plain Cargo unless another builder is
/// asked for. Not optimised: whoever edits a domain waits for the compiler and not for the functions.
pub(super) async fn build_native(
    request: &PackageRequest,
    started: impl FnOnce(Builder),
) -> Result<BTreeMap<Handler, PathBuf>, BuildError> {
    let mut request = request.clone();
    if request.builder == Builder::Auto {
        request.builder = Builder::Cargo;
    }
    let installed = Installed::natively(request.architecture).await;
    build_with(installed, &request, Profile::Dev, started).await
}

/// The builder that would be taken for the project, for Lambda or for this machine itself; fails
/// with what would keep a build from beginning.
pub(crate) async fn builder(
    project: &Path,
    architecture: Architecture,
    native: bool,
) -> Result<Builder, BuildError> {
    let (installed, asked) = if native {
        (Installed::natively(architecture).await, Builder::Cargo)
    } else {
        (Installed::detect().await, Builder::Auto)
    };
    let ready = prepare(installed, project, asked, architecture).await?;
    Ok(ready.builder)
}

/// The version of this machine's C library, which plain Cargo builds against, where it is newer than
/// the functions' runtime has.
pub(crate) async fn newer_glibc() -> Option<GlibcVersion> {
    let asked = quiet("getconf")
        .arg("GNU_LIBC_VERSION")
        .stdout(Stdio::piped())
        .output()
        .await
        .ok()?;
    let said = text_of(&asked.stdout);
    let version = GlibcVersion::parse(&format!("GLIBC_{}", said.strip_prefix("glibc ")?))?;
    (version > RUNTIME_GLIBC).then_some(version)
}

/// How the handlers are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    /// Soon.
    Dev,
    /// Small, and fast to start.
    Release,
}

async fn build_with(
    installed: Installed,
    request: &PackageRequest,
    profile: Profile,
    started: impl FnOnce(Builder),
) -> Result<BTreeMap<Handler, PathBuf>, BuildError> {
    let PackageRequest {
        project,
        builder,
        architecture,
        output,
        ..
    } = request;
    let (architecture, output) = (*architecture, *output);
    let Ready { builder, metadata } = prepare(installed, project, *builder, architecture).await?;
    started(builder);
    let cross = installed.native != Some(architecture);
    let folder = metadata
        .target_directory
        .join("cqrs")
        .join(architecture.lambda_name());
    let mut arguments = arguments(builder, architecture, profile, cross, &folder);
    if profile == Profile::Dev && builder == Builder::Cargo {
        arguments.extend(metadata.beside_the_handlers());
    }
    let stdout = run(project, builder, &arguments, output).await?;
    let binaries = match builder {
        Builder::CargoLambda => Handler::ALL
            .map(|handler| (handler, folder.join(handler.name()).join(BOOTSTRAP)))
            .into_iter()
            .filter(|(_, path)| path.is_file())
            .collect(),
        _ => executables(&stdout),
    };
    match Handler::ALL
        .into_iter()
        .find(|handler| !binaries.contains_key(handler))
    {
        Some(handler) => Err(BuildError::NoBinary { builder, handler }),
        None => Ok(binaries),
    }
}

/// What a build begins with.
struct Ready {
    builder: Builder,
    metadata: Metadata,
}

/// Chooses the builder and looks whether all that it needs is there.
async fn prepare(
    installed: Installed,
    project: &Path,
    asked: Builder,
    architecture: Architecture,
) -> Result<Ready, BuildError> {
    if !project.join("Cargo.toml").is_file() {
        return Err(BuildError::NoProject(project.to_owned()));
    }
    let builder = installed.choose(asked, architecture)?;
    let metadata = Metadata::read(project).await?;
    metadata.check(project)?;
    if installed.native != Some(architecture) || builder == Builder::Zigbuild {
        check_target(project, architecture).await?;
    }
    Ok(Ready { builder, metadata })
}

/// The part of `cargo metadata` that is needed.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    workspace_default_members: Vec<String>,
    target_directory: PathBuf,
}

#[derive(Debug, Deserialize)]
struct MetadataPackage {
    id: String,
    name: String,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Target {
    fn is_binary_of(&self, handler: Handler) -> bool {
        self.name == handler.name() && self.kind.iter().any(|kind| kind == "bin")
    }
}

impl Metadata {
    /// Asks Cargo what the project holds. Takes some 50 ms, needs no network, and tells a project
    /// that cannot be read from one that does not compile.
    async fn read(project: &Path) -> Result<Self, BuildError> {
        let mut command = quiet("cargo");
        let asked = command
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(project)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let answer = asked
            .output()
            .await
            .map_err(|source| not_started("cargo", source))?;
        let unreadable = |source| BuildError::UnreadableProject {
            project: project.to_owned(),
            source,
        };
        if !answer.status.success() {
            return Err(unreadable(CompilerOutput::complaint(&answer.stderr)));
        }
        serde_json::from_slice(&answer.stdout)
            .map_err(|error| unreadable(CompilerOutput(error.to_string())))
    }

    fn check(&self, project: &Path) -> Result<(), BuildError> {
        let is_made = |handler: &Handler| {
            self.packages.iter().any(|package| {
                package.name == handler.name()
                    && package
                        .targets
                        .iter()
                        .any(|target| target.is_binary_of(*handler))
            })
        };
        let handlers: Vec<_> = Handler::ALL
            .into_iter()
            .filter(|handler| !is_made(handler))
            .collect();
        if handlers.is_empty() {
            Ok(())
        } else {
            Err(BuildError::MissingCrates {
                project: project.to_owned(),
                handlers,
            })
        }
    }

    /// Names, with the handlers, what is built with them where nothing is named, and asks for the
    /// handlers' programs alone. Cargo compiles a crate with the features that all named packages ask
    /// for: so those that `cargo run` has compiled for this tool serve the handlers too.
    fn beside_the_handlers(&self) -> Vec<OsString> {
        let is_handler = |name: &str| Handler::ALL.iter().any(|handler| handler.name() == name);
        let names: Vec<&str> = self
            .packages
            .iter()
            .filter(|package| self.workspace_default_members.contains(&package.id))
            .map(|package| package.name.as_str())
            .collect();
        if names.iter().filter(|name| is_handler(name)).count() < Handler::ALL.len() {
            return Vec::new();
        }
        let others = names.into_iter().filter(|name| !is_handler(name));
        let others = others.flat_map(|name| ["--package", name]);
        let programs = Handler::ALL.iter().flat_map(|h| ["--bin", h.name()]);
        others.chain(programs).map(OsString::from).collect()
    }
}

fn not_started(program: &str, source: io::Error) -> BuildError {
    if source.kind() == io::ErrorKind::NotFound {
        BuildError::NoCargo
    } else {
        BuildError::Start {
            program: program.to_owned(),
            source,
        }
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// The compiler's complaint about a missing target is one line among hundreds; asking takes 20 ms.
/// Where rustc does not answer, the build itself will say more.
async fn check_target(project: &Path, architecture: Architecture) -> Result<(), BuildError> {
    let asked = quiet("rustc")
        .args([
            "--print",
            "target-libdir",
            "--target",
            architecture.rust_target(),
        ])
        .current_dir(project)
        .stdout(Stdio::piped())
        .output()
        .await;
    match asked {
        Ok(answer) if answer.status.success() && !Path::new(&text_of(&answer.stdout)).is_dir() => {
            Err(BuildError::NoTarget(architecture))
        }
        _ => Ok(()),
    }
}

fn arguments(
    builder: Builder,
    architecture: Architecture,
    profile: Profile,
    cross: bool,
    folder: &Path,
) -> Vec<OsString> {
    const JSON: &str = "--message-format=json-render-diagnostics";
    let target = architecture.rust_target();
    let texts = |texts: &[&str]| texts.iter().map(OsString::from).collect::<Vec<_>>();
    let mut arguments = match builder {
        Builder::Zigbuild => {
            let target = format!("{target}.{RUNTIME_GLIBC}");
            texts(&["zigbuild", "--target", &target, JSON])
        }
        Builder::CargoLambda => {
            let architecture = match architecture {
                Architecture::Arm64 => "--arm64",
                Architecture::X86_64 => "--x86-64",
            };
            let mut arguments = texts(&["lambda", "build", architecture, "--lambda-dir"]);
            arguments.push(folder.into());
            arguments
        }
        Builder::Auto | Builder::Cargo if cross => texts(&["build", "--target", target, JSON]),
        // Without `--target` the project's own target folder stays warm.
        Builder::Auto | Builder::Cargo => texts(&["build", JSON]),
    };
    if profile == Profile::Release {
        arguments.push("--release".into());
    }
    for handler in Handler::ALL {
        arguments.extend(texts(&["--package", handler.name()]));
    }
    arguments
}

/// Runs Cargo and gives its stdout, which holds its messages for programs.
async fn run(
    project: &Path,
    builder: Builder,
    arguments: &[OsString],
    output: BuildOutput,
) -> Result<Vec<u8>, BuildError> {
    let mut command = quiet("cargo");
    command
        .args(arguments)
        .current_dir(project)
        .stdout(Stdio::piped());
    match output {
        BuildOutput::Inherited => command.stderr(Stdio::inherit()),
        BuildOutput::Complaints => command.arg("--quiet").stderr(Stdio::inherit()),
        // The text goes into a document, where escape sequences would be in the way.
        BuildOutput::Captured => command
            .stderr(Stdio::piped())
            .env("CARGO_TERM_COLOR", "never"),
    };
    let answer = command
        .output()
        .await
        .map_err(|source| not_started("cargo", source))?;
    if answer.status.success() {
        return Ok(answer.stdout);
    }
    Err(BuildError::Failed {
        builder,
        status: answer.status,
        source: CompilerOutput::complaint(&answer.stderr),
    })
}

/// One of Cargo's messages; those without an executable are of no interest.
#[derive(Deserialize)]
struct Message {
    target: Target,
    executable: PathBuf,
}

/// Where Cargo says it put the binaries: the one sure way to know, since settings can move them.
fn executables(stdout: &[u8]) -> BTreeMap<Handler, PathBuf> {
    let lines = stdout.split(|&byte| byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    messages
        .filter_map(|message| {
            let handler = Handler::ALL
                .into_iter()
                .find(|h| message.target.is_binary_of(*h))?;
            Some((handler, message.executable))
        })
        .collect()
}

#[cfg(test)]
mod tests;
