//! Does the operations, as many at a time as the schedule wants, and follows some of the creates to
//! the read model.
//!
//! All of it runs on one thread: what the driver itself takes is then what one processor takes, and
//! the summary says how much of one that was.

mod follow;

use std::cell::{Cell, Ref, RefCell};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use self::follow::Followed;
use super::machine::used;
use super::mix::{Step, Turns};
use super::recent::Recent;
use super::record::{Calls, Record};
use super::report_line::report;
use super::schedule::{Pace, Schedule, Until};
use super::{LoadError, Plan};
use crate::stack::functions::{Answer, FunctionError, Functions};

/// The logs of the first calls of a function are asked for, since cold starts are among them, and
/// afterwards of one in so many.
const FIRST_LOGGED: u64 = 200;
const LOG_EVERY: u64 = 20;

pub(crate) struct Load {
    plan: Plan,
    functions: Functions,
    /// The same, asking for the end of the log; where there is anything in it.
    logged: Option<Functions>,
    schedule: Schedule,
    turns: RefCell<Turns>,
    recent: RefCell<Recent>,
    record: RefCell<Record>,
    /// Creates that were begun.
    creates: Cell<u64>,
    /// Those that were acknowledged.
    created: Cell<u64>,
    following: Cell<usize>,
    stopped: Cell<bool>,
    /// CPU time of this process at the start.
    used_before: Duration,
    used: Cell<Duration>,
}

/// What is done next.
enum Work {
    Create,
    Change(String),
    Get(String),
    List,
}

impl Load {
    /// Begins at once; `logged` are the same functions, asking for their logs' ends.
    pub(crate) fn begin(
        plan: Plan,
        functions: Functions,
        logged: Option<Functions>,
    ) -> Result<Self, LoadError> {
        let schedule = Schedule::begin(plan.pace, plan.until).map_err(LoadError::Pacer)?;
        let record =
            Record::new(schedule.start(), plan.mix.steps()).map_err(LoadError::Histogram)?;
        Ok(Self {
            functions,
            logged,
            turns: RefCell::new(Turns::new(&plan.mix)),
            plan,
            schedule,
            recent: RefCell::default(),
            record: RefCell::new(record),
            creates: Cell::new(0),
            created: Cell::new(0),
            following: Cell::new(0),
            stopped: Cell::new(false),
            used_before: used(),
            used: Cell::new(Duration::ZERO),
        })
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What was to be done, and what was measured.
    pub(crate) fn into_parts(self) -> (Plan, Record) {
        let mut record = self.record.into_inner();
        record.timeline.advance(Instant::now());
        (self.plan, record)
    }

    /// What was measured so far.
    pub(crate) fn record(&self) -> Ref<'_, Record> {
        self.record.borrow_mut().timeline.advance(Instant::now());
        self.record.borrow()
    }

    /// Operations that could not be begun in time.
    pub(crate) fn unsent(&self) -> u64 {
        self.schedule.unsent()
    }

    /// CPU time that this process took while operations were done.
    pub(crate) fn used(&self) -> Duration {
        match self.used.get() {
            Duration::ZERO => used().saturating_sub(self.used_before),
            taken => taken,
        }
    }

    /// How much of it is done, from 0 to 1.
    pub(crate) fn progress(&self) -> f64 {
        match self.plan.until {
            Until::Time(time) => {
                let elapsed = self.schedule.start().elapsed();
                (elapsed.as_secs_f64() / time.as_secs_f64()).min(1.0)
            }
            Until::Created(count) => self.creates.get() as f64 / count as f64,
        }
    }

    /// Begins nothing more; what is under way may end.
    pub(crate) fn stop(&self) {
        self.stopped.set(true);
        self.schedule.stop();
    }

    /// Works to the end of the plan, or until it is stopped.
    pub(crate) async fn run(&self) {
        let (follow, followed) = unbounded_channel();
        let work = async move {
            let workers = (0..self.plan.pace.in_flight()).map(|_| self.work(&follow));
            join_all(workers).await;
            self.used.set(used().saturating_sub(self.used_before));
            self.record.borrow_mut().end();
        };
        join(work, self.follow_all(followed)).await;
    }

