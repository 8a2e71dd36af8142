//! The three functions of the pattern, for all that names one of them.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// In the order in which a change passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Handler {
    Publisher,
    Subscriber,
    Query,
}

impl Handler {
    pub(crate) const ALL: [Self; 3] = [Self::Publisher, Self::Subscriber, Self::Query];

    /// The name of the handler's crate and binary, and the end of its function's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Subscriber => "subscriber",
            Self::Query => "query",
        }
    }

    /// The one of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// The template's parameter for the artifact's key.
    pub(crate) const fn code_parameter(self) -> &'static str {
        match self {
            Self::Publisher => "PublisherCodeKey",
            Self::Subscriber => "SubscriberCodeKey",
            Self::Query => "QueryCodeKey",
        }
    }

    /// The template's output with the function's log group.
    pub(crate) const fn log_group_output(self) -> &'static str {
        match self {
            Self::Publisher => "PublisherLogGroup",
            Self::Subscriber => "SubscriberLogGroup",
            Self::Query => "QueryLogGroup",
        }
    }
}

impl fmt::Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
