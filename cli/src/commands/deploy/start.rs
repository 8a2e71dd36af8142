//! Brings a stack into a state that takes a change set, from any state it can be met in.

use std::collections::BTreeMap;

use super::Deployment;
use crate::error::{Failure, Kind};
use crate::stack::state::{Situation, StackState};

/// From where a deployment starts.
pub(super) enum Start {
    /// There is no stack, or one without any resource.
    Nothing,
    /// A stack that takes an update.
    Existing(Box<StackState>),
}

impl Start {
    pub(super) fn existing(&self) -> Option<&StackState> {
        match self {
            Self::Nothing => None,
            Self::Existing(stack) => Some(stack),
        }
    }

    pub(super) fn into_existing(self) -> Option<StackState> {
        match self {
            Self::Nothing => None,
            Self::Existing(stack) => Some(*stack),
        }
    }

    /// The parameters that the stack has.
    pub(super) fn parameters(&self) -> &BTreeMap<String, String> {
        const NONE: &BTreeMap<String, String> = &BTreeMap::new();
        self.existing().map_or(NONE, |stack| &stack.parameters)
    }
}

impl Deployment<'_> {
    /// Waits for, continues or clears away what stands in the way, asking first where it deletes.
    pub(super) async fn start(&self) -> Result<Start, Failure> {
        loop {
            let Some(stack) = self.stacks.describe(self.settings.stack.as_str()).await? else {
                return Ok(Start::Nothing);
            };
            self.stacks.check_may_change(&stack).await?;
            match stack.situation() {
                Situation::Empty => return Ok(Start::Nothing),
                Situation::Stable => return Ok(Start::Existing(Box::new(stack))),
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
        let (ended, since) = self
            .operations()
            .attach(&stack.id, stack.status.as_str())
            .await?;
        if !ended.succeeded() {
            let failure = self.operations().failure(&stack.id, since, &ended).await;
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
        let mark = self.stacks.mark(&stack.id).await?;
        let since = mark.newest_ms();
        // Whether AWS has begun must be known before this ends.
        let hold = self.interrupt.hold();
        self.stacks.delete(&stack.id).await?;
        let ended = self.operations().follow(mark).await?;
        drop(hold);
        if ended.succeeded() {
            return Ok(());
        }
        Err(self.operations().failure(&stack.id, since, &ended).await)
    }

    async fn continue_rollback(&self, stack: &StackState) -> Result<(), Failure> {
        self.printer.note(format_args!(
            "Stack {} is in {}: its rollback must be continued before it takes an update.",
            self.settings.stack, stack.status,
        ));
        self.consent("Continue the rollback?").await?;
        let mark = self.stacks.mark(&stack.id).await?;
        let since = mark.newest_ms();
        let hold = self.interrupt.hold();
        self.stacks.continue_rollback(&stack.id).await?;
        let ended = self.operations().follow(mark).await?;
        drop(hold);
        if ended.status == "UPDATE_ROLLBACK_COMPLETE" {
            return Ok(());
        }
        Err(self.operations().failure(&stack.id, since, &ended).await)
    }

    async fn consent(&self, question: &str) -> Result<(), Failure> {
        if self.args.yes {
            return Ok(());
        }
        let said = || Failure::interrupted("interrupted; nothing was changed");
        let asked = self.interrupt.unless(self.printer.confirm(question), said);
        if asked.await.flatten()? {
            Ok(())
        } else {
            Err(Failure::new(
                Kind::Failed,
                "not deployed; nothing was changed",
            ))
        }
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
