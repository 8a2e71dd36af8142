//! What can be typed after `cqrs failures`.

use clap::{Args, Subcommand};

use crate::failures::message::Id as FailureId;

#[derive(Debug, Subcommand)]
pub(crate) enum FailuresCommand {
    /// List the failures that wait in the failures queue, the oldest first
    #[command(after_help = "Examples:
  cqrs failures list
  cqrs failures list --limit 1000 --output json | jq -r '.failures[].id'")]
    List {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Show a failure's records, as long as the stream has them
    #[command(after_help = "Examples:
  cqrs failures show 3f7a90c1d2e4
  cqrs failures show 3f7a90c1d2e4 --output json | jq -r '.records[].{id}'")]
    Show {
        /// The failure's id, as `cqrs failures list` shows it
        id: FailureId,

        /// How many records at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Give the records to the subscriber again; a failure all of whose records succeed is deleted
    #[command(after_help = "Examples:
  cqrs failures retry 3f7a90c1d2e4
  cqrs failures retry --all --dry-run   see first what would be projected
  cqrs failures retry --all --yes       no question: for scripts and CI")]
    Retry(FailuresArgs),
    /// Delete failures without projecting their records
    #[command(after_help = "Examples:
  cqrs failures discard 3f7a90c1d2e4
  cqrs failures discard --all --dry-run   see first what the read model would lack
  cqrs failures discard --all --yes       no question: for scripts and CI")]
    Discard(FailuresArgs),
}

/// Which failures are meant.
#[derive(Args, Clone, Debug)]
pub(crate) struct FailuresArgs {
    /// The failures' ids, as `cqrs failures list` shows them
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(crate) ids: Vec<FailureId>,

    /// All that wait
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,

    /// Begin without asking
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Show what would become of each failure and record, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
