//! The stack on this machine: its functions are swapped, its data stays, and what it is about is said by
//! itself.

use std::path::Path;

use super::{Session, Swapped, ended};
use crate::cli::Cli;
use crate::commands::deploy::local::{Renewed, renew};
use crate::commands::deploy::options::DeployArgs;
use crate::commands::deploy::{self, domain};
use crate::commands::{described, local};
use crate::domain::{Domain, FILE};
use crate::error::{Failure, Kind};

impl Session<'_> {
    pub(super) fn is_deployed(&self) -> Result<bool, Failure> {
        Ok(local::folder(&self.settings)?.is_deployed())
    }

    /// Makes the stack, as `cqrs deploy --local` does; where nobody can be asked it sets up what it needs,
    /// and says so.
    pub(super) async fn deploy_first(&mut self) -> Result<(), Failure> {
        let args = DeployArgs {
            yes: !self.printer.can_ask(),
            builder: self.args.builder,
            ..DeployArgs::default()
        };
        let part = self.printer.of_a_part();
        let deploying = deploy::run(args, self.settings.clone(), self.interrupt, &part);
        match self.interrupt.unless(deploying, ended).await.flatten() {
            Err(failure) if matches!(failure.kind(), Kind::Failed | Kind::TimedOut) => {
                self.printer.failure(&failure);
                Ok(())
            }
            other => other,
        }
    }

    pub(super) async fn swap_here(&mut self) -> Swapped {
        let quiet = self.printer.quiet();
        let renewing = renew(&self.settings, self.args.builder, self.interrupt, &quiet);
        let renewed = self.interrupt.unless(renewing, ended).await??;
        let Renewed {
            changes,
            description,
        } = renewed;
        if let Some(description) = description {
            self.take(&description.pretty());
        }
        Ok(changes)
    }

    /// Takes what the functions say that the stack is about: the commands are made of it from now on.
    fn take(&mut self, text: &str) {
        let domain = match Domain::answered(text) {
            Some(domain) if Cli::check(&domain).is_ok() => domain,
            _ => {
                self.printer.warn(
                    "this tool can make no commands of the domain; `cqrs domain check` says why",
                );
                return;
            }
        };
        if *domain == *self.settings.domain {
            return;
        }
        let differences = domain.differences_from(&self.settings.domain);
        domain::show(&differences, self.printer);
        self.settings.domain = domain;
        let path = self.project.join(FILE);
        // A project without it takes the stack's word anyway.
        if path.is_file() {
            match std::fs::write(&path, text) {
                Ok(()) => self.printer.note(format_args!(
                    "{FILE} is written anew, and `cqrs {}` goes by it",
                    self.settings.domain.entity
                )),
                Err(error) => self
                    .printer
                    .warn(format_args!("{FILE} cannot be written: {error}")),
            }
            self.watch.accept(Path::new(FILE));
        }
        described::keep(&self.settings.domain, &self.settings, self.printer);
    }
}
