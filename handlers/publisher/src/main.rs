//! The publisher: a Lambda function that carries commands out on the write model.

use std::process::ExitCode;

use orders::command::Command;
use orders::diagnosis::Diagnosis;
use orders::error::CommandError;
use orders::lambda::{self, Handler, Invocation, Level};
use orders::order::Order;
use orders::settings;
use orders::write_model::WriteModel;

struct Publisher(WriteModel);

impl Handler for Publisher {
    type Answer = Order;
    type Error = CommandError;

    async fn handle(
        &self,
        payload: &str,
        invocation: &Invocation<'_>,
    ) -> Result<Order, CommandError> {
        let command = Command::parse(payload)?;
        let name = command.name();
        let order = self.0.execute(command).await?;
        invocation
            .line(Level::INFO, "done")
            .count_by("command", name, "commands", 1)
            .field("orderId", &order.order_id)
            .field("version", order.version)
            .write();
        Ok(order)
    }

    async fn diagnose(&self) -> Diagnosis {
        self.0.diagnose().await
    }
}

fn main() -> ExitCode {
    lambda::run(|| WriteModel::from_env(&settings::process).map(Publisher))
}
