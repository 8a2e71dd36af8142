//! Where failures wait: in the queue of the stack, or in its bucket.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use host::bucket::Buckets;

use crate::aws::{Aws, AwsError};
use crate::error::{Explain, Kind};
use crate::failures::bucket::FailuresBucket;
use crate::failures::message::Message;
use crate::failures::queue::{Depth, FailuresQueue, Presence};

/// The stack's outputs that name them. A template has one of the two.
pub(crate) const QUEUE: &str = "FailuresQueueUrl";
pub(crate) const BUCKET: &str = "FailuresBucket";

#[derive(Clone, Debug)]
pub(crate) enum Destination {
    Queue(FailuresQueue),
    Bucket(FailuresBucket),
}

/// It could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DestinationError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Free some space, or see whose the folder is.
    #[error("`{}` cannot be used", path.display())]
    Folder { path: PathBuf, source: io::Error },
}

impl Explain for DestinationError {
    fn kind(&self) -> Kind {
        match self {
            Self::Aws(error) => error.kind(),
            Self::Folder { .. } => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Aws(error) => error.name(),
            Self::Folder { .. } => Kind::Failed.name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Aws(error) => error.hint(),
            Self::Folder { .. } => None,
        }
    }
}

impl Destination {
    /// That of the stack with these outputs; none where it has neither. `here` are the buckets of a
    /// stack on this machine.
    pub(crate) fn of<'a>(
        aws: &Aws,
        here: Option<&Buckets>,
        stream_arn: &str,
        output: impl Fn(&'static str) -> Option<&'a str>,
    ) -> Option<Self> {
        let table = stream_arn.split_once("/stream/");
        let table = table.map_or(stream_arn, |(table, _)| table);
        let streams = format!("{table}/stream/");
        if let Some(name) = output(BUCKET) {
            let bucket = FailuresBucket::new(aws, here, name, streams);
            return Some(Self::Bucket(bucket));
        }
        let queue = FailuresQueue::new(aws, output(QUEUE)?, streams);
        Some(Self::Queue(queue))
    }

    /// What it is called.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::Queue(_) => "failures queue",
            Self::Bucket(_) => "failures bucket",
        }
    }

    pub(crate) async fn depth(&self) -> Result<Depth, DestinationError> {
        match self {
            Self::Queue(queue) => Ok(queue.depth().await?),
            Self::Bucket(bucket) => bucket.depth().await,
        }
    }

    /// Keeps a failure from others for as long as `hidden` from now, where that can be.
    pub(crate) async fn keep(
        &self,
        message: &Message,
        hidden: Duration,
    ) -> Result<Presence, DestinationError> {
        match self {
            Self::Queue(queue) => Ok(queue.keep(&message.receipt, hidden).await?),
            Self::Bucket(bucket) => bucket.look(&message.receipt).await,
        }
    }

    pub(crate) async fn delete(&self, message: &Message) -> Result<Presence, DestinationError> {
        match self {
            Self::Queue(queue) => Ok(queue.delete(&message.receipt).await?),
            Self::Bucket(bucket) => bucket.delete(&message.receipt).await,
        }
    }
}
