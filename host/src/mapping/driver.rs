//! Drives one mapping: reads the stream, invokes the function, keeps the position.
//!
//! It sleeps until the stream or an invocation wakes it. What it decides is [`Shard`]'s part. Reading
//! and keeping block the thread for a fraction of a millisecond: handing it over meanwhile was
//! measured to cost more, and to make the longest lag under load three times longer.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use rusqlite::Transaction;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Parts;
use super::batch::Batch;
use super::failure::{self, Condition, Route};
use super::lane::Now;
use super::services::Source;
use super::shard::{Shard, Step};
use crate::definition::{Destination, Mapping, function_arn};
use crate::journal::JournalError;
use crate::lambda::Invoked;
use crate::live::Departed;
use crate::store::{Record, Sequence, StoreError};
use crate::sync::Mutex;

/// The stream says when it changed; this is for the case that a notification is lost.
const FALLBACK: Duration = Duration::from_secs(5);

/// The pause after the stream or the journal could not be used.
const TROUBLE: Duration = Duration::from_secs(1);

/// How long an invocation in flight may hold up the end.
const GRACE: Duration = Duration::from_secs(1);

/// While writes come faster than batches go, the next batch gathers this long. That is a hundredth of
/// the pause between two polls of Lambda's, and saves a seventh of what a write costs in all.
const GATHER: Duration = Duration::from_millis(2);

/// Records of one read, so that answers need not wait for a long one.
const READ: usize = 1_000;

/// What a driver is to do.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Deliver by these settings.
    Follow(Arc<Mapping>),
    /// End.
    Stop,
}

/// How the last batch went.
#[derive(Clone, Debug, Default)]
pub(super) enum Processed {
    #[default]
    Nothing,
    Well,
    Badly,
    /// The host's own parts fail.
    Trouble(String),
}

/// What others may know of a driver.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) processed: Processed,
    pub(super) done: Sequence,
    /// Records above `done` that are done too.
    pub(super) done_above: u64,
    /// Records passed over.
    pub(super) given_up: u64,
}

/// See the module's documentation.
pub(super) struct Driver {
    pub(super) parts: Arc<Parts>,
    pub(super) orders: watch::Receiver<Order>,
    pub(super) progress: Arc<Mutex<Progress>>,
}

impl Driver {
    /// Works until it is asked to stop, or nobody is left who could tell it.
    pub(super) async fn run(mut self) {
        loop {
            let Order::Follow(mapping) = self.orders.borrow_and_update().clone() else {
                return;
            };
            let until = match mapping.enabled {
                false => None,
                true => match Delivery::begin(&self, mapping) {
                    Ok(delivery) => {
                        if delivery.run(&mut self.orders).await {
                            continue;
                        }
                        return;
                    }
                    Err(error) => {
                        self.progress.lock().processed = Processed::Trouble(error);
                        Some(Instant::now() + TROUBLE)
                    }
                },
            };
            tokio::select! {
                changed = self.orders.changed() => if changed.is_err() { return },
                () = wait(until) => {}
            }
        }
    }
}

/// The delivery of one stream by one version of the settings.
struct Delivery {
    parts: Arc<Parts>,
    progress: Arc<Mutex<Progress>>,
    mapping: Arc<Mapping>,
    route: Route,
    source: Arc<dyn Source>,
    shard: Shard,
    /// What the journal knows of [`Shard::done`].
    kept: Sequence,
    flights: JoinSet<Flight>,
    /// The last read left records behind.
    backlog: bool,
    /// There may be new records.
    woken: bool,
    /// Nothing is read before, so that a batch gathers.
    gathers_until: Option<Instant>,
    /// Stream or journal are in trouble; neither is tried before.
    trouble: Option<Instant>,
}

/// What came of reading on.
enum Read {
    Records,
    Nothing,
    /// The table was made anew.
    AnotherStream,
}

/// A delivery that came back.
#[derive(Debug)]
struct Flight {
    lane: usize,
    records: usize,
    /// None where the function was not reached.
    invoked: Option<Invoked>,
    /// Where somebody watches.
    seen: Option<Departed>,
}

/// Why a delivery ends, once nothing is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    /// Other settings or another stream.
    ForAnother,
    /// No later than then.
    ForGood(Instant),
}

impl Delivery {
    fn begin(driver: &Driver, mapping: Arc<Mapping>) -> Result<Self, String> {
        let parts = &driver.parts;
        let source = parts.services.source(&mapping.table);
        let stream_arn = source.arn().map_err(|error| error.to_string())?;
        let position = parts.positions.begin(&mapping, &*source, &stream_arn);
        let done = position.map_err(|error| error.to_string())?;
        let mut progress = driver.progress.lock();
        progress.done = done;
        progress.done_above = 0;
        drop(progress);
        Ok(Self {
            parts: Arc::clone(parts),
            progress: Arc::clone(&driver.progress),
            route: Route {
                function_arn: function_arn(&parts.region, &mapping.function),
                stream_arn,
                shard_id: source.shard(),
            },
            shard: Shard::new(&mapping, done),
            source,
            mapping,
            kept: done,
            flights: JoinSet::new(),
            backlog: false,
            woken: true,
            gathers_until: None,
            trouble: None,
        })
    }

