//! What can be typed after `cqrs ui`.

use clap::Args;

/// Show the stack at work in a browser: the way of each {entity}, the lag, what fails and heals
#[derive(Args, Debug, Default)]
#[command(
    after_help = "The page is served on 127.0.0.1 alone; its address is all that it takes to use it, so keep it
to yourself. Ctrl-C ends it.

Examples:
  cqrs ui --local
  cqrs ui --read-only --no-open
  cqrs ui --local --port 4711"
)]
pub(crate) struct UiArgs {
    /// The page's port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,

    /// Print the address and open no browser
    #[arg(long)]
    pub(crate) no_open: bool,

    /// Let nothing be changed by the page
    #[arg(long)]
    pub(crate) read_only: bool,

    /// Show what {plural} hold, which is hidden on AWS otherwise
    #[arg(long)]
    pub(crate) show_documents: bool,
}
