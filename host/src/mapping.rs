//! The event source mapping: from a table's stream to a function, as AWS documents it.

use serde::Serialize;

use crate::definition::Mapping;
use crate::journal::{Journal, JournalError};
use crate::lambda::Functions;
use crate::queue::Queues;
use crate::store::Store;

/// How a mapping is doing.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The mapping's UUID.
    pub id: String,
    /// It delivers.
    pub enabled: bool,
    /// In AWS's words: `OK`, `PROBLEM: Function call failed`, `No records processed`.
    pub last_processing_result: String,
    /// The newest record that needs no more delivery, and all before it.
    pub checkpoint: String,
    /// Records that wait or are in flight.
    pub behind: u64,
    /// The age of the oldest of them in milliseconds; zero where none is.
    pub lag_ms: u64,
}

/// The mappings of a stack. Clones share them.
#[derive(Clone, Debug)]
pub struct Mappings {}

impl Mappings {
    /// Delivers nothing yet. `region` stands in the failures' ARNs.
    pub fn new(
        region: &str,
        journal: Journal,
        store: Store,
        functions: Functions,
        queues: Queues,
    ) -> Result<Self, JournalError> {
        let _ = (region, journal, store, functions, queues);
        todo!()
    }

    /// Makes the mappings these. A mapping that stays keeps its checkpoint; one that changed lets
    /// its batch in flight finish first; one that is gone loses its checkpoint.
    pub async fn apply(&self, mappings: Vec<Mapping>) -> Result<(), JournalError> {
        let _ = mappings;
        todo!()
    }

    /// How they are doing.
    pub fn status(&self) -> Vec<Status> {
        todo!()
    }

    /// Ends delivery; what is in flight may be delivered again by the next start.
    pub async fn stop(&self) {
        todo!()
    }
}
