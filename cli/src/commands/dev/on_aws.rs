//! A stack on AWS: its functions' code is swapped through the stack's own parameters, and nothing else.

use std::path::{Path, PathBuf};

use super::{Session, Swapped};
use crate::commands::deploy;
use crate::commands::deploy::options::DeployArgs;
use crate::error::{Failure, Kind};
use crate::settings::TEMPLATE;

impl Session<'_> {
    /// Asks once for all that follows.
    pub(super) async fn agree(&self) -> Result<(), Failure> {
        if self.args.yes {
            return Ok(());
        }
        if !self.printer.can_ask() {
            let message = "nobody can be asked here whether to swap code on AWS";
            return Err(Failure::new(Kind::Usage, message).hint(
                "add `--yes` to do so without asking, or `--local` for the stack on this machine",
            ));
        }
        let question = format!(
            "Swap the code of stack {} on AWS, now and whenever a handler is saved?",
            self.settings.stack
        );
        match self.printer.confirm(&question).await? {
            true => Ok(()),
            false => Err(Failure::new(Kind::Failed, "not begun; nothing was changed")),
        }
    }

    pub(super) async fn swap_on_aws(&self, changed: &[PathBuf]) -> Swapped {
        if changed.iter().any(|path| path == Path::new(TEMPLATE)) {
            self.printer.note(format_args!(
                "{TEMPLATE} is for `cqrs deploy`: this swaps code alone"
            ));
        }
        let args = DeployArgs {
            yes: true,
            code_only: true,
            builder: self.args.builder,
            ..DeployArgs::default()
        };
        let (printer, captured) = self.printer.quiet().capturing();
        let deployed = deploy::run(args, self.settings.clone(), self.interrupt, &printer);
        Box::pin(deployed).await?;
        let (_, mut deployed) = captured.take();
        Ok(serde_json::from_value(deployed["changes"].take()).unwrap_or_default())
    }
}
