//! When environments start and end.
//!
//! On one machine more processes than processors only help where they wait for something. So another
//! environment starts only when an invocation had to wait: soon for the first few, later for more.
//! Those above one end after a while without work; the last one stays warm.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

use super::backoff::Backoff;
use super::delivery::timeout;
use super::report::{failure_line, finish};
use super::{Phase, Pool, Slot, State, Work};
use crate::definition::Function;
use crate::lambda::counts::Counts;
use crate::lambda::environment::Environment;
use crate::lambda::failure::Failure;
use crate::lambda::{InvokeError, Invoked};

/// From a process's start to its first question for work, as in Lambda's init phase. A start that
/// took longer is ended, and the next has the function's own timeout, as Lambda's has.
pub(super) const INIT_LIMIT: Duration = Duration::from_secs(10);
/// Environments that start as soon as work waits for [`SOON`]. On two cores, 32 clients of a function
/// that writes one item got 3,344 answers a second from 4 of them, 3,848 from 6, and about 4,000 from
/// 8, 10 and 12.
const FEW: usize = 8;
const SOON: Duration = Duration::from_millis(5);
/// Environments of a function without a `ReservedConcurrentExecutions`. Those above [`FEW`] start
/// when work waits for [`LATER`]: then functions wait, rather than compute.
const MANY: usize = 32;
const LATER: Duration = Duration::from_millis(100);
/// How long an environment that is not the last one waits for work.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

impl Pool {
    /// Resolves when an environment is ready.
    pub(in crate::lambda) async fn warm(self: &Arc<Self>) -> Result<(), Failure> {
        let ready = {
            let mut state = self.state.lock();
            let generation = state.generation;
            let mut current = state
                .slots
                .iter()
                .filter(|slot| slot.environment.generation == generation)
                .peekable();
            let is_starting = current.peek().is_some();
            if current.any(|slot| slot.ready) || state.phase != Phase::Open || state.bound() == 0 {
                return Ok(());
            }
            if !is_starting {
                self.start(&mut state);
            }
            let (sender, ready) = oneshot::channel();
            state.warming.push(sender);
            ready
        };
        // Nobody answers where the pool has ended.
        ready.await.unwrap_or(Ok(()))
    }

    /// The function is another from now on.
    pub(in crate::lambda) fn replace(self: &Arc<Self>, function: Function) {
        let mut state = self.state.lock();
        state.function = Arc::new(function);
        state.generation += 1;
        state.backoff = Backoff::default();
        state.hung = false;
        let was_warm = !state.slots.is_empty();
        state.retire_unoccupied();
        if was_warm || !state.queue.is_empty() || !state.warming.is_empty() {
            self.start(&mut state);
        }
    }

