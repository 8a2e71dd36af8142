//! `cqrs rebuild`: makes the read model again from the table, beside live traffic.
//!
//! What the subscriber is given here is guarded like the stream's changes: a newer version in the
//! read model stays. Afterwards what the table no longer has is removed.

mod checkpoint;
pub(crate) mod options;

use std::cell::RefCell;
use std::fmt;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select, try_join_all};
use pattern::error::ErrorType;
use pattern::payload::{Failed, Projected};
use serde::Serialize;

use self::checkpoint::{Checkpoint, Store};
use crate::app::interrupt::Interrupt;
use crate::commands::connected::Connected;
use crate::commands::counted;
use crate::commands::rate::Rate;
use crate::commands::rebuild::options::RebuildArgs;
use crate::domain::{Count, Domain};
use crate::error::{Failure, Kind};
use crate::models::Models;
use crate::models::table::Segment;
use crate::printer::{Printer, Step};
use crate::settings::Settings;

/// Items of one page, which are one call unless they are very large.
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
    let rebuilt = of_stack(&args, settings, interrupt, printer).await?;
    printer.data(&rebuilt)?;
    rebuilt.judge()
}

/// Makes the read model of the settings' stack again, for a command that has a result of its own.
pub(crate) async fn of_stack(
    args: &RebuildArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<Rebuilt, Failure> {
    let hint = "`cqrs rebuild` goes on from here; with `--restart` it begins anew";
    let work = rebuild(args, settings, printer);
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
) -> Result<Rebuilt, Failure> {
    let connected = Connected::to(settings, printer).await?;
    let domain = &settings.domain;
    let models = connected.models(domain)?;
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
    let step = printer.step(format!("Projecting the table's {}", domain.plural));
    let already = saved.begin(&models).await?;
    if already > 0 {
        printer.note(format_args!("Going on after {}", domain.counted(already)));
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
    match models.complete(&token).await {
        Err(error) if error.is(ErrorType::ReadModelIncomplete) => {
            run.saved.forget()?;
            let message = format!("the read model lost {} that it was given", domain.plural);
            return Err(Failure::new(Kind::Failed, message)
                .hint("the cache was emptied meanwhile: repeat `cqrs rebuild`"));
        }
        completed => completed?,
    }
    let removed = run.remove_gone().await?;
    let outdated = run.remove_outdated().await;
    let checkpoint = run.saved.checkpoint.borrow().clone();
    run.saved.forget()?;
    Ok(Rebuilt {
        domain: domain.clone(),
        projected: domain.count(checkpoint.projected),
        removed,
        outdated,
        malformed: checkpoint.malformed,
        malformed_items: run.named.take(),
        seconds: run.begun.elapsed().as_secs_f64(),
    })
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

    /// Begins to complete the read model; gives how many items it was given before. Where it had
    /// not the token, it lost them.
    async fn begin(&self, models: &Models) -> Result<u64, Failure> {
        let token = self.checkpoint.borrow().token.clone();
        let is_new = models.begin(&token).await?;
        let mut checkpoint = self.checkpoint.borrow_mut();
        if is_new {
            checkpoint.restart();
        }
        Ok(checkpoint.projected)
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
    named: RefCell<Vec<Failed>>,
    estimate: u64,
    /// Items of the rebuild that this one goes on with.
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
            let projected = match page.items.as_slice() {
                [] => Projected::default(),
                items => self.models.project_items(items).await?,
            };
            let malformed = projected.failed.len();
            let mut checkpoint = self.saved.checkpoint.borrow_mut();
            checkpoint.projected += page.items.len().saturating_sub(malformed) as u64;
            checkpoint.malformed += malformed as u64;
            if let Some(state) = checkpoint.segments.get_mut(at) {
                state.done = page.last.is_none();
                state.after = page.last;
            }
            let mut named = self.named.borrow_mut();
            let room = NAMED.saturating_sub(named.len());
            named.extend(projected.failed.into_iter().take(room));
        }
    }

    /// Says and keeps how far it is, until it fails or is dropped.
    async fn report(&self) -> Result<(), Failure> {
        let mut reports = 0_u64;
        loop {
            tokio::time::sleep(SAVE_EVERY).await;
            self.saved.save()?;
            let projected = self.saved.checkpoint.borrow().projected;
            let line = self.progress(projected);
            self.step.message(line.clone());
            reports += 1;
            if reports.is_multiple_of(5) && !self.printer.is_live() {
                self.printer.note(line);
            }
        }
    }

    fn progress(&self, projected: u64) -> String {
        let rate = Rate {
            done: projected.saturating_sub(self.already),
            left: self.estimate.saturating_sub(projected),
            elapsed: self.begun.elapsed(),
        };
        let domain = &self.models.domain;
        match self.estimate {
            estimate if rate.left > 0 => {
                format!("{projected} of about {}, {rate}", domain.counted(estimate))
            }
            _ => format!("{}, {rate}", domain.counted(projected)),
        }
    }

    /// Removes from the read model what the table no longer has.
    async fn remove_gone(&self) -> Result<u64, Failure> {
        let plural = &self.models.domain.plural;
        self.step
            .message(format!("Looking for {plural} that the table no longer has"));
        let table = &self.models.table;
        let mut removed = 0;
        let mut cursor = None;
        loop {
            let page = self.models.list(cursor).await?;
            cursor = page.cursor;
            let mut gone = page.documents;
            let held = table.held(gone.iter().map(|shown| &shown.id)).await?;
            gone.retain(|shown| !held.contains_key(&shown.id));
            if !gone.is_empty() {
                tokio::time::sleep(SECOND_LOOK).await;
                let held = table.held(gone.iter().map(|shown| &shown.id)).await?;
                gone.retain(|shown| !held.contains_key(&shown.id));
                let gone = gone.into_iter().map(|shown| (shown.id, shown.version));
                removed += self.models.project_removed(gone).await?.applied;
            }
            if cursor.is_none() {
                return Ok(removed);
            }
        }
    }

    /// Removes what an older layout left in the cache. The read model is complete already, and what
    /// stays takes memory only: the next rebuild tries again.
    async fn remove_outdated(&self) -> u64 {
        self.step
            .message("Looking for what an older layout of the read model left");
        self.models.remove_outdated().await.unwrap_or_else(|error| {
            self.printer.warn(format_args!(
                "what an older layout of the read model left in the cache was not removed: {error}"
            ));
            0
        })
    }
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rebuilt {
    #[serde(skip)]
    domain: Domain,
    #[serde(flatten)]
    projected: Count,
    removed: u64,
    /// Keys of an older layout, which were removed.
    outdated: u64,
    malformed: u64,
    /// The first of them.
    malformed_items: Vec<Failed>,
    seconds: f64,
}

impl Rebuilt {
    /// Whether the read model is now all that the table is.
    pub(crate) fn judge(&self) -> Result<(), Failure> {
        if self.malformed == 0 {
            return Ok(());
        }
        let (count, plural) = (self.malformed, &self.domain.plural);
        let message = format!("{count} items of the table are no {plural}");
        Err(Failure::new(Kind::Failed, message)
            .hint("correct or delete them in the table: the stream projects that"))
    }
}

impl fmt::Display for Rebuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            projected,
            removed,
            outdated,
            seconds,
            ..
        } = self;
        writeln!(
            f,
            "{projected} projected, {removed} removed, in {seconds:.1} s"
        )?;
        if *outdated > 0 {
            let keys = counted(*outdated, "key");
            writeln!(f, "{keys} of an older layout of the read model removed")?;
        }
        for Failed { id, reason, .. } in &self.malformed_items {
            let id = id.as_ref().map_or("?", |(_, id)| id.as_str());
            writeln!(f, "malformed  {id}  {reason}")?;
        }
        Ok(())
    }
}
