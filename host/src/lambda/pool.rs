//! A function's environments, and the invocations before them.
//!
//! An invocation goes to the environment that became idle last; where none is idle it waits in a
//! queue, from which environments take it when they ask for work. [`scaling`] says when
//! environments start and end. Everything is under one lock, which is never held across an await.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use super::environment::Environment;
use super::failure::{Failure, LARGEST_ANSWER};
use super::log::{FunctionLog, now_ms};
use super::{FunctionError, InvokeError, InvokeOptions, Invoked, Services, VERSION};
use crate::definition::Function;

mod backoff;
mod scaling;

use backoff::Backoff;

/// Invocations that may wait for an environment.
const LONGEST_QUEUE: usize = 1_000;

type Answer = Result<Invoked, InvokeError>;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) services: Arc<Services>,
    pub(super) log: Arc<FunctionLog>,
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
    /// The idle slots' ids, the one that became idle last at the end.
    idle: Vec<u64>,
    queue: VecDeque<Job>,
    backoff: Backoff,
    /// Who waits for an environment of this generation to be ready.
    warming: Vec<oneshot::Sender<Result<(), Failure>>>,
    last_id: u64,
    /// Processes, and those about to start.
    alive: usize,
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
    None,
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
    tail: bool,
    reply: oneshot::Sender<Answer>,
    queued: Instant,
}

/// An invocation that was delivered.
#[derive(Debug)]
struct Running {
    request_id: Arc<str>,
    reply: oneshot::Sender<Answer>,
    began: Instant,
    deadline: Instant,
}

/// What a runtime's question for work comes to.
#[derive(Debug)]
pub(super) enum Next {
    Invocation(Delivery),
    /// The environment is to end.
    End,
    /// It has not answered the last one.
    OutOfTurn,
}

/// An invocation as a runtime gets it.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) request_id: Arc<str>,
    pub(super) payload: Bytes,
    pub(super) deadline_ms: i64,
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

impl Pool {
    pub(super) fn new(
        services: Arc<Services>,
        log: Arc<FunctionLog>,
        function: Function,
    ) -> Arc<Self> {
        Arc::new(Self {
            services,
            log,
            state: Mutex::new(State {
                function: Arc::new(function),
                generation: 0,
                slots: Vec::new(),
                idle: Vec::new(),
                queue: VecDeque::new(),
                backoff: Backoff::default(),
                warming: Vec::new(),
                last_id: 0,
                alive: 0,
                growing: false,
                trimming: false,
                phase: Phase::Open,
            }),
            quiet: Notify::new(),
        })
    }

    pub(super) fn function(&self) -> Arc<Function> {
        Arc::clone(&self.lock().function)
    }

