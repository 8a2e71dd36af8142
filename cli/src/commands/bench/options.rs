//! What can be typed after `cqrs bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::app::duration::parse_run;
use crate::loadtest::mix::Mix;

/// Drive the stack as its users would, and report what they would see
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs bench --local                          8 at a time, for 30 s
  cqrs bench --rate 200 --duration 5m         200 a second, at times fixed beforehand
  cqrs bench --duration 5m --save run.html    the result as a page with charts
  cqrs bench --mix create=1,get=9 --yes       no question: for scripts and CI
  cqrs bench --clean                          delete what all runs created")]
pub(crate) struct BenchArgs {
    /// Operations under way at all times, each begun when one before it is done [default: 8]
    #[arg(long, value_name = "N", conflicts_with = "rate", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) concurrency: Option<u16>,

    /// Operations a second, due at times fixed beforehand whatever the stack does
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: Option<u32>,

    /// How long, such as 500ms, 30s, 5m or 1h [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = parse_run)]
    pub(crate) duration: Option<Duration>,

    /// Until N {plural} are created, instead of for a time
    #[arg(long, value_name = "N", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    /// The shares of the steps: create, each command, get, list [default: create 60, the first command
    /// 10, get 20, list 10]
    #[arg(long, value_name = "STEP=SHARE,…")]
    pub(crate) mix: Option<Mix>,

    /// Write the result with charts to a file, .html; one that is there is replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,

    /// Delete what all runs created instead, found by its mark
    #[arg(long, conflicts_with_all = ["concurrency", "rate", "duration", "count", "mix", "save"])]
    pub(crate) clean: bool,

    /// Begin without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}