    async fn work(&self, follow: &UnboundedSender<Followed>) {
        while let Some(due) = self.schedule.next().await {
            let (step, work) = self.choose();
            let sent = Instant::now();
            let due = match self.plan.pace {
                Pace::Closed { .. } => sent,
                Pace::Open { .. } => due,
            };
            let outcome = self.perform(&step, work, follow).await;
            let done = Instant::now();
            let mut record = self.record.borrow_mut();
            record.done(step, due, sent, done, outcome);
        }
    }

    /// What comes next by the mix, as far as there is something for it.
    fn choose(&self) -> (Step, Work) {
        let mut recent = self.recent.borrow_mut();
        let step = self.turns.borrow_mut().next(|step| match step {
            Step::Create | Step::List => true,
            Step::Change(_) => recent.can_change(),
            Step::Get => recent.can_get(),
        });
        // A mix with a step that needs something created has the step that creates it.
        let step = step.unwrap_or(Step::Create);
        let work = match &step {
            Step::Create => None,
            Step::Change(_) => recent.next_to_change().map(Work::Change),
            Step::Get => recent.any().map(Work::Get),
            Step::List => Some(Work::List),
        };
        let work = work.unwrap_or(Work::Create);
        if let Work::Create = work {
            let begun = self.creates.get() + 1;
            self.creates.set(begun);
            if self.plan.until == Until::Created(begun) {
                self.schedule.stop();
            }
        }
        (step, work)
    }

    async fn perform(
        &self,
        step: &Step,
        work: Work,
        follow: &UnboundedSender<Followed>,
    ) -> Result<(), FunctionError> {
        match work {
            Work::Create => {
                let created: Value = self.publish(&self.plan.subject.create()).await?;
                let acknowledged = Instant::now();
                if let Some(id) = self.plan.subject.id(&created) {
                    self.recent.borrow_mut().add(id.clone());
                    self.consider(id, acknowledged, follow);
                }
            }
            Work::Change(id) => {
                let command = self.plan.subject.change(&step.to_string(), &id);
                let _: IgnoredAny = self.publish(&command).await?;
            }
            Work::Get(id) => {
                let found: Option<IgnoredAny> = self.query(&self.plan.subject.get(&id)).await?;
                if found.is_none() {
                    self.record.borrow_mut().early_reads += 1;
                }
            }
            Work::List => {
                let _: IgnoredAny = self.query(&self.plan.subject.list()).await?;
            }
        }
        Ok(())
    }

    async fn publish<T: DeserializeOwned>(&self, payload: &Value) -> Result<T, FunctionError> {
        let functions = self.functions(|record| &mut record.publisher);
        let answer = functions.publish(payload).await;
        self.read(answer, |record| &mut record.publisher)
    }

    async fn query<T: DeserializeOwned>(&self, payload: &Value) -> Result<T, FunctionError> {
        let functions = self.functions(|record| &mut record.query);
        let answer = functions.query(payload).await;
        self.read(answer, |record| &mut record.query)
    }

    /// Counts a call; the functions to make it with ask for the log now and then.
    fn functions(&self, calls: impl Fn(&mut Record) -> &mut Calls) -> &Functions {
        let mut record = self.record.borrow_mut();
        let calls = calls(&mut record);
        calls.count += 1;
        let wanted = calls.count <= FIRST_LOGGED || calls.count.is_multiple_of(LOG_EVERY);
        let logged = self.logged.as_ref().filter(|_| wanted);
        logged.unwrap_or(&self.functions)
    }

    fn read<T>(
        &self,
        answer: Result<Answer<T>, FunctionError>,
        calls: impl Fn(&mut Record) -> &mut Calls,
    ) -> Result<T, FunctionError> {
        let answer = answer?;
        if let Some(found) = answer.log.as_deref().and_then(report) {
            calls(&mut self.record.borrow_mut()).add_report(found);
        }
        Ok(answer.value)
    }
}

#[cfg(test)]
mod tests;
