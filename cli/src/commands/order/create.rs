//! `cqrs order create`: places an order, once, however often it is repeated.

use orders::command::CreateOrder;
use orders::error::ErrorType;
use orders::ids::{ClientId, IdempotencyKey, ProductId};
use orders::order::Quantity;

use crate::cli::CreateArgs;
use crate::commands::order::{InvalidArgument, Written, functions, write};
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;

pub(super) async fn run(
    args: CreateArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let wait_args = args.wait;
    let key_given = args.idempotency_key.is_some();
    let command = command(args)?;
    let functions = functions(settings, printer).await?;
    let written = write(&functions, &command, wait_args, printer).await;
    let Written { shown, waited } = written.map_err(|failure| match &command.idempotency_key {
        Some(key) if !key_given && may_be_written(&failure) => failure.also_hint(&format!(
            "with `--idempotency-key {key}` a repetition makes no second order"
        )),
        _ => failure,
    })?;
    let id = &shown.order.order_id;
    let told = if printer.is_json() || printer.stdout_is_terminal() {
        printer.data(&shown)
    } else {
        // For `id=$(cqrs order create …)`.
        printer.stdout(id.as_str())
    };
    // Nobody else knows the id.
    told.map_err(|failure| failure.also_hint(&format!("the order is placed: {id}")))?;
    if let (false, false, Some(timing)) = (
        printer.is_json(),
        printer.stdout_is_terminal(),
        shown.timing,
    ) {
        printer.note(timing);
    }
    waited
}

/// Whether the order may stand although the command failed: its answer was lost, or the publisher
/// or the table went away before they could give one.
fn may_be_written(failure: &Failure) -> bool {
    let name = failure.name();
    name == "Unreachable"
        || name == ErrorType::WriteModelUnavailable.as_str()
        || name.starts_with("Runtime.")
        || name.starts_with("Sandbox.")
}

/// What was typed, as the publisher takes it.
fn command(args: CreateArgs) -> Result<CreateOrder, InvalidArgument> {
    let quantity = u64::try_from(args.quantity.unwrap_or(1)).unwrap_or(0);
    // The SDK repeats a call whose answer was lost: without a key that would be a second order.
    let key = args
        .idempotency_key
        .unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    Ok(CreateOrder {
        client_id: ClientId::new(args.client.unwrap_or_default())
            .map_err(|e| InvalidArgument::of("--client", e))?,
        product_id: ProductId::new(args.product.unwrap_or_default())
            .map_err(|e| InvalidArgument::of("--product", e))?,
        quantity: Quantity::new(quantity).map_err(|e| InvalidArgument::of("--quantity", e))?,
        idempotency_key: Some(
            IdempotencyKey::new(key).map_err(|e| InvalidArgument::of("--idempotency-key", e))?,
        ),
    })
}
