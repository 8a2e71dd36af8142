//! Brings a stack into a state that takes a change set, from any state it can be met in.

use super::{Deployment, confirmed};
use crate::error::{Failure, Kind};
use crate::stack::state::{Situation, StackState};

impl Deployment<'_> {
    /// The stack that takes an update; none where there is no stack, or one without any resource. Waits
    /// for, continues or clears away what stands in the way, asking first where it deletes.
    pub(super) async fn existing(&self) -> Result<Option<StackState>, Failure> {
        loop {
            let Some(stack) = self.stacks.describe(self.settings.stack.as_str()).await? else {
                return Ok(None);
            };
            self.stacks.check_may_change(&stack).await??;
            match stack.situation() {
                Situation::Empty => return Ok(None),
                Situation::Stable => return Ok(Some(stack)),
                _ if self.args.plan || self.args.change_set_only => {
                    return Err(self.unplannable(&stack));
                }
                Situation::Busy => self.wait_for(&stack).await?,
                Situation::MustBeDeleted => self.clear_away(&stack).await?,
                Situation::RollbackStuck => self.continue_rollback(&stack).await?,
                Situation::Foreign => {
                    return Err(Failure::new(
                        Kind::Failed,
                        format!(
                            "stack `{}` is in {}, which takes no update",
                            self.settings.stack, stack.status
                        ),
                    )
                    .hint(
                        "resolve that in CloudFormation first, or deploy under another `--stack`",
                    ));
                }
            }
        }
    }

    async fn wait_for(&self, stack: &StackState) -> Result<(), Failure> {
        let ended = self.operations().attach(stack).await?;
        if !ended.succeeded() {
            let failure = self.operations().failure(&ended).await;
            self.printer
                .warn(format_args!("that operation failed: {failure}"));
        }
        Ok(())
    }

    async fn clear_away(&self, stack: &StackState) -> Result<(), Failure> {
        let name = &self.settings.stack;
        let reason = stack
            .reason
            .as_deref()
            .map(|r| format!(" ({r})"))
            .unwrap_or_default();
        self.printer.note(format_args!(
            "Stack {name} is in {}{reason}: it must be deleted before it can be created anew.",
            stack.status,
        ));
        self.consent("Delete what is left of it, with everything in it?")
            .await?;
        let deleting = self.stacks.delete(&stack.id, false);
        let ended = self.operations().carry_out(&stack.id, deleting).await?;
        match ended.succeeded() {
            true => Ok(()),
            false => Err(self.operations().failure(&ended).await),
        }
    }

    async fn continue_rollback(&self, stack: &StackState) -> Result<(), Failure> {
        self.printer.note(format_args!(
            "Stack {} is in {}: its rollback must be continued before it takes an update.",
            self.settings.stack, stack.status,
        ));
        self.consent("Continue the rollback?").await?;
        let continuing = self.stacks.continue_rollback(&stack.id);
        let ended = self.operations().carry_out(&stack.id, continuing).await?;
        match ended.status == "UPDATE_ROLLBACK_COMPLETE" {
            true => Ok(()),
            false => Err(self.operations().failure(&ended).await),
        }
    }

    /// Asks, unless all was agreed to before.
    pub(super) async fn consent(&self, question: &str) -> Result<(), Failure> {
        if self.args.yes || confirmed(question, self.interrupt, self.printer).await? {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Failed,
            "not deployed; nothing was changed",
        ))
    }

    fn unplannable(&self, stack: &StackState) -> Failure {
        let name = &self.settings.stack;
        let would = match stack.situation() {
            Situation::Busy => "would wait for that operation first",
            Situation::MustBeDeleted => "would delete it and create it anew",
            Situation::RollbackStuck => "would continue its rollback first",
            _ => "could not change it",
        };
        Failure::new(
            Kind::Failed,
            format!(
                "stack `{name}` is in {}, for which no change can be planned",
                stack.status
            ),
        )
        .hint(format!("`cqrs deploy --stack {name}` {would}"))
    }
}
