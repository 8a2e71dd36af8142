//! The background process: the host's services, put together for one stack.
//!
//! It holds the stack folder's lock for as long as it lives, says on its standard output that it
//! serves or why not, and from then on answers on its port until it is asked to stop.

mod control;
mod error;
mod log;
mod rebuild;
mod stack;

use std::fs::{File, TryLockError};
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use host::gateway::{self, Services};
use host::lambda::LogLine;
use host::offspring::Offspring;
use host::store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use self::control::Controller;
pub(crate) use self::error::ServeError;
use self::log::log;
use self::stack::Stack;
use crate::app::installed;
use crate::app::interrupt::Interrupt;
use crate::app::version::VERSION;
use crate::error::Failure;
use crate::local::private;
use crate::local::protocol::{Deployment, HostFile, Started};

/// The hidden arguments with which this binary becomes the watcher of [`host::offspring`].
pub(crate) const WATCH: [&str; 2] = ["local", "watch"];

/// Between two removals of what is too old.
const TIDY: Duration = Duration::from_secs(3600);

/// How to start.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// The stack's folder, which is there.
    pub(crate) state: PathBuf,
    /// The region in ARNs, for a stack that is not deployed yet.
    pub(crate) region: String,
    /// The port that must be taken; else the deployment's if it is free, else any.
    pub(crate) port: Option<u16>,
}

/// Runs in the background until it is asked to stop; the tool that started it reads one line of
/// [`Started`] from standard output.
pub(crate) fn host(start: &Start) -> ExitCode {
    log::keep_in(start.state.join("host.log"));
    let say = |started: &Started| {
        let line = serde_json::to_string(started).unwrap_or_default();
        // Whoever started this may be gone already, which changes nothing.
        let _ = writeln!(std::io::stdout(), "{line}");
    };
    let served = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let serving = Serving::start(start).await?;
            say(&Started::Ready(serving.file.clone()));
            Ok(serving.until_stopped(signalled()).await)
        })
    });
    match served {
        Ok(_lock) => ExitCode::SUCCESS,
        Err(error) => {
            log(format_args!("cannot start: {error}"));
            say(&Started::Failed(error.into()));
            ExitCode::FAILURE
        }
    }
}

/// Runs in the foreground, until Ctrl-C or until it is asked to stop, and hands over what the
/// functions log.
pub(crate) async fn run(
    start: Start,
    interrupt: Interrupt,
    ready: impl FnOnce(&HostFile) + Send + 'static,
    show: impl Fn(&LogLine) + Send + 'static,
) -> Result<(), Failure> {
    // The tool itself runs on one thread, which the services would fill.
    let serving = tokio::task::spawn_blocking(move || {
        runtime()?.block_on(async {
            let serving = Serving::start(&start).await?;
            ready(&serving.file);
            let mut lines = serving.stack.functions().logs();
            let showing = tokio::spawn(async move {
                loop {
                    match lines.recv().await {
                        Ok(line) => show(&line),
                        Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                        Err(tokio::sync::broadcast::error::RecvError::Closed) => break,
                    }
                }
            });
            let lock = serving.until_stopped(interrupt.asked()).await;
            showing.abort();
            Ok::<_, ServeError>(lock)
        })
    });
    match serving.await {
        Ok(served) => served.map(drop).map_err(Failure::from),
        Err(gone) => Err(Failure::new(
            crate::error::Kind::Failed,
            format!("the local stack ended: {gone}"),
        )),
    }
}

/// With as many threads as leave room for the functions: on two cores one serves 9 % more than two,
/// which wake each other.
fn runtime() -> Result<tokio::runtime::Runtime, ServeError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores / 2).max(1))
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)
}

/// A process that serves.
struct Serving {
    stack: Arc<Stack>,
    file: HostFile,
    state: PathBuf,
    gateway: tokio::task::JoinHandle<()>,
    stop: watch::Sender<bool>,
    lock: File,
}

