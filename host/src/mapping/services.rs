//! What a mapping needs of the other services, so that tests can stand in for them.

use std::future::Future;
use std::io;

use bytes::Bytes;
use rusqlite::Transaction;
use tokio::sync::watch;

use crate::bucket::Buckets;
use crate::clock;
use crate::faults::Faults;
use crate::journal::JournalError;
use crate::lambda::{Functions, InvokeError, InvokeOptions, Invoked};
use crate::live::Live;
use crate::queue::Queues;
use crate::store::{Record, Sequence, Store, StoreError, Stream};

/// A stream with one shard; see [`Stream`], whose methods these are.
pub(super) trait Source: Send + Sync + 'static {
    fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Record>, StoreError>;
    fn newest(&self) -> Result<Sequence, StoreError>;
    fn changed(&self) -> watch::Receiver<u64>;
    /// As [`Stream::arn`], but an error where the table is away or has no stream.
    fn arn(&self) -> Result<String, StoreError>;
    fn shard(&self) -> String;
}

/// The services around a mapping. Clones share them.
pub(super) trait Services: Clone + Send + Sync + 'static {
    type Source: Source;

    /// The stream of a table.
    fn source(&self, table: &str) -> Self::Source;

    /// Invokes a function and waits for its answer.
    fn invoke(
        &self,
        function: &str,
        event: Bytes,
    ) -> impl Future<Output = Result<Invoked, InvokeError>> + Send;

    /// Adds a message to a queue as part of `transaction`.
    fn send_in(
        &self,
        transaction: &Transaction<'_>,
        queue: &str,
        body: &str,
    ) -> Result<(), JournalError>;

    /// Puts an object into a bucket.
    fn put(&self, bucket: &str, key: &str, body: &str) -> io::Result<()>;

    /// Tells receivers that messages were committed.
    fn wake_queues(&self);

    /// Milliseconds since 1970.
    fn unix_ms(&self) -> i64;

    /// Who watches.
    fn live(&self) -> &Live;

    /// What is to fail on purpose.
    fn faults(&self) -> &Faults;
}

/// The services of this host.
#[derive(Clone)]
pub(super) struct Local {
    pub(super) store: Store,
    pub(super) functions: Functions,
    pub(super) queues: Queues,
    pub(super) buckets: Buckets,
}

impl Services for Local {
    type Source = Stream;

    fn source(&self, table: &str) -> Stream {
        self.store.stream(table)
    }

    async fn invoke(&self, function: &str, event: Bytes) -> Result<Invoked, InvokeError> {
        self.functions
            .invoke(function, event, InvokeOptions::default())
            .await
    }

    fn send_in(
        &self,
        transaction: &Transaction<'_>,
        queue: &str,
        body: &str,
    ) -> Result<(), JournalError> {
        self.queues.send_in(transaction, queue, body)
    }

    fn put(&self, bucket: &str, key: &str, body: &str) -> io::Result<()> {
        self.buckets.put(bucket, key, body)
    }

    fn wake_queues(&self) {
        self.queues.wake();
    }

    fn unix_ms(&self) -> i64 {
        clock::now_ms()
    }

    fn live(&self) -> &Live {
        self.functions.live()
    }

    fn faults(&self) -> &Faults {
        self.functions.faults()
    }
}

impl Source for Stream {
    fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Record>, StoreError> {
        Stream::read(self, after, limit)
    }

    fn newest(&self) -> Result<Sequence, StoreError> {
        Stream::newest(self)
    }

    fn changed(&self) -> watch::Receiver<u64> {
        Stream::changed(self)
    }

    fn arn(&self) -> Result<String, StoreError> {
        let arn = Stream::arn(self);
        match arn.ends_with('/') {
            true => Err(StoreError::Unusable(format!("no stream: {arn}"))),
            false => Ok(arn),
        }
    }

    fn shard(&self) -> String {
        Stream::shard(self)
    }
}
