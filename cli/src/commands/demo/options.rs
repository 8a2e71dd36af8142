//! What can be typed after `cqrs demo`.

use std::path::PathBuf;

use clap::Args;

/// Take a guided tour: deploys the stack where it is not there, writes {plural} and reads them
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs demo --local   on this machine, without AWS
  cqrs demo           on AWS, after the same question as deploy asks")]
pub(crate) struct DemoArgs {
    /// Begin without asking
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Take the handlers' binaries or zips from this folder instead of building them
    #[arg(long, value_name = "DIR")]
    pub(crate) prebuilt: Option<PathBuf>,
}
