//! What can be typed after `cqrs verify`.

use clap::Args;

/// Compare the read model with the table; exits with 1 where they differ
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs verify                 all {plural} of both models
  cqrs verify --sample 1000   some of the table's {plural}, taken at random
  cqrs verify --repair        project again what differs")]
pub(crate) struct VerifyArgs {
    /// Project again what differs, and look whether that helped
    #[arg(long)]
    pub(crate) repair: bool,

    /// Look at N {plural} of the table, taken at random, and not at the read model's own list
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) sample: Option<u64>,
}
