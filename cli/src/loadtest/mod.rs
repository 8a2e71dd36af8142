//! Drives a stack as its users would, and measures what they would see.
//!
//! A [`Plan`] says what is done and how fast; a [`drive::Load`] does it through the stack's functions
//! and keeps a [`record::Record`]; an [`outcome::Outcome`] is what comes of it. All that a run creates
//! has a text that begins with [`MARK`], by which [`marked`] finds it again.

pub(crate) mod cost;
pub(crate) mod drive;
pub(crate) mod latency;
pub(crate) mod machine;
pub(crate) mod marked;
pub(crate) mod mix;
pub(crate) mod outcome;
mod recent;
pub(crate) mod record;
mod report_line;
pub(crate) mod schedule;
pub(crate) mod subject;
pub(crate) mod timeline;

use pattern::error::Invalid;

use self::mix::{Mix, Step};
use self::schedule::{Pace, Until};
use self::subject::Subject;
use crate::error::Explain;

/// A text of all that runs create begins with this.
pub(crate) const MARK: &str = "cqrs-bench-";
/// The quickest that an operation is expected to be on AWS, for an estimate beforehand.
const QUICKEST_SECONDS: f64 = 0.01;

/// What is done, and how fast.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What it creates.
    pub(crate) subject: Subject,
    pub(crate) mix: Mix,
    pub(crate) pace: Pace,
    pub(crate) until: Until,
}

impl Plan {
    /// A name that no other run has: the millisecond in which it begins, and some chance.
    pub(crate) fn new_run() -> String {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let (time, rest) = id.split_at(12);
        let chance = rest.get(rest.len() - 4..).unwrap_or_default();
        format!("{time}{chance}")
    }

    /// The most operations that it can come to, as far as that is known beforehand: a closed loop
    /// is expected to take a hundredth of a second for each.
    pub(crate) fn most_operations(&self) -> f64 {
        match (self.until, self.pace) {
            (Until::Created(count), _) => {
                let share = self.mix.share(|step| *step == Step::Create);
                count as f64 / share.max(f64::MIN_POSITIVE)
            }
            (Until::Time(time), Pace::Open { rate }) => time.as_secs_f64() * f64::from(rate),
            (Until::Time(time), Pace::Closed { concurrency }) => {
                time.as_secs_f64() * concurrency as f64 / QUICKEST_SECONDS
            }
        }
    }

    /// What it will ask of the stack at most.
    pub(crate) fn most_usage(&self) -> cost::Usage {
        let of = |asks: fn(&Step) -> bool| self.most_operations() * self.mix.share(asks);
        cost::Usage {
            publisher_calls: of(|step| matches!(step, Step::Create | Step::Change(_))),
            // Those that follow a create look for it a few times.
            query_calls: of(|step| !matches!(step, Step::Change(_))),
            publisher_ms: None,
            query_ms: None,
        }
    }
}

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The system gives no more threads.
    #[error("cannot start the thread that keeps the pace")]
    Pacer(#[source] std::io::Error),
    #[error("cannot make a histogram")]
    Histogram(#[source] hdrhistogram::CreationError),
    #[error("creates of {0} take no text of {1} characters, by which a run would know its own")]
    NoMark(String, usize),
    #[error("the description's examples do not make a draft")]
    Draft(#[from] Invalid),
}

impl Explain for LoadError {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Domain;

    #[test]
    fn what_a_run_will_ask_at_most_follows_from_its_plan() {
        let plan = |pace, until| Plan {
            subject: Subject::of(&Domain::bundled(), &Plan::new_run()).unwrap(),
            mix: "create=60,ship=10,get=20,list=10".parse().unwrap(),
            pace,
            until,
        };
        let seconds = Until::Time(Duration::from_secs(10));
        let open = plan(Pace::Open { rate: 50 }, seconds);
        assert_eq!(open.most_operations(), 500.0);
        let usage = open.most_usage();
        assert_eq!((usage.publisher_calls, usage.query_calls), (350.0, 450.0));
        let closed = plan(Pace::Closed { concurrency: 8 }, seconds);
        assert_eq!(closed.most_operations(), 8000.0);
        let created = plan(Pace::Closed { concurrency: 8 }, Until::Created(60));
        assert_eq!(created.most_operations().round(), 100.0);
        assert_ne!(open.subject.mark, closed.subject.mark);
        assert_eq!(open.subject.mark.len(), MARK.len() + 16);
    }
}
