//! What can be typed after `cqrs deploy`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::MachineArgs;
use crate::package::{Architecture, Builder};
use crate::settings::{Preset, parse_pair, parse_role};

/// Create the stack, or change it to what template.yaml and handlers/ say
#[derive(Args, Debug, Default)]
#[command(after_help = "Examples:
  cqrs deploy                                     build, preview, ask, deploy
  cqrs deploy --guided                            ask for the settings first, and keep them
  cqrs deploy --plan                              preview and leave nothing behind
  cqrs deploy --change-set-only --output json     for a review in a pipeline
  cqrs deploy --code-only                         the functions' code, and nothing else
  cqrs deploy --yes --parameter CacheReplicas=1   no question: for scripts and CI
  cqrs deploy --guided --preset production        a guarded stack; asks for what no default can serve
  cqrs deploy --local                             on this machine, without AWS")]
pub(crate) struct DeployArgs {
    /// Deploy without asking
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Show what would change, and stop
    #[arg(long, conflicts_with_all = ["yes", "guided"])]
    pub(crate) plan: bool,

    /// Upload the code and leave the change set for a review: the stack is not changed
    #[arg(long, conflicts_with_all = ["yes", "plan", "guided", "termination_protection"])]
    pub(crate) change_set_only: bool,

    /// Swap the functions' code in the stack as it is: its own template, parameters and tags
    #[arg(long, conflicts_with_all = [
        "guided", "preset", "parameters", "tags", "removed_tags", "arch", "artifact_bucket",
        "replace_data", "termination_protection", "change_set_only",
    ])]
    pub(crate) code_only: bool,

    /// Deploy also where a table that holds items is removed or replaced
    #[arg(long)]
    pub(crate) replace_data: bool,

    /// Ask for stack, region and parameters, and write them to cqrs.toml
    #[arg(long, conflicts_with = "yes")]
    pub(crate) guided: bool,

    /// Values over the template's defaults; `--parameter` and cqrs.toml outrank them
    #[arg(long, value_name = "NAME", value_enum)]
    pub(crate) preset: Option<Preset>,

    /// A parameter of the template; others keep the value that the stack has
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub(crate) parameters: Vec<(String, String)>,

    /// A tag for the stack and its resources
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub(crate) tags: Vec<(String, String)>,

    /// Take a tag off the stack and its resources; others stay
    #[arg(long = "remove-tag", value_name = "NAME")]
    pub(crate) removed_tags: Vec<String>,

    /// Take the handlers' binaries or zips from this folder instead of building them
    #[arg(long, value_name = "DIR", conflicts_with = "builder")]
    pub(crate) prebuilt: Option<PathBuf>,

    /// What builds the handlers
    #[arg(long, value_enum, default_value_t = Builder::Auto)]
    pub(crate) builder: Builder,

    /// The functions' processor architecture [default: this machine's]
    #[arg(long, value_enum)]
    pub(crate) arch: Option<Architecture>,

    /// Upload to this bucket of yours instead of the managed one
    #[arg(long, value_name = "NAME")]
    pub(crate) artifact_bucket: Option<String>,

    /// The role that CloudFormation works as, and keeps for the stack [default: you]
    #[arg(long, value_name = "ARN", value_parser = parse_role)]
    pub(crate) role_arn: Option<String>,

    /// CloudFormation's Express mode: done when configuration is applied, not when all is ready
    #[arg(long)]
    pub(crate) express: bool,

    /// When something fails, keep what succeeded, for a look and the next attempt
    #[arg(long)]
    pub(crate) no_rollback: bool,

    /// Protect the stack from deletion, or lift that
    #[arg(long, value_name = "WHEN")]
    pub(crate) termination_protection: Option<Switch>,

    /// Roll an update back where an alarm of the stack is raised during it or soon after, or lift that
    #[arg(long, value_name = "WHEN", conflicts_with_all = ["code_only", "express", "no_rollback"])]
    pub(crate) rollback_alarms: Option<Switch>,

    #[command(flatten)]
    pub(crate) on_this_machine: MachineArgs,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}
