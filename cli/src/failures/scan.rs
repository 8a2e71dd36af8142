//! Goes through the failures queue and takes nothing away: what it received it gives back.

use std::collections::HashMap;
use std::time::Duration;

use crate::aws::AwsError;
use crate::failures::message::Message;
use crate::failures::queue::FailuresQueue;

/// See the module's documentation. It holds a name and a receipt for each message that it took.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    queue: &'a FailuresQueue,
    hidden: Duration,
    /// The receipts of what it took and has not given back, by SQS's names.
    taken: HashMap<String, String>,
}

impl<'a> Scan<'a> {
    /// `hidden` is how long nobody else sees a message, should this process end before it gives
    /// it back.
    pub(crate) fn new(queue: &'a FailuresQueue, hidden: Duration) -> Self {
        Self {
            queue,
            hidden,
            taken: HashMap::new(),
        }
    }

    /// Messages that it has not had yet, in any order; none when there are no more. One that it
    /// had comes again when its time is over: it is hidden anew and passed over.
    pub(crate) async fn next(&mut self, at_most: usize) -> Result<Vec<Message>, AwsError> {
        loop {
            let mut messages = self.queue.receive(at_most, self.hidden).await?;
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
    pub(crate) async fn release_but(&mut self, kept: &[Message]) -> Result<(), AwsError> {
        let is_kept = |name: &str| kept.iter().any(|message| message.message_id == name);
        let others = self.taken.iter().filter(|(name, _)| !is_kept(name));
        let released = self
            .queue
            .release(others.map(|(_, receipt)| receipt.as_str()))
            .await;
        self.taken.retain(|name, _| is_kept(name));
        released
    }

    /// Gives back everything.
    pub(crate) async fn release(&mut self) -> Result<(), AwsError> {
        self.release_but(&[]).await
    }

    /// How long what was not given back stays hidden.
    pub(crate) fn hidden(&self) -> Duration {
        self.hidden
    }
}
