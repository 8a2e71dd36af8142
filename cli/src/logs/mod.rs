//! Logs: what the functions of a stack write, through CloudWatch Logs, which this machine answers
//! likewise.
//!
//! A log group is read page by page, the groups of several functions by the times of their events,
//! and what comes later by asking again. What a line says and how it is shown are two things.

pub(crate) mod follow;
pub(crate) mod group;
pub(crate) mod line;
pub(crate) mod merged;
pub(crate) mod since;

use crate::app::handler::Handler;

/// A line of a function's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) handler: Handler,
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The same whenever the event is read.
    pub(crate) id: String,
    /// As the function, or Lambda, wrote it.
    pub(crate) message: String,
}
