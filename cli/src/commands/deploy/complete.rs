//! Sees to it that the read model of what was deployed counts as complete.
//!
//! That of a new stack is: its table is empty, and all that comes into it comes through its stream.
//! So is that of a stack whose first deployment was not followed to its end, while the table is
//! still empty. Any other one takes a rebuild.

use pattern::payload::Token;
use serde::Deserialize;
use serde_json::json;

use super::Deployment;
use super::report::Done;
use crate::error::{Explain, Failure};
use crate::models::Models;
use crate::models::table::Table;
use crate::settings::stack_flag;
use crate::stack::functions::{FunctionError, Functions};

#[derive(Deserialize)]
struct Pong {
    /// Older functions do not say, and know nothing of it.
    complete: Option<bool>,
}

impl Deployment<'_> {
    /// Completes the read model of the table of that name where that takes no rebuild.
    pub(super) async fn complete(&self, done: Done, table: Option<String>) -> Result<(), Failure> {
        let Some(table) = table else { return Ok(()) };
        let models = Models {
            functions: Functions::new(&self.aws, self.settings.stack.clone(), false),
            table: Table::new(self.aws.dynamodb(), &table, &self.settings.domain.id),
            domain: self.settings.domain.clone(),
        };
        let rebuild = format!("`cqrs rebuild{}`", stack_flag(&self.settings.stack));
        if done == Done::Created {
            return make_complete(&models).await.map_err(|error| {
                let what = "the stack is deployed, but its read model cannot be completed yet";
                Failure::new(error.kind(), what)
                    .caused_by(error.to_string())
                    .hint(format!("{rebuild} completes it"))
            });
        }
        let pong = models
            .functions
            .query::<Pong>(&json!({ "ping": true }))
            .await;
        if !pong.is_ok_and(|pong| pong.value.complete == Some(false)) {
            return Ok(());
        }
        let is_empty = models.table.is_empty().await.unwrap_or(false);
        if !is_empty || make_complete(&models).await.is_err() {
            self.printer.warn(format_args!(
                "the read model is incomplete; {rebuild} completes it"
            ));
        }
        Ok(())
    }
}

async fn make_complete(models: &Models) -> Result<(), FunctionError> {
    let token = Token::fresh();
    models.begin(&token).await?;
    models.complete(&token).await
}
