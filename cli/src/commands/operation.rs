//! A stack operation under way: shown to its end, left by Ctrl-C, explained when it fails.

use crate::app::interrupt::Interrupt;
use crate::commands::progress::Progress;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::StackName;
use crate::stack::Stacks;
use crate::stack::follow::{Ended, Mark};
use crate::stack::root_cause::Cause;
use crate::stack::state::way_out;

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

    /// Shows the operation that somebody, perhaps an earlier run, has started; gives also after
    /// which moment it began.
    pub(crate) async fn attach(
        &self,
        stack_id: &str,
        status: &str,
    ) -> Result<(Ended, i64), Failure> {
        self.printer.note(format_args!(
            "Stack {} is at {status}: following that operation first",
            self.stack
        ));
        let mark = self.stacks.mark_running(stack_id).await?;
        let since = mark.newest_ms();
        Ok((self.follow(mark).await?, since))
    }

    /// The failure of an operation: root cause first, then what followed, then the way out.
    pub(crate) async fn failure(&self, stack_id: &str, since_ms: i64, ended: &Ended) -> Failure {
        let causes = self.stacks.root_causes(stack_id, since_ms, ended).await;
        let what = match causes.first() {
            Some(first) => format!("{}: {}", subject(first), first.reason),
            None => "CloudFormation gives no reason".to_owned(),
        };
        let mut failure = Failure::new(
            Kind::Failed,
            format!("stack `{}` ended in {}", self.stack, ended.status),
        )
        .caused_by(what);
        for cause in causes.iter().skip(1).take(4) {
            failure = failure.caused_by(format!("{}: {}", subject(cause), cause.reason));
        }
        match way_out(&ended.status, self.stack) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

fn subject(cause: &Cause) -> String {
    let path = cause
        .path
        .as_ref()
        .map(|path| format!(" at {path}"))
        .unwrap_or_default();
    format!("{} ({}){path}", cause.logical_id, cause.resource_type)
}
