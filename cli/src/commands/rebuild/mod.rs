//! `cqrs rebuild`: makes the read model again from the table, beside live traffic.
//!
//! What the subscriber is given here is guarded like the stream's changes: a newer version in the
//! read model stays. Afterwards what the table no longer has is removed.

mod checkpoint;

use std::cell::RefCell;
use std::fmt;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select, try_join_all};
use orders::projection::{Project, Removed};
use pattern::error::ErrorType;
use serde::Serialize;

use self::checkpoint::{Checkpoint, Store};
use crate::app::interrupt::Interrupt;
use crate::cli::RebuildArgs;
use crate::commands::connected::Connected;
use crate::commands::rate::Rate;
use crate::error::{Failure, Kind};
use crate::models::table::{Malformed, OrdersTable, Segment};
use crate::models::{Models, ProjectError};
use crate::printer::{Printer, Step};
use crate::settings::Settings;

/// Items of one page, and so orders of one call.
const PAGE: i32 = 500;
/// Malformed items that are named; the rest is counted.
const NAMED: usize = 20;
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// What is missing in the table is looked at again after this.
const SECOND_LOOK: Duration = Duration::from_secs(1);

pub(crate) async fn run(
    args: RebuildArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let hint = "`cqrs rebuild` goes on from here; with `--restart` it begins anew";
    let work = rebuild(&args, settings, printer);
    let said = || Failure::interrupted("interrupted").hint(hint);
    interrupt.unless(work, said).await?
}

/// Removes what an interrupted rebuild of the stack left, which goes with the stack.
pub(crate) fn forget(settings: &Settings) -> Result<(), Failure> {
    remove(&Store::of(settings))
}

fn remove(store: &Store) -> Result<(), Failure> {
    store.remove().map_err(|error| {
        Failure::new(Kind::Failed, "cannot remove the rebuild's checkpoint")
            .caused_by(error.to_string())
    })
}

async fn rebuild(
    args: &RebuildArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let connected = Connected::to(settings, printer).await?;
    let table = OrdersTable::new(connected.aws.dynamodb(), connected.output("TableName")?);
    let models = Models {
        functions: connected.functions(false),
        table,
    };
    let store = Store::of(settings);
    let described = models.table.describe().await?;
    let fresh = Checkpoint::new(described.identity, args.segments);
    let last = store
        .load()
        .filter(|last| !args.restart && last.fits(&fresh.table, args.segments));
    let saved = Saved {
        store: &store,
        checkpoint: RefCell::new(last.unwrap_or(fresh)),
    };
    let step = printer.step("Projecting the table's orders");
    let already = saved.begin(&models).await?;
    if already > 0 {
        printer.note(format_args!("Going on after {already} orders"));
    }
    let run = Rebuild {
        already,
        saved,
        models: &models,
        named: RefCell::default(),
        estimate: described.items,
        begun: Instant::now(),
        step,
        printer,
    };
    run.project_all().await?;
    let token = run.saved.checkpoint.borrow().token.clone();
    match models.project(Project::Complete(token)).await {
        Err(ProjectError::Function(error)) if error.is(ErrorType::ReadModelIncomplete) => {
            run.saved.forget()?;
            return Err(
                Failure::new(Kind::Failed, "the read model lost orders that it was given")
                    .hint("the cache was emptied meanwhile: repeat `cqrs rebuild`"),
            );
        }
        completed => completed?,
    };
    let removed = run.remove_gone().await?;
    let checkpoint = run.saved.checkpoint.borrow().clone();
    run.saved.forget()?;
    let result = Rebuilt {
        orders: checkpoint.orders,
        removed,
        malformed: checkpoint.malformed,
        malformed_items: run.named.take(),
        seconds: run.begun.elapsed().as_secs_f64(),
    };
    drop(run);
    printer.data(&result)?;
    if result.malformed > 0 {
        let message = format!("{} items of the table are no orders", result.malformed);
        return Err(Failure::new(Kind::Failed, message)
            .hint("correct or delete them in the table: the stream projects that"));
    }
    Ok(())
}

/// The checkpoint as it is now, written when it goes away: an interrupted rebuild drops it.
struct Saved<'a> {
    store: &'a Store,
    checkpoint: RefCell<Checkpoint>,
}

impl Saved<'_> {
    fn save(&self) -> Result<(), Failure> {
        self.store.save(&self.checkpoint.borrow()).map_err(|error| {
            Failure::new(Kind::Failed, "cannot keep how far the rebuild has come")
                .caused_by(error.to_string())
        })
    }

    /// Begins to complete the read model; gives how many orders it was given before. Where it had
    /// not the token, it lost them.
    async fn begin(&self, models: &Models) -> Result<u64, Failure> {
        let token = self.checkpoint.borrow().token.clone();
        let begun = models.project(Project::Begin(token)).await?;
        let mut checkpoint = self.checkpoint.borrow_mut();
        if begun.applied == 1 {
            checkpoint.restart();
        }
        Ok(checkpoint.orders)
    }

    /// The next rebuild begins anew.
    fn forget(&self) -> Result<(), Failure> {
        self.checkpoint.borrow_mut().segments.clear();
        remove(self.store)
    }
}

