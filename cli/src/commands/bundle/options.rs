//! What can be typed after `cqrs bundle`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::package::Architecture;

#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Check and pack the handlers' programs for one architecture, as `cqrs deploy` does
    #[command(after_help = "Examples:
  cqrs bundle pack --handlers target/release --architecture x86_64 --into handlers/x86_64")]
    Pack(PackArgs),
}

#[derive(Args, Debug)]
pub(crate) struct PackArgs {
    /// The folder with the three programs
    #[arg(long, value_name = "DIR")]
    pub(crate) handlers: PathBuf,

    /// The processor that they are built for
    #[arg(long, value_enum)]
    pub(crate) architecture: Architecture,

    /// The folder that the zips are written into; made where it is missing
    #[arg(long, value_name = "DIR")]
    pub(crate) into: PathBuf,
}
