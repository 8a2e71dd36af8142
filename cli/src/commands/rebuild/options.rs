//! What can be typed after `cqrs rebuild`.

use clap::Args;

const SEGMENTS: u16 = 8;

/// Make the read model again from the table, while {plural} are written and read
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs rebuild                goes on where an interrupted one ended
  cqrs rebuild --restart      from the beginning
  cqrs rebuild --segments 32  a large table, more of it at once")]
pub(crate) struct RebuildArgs {
    /// Parts of the table that are read side by side
    #[arg(long, value_name = "N", default_value_t = SEGMENTS, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) segments: u16,

    /// Begin anew, though an interrupted rebuild could go on
    #[arg(long)]
    pub(crate) restart: bool,
}

impl Default for RebuildArgs {
    fn default() -> Self {
        Self {
            segments: SEGMENTS,
            restart: false,
        }
    }
}
