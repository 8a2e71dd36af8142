//! Waits until the read model shows what was written.

use std::time::Duration;

use orders::error::ErrorType;
use orders::ids::OrderId;
use orders::order::Order;
use tokio::time::{Instant, sleep};

use crate::cli::WaitArgs;
use crate::commands::order::shown::{Shown, Timing};
use crate::commands::order::unwrap_logged;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::stack::functions::Functions;

/// Between two looks: short at first, for the usual lag is a fraction of a second.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// After a write that took `write`: waits, where that is asked for, until the read model shows
/// this version or a later one. The order is written whatever becomes of the waiting, so a failure
/// of it comes beside the order, never instead of it.
pub(super) async fn after_write(
    functions: &Functions,
    order: Order,
    write: Duration,
    args: WaitArgs,
    printer: &Printer,
) -> (Shown, Result<(), Failure>) {
    let Some(seconds) = args.wait else {
        return (
            Shown {
                order,
                timing: None,
            },
            Ok(()),
        );
    };
    let begun = Instant::now();
    match until(functions, &order.order_id, order.version, seconds, printer).await {
        Ok(_) => {
            let timing = Some(Timing::new(write, begun.elapsed()));
            (Shown { order, timing }, Ok(()))
        }
        Err(failure) => (
            Shown {
                order,
                timing: None,
            },
            Err(failure),
        ),
    }
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
        let (held, cause) = match functions.query(&question).await {
            // A cache that fails over is back before long.
            Err(error) if error.is(ErrorType::ReadModelUnavailable) => {
                ("cannot be asked for it".to_owned(), Some(error.to_string()))
            }
            answer => match unwrap_logged::<Option<Order>>(answer, printer)? {
                Some(order) if order.version >= version => return Ok(order),
                Some(order) => (format!("has version {} of it", order.version), None),
                None => ("has nothing of it".to_owned(), None),
            },
        };
        if Instant::now() + pause > deadline {
            drop(step);
            let message = format!("after {seconds} s the read model still {held}: order {id}");
            let mut failure = Failure::new(Kind::TimedOut, message);
            if let Some(cause) = cause {
                failure = failure.caused_by(cause);
            }
            return Err(failure.hint(if version == 0 {
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