    /// Returns whether there is more to do under another order.
    async fn run(mut self, orders: &mut watch::Receiver<Order>) -> bool {
        let mut changes = self.source.changed();
        let mut leave = None;
        loop {
            self.forget_what_is_over();
            let mut wake = Instant::now() + FALLBACK;
            if leave.is_none() {
                wake = wake.min(self.start());
                // A write while every lane is busy is read with those that follow it, rather than
                // one by one: reading is what costs.
                if self.shard.is_idle() && changes.has_changed().unwrap_or(false) {
                    changes.mark_unchanged();
                    self.woken = true;
                }
                match self.read() {
                    Read::Records => {
                        while let Some(Ok(flight)) = self.flights.try_join_next() {
                            self.came_back(flight);
                        }
                        continue;
                    }
                    Read::Nothing => {}
                    Read::AnotherStream => leave = Some(Leave::ForAnother),
                }
            }
            // The function is at work meanwhile, if there is anything for it.
            self.keep();
            let gathered = self.gathers_until.filter(|_| self.woken);
            for until in [self.trouble, gathered].into_iter().flatten() {
                wake = wake.min(until);
            }
            match leave {
                Some(Leave::ForAnother) if self.flights.is_empty() => return true,
                Some(Leave::ForGood(_)) if self.flights.is_empty() => return false,
                Some(Leave::ForGood(latest)) if latest <= Instant::now() => return false,
                Some(Leave::ForGood(latest)) => wake = wake.min(latest),
                _ => {}
            }
            let looks = leave.is_none() && self.shard.is_idle() && !self.woken;
            tokio::select! {
                Some(Ok(flight)) = self.flights.join_next() => self.came_back(flight),
                Ok(()) = changes.changed(), if looks => self.woken = true,
                ordered = orders.changed(), if !matches!(leave, Some(Leave::ForGood(_))) => {
                    leave = Some(match ordered.is_ok() && matches!(*orders.borrow(), Order::Follow(_)) {
                        true => Leave::ForAnother,
                        false => Leave::ForGood(Instant::now() + GRACE),
                    });
                }
                () = sleep_until(wake) => self.woken = true,
            }
        }
    }

    fn forget_what_is_over(&mut self) {
        let now = Instant::now();
        for until in [&mut self.trouble, &mut self.gathers_until] {
            *until = until.filter(|until| *until > now);
        }
    }

    /// Starts and gives up whatever can be; returns when to look again.
    fn start(&mut self) -> Instant {
        loop {
            let now = self.now();
            match self.shard.next(now) {
                Step::Wait(until) => return until.unwrap_or(now.instant + FALLBACK),
                Step::Deliver(lane, batch) => {
                    let event = self.parts.faults.event(batch);
                    let records = batch.records.len();
                    let attempt = batch.failures + 1;
                    let seen = self.parts.live.departed(&batch.records, attempt);
                    self.deliver(lane, records, event, seen);
                }
                Step::GiveUp(lane, batch, condition) => {
                    if let Some(until) = self.trouble {
                        return until;
                    }
                    let records = batch.records.len();
                    self.parts.live.gave_up(&batch.records, batch.failures);
                    let (mapping, route) = (&self.mapping, &self.route);
                    let message = match report(&self.parts, mapping, route, batch, condition, now) {
                        Ok(message) => message,
                        Err(error) => return self.in_trouble(&error),
                    };
                    if let Err(error) = self.pass_over(lane, message, now) {
                        return self.in_trouble(&error);
                    }
                    self.gave_up(records, condition);
                }
            }
        }
    }

    fn deliver(&mut self, lane: usize, records: usize, event: Bytes, seen: Option<Departed>) {
        let (parts, mapping) = (Arc::clone(&self.parts), Arc::clone(&self.mapping));
        self.flights.spawn(async move {
            let invocation = parts.services.invoke(&mapping.function, event.clone());
            let ended = AssertUnwindSafe(invocation).catch_unwind().await;
            again(&parts, &mapping, event, records).await;
            Flight {
                lane,
                records,
                invoked: ended.ok().and_then(Result::ok),
                seen,
            }
        });
    }

    /// Passes the front batch of a lane over, once the journal has its message and the new position.
    fn pass_over(
        &mut self,
        lane: usize,
        message: Option<(String, String)>,
        now: Now,
    ) -> Result<(), JournalError> {
        let done = self.shard.done_without(lane);
        let queues = &self.parts.queues;
        self.keep_with(done, |transaction| match &message {
            Some((queue, body)) => queues.send_in(transaction, queue, body),
            None => Ok(()),
        })?;
        self.kept = done;
        if message.is_some() {
            queues.wake();
        }
        self.shard.passed_over(lane, now);
        Ok(())
    }

