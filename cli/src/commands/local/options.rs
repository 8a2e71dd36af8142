//! What can be typed after `cqrs local`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::fault::options::FaultCommand;
use crate::cli::MachineArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum LocalCommand {
    /// Run the stack in the foreground and show what its functions log, until Ctrl-C
    #[command(after_help = "Examples:
  cqrs local run
  cqrs local run --port 4000 --cache-url redis://127.0.0.1:6379")]
    Run(MachineArgs),
    /// Stop the stack; its {plural} stay, and the next command starts it again
    #[command(after_help = "Examples:
  cqrs local stop")]
    Stop,
    /// Print what points AWS's own tools and SDKs at the stack, for a shell to read
    #[command(after_help = "Examples:
  eval \"$(cqrs local env)\"; aws dynamodb scan --table-name cqrs-WriteModel
  cqrs local env --shell fish | source")]
    Env {
        /// The shell to write for [default: fish where $SHELL is fish, else posix]
        #[arg(long, value_enum)]
        shell: Option<EnvShell>,
    },
    /// Let something go wrong on purpose, and see it heal
    #[command(subcommand)]
    Fault(FaultCommand),
    /// The stack's process in the background
    #[command(hide = true)]
    Host(HostArgs),
    /// The process that ends the stack's processes when the one that started them is gone
    #[command(hide = true)]
    Watch,
}

/// The shells that differ in how a variable is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvShell {
    /// sh, bash, zsh and their kin.
    Posix,
    Fish,
    Powershell,
}

/// How the stack's process is started; the tool's own words to itself.
#[derive(Args, Debug)]
pub(crate) struct HostArgs {
    #[arg(long)]
    pub(crate) state: PathBuf,

    #[arg(long)]
    pub(crate) port: Option<u16>,
}
