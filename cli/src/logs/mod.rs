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

use clap::ValueEnum;
use serde::Serialize;

/// A function of the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Role {
    Publisher,
    Subscriber,
    Query,
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Publisher, Self::Subscriber, Self::Query];

    /// As in the function's name, behind the stack's.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Subscriber => "subscriber",
            Self::Query => "query",
        }
    }

    /// The template's output with the function's log group.
    pub(crate) fn log_group_output(self) -> &'static str {
        match self {
            Self::Publisher => "PublisherLogGroup",
            Self::Subscriber => "SubscriberLogGroup",
            Self::Query => "QueryLogGroup",
        }
    }
}

/// A line of a function's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) role: Role,
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The same whenever the event is read.
    pub(crate) id: String,
    /// As the function, or Lambda, wrote it.
    pub(crate) message: String,
}
