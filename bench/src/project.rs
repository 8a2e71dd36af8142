//! A project in a folder of its own, and the tool that is run there.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use test_support::wire::Connection;
use test_support::{valkey, workspace};

use crate::Options;

/// Waits until its standard input is closed, then removes the stack that it finds.
const GUARD: &str = r#"cat >/dev/null; [ -e .cqrs/local/cqrs ] && exec "$0" destroy --local --yes"#;

/// A command that has ended well.
pub(crate) struct Ran {
    pub(crate) took: Duration,
    pub(crate) output: String,
    /// On standard error.
    pub(crate) said: String,
}

pub(crate) struct Project {
    folder: TempDir,
    cqrs: PathBuf,
    handlers: PathBuf,
    environment: Vec<(String, String)>,
    /// A process of its own, so that nothing is left running when this one is interrupted.
    guard: Child,
}

impl Project {
    /// With the repository's template, on the disk that holds `target/`. The tool's answers come
    /// from this machine, unless `environment` says otherwise.
    pub(crate) fn new(options: &Options, environment: &[(&str, &str)]) -> Self {
        let parent = workspace().join("target/tmp");
        std::fs::create_dir_all(&parent).unwrap();
        let folder = tempfile::tempdir_in(parent).unwrap();
        let template = workspace().join("template.yaml");
        std::fs::copy(template, folder.path().join("template.yaml")).unwrap();
        let servers = folder.path().join("servers");
        std::fs::create_dir(&servers).unwrap();
        valkey::pin(&servers);
        let search = std::env::var("PATH").unwrap_or_default();
        let mut variables = vec![
            ("PATH".to_owned(), format!("{}:{search}", servers.display())),
            ("HOME".to_owned(), folder.path().display().to_string()),
        ];
        let own = environment.iter();
        variables.extend(own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let guard = Command::new("sh")
            .args(["-c", GUARD])
            .arg(&options.programs.cqrs)
            .env_clear()
            .envs(variables.clone())
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        Self {
            cqrs: options.programs.cqrs.clone(),
            handlers: options.programs.handlers.clone(),
            environment: variables,
            guard: guard.unwrap(),
            folder,
        }
    }

    /// One that has a stack on this machine.
    pub(crate) fn deployed(options: &Options) -> Self {
        let project = Self::new(options, &[("CQRS_LOCAL", "1")]);
        project.deploy(&[]);
        project
    }

    pub(crate) fn deploy(&self, more: &[&str]) -> Ran {
        let handlers = self.handlers.to_str().unwrap();
        self.run(&[&["deploy", "--prebuilt", handlers], more].concat())
    }

    /// Deploys these programs from now on.
    pub(crate) fn use_handlers(&mut self, folder: &Path) {
        self.handlers = folder.to_owned();
    }

    /// Runs the tool to its success.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(&self.cqrs);
        command.args(arguments);
        self.run_here(command)
    }

    /// Runs any command in the folder, with the tool's environment.
    pub(crate) fn run_here(&self, mut command: Command) -> Ran {
        command
            .env_clear()
            .envs(self.environment.clone())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        let start = Instant::now();
        let output = command.output().unwrap();
        let took = start.elapsed();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stderr);
        let output_text = text(&output.stdout);
        assert!(output.status.success(), "{command:?}: {said}{output_text}");
        Ran {
            took,
            output: output_text,
            said,
        }
    }

    /// What `cqrs bench` measures.
    pub(crate) fn bench(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[&["bench", "--output", "json", "--quiet"], arguments].concat());
        serde_json::from_str(&ran.output).unwrap()
    }

    /// What the stack's background process says of itself.
    pub(crate) fn host(&self, field: &str) -> u32 {
        let path = self.folder.path().join(".cqrs/local/cqrs/host.json");
        let text = std::fs::read_to_string(path).unwrap();
        let host: Value = serde_json::from_str(&text).unwrap();
        u32::try_from(host[field].as_u64().unwrap()).unwrap()
    }

    /// A connection to the stack's port.
    pub(crate) fn connection(&self) -> Connection {
        Connection::open(u16::try_from(self.host("port")).unwrap()).unwrap()
    }

    /// What the stack keeps on the disk, in bytes.
    pub(crate) fn disk(&self) -> u64 {
        let files = std::fs::read_dir(self.folder.path().join(".cqrs/local/cqrs")).unwrap();
        let sizes = files.map(|file| file.unwrap().metadata().unwrap());
        sizes.filter(|of| of.is_file()).map(|of| of.len()).sum()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}
