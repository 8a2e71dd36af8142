//! The publisher: a Lambda function that carries commands out on the write model.

use std::process::ExitCode;

use crate::description::Description;
use crate::diagnosis::Diagnosis;
use crate::document::{Document, id_name};
use crate::entity::Entity;
use crate::error::CommandError;
use crate::lambda::{self, Handler, Invocation, Level};
use crate::settings;
use crate::write_model::{DynamoTable, WriteModel};

struct Publisher<E> {
    model: WriteModel<E, DynamoTable>,
    id: String,
}

impl<E: Entity> Handler for Publisher<E> {
    type Answer = Document<E>;
    type Error = CommandError;

    async fn handle(
        &self,
        payload: &str,
        invocation: &Invocation<'_>,
    ) -> Result<Document<E>, CommandError> {
        let command = self.model.commands().parse(payload)?;
        let name = command.name();
        let document = self.model.execute(command).await?;
        invocation
            .line(Level::INFO, "done")
            .count_by("command", name, "commands", 1)
            .field(&self.id, &document.id)
            .field("version", document.version)
            .write();
        Ok(document)
    }

    fn describe(&self) -> Result<Description, CommandError> {
        Ok(self.model.commands().description().clone())
    }

    async fn diagnose(&self) -> Diagnosis {
        self.model.table().diagnose().await
    }
}

/// Runs the publisher of `E` until Lambda ends it.
pub fn run<E: Entity>() -> ExitCode {
    lambda::run(|| -> Result<Publisher<E>, settings::CannotStart> {
        let table = DynamoTable::from_env(&settings::process, E::NAME)?;
        let model = WriteModel::new(table)?;
        let id = id_name(E::NAME);
        Ok(Publisher { model, id })
    })
}
