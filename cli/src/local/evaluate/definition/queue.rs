//! `AWS::SQS::Queue`: a standard queue.

use host::definition::Queue;

use super::check_name;
use crate::local::evaluate::fault::Result;
use crate::local::evaluate::property::Properties;
use crate::local::evaluate::resource::Resource;

pub(super) fn read(resource: &Resource, given: &Properties<'_>) -> Result<Queue> {
    given.text("QueueName")?;
    if given.flag("FifoQueue")? == Some(true) {
        return Err(given.fault(
            "FifoQueue",
            "is true, and there are only standard queues here",
        ));
    }
    check_name(resource, 1..=80, "-_")?;
    // Defaults and ranges: Amazon SQS API Reference, `SetQueueAttributes`.
    Ok(Queue {
        logical_id: resource.id.clone(),
        name: resource.name.clone(),
        visibility_timeout_seconds: given.number("VisibilityTimeout", 0..=43_200)?.unwrap_or(30),
        message_retention_seconds: given
            .number("MessageRetentionPeriod", 60..=1_209_600)?
            .unwrap_or(345_600),
        delay_seconds: given.number("DelaySeconds", 0..=900)?.unwrap_or(0),
        receive_wait_seconds: given
            .number("ReceiveMessageWaitTimeSeconds", 0..=20)?
            .unwrap_or(0),
    })
}
