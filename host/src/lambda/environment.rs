//! An environment: one process of a function, from its start to its end.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::Settings;
use super::failure::Failure;
use super::memory::Memory;
use super::output::Output;
use super::pool::{Due, Pool};
use super::runtime_api;
use crate::clock;
use crate::definition::Function;
use crate::offspring::kill_group;
use crate::sync::Mutex;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Environment {
    /// Unique within its pool.
    pub(super) id: u64,
    /// The pool's generation that it was started for.
    pub(super) generation: u64,
    pub(super) function: Arc<Function>,
    pub(super) started: Instant,
    /// By when it is to have asked for work.
    pub(super) init_limit: Duration,
    /// As the function is given.
    pub(super) log_stream: Arc<str>,
    pub(super) pool: Arc<Pool>,
    /// How long it took to be ready, until the first invocation has reported it.
    init: Mutex<Option<Duration>>,
    memory: Memory,
    output: OnceLock<Output>,
    /// Something is to be looked at: a deadline, or the end.
    attention: Notify,
    ends: AtomicBool,
    /// The Runtime API is closed.
    closed: watch::Sender<bool>,
}

impl Environment {
    pub(super) fn new(
        id: u64,
        generation: u64,
        function: Arc<Function>,
        pool: Arc<Pool>,
        init_limit: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            generation,
            function,
            started: Instant::now(),
            init_limit,
            log_stream: log_stream().into(),
            pool,
            init: Mutex::default(),
            memory: Memory::default(),
            output: OnceLock::new(),
            attention: Notify::new(),
            ends: AtomicBool::new(false),
            closed: watch::Sender::new(false),
        })
    }

    /// There while the process is.
    pub(super) fn output(&self) -> Option<&Output> {
        self.output.get()
    }

    /// It asks for work for the first time.
    pub(super) fn became_ready(&self) {
        *self.init.lock() = Some(self.started.elapsed());
    }

    /// How long that took, once.
    pub(super) fn take_init(&self) -> Option<Duration> {
        self.init.lock().take()
    }

    /// The most memory that the process has used, in MB.
    pub(super) fn memory_used_mb(&self) -> u64 {
        self.memory.most_used_mb()
    }

    /// Has the deadlines looked at anew.
    pub(super) fn attend(&self) {
        self.attention.notify_one();
    }

    /// Ends the process without a word, as Lambda does with an environment that is idle. Its
    /// Runtime API closes after it, so that it has nothing to complain of.
    pub(super) fn close(&self) {
        self.ends.store(true, Ordering::Release);
        self.attend();
    }

    /// Becomes true when the Runtime API closes.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    /// The environment's whole life.
    pub(super) async fn run(self: Arc<Self>) {
        match self.launch().await {
            Err(failure) => self.pool.failed_to_start(&self, &failure),
            Ok(mut child) => {
                let pid = child.id();
                self.memory.of(pid);
                let status = self.supervise(&mut child, pid).await;
                if let Some(pid) = pid {
                    let offspring = self.pool.services.offspring.clone();
                    // It fails only where the runtime ends, and then all ends.
                    let _ = tokio::task::spawn_blocking(move || offspring.gone(pid)).await;
                }
                let failure = status.map_or_else(
                    |error| Failure::InvalidEntrypoint(format!("the process is lost: {error}")),
                    Failure::Exited,
                );
                self.pool.exited(&self, failure);
            }
        }
        self.closed.send_replace(true);
        self.pool.gone();
    }

    async fn launch(self: &Arc<Self>) -> Result<Child, Failure> {
        let program = &self.function.program;
        let failure = |error: io::Error| {
            Failure::InvalidEntrypoint(format!("cannot start {}: {error}", program.display()))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failure)?;
        let address = listener.local_addr().map_err(failure)?;
        let (output, writer) =
            Output::new(Arc::clone(&self.pool.log), Arc::clone(&self.log_stream))
                .map_err(failure)?;
        let mut command = Command::new(program);
        command
            .current_dir(program.parent().unwrap_or(Path::new("/")))
            .env_clear()
            .envs(variables(
                &self.function,
                &self.log_stream,
                &self.pool.services.settings,
            ))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .envs(&self.function.environment)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(failure)?)
            .stderr(writer)
            .kill_on_drop(true);
        let _ = self.output.set(output);
        let offspring = self.pool.services.offspring.clone();
        // Starting a process blocks for about a millisecond.
        let child = tokio::task::spawn_blocking(move || offspring.spawn(command))
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(failure)?;
        // What has connected so far waits until it is known whose the port is.
        if let Some(pid) = child.id() {
            tokio::spawn(runtime_api::serve(listener, Arc::clone(self), pid));
        }
        tokio::spawn({
            let environment = Arc::clone(self);
            async move {
                if let Some(output) = environment.output() {
                    output.follow().await;
                }
            }
        });
        Ok(child)
    }

    /// Waits for the process's end, and brings it about where it is due.
    async fn supervise(
        self: &Arc<Self>,
        child: &mut Child,
        pid: Option<u32>,
    ) -> io::Result<ExitStatus> {
        let mut look = self.look(pid);
        loop {
            let at = look.unwrap_or_else(Instant::now);
            tokio::select! {
                status = child.wait() => return status,
                () = self.attention.notified() => {}
                () = sleep_until(at), if look.is_some() => {}
            }
            look = self.look(pid);
        }
    }

    /// Does what is due, and says when to look again.
    fn look(self: &Arc<Self>, pid: Option<u32>) -> Option<Instant> {
        if !self.ends.load(Ordering::Acquire) {
            match self.pool.due(self) {
                Due::Nothing => return None,
                Due::At(at) => return Some(at),
                Due::Kill => self.ends.store(true, Ordering::Release),
            }
        }
        if let Some(pid) = pid {
            kill_group(pid);
        }
        None
    }
}

fn log_stream() -> String {
    let today = clock::day(clock::now_ms());
    format!("{today}/[$LATEST]{}", Uuid::new_v4().simple())
}

/// What Lambda sets for a function of an OS-only runtime, as the guide lists it under "Defined
/// runtime environment variables". Those runtimes have no `AWS_EXECUTION_ENV`.
fn variables(
    function: &Function,
    log_stream: &str,
    settings: &Settings,
) -> Vec<(&'static str, String)> {
    let folder = function.program.parent().unwrap_or(Path::new("/"));
    let mut variables = vec![
        ("_HANDLER", function.handler.clone()),
        ("AWS_REGION", settings.region.clone()),
        ("AWS_DEFAULT_REGION", settings.region.clone()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_SESSION_TOKEN", "local".to_owned()),
        ("AWS_ENDPOINT_URL", settings.endpoint_url.clone()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", super::VERSION.to_owned()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            function.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", function.log_group.clone()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream.to_owned()),
        (
            "AWS_LAMBDA_LOG_FORMAT",
            if function.log_json { "JSON" } else { "Text" }.to_owned(),
        ),
        ("LAMBDA_TASK_ROOT", folder.display().to_string()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ];
    if let Some(level) = &function.log_level {
        variables.push(("AWS_LAMBDA_LOG_LEVEL", level.clone()));
    }
    variables
}
