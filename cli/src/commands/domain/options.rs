//! What can be typed after `cqrs domain`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum DomainCommand {
    /// Say what is wrong in the domain, before a build and a deployment take their time
    #[command(after_help = "Examples:
  cqrs domain check
  cqrs domain check --write   and write domain.json anew where it is not what the source says")]
    Check(CheckArgs),
    /// Show what the tool makes of the domain: fields, options, rules, statuses, commands
    #[command(after_help = "Examples:
  cqrs domain describe
  cqrs domain describe --output json | jq -r '.fields[].option'")]
    Describe,
    /// Compare the project's domain with the deployed one, and say what happens to what exists
    #[command(after_help = "Examples:
  cqrs domain diff
  cqrs domain diff --local --exit-code   for scripts: 1 where something differs")]
    Diff(DiffArgs),
}

/// How a domain is checked.
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// Write domain.json anew where it is not what the source says
    #[arg(long)]
    pub(crate) write: bool,
}

/// How domains are compared.
#[derive(Args, Clone, Debug)]
pub(crate) struct DiffArgs {
    /// Exit with 1 where something differs
    #[arg(long)]
    pub(crate) exit_code: bool,
}
