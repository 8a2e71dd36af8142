//! The thread that owns the engine.
//!
//! SQLite has one writer, and the engine one lock, so more threads would only wait for each other;
//! one that is fed by a channel neither sleeps between calls while there are some nor wakes while
//! there are none. What is brief need not go there while the engine is idle: waking a thread, and
//! being woken by it, costs about a fifth of a put.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

use dynoxide::Database;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::StoreError;

/// What the thread owns.
pub(super) struct Parts {
    /// The engine.
    pub(super) database: Database,
    /// A connection for what the engine does not do. It writes in the engine's thread alone, so
    /// that the two never wait for each other.
    pub(super) maintenance: Connection,
}

type Job = Box<dyn FnOnce(&Parts) + Send>;

/// Of the thread's stack, in bytes, used only where it is needed: the engine reads an expression,
/// whose 4 KB can hold as many levels, by recursion.
const STACK: usize = 64 * 1024 * 1024;

/// The thread's handle. Dropping it lets the thread finish what it was given, and waits for that.
pub(super) struct Engine {
    database: Database,
    /// A caller's own thread is at it.
    taken: AtomicBool,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// The thread is gone, which it never is before its handle unless a call panicked.
#[derive(Debug)]
pub(super) struct Stopped;

impl From<Stopped> for StoreError {
    fn from(_: Stopped) -> Self {
        Self::Unusable("the tables' engine has stopped".to_owned())
    }
}

impl Engine {
    /// Starts the thread.
    pub(super) fn start(database: Database, maintenance: Connection) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let parts = Parts {
            database: database.clone(),
            maintenance,
        };
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                for job in queue {
                    job(&parts);
                }
            })
            .map_err(|error| StoreError::Unusable(format!("no thread for the tables: {error}")))?;
        Ok(Self {
            database,
            taken: AtomicBool::new(false),
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// The engine, for work of a fraction of a millisecond in the caller's thread; none while
    /// another caller has it.
    pub(super) fn try_here(&self) -> Option<Here<'_>> {
        let taken = &self.taken;
        (!taken.swap(true, Ordering::Acquire)).then_some(Here(self))
    }

    /// Runs `work` in its turn.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Parts) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |parts| {
            // Nobody may wait any more; the work is done all the same.
            let _ = answer.send(work(parts));
        });
        let jobs = self.jobs.as_ref().ok_or(Stopped)?;
        jobs.send(job).map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }
}

/// The right to use the engine here.
pub(super) struct Here<'a>(&'a Engine);

impl Here<'_> {
    pub(super) fn database(&self) -> &Database {
        &self.0.database
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.taken.store(false, Ordering::Release);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}
