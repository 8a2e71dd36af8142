//! What can be typed after `cqrs destroy`.

use clap::Args;

use crate::settings::parse_role;

/// Delete the stack and everything in it, {plural} included
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs destroy                  show what will go, ask for the stack's name, delete
  cqrs destroy --yes            no question: for scripts and CI
  cqrs destroy --keep-artifacts leave the uploaded code in its bucket")]
pub(crate) struct DestroyArgs {
    /// Delete without asking
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Leave the uploaded code where it is
    #[arg(long)]
    pub(crate) keep_artifacts: bool,

    /// The role that CloudFormation works as [default: the one that it keeps for the stack, else you]
    #[arg(long, value_name = "ARN", value_parser = parse_role)]
    pub(crate) role_arn: Option<String>,

    /// CloudFormation's Express mode: done when deletion is under way, not when all is gone
    #[arg(long)]
    pub(crate) express: bool,
}
