//! What can be typed after `cqrs local fault`.

use clap::{Args, Subcommand};

use crate::app::handler::Handler;

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Every fault ends by itself; `cqrs local fault clear` ends all at once. None outlives the stack's
process, and none loses {one}.

Examples:
  cqrs local fault poison --records 3
  cqrs local fault throttle --function subscriber --for 20
  cqrs local fault stop-cache
  cqrs local fault clear"
)]
pub(crate) enum FaultCommand {
    /// The next records cannot be read, however often they come, until the faults are cleared
    Poison(Records),
    /// Calls of a function are turned away
    Throttle {
        /// Which one
        #[arg(long, value_enum, default_value_t = Handler::Subscriber)]
        function: Handler,
        #[command(flatten)]
        lasts: Lasts,
    },
    /// The processes of a function are killed as soon as they come up
    Kill {
        /// Which one
        #[arg(long, value_enum, default_value_t = Handler::Subscriber)]
        function: Handler,
        #[command(flatten)]
        lasts: Lasts,
    },
    /// The cache does not answer, and keeps what it has
    StopCache(Lasts),
    /// The cache takes about a tenth of a second to answer
    SlowCache(Lasts),
    /// The cache loses what it has, and is made again from the table
    LoseCache,
    /// The next records come twice
    Duplicate(Records),
    /// The next records come once more, when newer ones have come
    Late {
        #[command(flatten)]
        records: Records,
        /// How many seconds later
        #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
        after: u64,
    },
    /// List the faults that are not over
    List,
    /// End all faults; what is poisoned can be read again
    Clear,
}

/// How many records.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Records {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) records: u64,
}

/// How long.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Lasts {
    /// For how many seconds
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,
}
