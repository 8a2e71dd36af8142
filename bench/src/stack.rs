//! A stack on this machine, in a folder of its own, and the tool that drives it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use test_support::process::Process;
use test_support::tree::{self, Seen};
use test_support::wire::Connection;
use test_support::{eventually, valkey, workspace};

use crate::cache::Cache;
use crate::interrupt;
use crate::options::Options;

/// The names of the handlers' programs.
pub(crate) const HANDLERS: [&str; 3] = ["publisher", "subscriber", "query"];

/// How long to wait for what must come to pass.
const PATIENCE: Duration = Duration::from_secs(600);

/// A command that has ended well.
pub(crate) struct Ran {
    pub(crate) took: Duration,
    /// On standard error.
    pub(crate) said: String,
}

pub(crate) struct Stack {
    folder: TempDir,
    cqrs: PathBuf,
    handlers: PathBuf,
    pub(crate) quick: bool,
    /// Names for the orders of [`crate::fill`].
    pub(crate) filled: usize,
}

impl Stack {
    /// A project with the repository's template, on the disk that holds `target/`.
    pub(crate) fn empty(options: &Options) -> Self {
        let parent = workspace().join("target/tmp");
        std::fs::create_dir_all(&parent).unwrap();
        let folder = tempfile::tempdir_in(parent).unwrap();
        let template = workspace().join("template.yaml");
        std::fs::copy(template, folder.path().join("template.yaml")).unwrap();
        interrupt::remember(folder.path(), &options.cqrs);
        Self {
            folder,
            cqrs: options.cqrs.clone(),
            handlers: options.handlers.clone(),
            quick: options.quick,
            filled: 0,
        }
    }

    pub(crate) fn deployed(options: &Options) -> Self {
        let stack = Self::empty(options);
        stack.deploy();
        stack
    }

    /// One whose functions all echo: what the stack costs without the handlers.
    pub(crate) fn of_echoes(options: &Options) -> Self {
        let mut stack = Self::empty(options);
        let handlers = stack.folder.path().join("echoes");
        std::fs::create_dir(&handlers).unwrap();
        for handler in HANDLERS {
            std::fs::copy(Options::own_program("echo"), handlers.join(handler)).unwrap();
        }
        stack.handlers = handlers;
        stack.deploy();
        stack
    }

    pub(crate) fn deploy(&self) -> Duration {
        let handlers = self.handlers.to_str().unwrap();
        self.run(&["deploy", "--local", "--prebuilt", handlers])
    }

    pub(crate) fn destroy(&self) -> Duration {
        self.run(&["destroy", "--local", "--yes"])
    }

    /// Runs the tool to its success; gives the time that the whole process took.
    pub(crate) fn run(&self, arguments: &[&str]) -> Duration {
        self.run_with(arguments, &[]).took
    }

    /// The same with these variables beside those that every program needs.
    pub(crate) fn run_with(&self, arguments: &[&str], environment: &[(&str, String)]) -> Ran {
        let mut command = self.command(&self.cqrs);
        command.args(arguments);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let start = Instant::now();
        let output = command.output().unwrap();
        let took = start.elapsed();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        Ran { took, said }
    }