    /// Takes no more invocations, works off the accepted ones, and ends what is idle.
    pub(in crate::lambda) fn drain(&self) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Draining;
        }
        if state.queue.is_empty() {
            state.retire_unoccupied();
        }
        self.quiet.notify_waiters();
    }

    /// Resolves when a drained pool has no more invocations.
    pub(in crate::lambda) async fn drained(&self) {
        self.until(|state| {
            let is_busy = |slot: &Slot| matches!(slot.work, Work::Busy(_));
            state.queue.is_empty() && !state.slots.iter().any(is_busy)
        })
        .await;
    }

    /// Ends every environment and all that still waits.
    pub(in crate::lambda) fn end(&self) {
        let mut state = self.state.lock();
        state.phase = Phase::Ended;
        // The invokers of what is dropped here are informed that the host stops.
        for slot in state.slots.drain(..) {
            slot.environment.close();
        }
        state.queue.clear();
        state.warming.clear();
        self.quiet.notify_waiters();
    }

    /// Resolves when all processes are gone.
    pub(in crate::lambda) async fn ended(&self) {
        self.until(|state| state.alive == 0).await;
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let changed = self.quiet.notified();
            if holds(&self.state.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// An environment could not start: it reported so, ended or took too long.
    pub(in crate::lambda) fn failed_to_start(
        self: &Arc<Self>,
        environment: &Environment,
        failure: &Failure,
    ) {
        if self.state.lock().retire(environment.id) {
            self.start_failed(environment, failure);
        }
    }

    /// An environment's process has ended.
    pub(in crate::lambda) fn exited(self: &Arc<Self>, environment: &Environment, failure: Failure) {
        let slot = self.state.lock().take(environment.id);
        match slot {
            Some(Slot {
                work: Work::Busy(running),
                ..
            }) => finish(environment, running, Err(failure)),
            Some(slot) if !slot.ready => self.start_failed(environment, &failure),
            _ => {}
        }
    }

    /// The last that is heard of an environment.
    pub(in crate::lambda) fn gone(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.alive -= 1;
        self.scale(&mut state);
        if !state.warming.is_empty() && state.has_none() {
            self.start(&mut state);
        }
        drop(state);
        self.quiet.notify_waiters();
    }

    fn start_failed(self: &Arc<Self>, environment: &Environment, failure: &Failure) {
        let line = failure_line(&environment.function, None, failure);
        self.log
            .line(&environment.log_stream, None, line.as_bytes());
        let mut state = self.state.lock();
        if environment.generation == state.generation {
            for waiter in state.warming.drain(..) {
                let _ = waiter.send(Err(failure.clone()));
            }
            if matches!(failure, Failure::TimedOut(_)) && !state.hung {
                state.hung = true;
                self.scale(&mut state);
                return;
            }
            state.backoff.failed(failure.clone());
            if state.has_none() {
                state.fail_all(failure, &self.counts);
            }
        }
        self.scale(&mut state);
    }

    /// Starts an environment where work waits and none would come to it.
    pub(super) fn scale(self: &Arc<Self>, state: &mut State) {
        if state.queue.is_empty() {
            if state.phase == Phase::Draining {
                state.retire_unoccupied();
            }
        } else if state.has_none() {
            match state.backoff.holds().cloned() {
                Some(failure) => state.fail_all(&failure, &self.counts),
                None => self.start(state),
            }
        } else if !state.growing && state.slots.len() < state.bound() {
            state.growing = true;
            tokio::spawn(Arc::clone(self).grow());
        }
    }

    /// Lives for as long as work waits.
    async fn grow(self: Arc<Self>) {
        loop {
            let patience = if self.state.lock().slots.len() < FEW {
                SOON
            } else {
                LATER
            };
            sleep(patience).await;
            let mut state = self.state.lock();
            let waiting = match state.queue.front() {
                Some(job) if state.slots.len() < state.bound() => job.queued.elapsed(),
                _ => {
                    state.growing = false;
                    return;
                }
            };
            let is_starting = state.slots.iter().any(|slot| !slot.ready);
            if waiting >= patience && !is_starting && state.backoff.holds().is_none() {
                self.start(&mut state);
            }
        }
    }

    fn start(self: &Arc<Self>, state: &mut State) {
        // Those that are about to end count too; when one has, this is asked again.
        let most = state.bound().saturating_mul(2);
        if state.phase == Phase::Ended || state.alive >= most {
            return;
        }
        state.last_id += 1;
        state.alive += 1;
        let environment = Environment::new(
            state.last_id,
            state.generation,
            Arc::clone(&state.function),
            Arc::clone(self),
            if state.hung {
                timeout(&state.function)
            } else {
                INIT_LIMIT
            },
        );
        state.slots.push(Slot {
            environment: Arc::clone(&environment),
            ready: false,
            work: Work::none(),
            watched: true,
        });
        tokio::spawn(environment.run());
    }

    /// Sees to it that environments above one end when they have had no work for a while.
    pub(super) fn trim_later(self: &Arc<Self>, state: &mut State) {
        if state.slots.len() > 1 && !state.trimming {
            state.trimming = true;
            tokio::spawn(Arc::clone(self).trim());
        }
    }

    async fn trim(self: Arc<Self>) {
        loop {
            let next = {
                let mut state = self.state.lock();
                while let Some((id, since)) = state.longest_idle()
                    && state.slots.len() > 1
                    && since.elapsed() >= IDLE_LIMIT
                {
                    state.retire(id);
                }
                if state.slots.len() <= 1 {
                    state.trimming = false;
                    return;
                }
                let since = state.longest_idle().map(|(_, since)| since);
                since.unwrap_or_else(Instant::now) + IDLE_LIMIT
            };
            sleep_until(next).await;
        }
    }
}

impl State {
    /// Environments that may be.
    pub(super) fn bound(&self) -> usize {
        let reserved = self.function.reserved_concurrency;
        reserved.map_or(MANY, |reserved| usize::try_from(reserved).unwrap_or(MANY))
    }

    /// No environment of this generation is there or starts.
    fn has_none(&self) -> bool {
        let generation = self.generation;
        !self
            .slots
            .iter()
            .any(|slot| slot.environment.generation == generation)
    }

    fn take(&mut self, id: u64) -> Option<Slot> {
        let mut slots = self.slots.iter();
        let at = slots.position(|slot| slot.environment.id == id)?;
        Some(self.slots.swap_remove(at))
    }

    /// Lets the environment end; false where that was already said.
    pub(super) fn retire(&mut self, id: u64) -> bool {
        let slot = self.take(id);
        if let Some(slot) = &slot {
            slot.environment.close();
        }
        slot.is_some()
    }

    /// Retires what is idle or starts. What is between two invocations asks for work soon, and is
    /// retired then.
    fn retire_unoccupied(&mut self) {
        let is_unoccupied = |slot: &mut Slot| slot.idle_since().is_some() || !slot.ready;
        for slot in self.slots.extract_if(.., is_unoccupied) {
            slot.environment.close();
        }
    }

    pub(super) fn became_ready(&mut self) {
        self.backoff = Backoff::default();
        self.hung = false;
        for waiter in self.warming.drain(..) {
            let _ = waiter.send(Ok(()));
        }
    }

    fn longest_idle(&self) -> Option<(u64, Instant)> {
        let idle = |slot: &Slot| Some((slot.environment.id, slot.idle_since()?));
        let idle = self.slots.iter().filter_map(idle);
        idle.min_by_key(|&(_, since)| since)
    }

    /// Answers all that waits with the failure of an environment to start.
    fn fail_all(&mut self, failure: &Failure, counts: &Counts) {
        for job in self.queue.drain(..) {
            counts.finished(&Err(failure.clone()));
            let answer: Result<Invoked, InvokeError> =
                Ok(Invoked::failed(&job.request_id, failure, job.options.tail));
            drop(job.place);
            let _ = job.reply.send(answer);
        }
    }
}
