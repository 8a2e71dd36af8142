//! `cqrs order get`: an order, or several, as the read model has them.

use std::time::Duration;

use orders::error::ErrorType;
use orders::ids::OrderId;
use orders::order::Order;
use orders::query::MAX_ORDERS;
use tokio::time::Instant;

use crate::app::interrupt::Interrupt;
use crate::cli::{GetArgs, WaitArgs};
use crate::commands::order::ids::{Ids, Several};
use crate::commands::order::items::Item;
use crate::commands::order::several::{self, Plan};
use crate::commands::order::shown::{Shown, Timing};
use crate::commands::order::tally::Words;
use crate::commands::order::wait::{self, Sight, Wanted};
use crate::commands::order::{functions, unwrap_logged};
use crate::error::{Explain, Failure, Kind};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::stack::functions::Functions;

/// Batches side by side.
const AT_ONCE: usize = 4;

pub(super) async fn run(
    args: GetArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    match Ids::of(args.ids)? {
        Ids::One(id) => one(id, args.wait, settings, printer).await,
        Ids::Several(ids) => several(ids, args.wait, settings, interrupt, printer).await,
    }
}

async fn one(
    id: OrderId,
    wait: WaitArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let functions = functions(settings, printer).await?;
    let begun = Instant::now();
    let (order, timing) = match wait.wait {
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

async fn several(
    ids: Several,
    wait: WaitArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let functions = functions(settings, printer).await?;
    let plan = Plan {
        piece: MAX_ORDERS,
        at_once: AT_ONCE,
        words: Words {
            doing: "Reading orders",
            done: "read",
        },
        only_reads: true,
    };
    let begun = Instant::now();
    let reading = async |ids: Vec<OrderId>| match wait.wait {
        Some(seconds) => wait_for(&functions, ids, seconds, begun, interrupt, printer).await,
        None => look_at(&functions, ids, printer).await,
    };
    several::run(ids, plan, interrupt, printer, reading).await
}

async fn look_at(functions: &Functions, ids: Vec<OrderId>, printer: &Printer) -> Vec<Item> {
    let orders = match unwrap_logged(functions.orders(&ids).await, printer) {
        Ok(orders) => orders,
        Err(failure) => return none_read(ids, failure),
    };
    let read = ids.into_iter().zip(orders).map(|(id, order)| match order {
        Some(order) => Item::done(Shown {
            order,
            timing: None,
        }),
        None => Item::failed(id.clone(), NotInReadModel(id)),
    });
    read.collect()
}

async fn wait_for(
    functions: &Functions,
    ids: Vec<OrderId>,
    seconds: u64,
    begun: Instant,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Vec<Item> {
    let any = |id: &OrderId| Wanted {
        id: id.clone(),
        version: wait::ANY_VERSION,
    };
    let wanted: Vec<Wanted> = ids.iter().map(any).collect();
    let deadline = begun + Duration::from_secs(seconds);
    let enough = interrupt.asked();
    let sights = match wait::until_all(functions, &wanted, deadline, enough, printer).await {
        Ok(sights) => sights,
        Err(failure) => return none_read(ids, failure),
    };
    let seen = ids.into_iter().zip(sights).map(|(id, sight)| match sight {
        Sight::Seen { order, at } => Item::done(Shown {
            order,
            timing: Some(Timing::of_reading(at - begun)),
        }),
        Sight::Not(_) if interrupt.is_set() => Item::failed(id.clone(), NotInReadModel(id)),
        Sight::Not(held) => {
            let failure = wait::timed_out(&id, wait::ANY_VERSION, seconds, held);
            Item::failed(id, failure)
        }
    });
    seen.collect()
}

/// The items of a piece whose query failed: so would the next.
fn none_read(ids: Vec<OrderId>, failure: Failure) -> Vec<Item> {
    let mut ids = ids.into_iter();
    let first = ids.next().map(|id| Item::stopped(id, failure));
    first.into_iter().chain(ids.map(Item::not_tried)).collect()
}

/// The order, which must be there.
pub(super) async fn read(
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
