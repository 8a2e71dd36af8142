//! A function's environments, and the invocations before them.
//!
//! An invocation goes to the environment that became idle last; where none is idle it waits in a
//! queue, from which environments take it when they ask for work: [`delivery`]. [`scaling`] says
//! when environments start and end. Everything is under one lock, which is never held across an await.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use super::counts::Counts;
use super::environment::Environment;
use super::failure::{Failure, LARGEST_ANSWER};
use super::log::FunctionLog;
use super::{InvokeError, InvokeOptions, Invoked, Services, Status};
use crate::definition::Function;
use crate::sync::Mutex;

mod backoff;
mod delivery;
mod report;
mod scaling;

use backoff::Backoff;
pub(super) use delivery::{Delivery, Next};
use report::finish;

/// Invocations that may wait for an environment.
const LONGEST_QUEUE: usize = 1_000;

type Answer = Result<Invoked, InvokeError>;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) services: Arc<Services>,
    pub(super) log: Arc<FunctionLog>,
    counts: Counts,
    state: Mutex<State>,
    /// The last environment ended, or the last invocation did.
    quiet: Notify,
}

#[derive(Debug)]
struct State {
    function: Arc<Function>,
    /// Grows when the function changes. Environments of an older one take no more work.
    generation: u64,
    /// Those that may still take or have work.
    slots: Vec<Slot>,
    queue: VecDeque<Job>,
    backoff: Backoff,
    /// Who waits for an environment of this generation to be ready.
    warming: Vec<oneshot::Sender<Result<(), Failure>>>,
    last_id: u64,
    /// Processes, and those about to start.
    alive: usize,
    /// Invocations that wait or run.
    taken: Arc<()>,
    /// The last start took longer than [`scaling::INIT_LIMIT`].
    hung: bool,
    growing: bool,
    trimming: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// What was accepted is worked off; then environments end.
    Draining,
    /// Nothing is started any more.
    Ended,
}

#[derive(Debug)]
struct Slot {
    environment: Arc<Environment>,
    /// It has asked for work at least once.
    ready: bool,
    work: Work,
    /// The environment will look at a deadline by itself.
    watched: bool,
}

#[derive(Debug)]
enum Work {
    /// It starts, or has answered and not asked yet, or is about to take a job.
    None {
        since: Instant,
    },
    Idle {
        wake: oneshot::Sender<Job>,
        since: Instant,
    },
    Busy(Running),
}

/// An invocation that waits.
#[derive(Debug)]
struct Job {
    request_id: Arc<str>,
    payload: Bytes,
    options: InvokeOptions,
    reply: oneshot::Sender<Answer>,
    queued: Instant,
    place: Place,
}

/// A clone of the pool's own, for as long as an invocation waits or runs: the clones are counted.
type Place = Arc<()>;

/// An invocation that was delivered.
#[derive(Debug)]
struct Running {
    request_id: Arc<str>,
    reply: oneshot::Sender<Answer>,
    place: Place,
    began: Instant,
    deadline: Instant,
}

/// What a runtime's answer comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    Yes,
    /// No invocation of this id was delivered to this environment.
    UnknownId,
    TooLarge,
}

/// What an environment has to do about its deadlines.
#[derive(Debug)]
pub(super) enum Due {
    Nothing,
    /// Look again then.
    At(Instant),
    /// The time is over.
    Kill,
}

impl Slot {
    /// Since when it waits for work, where it does.
    fn idle_since(&self) -> Option<Instant> {
        match self.work {
            Work::Idle { since, .. } => Some(since),
            _ => None,
        }
    }
}

impl Work {
    fn none() -> Self {
        Self::None {
            since: Instant::now(),
        }
    }
}

impl Pool {
    pub(super) fn new(
        services: Arc<Services>,
        log: Arc<FunctionLog>,
        function: Function,
    ) -> Arc<Self> {
        Arc::new(Self {
            services,
            log,
            counts: Counts::new(),
            state: Mutex::new(State {
                function: Arc::new(function),
                generation: 0,
                slots: Vec::new(),
                queue: VecDeque::new(),
                backoff: Backoff::default(),
                warming: Vec::new(),
                last_id: 0,
                alive: 0,
                taken: Arc::default(),
                hung: false,
                growing: false,
                trimming: false,
                phase: Phase::Open,
            }),
            quiet: Notify::new(),
        })
    }

    pub(super) fn function(&self) -> Arc<Function> {
        Arc::clone(&self.state.lock().function)
    }

    pub(super) fn status(&self) -> Status {
        let state = self.state.lock();
        let failure = state.backoff.last();
        Status {
            function: Function::clone(&state.function),
            processes: state.slots.iter().filter(|slot| slot.ready).count(),
            cannot_start: failure.map(|f| format!("{}: {}", f.error_type(), f.message())),
            counted: self.counts.counted(),
            recent: self.counts.recent(),
            last_error: self.counts.last_error(),
        }
    }

