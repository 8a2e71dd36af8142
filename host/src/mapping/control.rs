//! What passes between a driver and those outside it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::definition::Mapping;
use crate::store::Sequence;

/// What a driver is to do.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Deliver by these settings.
    Follow(Arc<Mapping>),
    /// End.
    Stop,
}

/// How the last batch went.
#[derive(Clone, Debug, Default)]
pub(super) enum Processed {
    #[default]
    Nothing,
    Well,
    Badly,
    /// The host's own parts fail.
    Trouble(String),
}

/// What others may know of a driver.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) processed: Processed,
    pub(super) done: Sequence,
    /// Records above `done` that are done too.
    pub(super) done_above: u64,
    /// Records passed over.
    pub(super) given_up: u64,
}

/// Locks also what a panic left behind.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
