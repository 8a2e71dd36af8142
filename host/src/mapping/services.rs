//! The stream that a mapping reads and the functions that it invokes, so that tests can stand in for
//! them.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::clock;
use crate::lambda::{Functions, InvokeError, InvokeOptions, Invoked};
use crate::store::{Record, Sequence, Store, StoreError, Stream};

/// A stream with one shard; see [`Stream`], whose methods these are.
pub(super) trait Source: Send + Sync {
    fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Record>, StoreError>;
    fn newest(&self) -> Result<Sequence, StoreError>;
    fn changed(&self) -> watch::Receiver<u64>;
    fn arn(&self) -> Result<String, StoreError>;
    fn shard(&self) -> String;
}

/// The services before and behind a mapping.
pub(super) trait Services: Send + Sync {
    /// The stream of a table.
    fn source(&self, table: &str) -> Arc<dyn Source>;

    /// Invokes a function and waits for its answer.
    fn invoke<'a>(
        &'a self,
        function: &'a str,
        event: Bytes,
    ) -> BoxFuture<'a, Result<Invoked, InvokeError>>;

    /// Milliseconds since 1970.
    fn unix_ms(&self) -> i64;
}

/// The services of this host.
pub(super) struct Local {
    pub(super) store: Store,
    pub(super) functions: Functions,
}

impl Services for Local {
    fn source(&self, table: &str) -> Arc<dyn Source> {
        Arc::new(self.store.stream(table))
    }

    fn invoke<'a>(
        &'a self,
        function: &'a str,
        event: Bytes,
    ) -> BoxFuture<'a, Result<Invoked, InvokeError>> {
        let options = InvokeOptions::default();
        Box::pin(self.functions.invoke(function, event, options))
    }

    fn unix_ms(&self) -> i64 {
        clock::now_ms()
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
        Stream::arn(self)
    }

    fn shard(&self) -> String {
        Stream::shard(self)
    }
}