impl Drop for Saved<'_> {
    fn drop(&mut self) {
        if !self.checkpoint.borrow().segments.is_empty() {
            // The last one that was written is older, and as right.
            let _ = self.store.save(&self.checkpoint.borrow());
        }
    }
}

struct Rebuild<'a> {
    saved: Saved<'a>,
    models: &'a Models,
    named: RefCell<Vec<Malformed>>,
    estimate: u64,
    /// Orders of the rebuild that this one goes on with.
    already: u64,
    begun: Instant,
    step: Step,
    printer: &'a Printer,
}

impl Rebuild<'_> {
    async fn project_all(&self) -> Result<(), Failure> {
        let count = self.saved.checkpoint.borrow().segments.len();
        let of = i32::try_from(count).unwrap_or(i32::MAX);
        let segments = (0..of)
            .zip(0..count)
            .map(|(number, at)| self.segment(at, Segment { number, of }));
        let work = std::pin::pin!(try_join_all(segments));
        let report = std::pin::pin!(self.report());
        match select(work, report).await {
            Either::Left((done, _)) => done.map(|_| ()),
            Either::Right((failed, _)) => failed,
        }
    }

    async fn segment(&self, at: usize, segment: Segment) -> Result<(), Failure> {
        loop {
            let state = self.saved.checkpoint.borrow().segments.get(at).cloned();
            let Some(state) = state.filter(|state| !state.done) else {
                return Ok(());
            };
            let page = self
                .models
                .table
                .scan(segment, state.after.as_deref(), PAGE)
                .await?;
            let count = page.orders.len();
            if count > 0 {
                self.models.project(Project::Orders(page.orders)).await?;
            }
            let mut checkpoint = self.saved.checkpoint.borrow_mut();
            checkpoint.orders += count as u64;
            checkpoint.malformed += page.malformed.len() as u64;
            if let Some(state) = checkpoint.segments.get_mut(at) {
                state.done = page.last.is_none();
                state.after = page.last;
            }
            let mut named = self.named.borrow_mut();
            let room = NAMED.saturating_sub(named.len());
            named.extend(page.malformed.into_iter().take(room));
        }
    }

    /// Says and keeps how far it is, until it fails or is dropped.
    async fn report(&self) -> Result<(), Failure> {
        let mut told = 0_u64;
        loop {
            tokio::time::sleep(SAVE_EVERY).await;
            self.saved.save()?;
            let orders = self.saved.checkpoint.borrow().orders;
            let line = self.progress(orders);
            self.step.message(line.clone());
            told += 1;
            if told.is_multiple_of(5) && !self.printer.is_live() {
                self.printer.note(line);
            }
        }
    }

    fn progress(&self, orders: u64) -> String {
        let rate = Rate {
            done: orders.saturating_sub(self.already),
            left: self.estimate.saturating_sub(orders),
            elapsed: self.begun.elapsed(),
        };
        match self.estimate {
            estimate if rate.left > 0 => format!("{orders} of about {estimate} orders, {rate}"),
            _ => format!("{orders} orders, {rate}"),
        }
    }

    /// Removes from the read model what the table no longer has.
    async fn remove_gone(&self) -> Result<u64, Failure> {
        self.step
            .message("Looking for orders that the table no longer has");
        let mut removed = 0;
        let mut cursor = None;
        loop {
            let page = self.models.list(cursor).await?;
            cursor = page.cursor;
            let held = self
                .models
                .table
                .held(page.orders.iter().map(|o| &o.order_id))
                .await?;
            let gone = page
                .orders
                .into_iter()
                .filter(|order| !held.has(&order.order_id));
            let mut gone: Vec<_> = gone.collect();
            if !gone.is_empty() {
                tokio::time::sleep(SECOND_LOOK).await;
                let held = self
                    .models
                    .table
                    .held(gone.iter().map(|o| &o.order_id))
                    .await?;
                gone.retain(|order| !held.has(&order.order_id));
                let gone = gone.into_iter().map(|order| Removed {
                    order_id: order.order_id,
                    version: order.version,
                });
                removed += self
                    .models
                    .project(Project::Removed(gone.collect()))
                    .await?
                    .applied;
            }
            if cursor.is_none() {
                return Ok(removed);
            }
        }
    }
}

/// What became of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rebuilt {
    orders: u64,
    removed: u64,
    malformed: u64,
    /// The first of them.
    malformed_items: Vec<Malformed>,
    seconds: f64,
}

impl fmt::Display for Rebuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            orders,
            removed,
            seconds,
            ..
        } = self;
        writeln!(
            f,
            "{orders} orders projected, {removed} removed, in {seconds:.1} s"
        )?;
        for item in &self.malformed_items {
            writeln!(f, "malformed  {}  {}", item.order_id, item.reason)?;
        }
        Ok(())
    }
}
