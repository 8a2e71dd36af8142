//! What can be typed after `cqrs new`.

use std::path::PathBuf;

use clap::Args;

use crate::project::From;

/// Make a project of one's own: another domain, with all that the pattern promises
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs new tickets                          a project about tickets, small, to start from
  cqrs new helpdesk --entity ticket         the same under another name
  cqrs new bank --from accounts             from an example with rules over money
  cqrs new --update                         bring the library of this project to this version")]
pub(crate) struct NewArgs {
    /// What the project, its folder and its stack are called [default: asked for]
    pub(crate) name: Option<String>,

    /// What one of the things that it holds is called [default: after the project's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) entity: Option<String>,

    /// What several of them are called [default: after the entity's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) plural: Option<String>,

    /// The domain to begin with
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_default_value = true,
        value_name = "DOMAIN"
    )]
    pub(crate) from: From,

    /// The folder to make [default: the name, here]
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,

    /// Bring the library of the project here to this tool's version, unless it was edited
    #[arg(long, conflicts_with_all = ["name", "entity", "plural", "from", "path"])]
    pub(crate) update: bool,
}
