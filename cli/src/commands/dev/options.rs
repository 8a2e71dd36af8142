//! What can be typed after `cqrs dev`.

use clap::Args;

use crate::package::Builder;

/// Watch the sources: build what changes, and swap it in the stack that runs
#[derive(Args, Debug, Default)]
#[command(
    after_help = "On this machine, where the stack is deployed first if it is not there. A stack on AWS is \
named with `--stack` or `--env`, and gets the functions' code and nothing else.

Examples:
  cqrs dev                      handlers/ and template.yaml, into the stack on this machine
  cqrs dev --ui                 the same, with the page that shows the stack at work
  cqrs dev --stack shop         handlers/, into a stack on AWS
  cqrs dev --output json        a line of JSON for each change"
)]
pub(crate) struct DevArgs {
    /// Swap code on AWS without asking first
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Show the stack at work in a browser meanwhile, as `cqrs ui` does
    #[arg(long)]
    pub(crate) ui: bool,

    /// What builds the handlers
    #[arg(long, value_enum, default_value_t = Builder::Auto)]
    pub(crate) builder: Builder,
}