    fn command(&self, program: &Path) -> Command {
        let server = valkey::executable();
        let search = std::env::var("PATH").unwrap_or_default();
        let folder = server.parent().unwrap_or(&server).display();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", format!("{folder}:{search}"))
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the stack, which is stopped, as a child of this process.
    pub(crate) fn in_foreground(&self, program: &Path) -> Process {
        let mut command = self.command(program);
        command
            .args(["local", "run", "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Process::spawn(&mut command);
        let state = self.folder.path().join(".cqrs/local/cqrs/host.json");
        assert!(eventually(PATIENCE, || state.exists()), "it does not start");
        process
    }

    /// What the stack keeps on the disk, in bytes.
    pub(crate) fn disk(&self) -> u64 {
        let files = std::fs::read_dir(self.folder.path().join(".cqrs/local/cqrs")).unwrap();
        let sizes = files.map(|file| file.unwrap().metadata().unwrap());
        sizes.filter(|of| of.is_file()).map(|of| of.len()).sum()
    }

    fn state(&self, file: &str) -> Value {
        let path = self.folder.path().join(".cqrs/local/cqrs").join(file);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    }

    /// The process that runs the stack.
    pub(crate) fn host(&self) -> Seen {
        let pid = self.state("host.json")["pid"].as_u64().unwrap();
        tree::seen(u32::try_from(pid).unwrap()).expect("the stack runs")
    }

    /// The processes of the stack: the one that runs it, and those below it.
    pub(crate) fn processes(&self) -> Vec<Seen> {
        let host = self.host();
        let mut processes = tree::below(host.pid);
        processes.push(host);
        processes
    }

    pub(crate) fn port(&self) -> u16 {
        let port = self.state("host.json")["port"].as_u64().unwrap();
        u16::try_from(port).unwrap()
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::open(self.port()).unwrap()
    }

    pub(crate) fn cache_port(&self) -> u16 {
        let port = self.state("deployment.json")["cachePort"].as_u64().unwrap();
        u16::try_from(port).unwrap()
    }

    pub(crate) fn cache(&self) -> Cache {
        Cache::connect(self.cache_port()).unwrap()
    }

    /// Gives the publisher the least order; gives its answer.
    pub(crate) fn invoke(connection: &mut Connection) -> Value {
        let payload = r#"{"clientId":"123456789","productId":"abc-def-ghi"}"#;
        let answer = connection.invoke("cqrs-publisher", payload).unwrap();
        answer.json().unwrap()
    }

    /// Writes an order; gives its id.
    pub(crate) fn create(connection: &mut Connection) -> String {
        let order = Self::invoke(connection);
        order["orderId"].as_str().unwrap().to_owned()
    }

    /// The name of the table of orders.
    pub(crate) fn table(&self) -> String {
        let answer = self.connection().dynamodb("ListTables", "{}").unwrap();
        let tables = answer.json().unwrap();
        let names = tables["TableNames"].as_array().unwrap();
        let own = names.iter().filter_map(Value::as_str);
        let own = own.filter(|name| *name != SCRATCH).collect::<Vec<_>>();
        assert_eq!(own.len(), 1, "{tables}");
        own[0].to_owned()
    }

    /// A table like that of the orders, with a stream that nobody reads: for floors.
    pub(crate) fn scratch_table(&self) -> &'static str {
        let request = serde_json::json!({
            "TableName": SCRATCH,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "orderId", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "orderId", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        });
        let mut connection = self.connection();
        let answer = connection.dynamodb("CreateTable", &request.to_string());
        let answer = answer.unwrap();
        let there = String::from_utf8_lossy(&answer.body).contains("ResourceInUse");
        assert!(answer.status == 200 || there, "{answer:?}");
        SCRATCH
    }

    /// Waits until the read model has so many orders.
    pub(crate) fn wait_until_read(&self, orders: usize) {
        let start = Instant::now();
        let mut cache = self.cache();
        while cache.orders().unwrap() < orders {
            assert!(
                start.elapsed() < PATIENCE,
                "the read model does not catch up"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How many items the table of orders has, by a count of all.
    pub(crate) fn count(&self) -> usize {
        let mut connection = self.connection();
        let mut request = serde_json::json!({"TableName": self.table(), "Select": "COUNT"});
        let mut count = 0;
        loop {
            let answer = connection.dynamodb("Scan", &request.to_string()).unwrap();
            let mut page = answer.json().unwrap();
            count += page["Count"].as_u64().unwrap();
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
            if request["ExclusiveStartKey"].is_null() {
                return usize::try_from(count).unwrap();
            }
        }
    }
}

const SCRATCH: &str = "bench-floor";

impl Drop for Stack {
    fn drop(&mut self) {
        let state = self.folder.path().join(".cqrs/local/cqrs/host.json");
        if state.exists() && !std::thread::panicking() {
            self.destroy();
        } else if state.exists() {
            // What is shown is why this came about.
            let _ = Command::new(&self.cqrs)
                .args(["local", "stop"])
                .current_dir(self.folder.path())
                .output();
        }
        interrupt::forget(self.folder.path());
    }
}
