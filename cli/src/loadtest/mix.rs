//! Which step comes next. The shares are kept exactly, in turns, rather than by chance: so a short
//! run has the mix that was asked for too.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What a user does with a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Create,
    /// A command on one that this run created, on each one at most.
    Change(String),
    /// Reads one that this run created.
    Get,
    /// Reads a page of what this run created.
    List,
}

impl Step {
    fn named(name: &str) -> Self {
        match name {
            "create" => Self::Create,
            "get" => Self::Get,
            "list" => Self::List,
            command => Self::Change(command.to_owned()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Change(command) => command,
            Self::Get => "get",
            Self::List => "list",
        })
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The share of each step that has one, as a weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Mix(BTreeMap<Step, u32>);

/// A text that is no mix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MixError {
    #[error("expected STEP=SHARE, not `{0}`")]
    NoPair(String),
    #[error("there is no step `{0}`: the steps are create, {1}, get, list")]
    NoStep(String, String),
    #[error("the share of {0} must be a whole number from 0 to 1000000, not `{1}`")]
    NoShare(Step, String),
    #[error("{0} is named twice")]
    Twice(Step),
    #[error("no step has a share")]
    Empty,
    #[error("{0} needs create: it works on what the run has created")]
    NeedsCreate(Step),
}

const LARGEST_SHARE: u32 = 1_000_000;

impl Mix {
    /// What most users do most: create, read, list, and the first command.
    pub(crate) fn usual(commands: &[&str]) -> Self {
        let command = commands.first().map(|name| Step::named(name));
        let usual = [(Step::Create, 60), (Step::Get, 20), (Step::List, 10)];
        let command = command.map(|step| (step, 10));
        Self(usual.into_iter().chain(command).collect())
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.0.keys()
    }

    pub(crate) fn creates(&self) -> bool {
        self.0.contains_key(&Step::Create)
    }

    /// How much of all that is done the steps are that `of` names, from 0 to 1.
    pub(crate) fn share(&self, of: impl Fn(&Step) -> bool) -> f64 {
        let weights = self.0.iter().filter(|(step, _)| of(step));
        let weight: i64 = weights.map(|(_, weight)| i64::from(*weight)).sum();
        weight as f64 / self.total() as f64
    }

    /// Whether its changes are among these commands.
    pub(crate) fn check(&self, commands: &[&str]) -> Result<(), MixError> {
        let unknown = self.steps().find_map(|step| match step {
            Step::Change(name) if !commands.contains(&name.as_str()) => Some(name),
            _ => None,
        });
        match unknown {
            Some(name) => Err(MixError::NoStep(name.clone(), commands.join(", "))),
            None => Ok(()),
        }
    }

    fn total(&self) -> i64 {
        self.0.values().map(|weight| i64::from(*weight)).sum()
    }
}

impl FromStr for Mix {
    type Err = MixError;

    fn from_str(text: &str) -> Result<Self, MixError> {
        let mut shares = BTreeMap::new();
        for part in text.split(',') {
            let pair = part.split_once('=');
            let (name, share) = pair.ok_or_else(|| MixError::NoPair(part.to_owned()))?;
            let step = Step::named(name);
            let number = share.parse().ok().filter(|share| *share <= LARGEST_SHARE);
            let Some(number) = number else {
                return Err(MixError::NoShare(step, share.to_owned()));
            };
            if shares.insert(step.clone(), number).is_some() {
                return Err(MixError::Twice(step));
            }
        }
        shares.retain(|_, share| *share > 0);
        let mix = Self(shares);
        let needs = mix.steps().find(|step| **step != Step::List).cloned();
        match needs {
            _ if mix.0.is_empty() => Err(MixError::Empty),
            Some(step) if !mix.creates() => Err(MixError::NeedsCreate(step)),
            _ => Ok(mix),
        }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self
            .0
            .iter()
            .map(|(step, weight)| format!("{step}={weight}"));
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

/// Gives the steps their turns.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    total: i64,
    /// Each step's weight, and what it is owed.
    owed: Vec<(Step, i64, i64)>,
}

impl Turns {
    pub(super) fn new(mix: &Mix) -> Self {
        let steps = mix.0.iter();
        Self {
            total: mix.total(),
            owed: steps
                .map(|(step, weight)| (step.clone(), i64::from(*weight), 0))
                .collect(),
        }
    }

    /// The step that is owed most, of those that can be done now; the others are owed it later.
    /// `None` where none can be done.
    pub(super) fn next(&mut self, can_be_done: impl Fn(&Step) -> bool) -> Option<Step> {
        let mut next: Option<&mut (Step, i64, i64)> = None;
        for turn in &mut self.owed {
            turn.2 += turn.1;
            let more = next.as_ref().is_none_or(|next| turn.2 > next.2);
            if more && can_be_done(&turn.0) {
                next = Some(turn);
            }
        }
        let (step, _, owed) = next?;
        *owed -= self.total;
        Some(step.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(text: &str) -> Mix {
        text.parse().unwrap()
    }

    #[test]
    fn a_mix_is_read_as_it_is_written_and_what_is_wrong_with_it_is_said() {
        let some = mix("list=1,create=3,ship=0");
        assert_eq!(some.to_string(), "create=3,list=1");
        assert_eq!(some.share(|step| *step == Step::Create), 0.75);
        let refusal = |text: &str| text.parse::<Mix>().unwrap_err().to_string();
        assert_eq!(refusal("create"), "expected STEP=SHARE, not `create`");
        assert_eq!(
            refusal("create=-1"),
            "the share of create must be a whole number from 0 to 1000000, not `-1`"
        );
        assert_eq!(refusal("create=1,create=2"), "create is named twice");
        assert_eq!(refusal("create=0,list=0"), "no step has a share");
        assert_eq!(
            refusal("get=1,list=1"),
            "get needs create: it works on what the run has created"
        );
        let unknown = mix("create=1,buy=2").check(&["ship", "cancel"]);
        assert_eq!(
            unknown.unwrap_err().to_string(),
            "there is no step `buy`: the steps are create, ship, cancel, get, list"
        );
    }

    #[test]
    fn shares_are_kept_exactly_and_mingled() {
        let mut turns = Turns::new(&Mix::usual(&["ship"]));
        let taken: Vec<_> = (0..10).filter_map(|_| turns.next(|_| true)).collect();
        let count = |name| {
            let step = Step::named(name);
            taken.iter().filter(|taken| **taken == step).count()
        };
        assert_eq!(["create", "ship", "get", "list"].map(count), [6, 1, 2, 1]);
        assert!(taken.iter().take(6).any(|step| *step != Step::Create));
    }

    #[test]
    fn a_step_that_cannot_be_done_yet_is_made_up_for() {
        let ship = Step::named("ship");
        let mut turns = Turns::new(&mix("create=1,ship=1"));
        for _ in 0..10 {
            assert_eq!(turns.next(|step| *step != ship), Some(Step::Create));
        }
        for _ in 0..10 {
            assert_eq!(turns.next(|_| true).as_ref(), Some(&ship));
        }
        assert_eq!(turns.next(|_| false), None);
    }
}
