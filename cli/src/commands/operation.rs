//! A stack operation under way: shown to its end, left by Ctrl-C, explained when it fails.

use crate::app::interrupt::Interrupt;
use crate::aws::AwsError;
use crate::commands::progress::Progress;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::StackName;
use crate::stack::Stacks;
use crate::stack::change_set::ChangeSetError;
use crate::stack::follow::{Ended, Mark};
use crate::stack::root_cause::Cause;
use crate::stack::state::{StackState, way_out};

/// What shows and explains the operations of one stack.
#[derive(Clone, Copy)]
pub(crate) struct Operations<'a> {
    pub(crate) stacks: &'a Stacks,
    pub(crate) stack: &'a StackName,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) printer: &'a Printer,
    /// The command that comes back to the operation after Ctrl-C.
    pub(crate) command: &'static str,
}

impl Operations<'_> {
    /// Shows the operation since `mark` until it ends. Ctrl-C ends only the showing.
    pub(crate) async fn follow(&self, mark: Mark) -> Result<Ended, Failure> {
        let mut progress = Progress::new(self.printer);
        let following = self.stacks.follow(mark, |event| progress.event(event));
        let said = || {
            Failure::interrupted("detached; AWS goes on with the operation").hint(format!(
                "`cqrs {} --stack {}` comes back to it",
                self.command, self.stack
            ))
        };
        Ok(self.interrupt.unless(following, said).await??)
    }

    /// Begins an operation on the stack, and shows it to its end.
    pub(crate) async fn carry_out(
        &self,
        stack_id: &str,
        begin: impl Future<Output = Result<(), AwsError>>,
    ) -> Result<Ended, Failure> {
        let mark = self.stacks.mark(stack_id).await?;
        // Whether AWS has begun must be known before this ends.
        let _hold = self.interrupt.hold();
        begin.await?;
        self.follow(mark).await
    }

    /// Shows the operation that somebody, perhaps an earlier run, has started.
    pub(crate) async fn attach(&self, stack: &StackState) -> Result<Ended, Failure> {
        self.printer.note(format_args!(
            "Stack {} is at {}: following that operation first",
            self.stack, stack.status
        ));
        let mark = self.stacks.mark_running(&stack.id).await?;
        self.follow(mark).await
    }

    /// The failure of an operation: root cause first, then what followed, then the way out.
    pub(crate) async fn failure(&self, ended: &Ended) -> Failure {
        let causes = self.stacks.root_causes(ended).await;
        let message = format!("stack `{}` ended in {}", self.stack, ended.status);
        let mut failure = with_causes(Failure::new(Kind::Failed, message), &causes);
        if causes.is_empty() {
            let reason = ended.rolled_back.as_deref();
            failure = failure.caused_by(reason.unwrap_or("CloudFormation gives no reason"));
        }
        if let Some(hint) = way_out(&ended.status, self.stack) {
            failure = failure.hint(hint);
        }
        match self.about_taken_name(&causes).await {
            Some(hint) => failure.also_hint(&hint),
            None => failure,
        }
    }

    /// The failure of a change set, with what its validation found.
    pub(crate) async fn refusal(&self, error: ChangeSetError) -> Failure {
        let causes = match &error {
            ChangeSetError::Failed { findings, .. } => findings.causes.clone(),
            _ => Vec::new(),
        };
        let failure = Failure::from(error);
        if causes.is_empty() {
            return failure;
        }
        let failure = failure.reworded("CloudFormation cannot make this change");
        let failure = with_causes(failure, &causes);
        match self.about_taken_name(&causes).await {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// Whose the name is that a resource was to have, and what to do about it.
    async fn about_taken_name(&self, causes: &[Cause]) -> Option<String> {
        let (cause, name) = causes
            .iter()
            .find_map(|cause| Some((cause, cause.taken_name()?)))?;
        let kind = &cause.resource_type;
        Some(match self.stacks.holder(name).await {
            Ok(Some(stack)) => format!(
                "`{name}` is a part of stack `{stack}`: deploy under another `--stack`, or destroy \
                 that stack first"
            ),
            Ok(None) => format!(
                "`{name}` ({kind}) is in no stack: a deletion with `--express` may still be at \
                 work on it, so wait some minutes; else delete it, then repeat the command"
            ),
            Err(_) => format!(
                "something else has the name `{name}` ({kind}): deploy under another `--stack`, or \
                 delete what has it"
            ),
        })
    }
}

/// The first causes, the very first one first.
fn with_causes(failure: Failure, causes: &[Cause]) -> Failure {
    let causes = causes.iter().take(5);
    causes.fold(failure, |failure, cause| {
        failure.caused_by(format!("{}: {}", subject(cause), cause.reason))
    })
}

pub(crate) fn subject(cause: &Cause) -> String {
    let path = cause
        .path
        .as_ref()
        .map(|path| format!(" at {path}"))
        .unwrap_or_default();
    format!("{} ({}){path}", cause.logical_id, cause.resource_type)
}
