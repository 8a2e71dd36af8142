//! What can be typed after `cqrs logs`.

use clap::Args;

use crate::app::handler::Handler;
use crate::logs::since::Since;

/// Show what the functions log, in the order of time
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs logs                                    all functions, the last 10 minutes
  cqrs logs --follow                           and what comes, until Ctrl-C
  cqrs logs subscriber --since 2h --filter ERROR
  cqrs logs --{entity} 0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11 --since 1d
  cqrs logs --output json | jq -r .message     one JSON object a line")]
pub(crate) struct LogsArgs {
    /// The functions [default: all]
    #[arg(value_name = "FUNCTION", value_enum)]
    pub(crate) functions: Vec<Handler>,

    /// From when on: how long ago (30s, 10m, 2h, 1d, 1w), a date or a time
    #[arg(long, value_name = "WHEN", default_value = "10m")]
    pub(crate) since: Since,

    /// Show what comes, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,

    /// Only lines that match this filter pattern of CloudWatch: ERROR, '"two words"', '?A ?B', '-A'
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(crate) filter: Option<String>,

    /// Only lines that name this {entity}
    #[arg(
        id = "entity",
        long = "id",
        value_name = "ID",
        conflicts_with = "filter"
    )]
    pub(crate) entity: Option<String>,
}
