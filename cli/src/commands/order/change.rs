//! What shipping and cancelling have in common: one guarded change of one order.

use orders::command::{Change, ChangeOrder};
use orders::ids::OrderId;

use crate::cli::ChangeArgs;
use crate::commands::order::{InvalidArgument, Written, functions, write};
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
    let Written { shown, waited } = write(&functions, &command, args.wait, printer).await?;
    printer.data(&shown)?;
    waited
}
