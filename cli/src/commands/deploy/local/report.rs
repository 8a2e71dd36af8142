//! What is said of a deployment on this machine: the result, what has no counterpart here, what comes
//! next.

use host::definition::ACCOUNT;

use super::{Brought, LocalDeployment, resources};
use crate::aws::Aws;
use crate::commands::deploy::complete::{Completion, parted};
use crate::commands::deploy::report::{
    Deployed, DeployedHere, Done, counted_by_kind, counted_by_name,
};
use crate::commands::deploy::said::Said;
use crate::commands::outputs::Outputs;
use crate::commands::preview::Preview;
use crate::error::Failure;
use crate::settings::stack_flag;
use crate::stack::state::Output;

impl LocalDeployment<'_> {
    pub(super) async fn report(&self, brought: Brought) -> Result<(), Failure> {
        let Brought {
            existed,
            region,
            client,
            deployed,
            replaced,
        } = brought;
        let done = match (existed, deployed.changes.is_empty()) {
            (false, _) => Done::Created,
            (true, true) => Done::Unchanged,
            (true, false) => Done::Updated,
        };
        let style = self.printer.style();
        let changes = resources(deployed.changes);
        if done == Done::Updated {
            let changes = &changes;
            self.printer
                .note(format_args!("\n{}", Preview { changes, style }));
        }
        let stack = &self.settings.stack;
        self.printer
            .note(format_args!("\n{} {}", style.green("✓"), done.says(stack)));
        let description = deployed.description;
        let outputs: Vec<_> = description.outputs.into_iter().map(Output::from).collect();
        let table = outputs.iter().find(|output| output.name == "TableName");
        let completion = Completion {
            aws: &Aws::on_this_machine(client.process(), client.region()),
            settings: &self.settings,
            table: table.map(|output| output.value.as_str()),
            done,
            replaced,
            said: Said::default(),
            agreed: self.args.yes,
            interrupt: self.interrupt,
            printer: self.printer,
        };
        let (rebuild, failed) = parted(completion.complete().await);
        if self.printer.stdout_is_terminal() {
            self.printer.note("");
        }
        self.printer.data(&DeployedHere {
            deployed: Deployed {
                stack: stack.as_str(),
                account: ACCOUNT,
                region: &region,
                done,
                changes,
                outputs: Outputs(outputs),
                rebuild,
            },
            endpoint: &client.endpoint(),
            cache: &description.cache,
            left_out: &description.left_out,
            without_effect: &description.without_effect,
            notes: &description.notes,
        })?;
        let (needless, missed): (Vec<_>, Vec<_>) = description
            .left_out
            .iter()
            .partition(|resource| resource.needless);
        if !needless.is_empty() {
            self.printer.note(format_args!(
                "\n{} {}",
                style.dim("not needed on one machine:"),
                counted_by_kind(&needless)
            ));
        }
        for resource in needless {
            self.printer.detail(format_args!(
                "  {} ({})",
                resource.logical_id, resource.resource_type
            ));
        }
        for resource in missed {
            self.printer.warn(format_args!(
                "{} ({}) has no counterpart on this machine",
                resource.logical_id, resource.resource_type
            ));
        }
        let (needless, missed): (Vec<_>, Vec<_>) = description
            .without_effect
            .iter()
            .partition(|property| property.needless);
        if !needless.is_empty() {
            self.printer.note(format_args!(
                "{} {}",
                style.dim("without effect on one machine:"),
                counted_by_name(&needless)
            ));
        }
        for property in needless {
            self.printer.detail(format_args!(
                "  {} of {}",
                property.property, property.logical_id
            ));
        }
        for property in missed {
            self.printer.warn(format_args!(
                "`{}` of {} has no effect on this machine",
                property.property, property.logical_id
            ));
        }
        for note in &description.notes {
            self.printer.warn(note);
        }
        failed?;
        self.printer.next(format_args!(
            "cqrs {} create --local{}{}",
            self.settings.domain.entity,
            self.settings.domain.example(),
            stack_flag(stack),
        ));
        Ok(())
    }
}