impl Serving {
    async fn start(start: &Start) -> Result<Self, ServeError> {
        private::keep_from_others();
        let lock = lock(&start.state)?;
        let deployment = read_deployment(&start.state)?;
        let listener = listen(start.port, deployment.as_ref()).await?;
        let port = listener.local_addr().map_err(ServeError::Listen)?.port();
        let program = installed::program().map_err(ServeError::Watcher)?;
        let offspring =
            Offspring::new(program, &WATCH, &start.state).map_err(ServeError::Watcher)?;
        let region = deployment
            .as_ref()
            .map_or(start.region.as_str(), |deployment| &deployment.region);
        let stack = Arc::new(Stack::open(&start.state, region, port, offspring)?);
        let file = HostFile {
            pid: std::process::id(),
            port,
            token: uuid::Uuid::new_v4().simple().to_string(),
            version: VERSION.to_owned(),
            region: Some(region.to_owned()),
        };
        let (stop, stopped) = watch::channel(false);
        let services = Services {
            region: region.to_owned(),
            store: stack.store().clone(),
            functions: stack.functions().clone(),
            mappings: stack.mappings().clone(),
            queues: stack.queues().clone(),
            control: Arc::new(Controller::new(Arc::clone(&stack), stop.clone())),
            token: file.token.clone(),
        };
        let gateway = tokio::spawn(gateway::serve(listener, services, stopped));
        // The functions need the port to start, so it serves before the stack is whole.
        if let Some(deployment) = deployment
            && let Err(error) = stack.resume(deployment).await
        {
            stack.stop().await;
            return Err(error);
        }
        write_owned(&start.state.join("host.json"), &file)?;
        tokio::spawn(tidy(stack.store().clone()));
        log(format_args!("serves on port {port}"));
        Ok(Self {
            stack,
            file,
            state: start.state.clone(),
            gateway,
            stop,
            lock,
        })
    }

    /// Serves until it is asked to stop, or `enough` comes; then everything ends in order. What it
    /// gives is the folder's lock, to be dropped after the runtime: its tasks hold the files open.
    async fn until_stopped(self, enough: impl Future<Output = ()>) -> File {
        let mut stopped = self.stop.subscribe();
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => {}
            () = enough => {}
        }
        log(format_args!("stops"));
        self.stop.send_replace(true);
        // Requests in flight still need the functions.
        let _ = self.gateway.await;
        self.stack.stop().await;
        let _ = std::fs::remove_file(self.state.join("host.json"));
        self.lock
    }
}

/// Removes, now and every hour, what DynamoDB would no longer keep: stream records older than a day,
/// and items whose time to live is over.
async fn tidy(store: Store) {
    loop {
        if let Err(error) = store.trim().await {
            log(format_args!("the streams cannot be trimmed: {error}"));
        }
        if let Err(error) = store.sweep().await {
            log(format_args!("expired items cannot be removed: {error}"));
        }
        tokio::time::sleep(TIDY).await;
    }
}

async fn signalled() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// How often the lock is tried before it counts as held by another process.
const LOOKS: u32 = 20;

/// Takes the folder's lock, which goes with this process however it ends.
fn lock(state: &Path) -> Result<File, ServeError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(state.join("lock"))
        .map_err(ServeError::Folder)?;
    // A tool that looks whether anybody serves holds it too, for some microseconds.
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            Err(TryLockError::Error(error)) => return Err(ServeError::Folder(error)),
        }
    }
    Err(ServeError::Running)
}

/// A port that was asked for must be had. The last one is preferred, so that what points at it
/// still does; else any.
async fn listen(
    asked: Option<u16>,
    deployment: Option<&Deployment>,
) -> Result<TcpListener, ServeError> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = asked {
        return bind(port)
            .await
            .map_err(|source| ServeError::Port { port, source });
    }
    if let Some(last) = deployment
        && let Ok(listener) = bind(last.port).await
    {
        return Ok(listener);
    }
    bind(0).await.map_err(ServeError::Listen)
}

/// The stack as it was last deployed, if it was.
pub(crate) fn read_deployment(state: &Path) -> Result<Option<Deployment>, ServeError> {
    let path = state.join("deployment.json");
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| ServeError::Unreadable { path, source }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ServeError::Folder(error)),
    }
}

/// A file that is written whole, beside the one that it is to replace.
#[must_use]
struct Written {
    unfinished: PathBuf,
    path: PathBuf,
}

impl Written {
    fn replace(self) -> Result<(), ServeError> {
        std::fs::rename(&self.unfinished, &self.path).map_err(ServeError::Folder)
    }
}

/// Writes a file that is whole at any moment and that only its owner reads.
fn write_owned(path: &Path, value: &impl serde::Serialize) -> Result<(), ServeError> {
    write_beside(path, value)?.replace()
}

fn write_beside(path: &Path, value: &impl serde::Serialize) -> Result<Written, ServeError> {
    use std::os::unix::fs::OpenOptionsExt;
    let text = serde_json::to_vec_pretty(value).unwrap_or_default();
    let unfinished = path.with_extension("new");
    let write = || {
        let mut file = File::options()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(&text)?;
        file.sync_all()
    };
    write().map_err(ServeError::Folder)?;
    let path = path.to_owned();
    Ok(Written { unfinished, path })
}