    /// Invokes and waits for the answer. The invocation goes on where this is dropped.
    pub(super) async fn invoke(self: &Arc<Self>, payload: Bytes, options: InvokeOptions) -> Answer {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            request_id: Uuid::new_v4().to_string().into(),
            payload,
            tail: options.tail,
            reply,
            queued: Instant::now(),
        };
        {
            let mut state = self.lock();
            if state.phase != Phase::Open {
                return Err(InvokeError::Stopping);
            }
            if let Some(job) = state.hand_over(job) {
                if state.bound() == 0 || state.queue.len() >= LONGEST_QUEUE {
                    return Err(InvokeError::Throttled);
                }
                state.queue.push_back(job);
                self.scale(&mut state);
            }
        }
        answer.await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// An environment asks for work.
    pub(super) async fn next(self: &Arc<Self>, environment: &Arc<Environment>) -> Next {
        let mut waiting = {
            let mut state = self.lock();
            let current = environment.generation == state.generation;
            let Some(slot) = state.slot(environment.id) else {
                return Next::End;
            };
            match &slot.work {
                Work::Busy(_) => return Next::OutOfTurn,
                // A second connection asks; the first has lost its turn.
                Work::Idle { .. } => slot.work = Work::None,
                Work::None => {}
            }
            if !slot.ready {
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
                self.retire(&mut state, environment.id);
                return Next::End;
            }
            let (wake, woken) = oneshot::channel();
            let since = Instant::now();
            if let Some(slot) = state.slot(environment.id) {
                slot.work = Work::Idle { wake, since };
            }
            state.idle.retain(|&id| id != environment.id);
            state.idle.push(environment.id);
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
        let mut state = self.lock();
        if state.slot(environment.id).is_none() {
            self.put_back(&mut state, job);
            return Next::End;
        }
        Next::Invocation(deliver(&mut state, environment, job))
    }

    /// An environment answers an invocation.
    pub(super) fn answer(
        &self,
        environment: &Environment,
        request_id: &str,
        answer: Result<Bytes, Failure>,
    ) -> Accepted {
        let running = {
            let mut state = self.lock();
            let Some(slot) = state.slot(environment.id) else {
                return Accepted::UnknownId;
            };
            match std::mem::replace(&mut slot.work, Work::None) {
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
        self.lock()
            .slot(environment.id)
            .is_none_or(|slot| slot.ready)
    }

    /// What an environment has to do about its deadlines now.
    pub(super) fn due(self: &Arc<Self>, environment: &Arc<Environment>) -> Due {
        let now = Instant::now();
        let mut state = self.lock();
        let Some(slot) = state.slot(environment.id) else {
            return Due::Nothing;
        };
        let deadline = match &slot.work {
            Work::Busy(running) => running.deadline,
            _ if !slot.ready => environment.started + scaling::INIT_LIMIT,
            _ => {
                slot.watched = false;
                return Due::Nothing;
            }
        };
        if deadline > now {
            slot.watched = true;
            return Due::At(deadline);
        }
        match std::mem::replace(&mut slot.work, Work::None) {
            Work::Busy(running) => {
                let limit = timeout(&environment.function);
                self.retire(&mut state, environment.id);
                self.scale(&mut state);
                drop(state);
                finish(environment, running, Err(Failure::TimedOut(limit)));
            }
            _ => {
                drop(state);
                self.failed_to_start(environment, &Failure::TimedOut(scaling::INIT_LIMIT));
            }
        }
        Due::Kill
    }

    /// Gives a job that did not reach its environment to another, before all that wait.
    fn put_back(self: &Arc<Self>, state: &mut State, job: Job) {
        if let Some(job) = state.hand_over(job) {
            state.queue.push_front(job);
            self.scale(state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn slot(&mut self, id: u64) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.environment.id == id)
    }

    /// Gives the job to the environment that became idle last, or back.
    fn hand_over(&mut self, mut job: Job) -> Option<Job> {
        while let Some(id) = self.idle.pop() {
            let Some(slot) = self.slot(id) else { continue };
            let Work::Idle { wake, .. } = std::mem::replace(&mut slot.work, Work::None) else {
                continue;
            };
            match wake.send(job) {
                Ok(()) => return None,
                Err(back) => job = back,
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
        let mut state = self.pool.lock();
        woken.close();
        if let Ok(job) = woken.try_recv() {
            self.pool.put_back(&mut state, job);
        } else if let Some(slot) = state.slot(self.id)
            && matches!(&slot.work, Work::Idle { wake, .. } if wake.is_closed())
        {
            slot.work = Work::None;
            let id = self.id;
            state.idle.retain(|&idle| idle != id);
        }
    }
}

fn timeout(function: &Function) -> Duration {
    Duration::from_secs(function.timeout_seconds.into())
}

/// The time of an invocation runs from here.
fn deliver(state: &mut State, environment: &Environment, job: Job) -> Delivery {
    let limit = timeout(&environment.function);
    let began = Instant::now();
    if let Some(output) = environment.output() {
        output.begin(&job.request_id, job.tail);
        if job.tail && !environment.function.log_json {
            output.add_to_tail(&format!(
                "START RequestId: {} Version: {VERSION}",
                job.request_id
            ));
        }
    }
    let delivery = Delivery {
        request_id: Arc::clone(&job.request_id),
        payload: job.payload,
        deadline_ms: now_ms() + i64::try_from(limit.as_millis()).unwrap_or(i64::MAX),
    };
    if let Some(slot) = state.slot(environment.id) {
        slot.work = Work::Busy(Running {
            request_id: job.request_id,
            reply: job.reply,
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

/// Answers the invoker, who may have gone.
fn finish(environment: &Environment, running: Running, answer: Result<Bytes, Failure>) {
    let Running {
        request_id, reply, ..
    } = running;
    let log_tail = environment.output().and_then(|output| {
        output.read();
        if let Err(failure) = &answer
            && !matches!(failure, Failure::Reported(_))
        {
            output.add(&failure_line(
                &environment.function,
                Some(&request_id),
                failure,
            ));
        }
        if !environment.function.log_json {
            output.add_to_tail(&end_lines(
                &environment.function,
                &request_id,
                running.began,
            ));
        }
        output.take_tail()
    });
    let error = answer.is_err().then_some(FunctionError::Unhandled);
    let payload = answer.unwrap_or_else(|failure| failure.document(&request_id));
    let _ = reply.send(Ok(Invoked {
        request_id: String::from(&*request_id),
        payload,
        error,
        log_tail: log_tail.map(Bytes::from),
        executed_version: VERSION,
    }));
}

fn end_lines(function: &Function, request_id: &str, began: Instant) -> String {
    let took = began.elapsed();
    let ms = took.as_secs_f64() * 1_000.0;
    format!(
        "END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {ms:.2} ms\t\
         Billed Duration: {} ms\tMemory Size: {} MB",
        took.as_millis() + 1,
        function.memory_mb,
    )
}

/// What the platform itself writes to the log about a failure.
fn failure_line(function: &Function, request_id: Option<&str>, failure: &Failure) -> String {
    if !function.log_json {
        let request_id = request_id.unwrap_or("-");
        return format!("RequestId: {request_id} Error: {}", failure.message());
    }
    let now = time::OffsetDateTime::now_utc()
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_default();
    let (kind, request) = match request_id {
        Some(request_id) => ("platform.report", serde_json::json!(request_id)),
        None => ("platform.initReport", serde_json::Value::Null),
    };
    serde_json::json!({
        "time": now,
        "type": kind,
        "record": {
            "requestId": request,
            "status": failure.status(),
            "errorType": failure.error_type(),
            "errorMessage": failure.message(),
        },
    })
    .to_string()
}
