//! What shipping and cancelling have in common: a guarded change of one order, or of each of
//! several.

use std::cell::Cell;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use orders::command::{Change, ChangeOrder};
use orders::ids::OrderId;
use orders::order::Order;
use tokio::time::Instant;

use crate::app::interrupt::Interrupt;
use crate::cli::{ChangeArgs, WaitArgs};
use crate::commands::order::ids::{Ids, Several};
use crate::commands::order::items::Item;
use crate::commands::order::several::{self, Plan};
use crate::commands::order::shown::{Shown, Timing};
use crate::commands::order::tally::Words;
use crate::commands::order::wait::{self, Sight, Wanted};
use crate::commands::order::{Written, functions, unwrap_logged, write};
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;
use crate::stack::functions::{FunctionError, Functions};

/// Commands side by side.
const AT_ONCE: usize = 8;
/// Orders that are waited for with one query.
const WAITED_FOR: usize = 100;

pub(super) async fn run(
    change: Change,
    args: ChangeArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let ids = Ids::of(args.ids)?;
    if args.expected_version.is_some() {
        ids.must_be_one("--expected-version")?;
    }
    match ids {
        Ids::One(order_id) => {
            let command = ChangeOrder {
                change,
                order_id,
                expected_version: args.expected_version,
            };
            one(&command, args.wait, settings, printer).await
        }
        Ids::Several(ids) => several(change, ids, args.wait, settings, interrupt, printer).await,
    }
}

async fn one(
    command: &ChangeOrder,
    wait: WaitArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let functions = functions(settings, printer).await?;
    let Written { shown, waited } = write(&functions, command, wait, printer).await?;
    printer.data(&shown)?;
    waited
}

async fn several(
    change: Change,
    ids: Several,
    wait: WaitArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let functions = functions(settings, printer).await?;
    let words = match change {
        Change::Ship => Words {
            doing: "Shipping orders",
            done: "shipped",
        },
        Change::Cancel => Words {
            doing: "Cancelling orders",
            done: "cancelled",
        },
    };
    // What is waited for is waited for together, and one piece after the other.
    let (piece, at_once) = match wait.wait {
        None => (1, AT_ONCE),
        Some(_) => (WAITED_FOR, 1),
    };
    let plan = Plan {
        piece,
        at_once,
        words,
        only_reads: false,
    };
    let patience = wait.wait.map(Patience::new);
    let changes = Changes {
        change,
        functions: &functions,
        patience,
        interrupt,
        printer,
        stopped: Cell::new(false),
    };
    several::run(ids, plan, interrupt, printer, |ids| changes.piece(ids)).await
}

struct Changes<'a> {
    change: Change,
    functions: &'a Functions,
    patience: Option<Patience>,
    interrupt: &'a Interrupt,
    printer: &'a Printer,
    /// Something failed that would fail for the others too.
    stopped: Cell<bool>,
}

/// What is left of the time to wait, which all pieces share. Writing takes none of it.
struct Patience {
    seconds: u64,
    left: Cell<Duration>,
}

impl Patience {
    fn new(seconds: u64) -> Self {
        Self {
            seconds,
            left: Cell::new(Duration::from_secs(seconds)),
        }
    }
}

/// An order after its command, and when the answer came.
struct Changed {
    order: Order,
    sent: Instant,
    answered: Instant,
}

impl Changes<'_> {
    async fn piece(&self, ids: Vec<OrderId>) -> Vec<Item> {
        let sent = stream::iter(ids).map(|id| self.send(id));
        let sent: Vec<_> = sent.buffered(AT_ONCE).collect().await;
        match &self.patience {
            None => sent
                .into_iter()
                .map(|sent| match sent {
                    Ok(changed) => Item::done(changed.shown(None)),
                    Err(item) => item,
                })
                .collect(),
            Some(patience) => self.wait(sent, patience).await,
        }
    }

    async fn send(&self, id: OrderId) -> Result<Changed, Item> {
        if self.stopped.get() || self.interrupt.is_set() {
            return Err(Item::not_tried(id));
        }
        let command = ChangeOrder {
            change: self.change,
            order_id: id.clone(),
            expected_version: None,
        };
        let sent = Instant::now();
        let answer = self.functions.publish(&command).await;
        let answered = Instant::now();
        let alone = matches!(
            answer,
            Err(FunctionError::Function { .. } | FunctionError::Crashed { .. })
        );
        match unwrap_logged(answer, self.printer) {
            Ok(order) => Ok(Changed {
                order,
                sent,
                answered,
            }),
            Err(failure) if alone => Err(Item::failed(id, failure)),
            Err(failure) => {
                self.stopped.set(true);
                Err(Item::stopped(id, failure))
            }
        }
    }

    /// Waits until the read model shows what was written.
    async fn wait(&self, sent: Vec<Result<Changed, Item>>, patience: &Patience) -> Vec<Item> {
        let wanted = sent.iter().flatten().map(|changed| Wanted {
            id: changed.order.order_id.clone(),
            version: changed.order.version,
        });
        let wanted: Vec<Wanted> = wanted.collect();
        let begun = Instant::now();
        let deadline = begun + patience.left.get();
        let enough = self.interrupt.asked();
        let looked = match wanted.is_empty() {
            true => Ok(Vec::new()),
            false => wait::until_all(self.functions, &wanted, deadline, enough, self.printer).await,
        };
        patience
            .left
            .set(patience.left.get().saturating_sub(begun.elapsed()));
        let (mut sights, failed) = match looked {
            Ok(sights) => (sights.into_iter(), None),
            Err(failure) => (Vec::new().into_iter(), Some(failure)),
        };
        let items = sent.into_iter().map(|sent| {
            let changed = match sent {
                Ok(changed) => changed,
                Err(item) => return item,
            };
            match (sights.next(), &failed) {
                (Some(Sight::Seen { at, .. }), _) => Item::done(changed.shown(Some(at))),
                (Some(Sight::Not(_)), _) if self.interrupt.is_set() => {
                    let id = &changed.order.order_id;
                    let failure = Failure::interrupted(format!("order {id} was not waited for"));
                    Item::done_in_part(changed.shown(None), failure)
                }
                (Some(Sight::Not(held)), _) => {
                    let order = &changed.order;
                    let (id, version) = (&order.order_id, order.version);
                    let failure = wait::timed_out(id, version, patience.seconds, held);
                    Item::done_in_part(changed.shown(None), failure)
                }
                (None, Some(failure)) => Item::done_in_part(changed.shown(None), failure.clone()),
                (None, None) => Item::done(changed.shown(None)),
            }
        });
        items.collect()
    }
}

impl Changed {
    /// With its times, where it was seen.
    fn shown(self, seen: Option<Instant>) -> Shown {
        let Self {
            order,
            sent,
            answered,
        } = self;
        let timing = seen.map(|seen| Timing::new(answered - sent, seen - answered));
        Shown { order, timing }
    }
}
