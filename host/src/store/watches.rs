//! Who waits for a change of which table.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tokio::sync::watch;

/// A counter per table that has a watcher.
#[derive(Debug, Default)]
pub(super) struct Watches(RwLock<HashMap<Box<str>, watch::Sender<u64>>>);

/// The watchers of the tables that a call writes to, found before the call takes its request.
#[must_use]
pub(super) struct Bump(Vec<watch::Sender<u64>>);

impl Watches {
    /// A receiver that changes with the table.
    pub(super) fn receiver(&self, table: &str) -> watch::Receiver<u64> {
        let mut watches = self.0.write().unwrap_or_else(PoisonError::into_inner);
        watches
            .entry(table.into())
            .or_insert_with(|| watch::channel(0).0)
            .subscribe()
    }

    /// The watchers of these tables.
    pub(super) fn of<'a>(&self, tables: impl IntoIterator<Item = &'a str>) -> Bump {
        let watches = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Bump(
            tables
                .into_iter()
                .filter_map(|table| watches.get(table).cloned())
                .collect(),
        )
    }

    /// The watchers of every table where one of these PartiQL statements is no plain reading:
    /// finding its table would take a parser.
    pub(super) fn of_statements<'a>(&self, statements: impl IntoIterator<Item = &'a str>) -> Bump {
        let reads = |statement: &str| {
            let verb = statement.trim_start().get(..6);
            verb.is_some_and(|verb| verb.eq_ignore_ascii_case("SELECT"))
        };
        if statements.into_iter().all(reads) {
            return Bump(Vec::new());
        }
        let watches = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Bump(watches.values().cloned().collect())
    }

    /// Tells the watchers of every table.
    pub(super) fn bump_all(&self) {
        let watches = self.0.read().unwrap_or_else(PoisonError::into_inner);
        watches.values().for_each(bump);
    }
}

impl Bump {
    /// Tells them.
    pub(super) fn send(self) {
        self.0.iter().for_each(bump);
    }
}

fn bump(counter: &watch::Sender<u64>) {
    counter.send_modify(|count| *count = count.wrapping_add(1));
}
