//! Drives one mapping: reads the stream, invokes the function, keeps the position.
//!
//! It sleeps until the stream or an invocation wakes it. What it decides is [`Shard`]'s part. Reading
//! and keeping block the thread for a fraction of a millisecond: handing it over meanwhile was
//! measured to cost more, and to make the longest lag under load three times longer.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::answer::{self, Answer};
use super::control::{Order, Processed, Progress, lock};
use super::failure::{self, Condition, Route};
use super::lane::{Now, Outcome, Verdict};
use super::positions::Positions;
use super::services::{Services, Source};
use super::shard::{Shard, Step};
use crate::definition::{Destination, Mapping};
use crate::journal::JournalError;
use crate::lambda::{InvokeError, Invoked};
use crate::live::Departed;
use crate::store::{Record, Sequence, StoreError};

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

/// See the module's documentation.
pub(super) struct Driver<S> {
    pub(super) services: S,
    pub(super) positions: Positions,
    pub(super) region: Arc<str>,
    pub(super) orders: watch::Receiver<Order>,
    pub(super) progress: Arc<Mutex<Progress>>,
}

impl<S: Services> Driver<S> {
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
                        lock(&self.progress).processed = Processed::Trouble(error);
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
struct Delivery<S: Services> {
    services: S,
    positions: Positions,
    progress: Arc<Mutex<Progress>>,
    mapping: Arc<Mapping>,
    function_arn: String,
    source: S::Source,
    stream_arn: String,
    shard_id: String,
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
    outcome: Outcome,
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

impl<S: Services> Delivery<S> {
    fn begin(driver: &Driver<S>, mapping: Arc<Mapping>) -> Result<Self, String> {
        let source = driver.services.source(&mapping.table);
        let stream_arn = source.arn().map_err(|error| error.to_string())?;
        let position = driver.positions.begin(&mapping, &source, &stream_arn);
        let done = position.map_err(|error| error.to_string())?;
        let mut progress = lock(&driver.progress);
        progress.done = done;
        progress.done_above = 0;
        drop(progress);
        Ok(Self {
            services: driver.services.clone(),
            positions: driver.positions.clone(),
            progress: Arc::clone(&driver.progress),
            function_arn: function_arn(&driver.region, &mapping.function),
            shard_id: source.shard(),
            shard: Shard::new(&mapping, done),
            source,
            stream_arn,
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
        let mut changes = Some(self.source.changed());
        let mut leave = None;
        loop {
            let mut wake = Instant::now() + FALLBACK;
            if leave.is_none() {
                wake = wake.min(self.start());
                // A write while every lane is busy is read with those that follow it, rather than
                // one by one: reading is what costs.
                if self.shard.is_idle() {
                    self.woken |= changes.as_mut().is_some_and(seen);
                }
                let gathers = self.gathers();
                let reads = self.backlog || self.woken && self.shard.is_idle() && !gathers;
                if reads && !self.is_in_trouble() {
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
            tokio::select! {
                Some(Ok(flight)) = self.flights.join_next() => self.came_back(flight),
                open = changed(&mut changes), if leave.is_none() && self.shard.is_idle() && !self.woken => {
                    self.woken = true;
                    if !open {
                        changes = None;
                    }
                }
                ordered = orders.changed(), if !matches!(leave, Some(Leave::ForGood(_))) => {
                    leave = Some(match ordered.is_ok() && matches!(*orders.borrow(), Order::Follow(_)) {
                        true => Leave::ForAnother,
                        false => Leave::ForGood(Instant::now() + GRACE),
                    });
                }
                () = sleep_until(wake) => {
                    self.woken = true;
                    changes.get_or_insert_with(|| self.source.changed());
                }
            }
        }
    }

    /// Starts and gives up whatever can be; returns when to look again.
    fn start(&mut self) -> Instant {
        loop {
            let now = self.now();
            match self.shard.next(now) {
                Step::Wait(until) => return until.unwrap_or(now.instant + FALLBACK),
                Step::Deliver(lane, batch) => {
                    let event = self.services.faults().event(batch);
                    let records = batch.records.len();
                    let seen = self
                        .services
                        .live()
                        .departed(&batch.records, batch.failures + 1);
                    self.shard.departed(lane);
                    let services = self.services.clone();
                    let mapping = Arc::clone(&self.mapping);
                    self.flights.spawn(async move {
                        let invocation = services.invoke(&mapping.function, event.clone());
                        let invoked = AssertUnwindSafe(invocation).catch_unwind().await;
                        again(&services, &mapping, event, records).await;
                        Flight {
                            lane,
                            records,
                            outcome: invoked.map_or(Outcome::NotInvoked, outcome),
                            seen,
                        }
                    });
                }
                Step::GiveUp(lane, batch, condition) => {
                    if let Some(until) = self.trouble.filter(|until| *until > now.instant) {
                        return until;
                    }
                    let records = batch.records.len();
                    self.services.live().gave_up(&batch.records, batch.failures);
                    let route = Route {
                        function_arn: &self.function_arn,
                        stream_arn: &self.stream_arn,
                        shard_id: &self.shard_id,
                    };
                    let message = match &self.mapping.on_failure {
                        None => None,
                        Some(Destination::Queue(queue)) => {
                            let body = failure::message(batch, condition, route, now.unix_ms);
                            Some((queue.as_str(), body))
                        }
                        // Before the batch is passed over: killed in between, this host gives it up
                        // again, and says so twice.
                        Some(Destination::Bucket(bucket)) => {
                            let key = failure::key(&self.mapping.id, &self.shard_id, now.unix_ms);
                            let body = failure::object(batch, condition, route, now.unix_ms);
                            if let Err(error) = self.services.put(bucket, &key, &body) {
                                return self.in_trouble(&error);
                            }
                            None
                        }
                    };
                    let done = self.shard.done_without(lane);
                    let kept = self.positions.keep(
                        &self.mapping.id,
                        &self.stream_arn,
                        done,
                        |transaction| {
                            message.as_ref().map_or(Ok(()), |(queue, body)| {
                                self.services.send_in(transaction, queue, body)
                            })
                        },
                    );
                    if let Err(error) = kept {
                        return self.in_trouble(&error);
                    }
                    self.kept = done;
                    if message.is_some() {
                        self.services.wake_queues();
                    }
                    self.shard.passed_over(lane, now);
                    self.gave_up(records, condition);
                }
            }
        }
    }

    fn read(&mut self) -> Read {
        let limit = self.shard.room().min(READ);
        if limit == 0 {
            return Read::Nothing;
        }
        self.woken = false;
        // Numbers grow also from one table to the next of its name, so a look while nothing is open
        // is soon enough.
        let looks = self.shard.is_empty();
        match self.look(looks, limit) {
            Ok(Some(records)) => {
                self.trouble = None;
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
        if at_its_name && self.source.arn()? != self.stream_arn {
            return Ok(None);
        }
        self.source.read(self.shard.read_to(), limit).map(Some)
    }

    fn came_back(&mut self, flight: Flight) {
        let now = self.now();
        if flight.records > 1 {
            self.gathers_until = Some(now.instant + GATHER);
        }
        let payload = match &flight.outcome {
            Outcome::Answered { payload, .. } if flight.seen.is_some() => Some(payload.clone()),
            _ => None,
        };
        let verdict = self.shard.came_back(flight.lane, flight.outcome, now);
        if let Some(seen) = &flight.seen {
            let done = projected(verdict, payload.as_deref(), seen);
            self.services.live().came_back(seen, done);
        }
        self.report(match verdict {
            Verdict::Done => Processed::Well,
            Verdict::Failed => Processed::Badly,
        });
    }

    fn gave_up(&self, records: usize, condition: Condition) {
        self.report(match condition {
            Condition::RetryAttemptsExhausted => Processed::Badly,
            Condition::RecordAgeExceeded => lock(&self.progress).processed.clone(),
        });
        lock(&self.progress).given_up += u64::try_from(records).unwrap_or(u64::MAX);
    }

    fn report(&self, processed: Processed) {
        let mut progress = lock(&self.progress);
        progress.processed = processed;
        progress.done = self.shard.done();
        progress.done_above = u64::try_from(self.shard.done_above()).unwrap_or(u64::MAX);
    }

    /// Writes the position down, if it moved.
    fn keep(&mut self) {
        let done = self.shard.done();
        if done == self.kept || self.is_in_trouble() {
            return;
        }
        let (mapping, arn) = (&self.mapping.id, &self.stream_arn);
        let kept = self
            .positions
            .keep(mapping, arn, done, |_| Ok::<_, JournalError>(()));
        match kept {
            Ok(()) => self.kept = done,
            Err(error) => {
                self.in_trouble(&error);
            }
        }
    }

    fn in_trouble(&mut self, error: &dyn std::error::Error) -> Instant {
        lock(&self.progress).processed = Processed::Trouble(error.to_string());
        let until = Instant::now() + TROUBLE;
        self.trouble = Some(until);
        until
    }

    fn is_in_trouble(&mut self) -> bool {
        self.trouble = self.trouble.filter(|until| *until > Instant::now());
        self.trouble.is_some()
    }

    fn gathers(&mut self) -> bool {
        self.gathers_until = self.gathers_until.filter(|until| *until > Instant::now());
        self.gathers_until.is_some()
    }

    fn now(&self) -> Now {
        Now {
            instant: Instant::now(),
            unix_ms: self.services.unix_ms(),
        }
    }
}

/// How many of a batch's records, from the first on, are projected.
fn projected(verdict: Verdict, payload: Option<&[u8]>, seen: &Departed) -> usize {
    let partly = payload.map(|payload| answer::read(payload, |number| seen.place(number)));
    match (verdict, partly) {
        (Verdict::Done, _) => seen.len(),
        (Verdict::Failed, Some(Answer::From(at))) => at,
        (Verdict::Failed, _) => 0,
    }
}

/// Delivers a batch once more, now or later, where a fault asks for that. What comes of it is
/// nobody's business: records may come twice.
async fn again<S: Services>(services: &S, mapping: &Arc<Mapping>, event: Bytes, records: usize) {
    let Some(after) = services.faults().again(records) else {
        return;
    };
    let invoke = {
        let (services, mapping) = (services.clone(), Arc::clone(mapping));
        async move {
            tokio::time::sleep(after).await;
            let _ = services.invoke(&mapping.function, event).await;
        }
    };
    match after.is_zero() {
        true => invoke.await,
        false => drop(tokio::spawn(invoke)),
    }
}

fn outcome(invoked: Result<Invoked, InvokeError>) -> Outcome {
    match invoked {
        Ok(Invoked {
            request_id,
            error: Some(_),
            ..
        }) => Outcome::Threw { request_id },
        Ok(Invoked {
            request_id,
            payload,
            ..
        }) => Outcome::Answered {
            request_id,
            payload,
        },
        Err(InvokeError::NotFound(_) | InvokeError::Throttled | InvokeError::Stopping) => {
            Outcome::NotInvoked
        }
    }
}

fn function_arn(region: &str, function: &str) -> String {
    format!(
        "arn:aws:lambda:{region}:{}:function:{function}",
        crate::definition::ACCOUNT
    )
}

/// Whether there was a change that nobody saw; now somebody has.
fn seen(changes: &mut watch::Receiver<u64>) -> bool {
    let changed = changes.has_changed().unwrap_or(false);
    if changed {
        changes.mark_unchanged();
    }
    changed
}

/// Waits for a change; false where none can come any more.
async fn changed(changes: &mut Option<watch::Receiver<u64>>) -> bool {
    match changes {
        Some(changes) => changes.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
