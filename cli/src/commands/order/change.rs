//! What shipping and cancelling have in common: one guarded change of one order.

use std::time::Instant;

use orders::command::{Change, ChangeOrder};
use orders::ids::OrderId;
use orders::order::Order;

use crate::cli::ChangeArgs;
use crate::commands::order::{InvalidArgument, functions, unwrap_logged, wait};
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;

pub(super) async fn run(
    change: Change,
    args: ChangeArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let order_id = OrderId::new(args.id).map_err(|e| InvalidArgument::of("the order's id", e))?;
    let command = ChangeOrder {
        change,
        order_id,
        expected_version: args.expected_version,
    };
    let functions = functions(settings, printer).await?;
    let sent = Instant::now();
    let order: Order = unwrap_logged(functions.publish(&command).await, printer)?;
    let (shown, waited) =
        wait::after_write(&functions, order, sent.elapsed(), args.wait, printer).await;
    printer.data(&shown)?;
    waited
}
