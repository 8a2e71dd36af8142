//! Queues: what SQS does for a failures queue, kept in the journal.
//!
//! The operations are those of a standard queue that its owner sends to, reads and empties; the
//! stack's template alone makes and changes queues. SQS's JSON protocol is spoken, and not the query
//! protocol before it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Transaction;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::clock::now_ms;
use crate::definition::Queue;
use crate::journal::{Journal, JournalError};
use crate::sync::Mutex;

mod batch;
mod error;
mod message;
mod operation;
mod receive;
mod request;
#[cfg(test)]
mod tests;

use error::{Code, Failure};

/// The queues of a stack. Clones share them.
#[derive(Clone, Debug)]
pub struct Queues(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    journal: Journal,
    region: String,
    queues: Mutex<BTreeMap<String, Arc<Queue>>>,
    /// Changes when there may be more to receive.
    changed: watch::Sender<()>,
    /// Receivers no longer wait.
    closed: watch::Sender<bool>,
}

/// An answer in SQS's JSON protocol.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `x-amzn-query-error`, by which clients of the JSON protocol learn an error's code in
    /// the query protocol, the one that they show.
    pub query_error: Option<String>,
    /// JSON.
    pub body: Bytes,
}

impl Queues {
    /// Brings the journal's tables up to date. `region` stands in ARNs.
    ///
    /// # Errors
    /// The journal cannot be used.
    pub fn new(journal: Journal, region: &str) -> Result<Self, JournalError> {
        journal.transact(|transaction| Ok::<_, JournalError>(message::prepare(transaction)?))?;
        Ok(Self(Arc::new(Shared {
            journal,
            region: region.to_owned(),
            queues: Mutex::default(),
            changed: watch::Sender::new(()),
            closed: watch::Sender::new(false),
        })))
    }

    /// Makes the queues these; a queue that is gone loses its messages.
    ///
    /// # Errors
    /// The journal cannot be used; then all is as it was.
    pub fn apply(&self, queues: Vec<Queue>) -> Result<(), JournalError> {
        let names: Vec<&str> = queues.iter().map(|queue| queue.name.as_str()).collect();
        self.0.journal.transact(|transaction| {
            let kept = message::keep_queues(transaction, &names, now_ms());
            Ok::<_, JournalError>(kept?)
        })?;
        let queues = queues
            .into_iter()
            .map(|queue| (queue.name.clone(), Arc::new(queue)));
        *self.0.queues.lock() = queues.collect();
        self.wake();
        Ok(())
    }

    /// Adds a message as part of `transaction`. Call [`Queues::wake`] once it is committed. Where
    /// there is no such queue, the message is dropped, as Lambda does with what it cannot deliver.
    ///
    /// # Errors
    /// The journal cannot be used.
    pub fn send_in(
        &self,
        transaction: &Transaction<'_>,
        queue: &str,
        body: &str,
    ) -> Result<(), JournalError> {
        let delay = self.get(queue).map_or(0, |queue| queue.delay_seconds);
        message::add(transaction, queue, body, i64::from(delay), now_ms())?;
        Ok(())
    }

    /// Wakes receivers that wait for a message.
    pub fn wake(&self) {
        self.0.changed.send_replace(());
    }

    /// Ends the waiting of receivers, now and from now on: they get what there is.
    pub fn close(&self) {
        self.0.closed.send_replace(true);
    }

    /// Answers one call of SQS's JSON protocol, such as `ReceiveMessage`; queue URLs begin with
    /// `endpoint`, such as `http://127.0.0.1:4000`.
    pub async fn call(&self, endpoint: &str, operation: &str, body: Bytes) -> Answer {
        let outcome = self.run(endpoint, operation, &body).await;
        let (status, query_error, body) = match outcome {
            Ok(Value::Null) => (200, None, Bytes::new()),
            Ok(result) => (200, None, result.to_string().into()),
            Err(failure) => {
                let code = failure.code();
                let body = json!({"__type": code.json(), "message": failure.to_string()});
                let query_error = format!("{};{}", code.query(), code.fault());
                (code.status(), Some(query_error), body.to_string().into())
            }
        };
        Answer {
            status,
            query_error,
            body,
        }
    }

    fn get(&self, name: &str) -> Option<Arc<Queue>> {
        self.0.queues.lock().get(name).cloned()
    }

    /// The queue that a URL names by its last part. Hosts differ between clients, and SQS minds only
    /// the path too.
    fn at(&self, url: &str) -> Result<Arc<Queue>, Failure> {
        if url.is_empty() {
            return Err(Failure::missing("QueueUrl"));
        }
        let name = url.rsplit('/').next().unwrap_or_default();
        self.get(name).ok_or_else(no_queue)
    }
}

fn no_queue() -> Failure {
    let text = "The specified queue does not exist.";
    Failure::Refused(Code::QueueDoesNotExist, text.to_owned())
}

/// A queue's URL.
#[must_use]
pub fn url(endpoint: &str, name: &str) -> String {
    format!("{endpoint}/{}/{name}", crate::definition::ACCOUNT)
}
