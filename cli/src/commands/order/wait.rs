//! Waits until the read model shows what was written.

use std::time::Duration;

use orders::ids::OrderId;
use orders::order::Order;
use tokio::time::{Instant, sleep};

use crate::cli::WaitArgs;
use crate::commands::order::shown::Timing;
use crate::commands::order::unwrap_logged;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::stack::functions::Functions;

/// Between two looks: short at first, for the usual lag is a fraction of a second.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// After a write that took `write`: waits, where that is asked for, until the read model shows
/// this version or a later one, and answers the times.
pub(super) async fn after_write(
    functions: &Functions,
    order: &Order,
    write: Duration,
    args: WaitArgs,
    printer: &Printer,
) -> Result<Option<Timing>, Failure> {
    let Some(seconds) = args.wait else {
        return Ok(None);
    };
    let begun = Instant::now();
    until(functions, &order.order_id, order.version, seconds, printer).await?;
    Ok(Some(Timing::new(write, begun.elapsed())))
}

/// Waits for any version of the order.
pub(super) async fn until_there(
    functions: &Functions,
    id: &OrderId,
    seconds: u64,
    printer: &Printer,
) -> Result<Order, Failure> {
    until(functions, id, 0, seconds, printer).await
}

/// Version 0 stands for any.
async fn until(
    functions: &Functions,
    id: &OrderId,
    version: u64,
    seconds: u64,
    printer: &Printer,
) -> Result<Order, Failure> {
    let step = printer
        .is_live()
        .then(|| printer.step("Waiting for the read model"));
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let question = serde_json::json!({ "orderId": id });
    let mut pause = SHORTEST_PAUSE;
    loop {
        let order: Option<Order> = unwrap_logged(functions.query(&question).await, printer)?;
        let held = match order {
            Some(order) if order.version >= version => return Ok(order),
            Some(order) => format!("version {} of it", order.version),
            None => "nothing of it".to_owned(),
        };
        if Instant::now() + pause > deadline {
            drop(step);
            return Err(Failure::new(
                Kind::TimedOut,
                format!("after {seconds} s the read model still has {held}: order {id}"),
            )
            .hint(if version == 0 {
                "check the id; `cqrs order list` shows the orders that are there".to_owned()
            } else {
                format!(
                    "the order is safe in the write model; look again with \
                     `cqrs order get {id} --wait`"
                )
            }));
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}
