//! A folder with a home and a project, where the binary runs with nothing of this machine's.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use test_support::{valkey, workspace as repository};

use super::filters::Filters;
use super::run::Run;

/// Cargo's target folder, wherever it is: the tested binary lies two levels below.
pub(crate) fn target() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_cqrs"));
    binary.ancestors().nth(2).unwrap().to_owned()
}

/// The functions' programs.
pub(crate) const HANDLERS: [&str; 3] = ["publisher", "subscriber", "query"];

/// The folder with the handlers' release binaries, which the tests deploy.
pub(crate) fn handlers() -> PathBuf {
    let folder = match std::env::var_os("CQRS_TEST_HANDLERS") {
        Some(folder) => PathBuf::from(folder),
        None => target().join("release"),
    };
    for handler in HANDLERS {
        assert!(
            folder.join(handler).is_file(),
            "{} holds no `{handler}`: build the handlers first, as scripts/test does, with \
             `cargo build --release -p publisher -p subscriber -p query`",
            folder.display()
        );
    }
    folder
}

/// A folder with them, in which each was changed.
pub(crate) fn handlers_with(change: impl Fn(&str, &mut Vec<u8>)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in HANDLERS {
        let mut program = std::fs::read(handlers().join(name)).unwrap();
        change(name, &mut program);
        std::fs::write(folder.path().join(name), program).unwrap();
    }
    folder
}

/// The same with a query that is another program and does the same: what follows the end of an
/// executable is never loaded.
pub(crate) fn another_query() -> TempDir {
    handlers_with(|name, program| {
        if name == "query" {
            program.extend_from_slice(b"another build");
        }
    })
}

/// This machine's processor, as Lambda calls it.
pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}

/// See the module's documentation. The folder goes with the value.
pub(crate) struct Sandbox {
    folder: TempDir,
    variables: Vec<(String, String)>,
    pub(crate) filters: Filters,
}

impl Sandbox {
    /// With the repository's template in the project, without credentials.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut filters = Filters::new();
        filters.add_text(folder.path().to_str().unwrap(), "[SANDBOX]");
        let sandbox = Self {
            folder,
            variables: Vec::new(),
            filters,
        };
        std::fs::create_dir(sandbox.home()).unwrap();
        std::fs::create_dir(sandbox.project()).unwrap();
        std::fs::create_dir(sandbox.servers()).unwrap();
        valkey::pin(&sandbox.servers());
        sandbox.restore_template();
        sandbox
    }

    /// With credentials for, and all requests sent to, a server on this machine.
    pub(crate) fn against(endpoint: &str) -> Self {
        let mut sandbox = Self::new();
        sandbox.set("AWS_ENDPOINT_URL", endpoint);
        sandbox.set("AWS_ACCESS_KEY_ID", "test");
        sandbox.set("AWS_SECRET_ACCESS_KEY", "test");
        sandbox.set("AWS_REGION", "eu-west-1");
        sandbox
    }

    /// Sets an environment variable for every run.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// What the binary is started with, besides its home and its search path.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// The project's folder, in which the binary is started.
    pub(crate) fn project(&self) -> PathBuf {
        self.path().join("project")
    }

    fn servers(&self) -> PathBuf {
        self.path().join("servers")
    }

    /// The machine's, with the tests' cache server before what it has of the kind.
    pub(crate) fn search_path(&self) -> String {
        let rest = std::env::var("PATH").unwrap_or_default();
        format!("{}:{rest}", self.servers().display())
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Puts `new` for `old` in the project's template, where it must be.
    pub(crate) fn edit_template(&self, old: &str, new: &str) {
        let path = self.project().join("template.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "the template holds no {old:?}");
        std::fs::write(path, text.replacen(old, new, 1)).unwrap();
    }

    /// Puts the repository's template into the project.
    pub(crate) fn restore_template(&self) {
        let template = repository().join("template.yaml");
        std::fs::copy(template, self.project().join("template.yaml")).unwrap();
    }

    /// The binary with these arguments, not started yet.
    pub(crate) fn cqrs<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        self.run(Path::new(env!("CARGO_BIN_EXE_cqrs")), arguments)
    }

    /// A program with these arguments, not started yet.
    /// Writes a workspace with a crate below `handlers` for each of these programs.
    pub(crate) fn write_crates(&self, names: &[&str], main: impl Fn(&str) -> String) {
        let members: Vec<_> = names
            .iter()
            .map(|name| format!("handlers/{name}"))
            .collect();
        let workspace = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n");
        self.write("Cargo.toml", &workspace);
        for name in names {
            let package =
                format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
            self.write(&format!("handlers/{name}/Cargo.toml"), &package);
            self.write(&format!("handlers/{name}/src/main.rs"), &main(name));
        }
    }

    /// `cqrs deploy --yes` with the handlers that were built before.
    pub(crate) fn deploy(&self) -> Run {
        self.deploy_from(&handlers())
    }

    /// The same, with those in this folder.
    pub(crate) fn deploy_from(&self, handlers: &Path) -> Run {
        self.cqrs(["deploy", "--yes", "--prebuilt"]).arg(handlers)
    }

    /// `cqrs deploy --plan` with the handlers that were built before.
    pub(crate) fn plan(&self) -> Run {
        let plan = self.cqrs(["deploy", "--plan", "--prebuilt"]);
        plan.arg(handlers())
    }

    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> Run {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", self.search_path())
            .env("HOME", self.home())
            // Else a machine without credentials is asked whether it is one of Amazon's.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.variables())
            .current_dir(self.project())
            .args(arguments);
        Run::new(command, self.filters.clone())
    }
}

/// All files below a folder by their path in it, but for Git's own.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with(".git") => {}
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap();
                    found.push(name.to_str().unwrap().to_owned());
                }
            }
        }
    }
    found.sort();
    found
}
