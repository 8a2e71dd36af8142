//! The end of a deployment, on AWS and on this machine: its read model is completed, and it is reported.
//!
//! That of a new stack is: its table is empty, and all that comes into it comes through its stream.
//! So is that of a stack whose first deployment was not followed to its end, while the table is
//! still empty. Any other one takes a rebuild, which is offered as the deployment's last step: that
//! of a stack whose layout of the read model is another one now, or whose table was replaced.

use pattern::payload::Token;
use serde::Deserialize;
use serde_json::json;

use super::local::report::Here;
use super::report::{Deployed, Done, Location};
use super::said::Said;
use crate::app::interrupt::Interrupt;
use crate::aws::Aws;
use crate::commands::described;
use crate::commands::outputs::Outputs;
use crate::commands::rebuild::options::RebuildArgs;
use crate::commands::rebuild::{self, Rebuilt};
use crate::error::{Explain, Failure};
use crate::models::Models;
use crate::models::table::Table;
use crate::printer::Printer;
use crate::settings::{Settings, Target, stack_flag};
use crate::stack::change_set::ResourceChanged;
use crate::stack::functions::{FunctionError, Functions};
use crate::stack::state;

#[derive(Deserialize)]
struct Pong {
    /// Older functions do not say, and know nothing of it.
    complete: Option<bool>,
}

/// What a deployment has come to.
pub(super) struct Completion<'a> {
    pub(super) aws: &'a Aws,
    pub(super) settings: &'a Settings,
    pub(super) location: Location<'a>,
    pub(super) done: Done,
    pub(super) changes: Vec<ResourceChanged>,
    pub(super) outputs: Outputs,
    /// Whether a table went whose items the read model still shows.
    pub(super) replaced: bool,
    /// What the functions that are deployed have said already.
    pub(super) said: Said,
    /// Whether all was agreed to before.
    pub(super) agreed: bool,
    /// What else there is to say of a stack on this machine.
    pub(super) here: Option<Here>,
    pub(super) interrupt: &'a Interrupt,
    pub(super) printer: &'a Printer,
}

impl Completion<'_> {
    /// Says what was done, sees to the read model, and gives the result.
    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        let (settings, printer) = (self.settings, self.printer);
        let done = self.done.says(&settings.stack);
        printer.note(format_args!("\n{} {done}", printer.style().green("✓")));
        let completed = self.complete().await;
        // The deployment is reported, whatever became of the read model.
        let (rebuild, failed) = match completed {
            Ok(rebuilt) => {
                let judged = rebuilt.as_ref().map_or(Ok(()), Rebuilt::judge);
                (rebuilt, judged)
            }
            Err(failure) => (None, Err(failure)),
        };
        if printer.stdout_is_terminal() {
            printer.note("");
        }
        let deployed = Deployed {
            location: self.location,
            done: self.done,
            changes: self.changes,
            outputs: self.outputs,
            rebuild,
            here: self.here,
        };
        printer.data(&deployed)?;
        if let Some(here) = &deployed.here {
            here.show(printer);
        }
        failed?;
        let local = match settings.target {
            Target::Aws => "",
            Target::Local => " --local",
        };
        printer.next(format_args!(
            "cqrs {} create{local}{}{}",
            settings.domain.entity,
            settings.domain.example(),
            stack_flag(&settings.stack),
        ));
        Ok(())
    }

    /// Completes the read model where that takes no rebuild, and else offers one; gives its report.
    async fn complete(&mut self) -> Result<Option<Rebuilt>, Failure> {
        let said = self.said.description.take();
        let keeping = described::keep_of_project(self.aws, said, self.settings, self.printer);
        let ((), completed) = tokio::join!(keeping, self.read_model());
        completed
    }

    async fn read_model(&self) -> Result<Option<Rebuilt>, Failure> {
        // Not every stack has one.
        let Some(table) = state::output(&self.outputs.0, "TableName") else {
            return Ok(None);
        };
        if self.replaced {
            return self
                .offer("the read model shows what the table held that is gone")
                .await;
        }
        let models = Models {
            functions: Functions::new(self.aws, self.settings.stack.clone(), false),
            table: Table::new(self.aws.dynamodb(), table, &self.settings.domain.id),
            domain: self.settings.domain.clone(),
        };
        if self.done == Done::Created {
            // On this machine the stack's process does that.
            if self.settings.target == Target::Aws {
                make_complete(&models).await.map_err(|error| {
                    let what = "the stack is deployed, but its read model cannot be completed yet";
                    Failure::new(error.kind(), what)
                        .caused_by(error.to_string())
                        .hint(format!("{} completes it", self.command()))
                })?;
            }
            return Ok(None);
        }
        let is_complete = match self.said.is_complete {
            Some(said) => Some(said),
            None => is_complete(&models.functions).await,
        };
        if is_complete != Some(false) {
            return Ok(None);
        }
        let is_empty = models.table.is_empty().await.unwrap_or(false);
        if is_empty && make_complete(&models).await.is_ok() {
            return Ok(None);
        }
        self.offer("the read model is incomplete").await
    }

    fn command(&self) -> String {
        format!("`cqrs rebuild{}`", stack_flag(&self.settings.stack))
    }

    async fn offer(&self, why: &str) -> Result<Option<Rebuilt>, Failure> {
        if !self.agreed && !self.asked(why).await? {
            self.printer
                .warn(format_args!("{why}; {} completes it", self.command()));
            return Ok(None);
        }
        self.printer.note(format_args!("\nRebuilding: {why}"));
        let args = RebuildArgs::default();
        let rebuilt = rebuild::of_stack(&args, self.settings, self.interrupt, self.printer).await?;
        self.printer.note(rebuilt.to_string().trim_end());
        Ok(Some(rebuilt))
    }

    /// Whether there is a person who says yes.
    async fn asked(&self, why: &str) -> Result<bool, Failure> {
        if !self.printer.can_ask() {
            return Ok(false);
        }
        let question = format!("The stack is deployed, but {why}. Rebuild it from the table now?");
        let said = || {
            Failure::interrupted("interrupted; the stack is deployed")
                .hint(format!("{}: {why}", self.command()))
        };
        let asked = self.printer.confirm(&question);
        self.interrupt.unless(asked, said).await?
    }
}

/// Whether the read model is complete, where the query function says so.
pub(super) async fn is_complete(functions: &Functions) -> Option<bool> {
    let pong = functions.query::<Pong>(&json!({ "ping": true })).await;
    pong.ok()?.value.complete
}

async fn make_complete(models: &Models) -> Result<(), FunctionError> {
    let token = Token::fresh();
    models.begin(&token).await?;
    models.complete(&token).await
}
