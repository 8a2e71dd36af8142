//! Waits until the read model shows what was written: one order or many, with one query a look.

use std::future::Future;
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
    until(functions, id, ANY_VERSION, seconds, printer).await
}

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
    let wanted = Wanted {
        id: id.clone(),
        version,
    };
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let sights = until_all(
        functions,
        &[wanted],
        deadline,
        std::future::pending(),
        printer,
    )
    .await?;
    drop(step);
    match sights.into_iter().next() {
        Some(Sight::Seen { order, .. }) => Ok(order),
        Some(Sight::Not(held)) => Err(timed_out(id, version, seconds, held)),
        None => Err(timed_out(id, version, seconds, Held::Nothing)),
    }
}

pub(super) const ANY_VERSION: u64 = 0;

/// An order that is waited for, of this version or a later one.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) id: OrderId,
    pub(super) version: u64,
}

/// What the read model showed of it.
#[derive(Clone, Debug)]
pub(super) enum Sight {
    Seen { order: Order, at: Instant },
    Not(Held),
}

/// What the read model had instead.
#[derive(Clone, Debug)]
pub(super) enum Held {
    Nothing,
    Older(u64),
    /// It cannot be asked; why.
    Unavailable(String),
}

/// Looks for all of `wanted`, which are one query, until each was seen, `deadline` has passed or
/// `enough` comes; once in any case. Gives what was seen, in the same order.
pub(super) async fn until_all(
    functions: &Functions,
    wanted: &[Wanted],
    deadline: Instant,
    enough: impl Future<Output = ()>,
    printer: &Printer,
) -> Result<Vec<Sight>, Failure> {
    let mut enough = std::pin::pin!(enough);
    let mut sights = vec![Sight::Not(Held::Nothing); wanted.len()];
    let mut pause = SHORTEST_PAUSE;
    loop {
        look(functions, wanted, &mut sights, printer).await?;
        let seen = |sight: &Sight| matches!(sight, Sight::Seen { .. });
        if sights.iter().all(seen) || Instant::now() + pause > deadline {
            return Ok(sights);
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = &mut enough => return Ok(sights),
        }
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// Looks once for those that were not seen yet.
async fn look(
    functions: &Functions,
    wanted: &[Wanted],
    sights: &mut [Sight],
    printer: &Printer,
) -> Result<(), Failure> {
    let open = wanted.iter().zip(sights);
    let mut open: Vec<_> = open
        .filter(|(_, sight)| matches!(sight, Sight::Not(_)))
        .collect();
    let ids: Vec<OrderId> = open.iter().map(|(wanted, _)| wanted.id.clone()).collect();
    match functions.orders(&ids).await {
        // A cache that fails over is back before long, and what is written to an incomplete read
        // model can be read from it.
        Err(error)
            if error.is(ErrorType::ReadModelUnavailable)
                || error.is(ErrorType::ReadModelIncomplete) =>
        {
            for (_, sight) in &mut open {
                **sight = Sight::Not(Held::Unavailable(error.to_string()));
            }
        }
        answer => {
            let at = Instant::now();
            let orders = unwrap_logged(answer, printer)?;
            for ((wanted, sight), order) in open.into_iter().zip(orders) {
                *sight = match order {
                    Some(order) if order.version >= wanted.version => Sight::Seen { order, at },
                    Some(order) => Sight::Not(Held::Older(order.version)),
                    None => Sight::Not(Held::Nothing),
                };
            }
        }
    }
    Ok(())
}

/// The failure of an order that was not seen in time.
pub(super) fn timed_out(id: &OrderId, version: u64, seconds: u64, held: Held) -> Failure {
    let (held, cause) = match held {
        Held::Nothing => ("has nothing of it".to_owned(), None),
        Held::Older(version) => (format!("has version {version} of it"), None),
        Held::Unavailable(cause) => ("cannot be asked for it".to_owned(), Some(cause)),
    };
    let message = format!("after {seconds} s the read model still {held}: order {id}");
    let mut failure = Failure::new(Kind::TimedOut, message);
    if let Some(cause) = cause {
        failure = failure.caused_by(cause);
    }
    failure.hint(if version == ANY_VERSION {
        "check the id; `cqrs order list` shows the orders that are there".to_owned()
    } else {
        format!(
            "the order is safe in the write model; look again with `cqrs order get {id} --wait`"
        )
    })
}
