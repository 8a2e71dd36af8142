//! `cqrs order get`: an order as the read model has it.

use std::time::Instant;

use orders::error::ErrorType;
use orders::ids::OrderId;
use orders::order::Order;

use crate::cli::GetArgs;
use crate::commands::order::shown::{Shown, Timing};
use crate::commands::order::{InvalidArgument, functions, unwrap_logged, wait};
use crate::error::{Explain, Failure, Kind};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::stack::functions::Functions;

pub(super) async fn run(
    args: GetArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let id = OrderId::new(args.id).map_err(|e| InvalidArgument::of("the order's id", e))?;
    let functions = functions(settings, printer).await?;
    let begun = Instant::now();
    let (order, timing) = match args.wait.wait {
        Some(seconds) => {
            let order = wait::until_there(&functions, &id, seconds, printer).await?;
            (order, Some(Timing::of_reading(begun.elapsed())))
        }
        None => {
            let order = read(&functions, id, printer).await?;
            (order, None)
        }
    };
    printer.data(&Shown { order, timing })
}

/// The order, which must be there.
pub(in crate::commands) async fn read(
    functions: &Functions,
    id: OrderId,
    printer: &Printer,
) -> Result<Order, Failure> {
    let question = serde_json::json!({ "orderId": id });
    let order: Option<Order> = unwrap_logged(functions.query(&question).await, printer)?;
    Ok(order.ok_or(NotInReadModel(id))?)
}

/// The read model has no such order, or not yet.
#[derive(Debug, thiserror::Error)]
#[error("the read model has no order {0}")]
struct NotInReadModel(OrderId);

impl Explain for NotInReadModel {
    fn kind(&self) -> Kind {
        Kind::NotFound
    }

    fn name(&self) -> String {
        ErrorType::OrderNotFound.as_str().to_owned()
    }

    fn hint(&self) -> Option<String> {
        Some(format!(
            "an order just written takes a moment to get there: `cqrs order get {} --wait`",
            self.0
        ))
    }
}
