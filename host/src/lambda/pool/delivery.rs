//! How an invocation reaches an environment.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::report::start_line;
use super::{Job, Phase, Pool, Running, Slot, State, Work};
use crate::clock::now_ms;
use crate::definition::Function;
use crate::lambda::environment::Environment;

/// What a runtime's question for work comes to.
#[derive(Debug)]
pub(in crate::lambda) enum Next {
    Invocation(Delivery),
    /// The environment is to end.
    End,
    /// It has not answered the last one.
    OutOfTurn,
}

/// An invocation as a runtime gets it.
#[derive(Debug)]
pub(in crate::lambda) struct Delivery {
    pub(in crate::lambda) request_id: Arc<str>,
    pub(in crate::lambda) payload: Bytes,
    pub(in crate::lambda) deadline_ms: i64,
    pub(in crate::lambda) with_version: bool,
    pub(in crate::lambda) client_context: Option<Arc<str>>,
}

impl Pool {
    /// An environment asks for work.
    pub(in crate::lambda) async fn next(self: &Arc<Self>, environment: &Arc<Environment>) -> Next {
        let mut waiting = {
            let mut state = self.state.lock();
            let current = environment.generation == state.generation;
            let Some(slot) = state.slot(environment.id) else {
                return Next::End;
            };
            match &slot.work {
                Work::Busy(_) => return Next::OutOfTurn,
                // A second connection asks; the first has lost its turn.
                Work::Idle { .. } => slot.work = Work::none(),
                Work::None { .. } => {}
            }
            if !slot.ready {
                environment.became_ready();
                slot.ready = true;
                slot.watched = false;
                if current {
                    state.became_ready();
                }
            }
            let job = if current {
                state.queue.pop_front()
            } else {
                None
            };
            if let Some(job) = job {
                return Next::Invocation(deliver(&mut state, environment, job));
            }
            if !current || state.phase != Phase::Open {
                state.retire(environment.id);
                return Next::End;
            }
            let (wake, woken) = oneshot::channel();
            let since = Instant::now();
            if let Some(slot) = state.slot(environment.id) {
                slot.work = Work::Idle { wake, since };
            }
            self.trim_later(&mut state);
            Waiting {
                pool: self,
                id: environment.id,
                woken: Some(woken),
            }
        };
        let Some(woken) = &mut waiting.woken else {
            return Next::End;
        };
        let job = woken.await;
        waiting.woken = None;
        let Ok(job) = job else { return Next::End };
        let mut state = self.state.lock();
        if state.slot(environment.id).is_none() {
            self.put_back(&mut state, job);
            return Next::End;
        }
        Next::Invocation(deliver(&mut state, environment, job))
    }

    /// Gives a job that did not reach its environment to another, before all that wait.
    fn put_back(self: &Arc<Self>, state: &mut State, job: Job) {
        if let Some(job) = state.hand_over(job) {
            state.queue.push_front(job);
            self.scale(state);
        }
    }
}

impl State {
    /// Gives the job to the environment that became idle last, or back.
    pub(super) fn hand_over(&mut self, mut job: Job) -> Option<Job> {
        let is_idle = |slot: &&mut Slot| slot.idle_since().is_some();
        while let Some(slot) = self
            .slots
            .iter_mut()
            .filter(is_idle)
            .max_by_key(|slot| slot.idle_since())
        {
            if let Work::Idle { wake, .. } = std::mem::replace(&mut slot.work, Work::none()) {
                match wake.send(job) {
                    Ok(()) => return None,
                    Err(back) => job = back,
                }
            }
        }
        Some(job)
    }
}

/// An environment that waits for work. Where its connection breaks meanwhile, a job that was
/// already on the way goes to another.
struct Waiting<'a> {
    pool: &'a Arc<Pool>,
    id: u64,
    woken: Option<oneshot::Receiver<Job>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(mut woken) = self.woken.take() else {
            return;
        };
        let mut state = self.pool.state.lock();
        woken.close();
        if let Ok(job) = woken.try_recv() {
            self.pool.put_back(&mut state, job);
        } else if let Some(slot) = state.slot(self.id)
            && matches!(&slot.work, Work::Idle { wake, .. } if wake.is_closed())
        {
            slot.work = Work::none();
            if !slot.watched {
                slot.watched = true;
                slot.environment.attend();
            }
        }
    }
}

pub(super) fn timeout(function: &Function) -> Duration {
    Duration::from_secs(function.timeout_seconds.into())
}

/// The time of an invocation runs from here.
fn deliver(state: &mut State, environment: &Environment, job: Job) -> Delivery {
    let limit = timeout(&environment.function);
    let began = Instant::now();
    if let Some(output) = environment.output() {
        output.begin(&job.request_id, job.options.tail);
        if let Some(line) = start_line(&environment.function, &job.request_id) {
            output.add(&line);
        }
    }
    let delivery = Delivery {
        request_id: Arc::clone(&job.request_id),
        payload: job.payload,
        deadline_ms: now_ms() + i64::try_from(limit.as_millis()).unwrap_or(i64::MAX),
        with_version: job.options.with_version,
        client_context: job.options.client_context,
    };
    if let Some(slot) = state.slot(environment.id) {
        slot.work = Work::Busy(Running {
            request_id: job.request_id,
            reply: job.reply,
            place: job.place,
            began,
            deadline: began + limit,
        });
        if !slot.watched {
            slot.watched = true;
            environment.attend();
        }
    }
    delivery
}
