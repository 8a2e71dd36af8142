//! Which step comes next. The shares are kept exactly, in turns, rather than by chance: so a short
//! run has the mix that was asked for too.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What a user does with a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// Places an order.
    Create,
    /// Ships an order of this run, each once.
    Ship,
    /// Reads an order of this run.
    Get,
    /// Reads a page of this run's orders.
    List,
}

impl Step {
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Ship, Self::Get, Self::List];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Ship => "ship",
            Self::Get => "get",
            Self::List => "list",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One value for each step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PerStep<T>([T; 4]);

impl<T> PerStep<T> {
    /// What `make` makes for each step, unless that fails.
    pub(crate) fn try_new<E>(mut make: impl FnMut(Step) -> Result<T, E>) -> Result<Self, E> {
        let [create, ship, get, list] = Step::ALL;
        Ok(Self([make(create)?, make(ship)?, make(get)?, make(list)?]))
    }

    pub(crate) fn of(&self, step: Step) -> &T {
        let [create, ship, get, list] = &self.0;
        match step {
            Step::Create => create,
            Step::Ship => ship,
            Step::Get => get,
            Step::List => list,
        }
    }

    pub(crate) fn of_mut(&mut self, step: Step) -> &mut T {
        let [create, ship, get, list] = &mut self.0;
        match step {
            Step::Create => create,
            Step::Ship => ship,
            Step::Get => get,
            Step::List => list,
        }
    }
}

/// The share of each step, as a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mix(PerStep<u32>);

/// A text that is no mix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MixError {
    #[error("expected STEP=SHARE, not `{0}`")]
    NoPair(String),
    #[error("there is no step `{0}`: the steps are create, ship, get, list")]
    NoStep(String),
    #[error("the share of {0} must be a whole number from 0 to 1000000, not `{1}`")]
    NoShare(Step, String),
    #[error("{0} is named twice")]
    Twice(Step),
    #[error("no step has a share")]
    Empty,
    #[error("{0} needs create: it works on the orders of the run")]
    NeedsCreate(Step),
}

const LARGEST_SHARE: u32 = 1_000_000;

impl Mix {
    pub(crate) fn weight(&self, step: Step) -> u32 {
        *self.0.of(step)
    }

    /// How much of all that is done the step is, from 0 to 1.
    pub(crate) fn share(&self, step: Step) -> f64 {
        f64::from(self.weight(step)) / self.total() as f64
    }

    fn total(&self) -> i64 {
        Step::ALL
            .map(|step| i64::from(self.weight(step)))
            .iter()
            .sum()
    }
}

impl Default for Mix {
    fn default() -> Self {
        Self(PerStep([60, 10, 20, 10]))
    }
}

impl FromStr for Mix {
    type Err = MixError;

    fn from_str(text: &str) -> Result<Self, MixError> {
        let mut shares = PerStep::<Option<u32>>::default();
        for part in text.split(',') {
            let pair = part.split_once('=');
            let (name, share) = pair.ok_or_else(|| MixError::NoPair(part.to_owned()))?;
            let step = Step::ALL.into_iter().find(|step| step.name() == name);
            let step = step.ok_or_else(|| MixError::NoStep(name.to_owned()))?;
            let share = share
                .parse()
                .ok()
                .filter(|share| *share <= LARGEST_SHARE)
                .ok_or_else(|| MixError::NoShare(step, share.to_owned()))?;
            if shares.of_mut(step).replace(share).is_some() {
                return Err(MixError::Twice(step));
            }
        }
        let mix = Self(PerStep(shares.0.map(Option::unwrap_or_default)));
        if mix.total() == 0 {
            return Err(MixError::Empty);
        }
        let needs = [Step::Ship, Step::Get].into_iter();
        match needs.into_iter().find(|step| mix.weight(*step) > 0) {
            Some(step) if mix.weight(Step::Create) == 0 => Err(MixError::NeedsCreate(step)),
            _ => Ok(mix),
        }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = Step::ALL.into_iter().filter(|step| self.weight(*step) > 0);
        let parts: Vec<_> = done
            .map(|step| format!("{step}={}", self.weight(step)))
            .collect();
        f.write_str(&parts.join(","))
    }
}

impl Serialize for Mix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Step::ALL.map(|step| (step.name(), self.weight(step))))
    }
}

/// Gives the steps their turns.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    mix: Mix,
    /// What each step is owed.
    credit: PerStep<i64>,
}

impl Turns {
    pub(super) fn new(mix: Mix) -> Self {
        Self {
            mix,
            credit: PerStep::default(),
        }
    }

    /// The step that is owed most, of those that can be done now; the others are owed it later.
    pub(super) fn next(&mut self, can_be_done: impl Fn(Step) -> bool) -> Step {
        let mut next: Option<Step> = None;
        for step in Step::ALL {
            *self.credit.of_mut(step) += i64::from(self.mix.weight(step));
            let more = next.is_none_or(|next| self.credit.of(step) > self.credit.of(next));
            if more && self.mix.weight(step) > 0 && can_be_done(step) {
                next = Some(step);
            }
        }
        // A mix with a step that needs orders has the step that makes them.
        let next = next.unwrap_or(Step::Create);
        *self.credit.of_mut(next) -= self.mix.total();
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        text.parse::<Mix>().unwrap_err().to_string()
    }

    #[test]
    fn a_mix_is_read_as_it_is_written() {
        let mix: Mix = "list=1,create=3".parse().unwrap();
        assert_eq!(mix.to_string(), "create=3,list=1");
        assert_eq!(mix.share(Step::Create), 0.75);
        let shown = Mix::default().to_string();
        assert_eq!(shown.parse(), Ok(Mix::default()));
    }

    #[test]
    fn what_is_wrong_with_a_mix_is_said() {
        assert_eq!(refusal("create"), "expected STEP=SHARE, not `create`");
        assert_eq!(
            refusal("create=1,buy=2"),
            "there is no step `buy`: the steps are create, ship, get, list"
        );
        assert_eq!(
            refusal("create=-1"),
            "the share of create must be a whole number from 0 to 1000000, not `-1`"
        );
        assert_eq!(refusal("create=1,create=2"), "create is named twice");
        assert_eq!(refusal("create=0,list=0"), "no step has a share");
        assert_eq!(
            refusal("get=1,list=1"),
            "get needs create: it works on the orders of the run"
        );
        assert_eq!("list=1".parse::<Mix>().unwrap().weight(Step::List), 1);
    }

    #[test]
    fn shares_are_kept_exactly_and_mingled() {
        let mut turns = Turns::new(Mix::default());
        let taken: Vec<_> = (0..10).map(|_| turns.next(|_| true)).collect();
        let count = |step| taken.iter().filter(|taken| **taken == step).count();
        assert_eq!(Step::ALL.map(count), [6, 1, 2, 1]);
        assert_ne!(taken.get(..6).unwrap(), [Step::Create; 6]);
    }

    #[test]
    fn a_step_that_cannot_be_done_yet_is_made_up_for() {
        let mut turns = Turns::new("create=1,ship=1".parse().unwrap());
        for _ in 0..10 {
            assert_eq!(turns.next(|step| step != Step::Ship), Step::Create);
        }
        for _ in 0..10 {
            assert_eq!(turns.next(|_| true), Step::Ship);
        }
        assert_eq!(turns.next(|_| false), Step::Create);
    }
}