    /// Invokes and waits for the answer. The invocation goes on where this is dropped.
    pub(super) async fn invoke(self: &Arc<Self>, payload: Bytes, options: InvokeOptions) -> Answer {
        let (reply, answer) = oneshot::channel();
        let request_id = options.request_id.clone();
        {
            let mut state = self.state.lock();
            if state.phase != Phase::Open {
                return Err(InvokeError::Stopping);
            }
            if state.reservation_is_used_up() {
                self.count_throttled(&state);
                return Err(InvokeError::Throttled);
            }
            let job = Job {
                request_id: request_id.unwrap_or_else(|| Uuid::new_v4().to_string().into()),
                payload,
                options,
                reply,
                queued: Instant::now(),
                place: Arc::clone(&state.taken),
            };
            if let Some(job) = state.hand_over(job) {
                if state.queue.len() >= LONGEST_QUEUE {
                    self.count_throttled(&state);
                    return Err(InvokeError::Throttled);
                }
                state.queue.push_back(job);
                self.scale(&mut state);
            }
        }
        answer.await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// An invocation is not even looked at.
    pub(super) fn turned_away(&self) {
        self.count_throttled(&self.state.lock());
    }

    fn count_throttled(&self, state: &State) {
        self.counts.throttled();
        self.services.live.turned_away(&state.function.name);
    }

    /// Kills every process, whatever it is at.
    pub(super) fn kill(&self) {
        for slot in &self.state.lock().slots {
            slot.environment.close();
        }
    }

    /// An environment answers an invocation.
    pub(super) fn answer(
        &self,
        environment: &Environment,
        request_id: &str,
        answer: Result<Bytes, Failure>,
    ) -> Accepted {
        let running = {
            let mut state = self.state.lock();
            let Some(slot) = state.slot(environment.id) else {
                return Accepted::UnknownId;
            };
            match std::mem::replace(&mut slot.work, Work::none()) {
                Work::Busy(running) if &*running.request_id == request_id => {
                    if state.phase != Phase::Open {
                        self.quiet.notify_waiters();
                    }
                    running
                }
                other => {
                    slot.work = other;
                    return Accepted::UnknownId;
                }
            }
        };
        let answer = answer.and_then(|payload| {
            (payload.len() <= LARGEST_ANSWER)
                .then_some(payload)
                .ok_or(Failure::TooLarge)
        });
        let accepted = match &answer {
            Err(Failure::TooLarge) => Accepted::TooLarge,
            _ => Accepted::Yes,
        };
        finish(environment, running, answer);
        accepted
    }

    /// The environment has asked for work before.
    pub(super) fn is_ready(&self, environment: &Environment) -> bool {
        self.state
            .lock()
            .slot(environment.id)
            .is_none_or(|slot| slot.ready)
    }

    /// What an environment has to do about its deadlines now.
    pub(super) fn due(self: &Arc<Self>, environment: &Arc<Environment>) -> Due {
        let now = Instant::now();
        let mut state = self.state.lock();
        let Some(slot) = state.slot(environment.id) else {
            return Due::Nothing;
        };
        let deadline = match &slot.work {
            Work::Busy(running) => running.deadline,
            _ if !slot.ready => environment.started + environment.init_limit,
            // One that never asks again would be counted for ever, and do nothing.
            Work::None { since } => *since + delivery::timeout(&environment.function),
            Work::Idle { .. } => {
                slot.watched = false;
                return Due::Nothing;
            }
        };
        if deadline > now {
            slot.watched = true;
            return Due::At(deadline);
        }
        let ready = slot.ready;
        match std::mem::replace(&mut slot.work, Work::none()) {
            Work::Busy(running) => {
                let limit = delivery::timeout(&environment.function);
                state.retire(environment.id);
                self.scale(&mut state);
                drop(state);
                finish(environment, running, Err(Failure::TimedOut(limit)));
            }
            _ if ready => {
                state.retire(environment.id);
                self.scale(&mut state);
            }
            _ => {
                drop(state);
                self.failed_to_start(environment, &Failure::TimedOut(environment.init_limit));
            }
        }
        Due::Kill
    }
}

impl State {
    fn slot(&mut self, id: u64) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.environment.id == id)
    }

    /// As many invocations as are reserved wait or run.
    fn reservation_is_used_up(&self) -> bool {
        let taken = Arc::strong_count(&self.taken) - 1;
        let reserved = self.function.reserved_concurrency;
        reserved.is_some_and(|reserved| usize::try_from(reserved).is_ok_and(|most| taken >= most))
    }
}
