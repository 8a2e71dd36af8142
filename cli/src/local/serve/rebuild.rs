//! Keeps the read model whole: when its server comes up empty, it is made again from the table.
//!
//! A marker in the cache says whose read model it holds. Without it, every item is handed to the
//! projecting function as `{"project":{"items":[…]}}`, while the mapping goes on: the projection
//! keeps the newer of the two. The function hears of it before the first and after the last, so that
//! the read model counts as complete.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host::cache::Cache;
use host::definition::Definition;
use host::lambda::{Functions, InvokeOptions};
use host::pause::Pause;
use host::store::Store;
use pattern::payload::{Failed, Projected, Token};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::error::ServeError;
use super::log::log;
use super::stack::{Projection, projections};
use crate::models::payload::{ByHand, Project, portions};

/// The cache's key that holds the marker; outside of the read model's prefix.
const MARKER: &str = "cqrs:local:complete";
/// Items of one page, which are one call unless they are very large.
const BATCH: usize = 500;
/// Calls at once: one that is read while another is projected.
const CONCURRENCY: usize = 2;
/// What a command waits for at most; a large read model is finished while the stack serves.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two attempts, twice as long each time: each reads the whole table.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// See the module's documentation. Dropped, it looks after nothing any more.
pub(super) struct Keeper {
    projections: watch::Sender<Vec<Projection>>,
    whole: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Looks after the cache from now on.
    pub(super) fn start(
        cache: Cache,
        store: Store,
        functions: Functions,
        definition: &Definition,
        state: &Path,
    ) -> Result<Self, ServeError> {
        let identity = identity(state)?;
        let projections = watch::Sender::new(projections(definition));
        let (say, whole) = watch::channel(false);
        let mut work = Work {
            cache,
            store,
            functions,
            identity,
            projections: projections.subscribe(),
            said: String::new(),
        };
        let task = tokio::spawn(async move {
            let mut restarted = work.cache.restarted();
            loop {
                restarted.mark_unchanged();
                say.send_replace(false);
                let mut pause = Pause::between(SHORTEST_PAUSE, LONGEST_PAUSE);
                while !work.keep_whole().await {
                    pass(&mut pause, &mut restarted, &mut work.projections).await;
                }
                say.send_replace(true);
                if restarted.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            projections,
            whole,
            task,
        })
    }

    /// Whether the read model has all that the table has.
    pub(super) fn is_whole(&self) -> bool {
        *self.whole.borrow()
    }

    /// From now on the read model is made from these tables by these functions.
    pub(super) fn target(&self, definition: &Definition) {
        self.projections.send_replace(projections(definition));
    }

    /// Waits until the read model is whole, though not long.
    pub(super) async fn ended(&self) {
        let mut whole = self.whole.clone();
        let waited = timeout(PATIENCE, whole.wait_for(|whole| *whole)).await;
        if waited.is_err() {
            log("the read model is being made again; this goes on while the stack serves");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits, longer each time, though not for what an empty cache or another function can change.
async fn pass(
    pause: &mut Pause,
    restarted: &mut watch::Receiver<u64>,
    deployed: &mut watch::Receiver<Vec<Projection>>,
) {
    let changed = tokio::select! {
        () = pause.pass() => false,
        Ok(()) = restarted.changed() => true,
        Ok(()) = deployed.changed() => true,
    };
    if changed {
        pause.reset();
    }
}

struct Work {
    cache: Cache,
    store: Store,
    functions: Functions,
    identity: String,
    projections: watch::Receiver<Vec<Projection>>,
    /// What it said last.
    said: String,
}

impl Work {
    /// Whether the cache holds this stack's read model, after it was made where it was missing.
    async fn keep_whole(&mut self) -> bool {
        match self.try_keep_whole().await {
            Ok(()) => true,
            Err(trouble) => {
                // The same again is no news.
                if trouble != self.said {
                    log(&trouble);
                    self.said = trouble;
                }
                false
            }
        }
    }

    async fn try_keep_whole(&mut self) -> Result<(), String> {
        match self.cache.marker(MARKER).await {
            Ok(Some(holds)) if holds == self.identity => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(format!("the cache cannot be asked: {error}")),
        }
        let projections = self.projections.borrow_and_update().clone();
        for Projection { table, function } in projections {
            match self.project(&table, &function).await {
                Ok(0) => {}
                Ok(items) => log(format_args!("the read model is made again: {items} items")),
                Err(error) => {
                    return Err(format!("the read model cannot be made again yet: {error}"));
                }
            }
        }
        let marked = self.cache.set_marker(MARKER, &self.identity).await;
        marked.map_err(|error| format!("the cache cannot be marked: {error}"))
    }

    /// Hands the table's items to the function; gives their number.
    async fn project(&self, table: &str, function: &Arc<str>) -> Result<usize, String> {
        let token = Token::fresh();
        if let Err(error) = self.say(function, Project::Begin(&token)).await {
            let first = self.store.scan(table, None, 1).await;
            let (items, _) = first.map_err(|error| error.to_string())?;
            // Whatever else reads the stream need not know how items are projected by hand.
            return if items.is_empty() { Ok(0) } else { Err(error) };
        }
        let mut calls = JoinSet::new();
        let mut after = None;
        let mut count = 0;
        loop {
            let (items, next) = self
                .store
                .scan(table, after, BATCH)
                .await
                .map_err(|error| error.to_string())?;
            count += items.len();
            let items: Result<Vec<Box<RawValue>>, _> = items
                .into_iter()
                .map(|item| RawValue::from_string(item.into()))
                .collect();
            for portion in portions(&items.map_err(|error| error.to_string())?) {
                let items: Vec<&RawValue> = portion.iter().map(AsRef::as_ref).collect();
                let payload = payload(Project::Items(&items))?;
                if calls.len() == CONCURRENCY {
                    finished(calls.join_next().await)?;
                }
                calls.spawn(call(self.functions.clone(), Arc::clone(function), payload));
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        while let Some(call) = calls.join_next().await {
            finished(Some(call))?;
        }
        self.say(function, Project::Complete(&token)).await?;
        Ok(count)
    }

    async fn say(&self, function: &Arc<str>, project: Project<'_>) -> Result<(), String> {
        let payload = payload(project)?;
        call(self.functions.clone(), Arc::clone(function), payload).await
    }
}

fn payload(project: Project<'_>) -> Result<Bytes, String> {
    let payload = serde_json::to_vec(&ByHand { project });
    payload.map(Bytes::from).map_err(|error| error.to_string())
}

/// An item that is no entity is said and passed over: nothing but its correction mends it.
async fn call(functions: Functions, function: Arc<str>, payload: Bytes) -> Result<(), String> {
    let invoked = functions
        .invoke(&function, payload, InvokeOptions::default())
        .await
        .map_err(|error| error.to_string())?;
    if invoked.failed {
        return Err(String::from_utf8_lossy(&invoked.payload).into_owned());
    }
    let answer = serde_json::from_slice::<Projected>(&invoked.payload);
    let failed = answer.unwrap_or_default().failed;
    let (malformed, refused): (Vec<_>, Vec<_>) =
        failed.iter().partition(|failed| failed.is_malformed);
    for failed in malformed {
        log(format_args!(
            "an item cannot be projected: {}",
            said(failed)
        ));
    }
    refused.first().map_or(Ok(()), |failed| Err(said(failed)))
}

/// `o: out of memory`.
fn said(failed: &Failed) -> String {
    let id = failed.id.as_ref().map_or("?", |(_, id)| id.as_str());
    format!("{id}: {}", failed.reason)
}

fn finished(
    call: Option<Result<Result<(), String>, tokio::task::JoinError>>,
) -> Result<(), String> {
    match call {
        Some(Ok(result)) => result,
        Some(Err(error)) => Err(error.to_string()),
        None => Ok(()),
    }
}

/// What this stack's read model is marked with: made once and kept beside the data, so that the
/// read model of a stack that was destroyed is not taken for this one's.
fn identity(state: &Path) -> Result<String, ServeError> {
    let path = state.join("identity");
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.is_empty() => Ok(text),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ServeError::Folder(error))
        }
        _ => {
            let text = uuid::Uuid::new_v4().simple().to_string();
            std::fs::write(&path, &text).map_err(ServeError::Folder)?;
            Ok(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_goes_on_failing_is_tried_ever_more_seldom_until_something_changes() {
        let (_cache, mut restarted) = watch::channel(0);
        let (deploy, mut deployed) = watch::channel(Vec::new());
        let mut pause = Pause::between(SHORTEST_PAUSE, LONGEST_PAUSE);
        let begun = Instant::now();
        for _ in 0..20 {
            pass(&mut pause, &mut restarted, &mut deployed).await;
        }
        assert!(begun.elapsed() > Duration::from_secs(600));
        let begun = Instant::now();
        deploy.send_replace(Vec::new());
        pass(&mut pause, &mut restarted, &mut deployed).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        pass(&mut pause, &mut restarted, &mut deployed).await;
        assert_eq!(begun.elapsed(), SHORTEST_PAUSE);
    }
}
