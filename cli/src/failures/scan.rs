//! Goes through the failures that wait and takes nothing away: what it received from a queue it gives
//! back.

use std::collections::HashMap;
use std::time::Duration;

use crate::failures::bucket::Listing;
use crate::failures::destination::{Destination, DestinationError};
use crate::failures::message::Message;
use crate::failures::queue::FailuresQueue;

/// See the module's documentation. It holds a name and a receipt for each message that it took.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    destination: &'a Destination,
    hidden: Duration,
    /// The receipts of what it took from a queue and has not given back, by SQS's names.
    taken: HashMap<String, String>,
    /// How far it is in a bucket.
    listing: Listing,
}

impl<'a> Scan<'a> {
    /// `hidden` is how long nobody else sees a message of a queue, should this process end before it
    /// gives it back.
    pub(crate) fn new(destination: &'a Destination, hidden: Duration) -> Self {
        Self {
            destination,
            hidden,
            taken: HashMap::new(),
            listing: Listing::default(),
        }
    }

    pub(crate) fn destination(&self) -> &'a Destination {
        self.destination
    }

    /// Messages that it has not had yet, in any order; none when there are no more.
    pub(crate) async fn next(&mut self, at_most: usize) -> Result<Vec<Message>, DestinationError> {
        match self.destination {
            Destination::Queue(queue) => self.receive(queue, at_most).await,
            Destination::Bucket(bucket) => bucket.next(&mut self.listing, at_most).await,
        }
    }

    /// One that it had comes again when its time is over: it is hidden anew and passed over.
    async fn receive(
        &mut self,
        queue: &FailuresQueue,
        at_most: usize,
    ) -> Result<Vec<Message>, DestinationError> {
        loop {
            let mut messages = queue.receive(at_most, self.hidden).await?;
            let received = messages.len();
            messages.retain(|message| {
                let (name, receipt) = (message.message_id.clone(), message.receipt.clone());
                self.taken.insert(name, receipt).is_none()
            });
            if !messages.is_empty() || received == 0 {
                return Ok(messages);
            }
        }
    }

    /// What became of a message is decided: it is deleted.
    pub(crate) fn forget(&mut self, message: &Message) {
        self.taken.remove(&message.message_id);
    }

    /// Gives back what is not in `kept`.
    pub(crate) async fn release_but(&mut self, kept: &[Message]) -> Result<(), DestinationError> {
        let Destination::Queue(queue) = self.destination else {
            return Ok(());
        };
        let is_kept = |name: &str| kept.iter().any(|message| message.message_id == name);
        let others = self.taken.iter().filter(|(name, _)| !is_kept(name));
        let released = queue
            .release(others.map(|(_, receipt)| receipt.as_str()))
            .await;
        self.taken.retain(|name, _| is_kept(name));
        Ok(released?)
    }

    /// Gives back everything.
    pub(crate) async fn release(&mut self) -> Result<(), DestinationError> {
        self.release_but(&[]).await
    }

    /// How long what was not given back stays hidden.
    pub(crate) fn hidden(&self) -> Duration {
        self.hidden
    }
}
