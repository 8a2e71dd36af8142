//! Queues: what SQS does for a failures queue, kept in the journal.

use bytes::Bytes;
use rusqlite::Transaction;

use crate::definition::Queue;
use crate::journal::{Journal, JournalError};
use crate::store::Reply;

/// The queues of a stack. Clones share them.
#[derive(Clone, Debug)]
pub struct Queues {}

impl Queues {
    /// Brings the journal's tables up to date.
    pub fn new(journal: Journal, region: &str) -> Result<Self, JournalError> {
        let _ = (journal, region);
        todo!()
    }

    /// Makes the queues these; a queue that is gone loses its messages.
    pub fn apply(&self, queues: Vec<Queue>) -> Result<(), JournalError> {
        let _ = queues;
        todo!()
    }

    /// Adds a message as part of `transaction`. Call [`Queues::wake`] once it is committed.
    pub fn send_in(
        &self,
        transaction: &Transaction<'_>,
        queue: &str,
        body: &str,
    ) -> Result<(), JournalError> {
        let _ = (transaction, queue, body);
        todo!()
    }

    /// Wakes receivers that wait for a message.
    pub fn wake(&self) {
        todo!()
    }

    /// Answers one call of SQS's JSON protocol, such as `ReceiveMessage`; queue URLs begin with
    /// `endpoint`, such as `http://127.0.0.1:4000`.
    pub async fn call(&self, endpoint: &str, operation: &str, body: Bytes) -> Reply {
        let _ = (endpoint, operation, body);
        todo!()
    }

    /// Answers one call of SQS's older query protocol, whose parameters are `form`, in XML.
    pub async fn call_query(&self, endpoint: &str, form: Bytes) -> Reply {
        let _ = (endpoint, form);
        todo!()
    }
}

/// A queue's URL.
#[must_use]
pub fn url(endpoint: &str, name: &str) -> String {
    format!("{endpoint}/{}/{name}", crate::definition::ACCOUNT)
}
