//! What can be typed after `cqrs status`.

use clap::Args;

/// Show how the stack and its parts are doing; exits with 1 where something is broken
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs status
  cqrs status --watch                                   in place, until Ctrl-C
  cqrs status --output json | jq .parts.mapping.lagMs
  cqrs status --watch 60 --output json >> status.ndjson
  cqrs status --drift                                   what others changed on its resources")]
pub(crate) struct StatusArgs {
    /// Look again every so many seconds, until Ctrl-C [default: 10, with --local 2]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) watch: Option<Option<u64>>,

    /// Show the resources that were changed outside of the stack instead; exits with 1 where there are any
    #[arg(long, conflicts_with = "watch")]
    pub(crate) drift: bool,
}