    /// Reads on, where there may be records that could be delivered.
    fn read(&mut self) -> Read {
        let gathers = self.gathers_until.is_some();
        let reads = self.backlog || self.woken && self.shard.is_idle() && !gathers;
        let limit = self.shard.room().min(READ);
        if !reads || self.trouble.is_some() || limit == 0 {
            return Read::Nothing;
        }
        self.woken = false;
        // Numbers grow also from one table to the next of its name, so a look while nothing is open
        // is soon enough.
        let looks = self.shard.is_empty();
        match self.look(looks, limit) {
            Ok(Some(records)) => {
                self.backlog = records.len() == limit;
                let read = match records.is_empty() {
                    true => Read::Nothing,
                    false => Read::Records,
                };
                self.shard.take(records, self.now());
                read
            }
            Ok(None) => Read::AnotherStream,
            Err(error) => {
                self.woken = true;
                self.in_trouble(&error);
                Read::Nothing
            }
        }
    }

    /// New records; none at all where the stream has become another.
    fn look(&self, at_its_name: bool, limit: usize) -> Result<Option<Vec<Record>>, StoreError> {
        if at_its_name && self.source.arn()? != self.route.stream_arn {
            return Ok(None);
        }
        self.source.read(self.shard.read_to(), limit).map(Some)
    }

    fn came_back(&mut self, flight: Flight) {
        let now = self.now();
        if flight.records > 1 {
            self.gathers_until = Some(now.instant + GATHER);
        }
        let done = self.shard.came_back(flight.lane, flight.invoked, now);
        if let Some(seen) = &flight.seen {
            self.parts.live.came_back(seen, done);
        }
        self.report(match done == flight.records {
            true => Processed::Well,
            false => Processed::Badly,
        });
    }

    fn gave_up(&self, records: usize, condition: Condition) {
        self.report(match condition {
            Condition::RetryAttemptsExhausted => Processed::Badly,
            Condition::RecordAgeExceeded => self.progress.lock().processed.clone(),
        });
        self.progress.lock().given_up += u64::try_from(records).unwrap_or(u64::MAX);
    }

    fn report(&self, processed: Processed) {
        let mut progress = self.progress.lock();
        progress.processed = processed;
        progress.done = self.shard.done();
        progress.done_above = u64::try_from(self.shard.done_above()).unwrap_or(u64::MAX);
    }

    /// Writes the position down, if it moved.
    fn keep(&mut self) {
        let done = self.shard.done();
        if done == self.kept || self.trouble.is_some() {
            return;
        }
        match self.keep_with(done, |_| Ok(())) {
            Ok(()) => self.kept = done,
            Err(error) => {
                self.in_trouble(&error);
            }
        }
    }

    fn keep_with(
        &self,
        done: Sequence,
        also: impl FnOnce(&Transaction<'_>) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let (mapping, stream) = (&self.mapping.id, &self.route.stream_arn);
        self.parts.positions.keep(mapping, stream, done, also)
    }

    fn in_trouble(&mut self, error: &dyn std::error::Error) -> Instant {
        self.progress.lock().processed = Processed::Trouble(error.to_string());
        let until = Instant::now() + TROUBLE;
        self.trouble = Some(until);
        until
    }

    fn now(&self) -> Now {
        Now {
            instant: Instant::now(),
            unix_ms: self.parts.services.unix_ms(),
        }
    }
}

/// Says to the mapping's destination that a batch is given up: an object is put at once, and a message
/// returned, with its queue's name. Killed before the batch is passed over, this host gives it up again,
/// and puts the object twice.
fn report(
    parts: &Parts,
    mapping: &Mapping,
    route: &Route,
    batch: &Batch,
    condition: Condition,
    now: Now,
) -> io::Result<Option<(String, String)>> {
    match &mapping.on_failure {
        None => Ok(None),
        Some(Destination::Queue(queue)) => {
            let body = failure::message(batch, condition, route, now.unix_ms);
            Ok(Some((queue.clone(), body)))
        }
        Some(Destination::Bucket(bucket)) => {
            let key = failure::key(&mapping.id, &route.shard_id, now.unix_ms);
            let body = failure::object(batch, condition, route, now.unix_ms);
            parts.buckets.put(bucket, &key, &body)?;
            Ok(None)
        }
    }
}

/// Delivers a batch once more, now or later, where a fault asks for that. What comes of it is
/// nobody's business: records may come twice.
async fn again(parts: &Arc<Parts>, mapping: &Arc<Mapping>, event: Bytes, records: usize) {
    let Some(after) = parts.faults.again(records) else {
        return;
    };
    let invoke = {
        let (parts, mapping) = (Arc::clone(parts), Arc::clone(mapping));
        async move {
            tokio::time::sleep(after).await;
            let _ = parts.services.invoke(&mapping.function, event).await;
        }
    };
    match after.is_zero() {
        true => invoke.await,
        false => drop(tokio::spawn(invoke)),
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
