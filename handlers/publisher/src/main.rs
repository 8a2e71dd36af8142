//! The publisher: a Lambda function that carries commands out on the write model.

use std::process::ExitCode;

use orders::command::Command;
use orders::error::CommandError;
use orders::lambda::{self, Handler, Invocation};
use orders::order::Order;
use orders::settings;
use orders::write_model::WriteModel;

struct Publisher(WriteModel);

impl Handler for Publisher {
    type Answer = Order;
    type Error = CommandError;

    async fn handle(&self, payload: &str, invocation: &Invocation) -> Result<Order, CommandError> {
        let command = Command::parse(payload)?;
        let name = command.name();
        let order = self.0.execute(command).await?;
        tracing::info!(
            requestId = %invocation.request_id,
            command = name,
            orderId = %order.order_id,
            version = order.version,
            tookMs = invocation.took_ms(),
            "done",
        );
        Ok(order)
    }
}

fn main() -> ExitCode {
    lambda::run(|| WriteModel::from_env(&settings::process).map(Publisher))
}
