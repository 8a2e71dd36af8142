//! The parts of a stack as they were seen, each with its health and, where it is not well, with what to
//! do. Whoever shows parts shows these: `cqrs status` and the page.

use serde::{Serialize, Serializer};

use super::judge::{Advice, Health, Judge};
use super::{
    Alarms, Function, Invocations, Lag, Mapping, Part, ReadModel, Seen, Stack, WriteModel,
};
use crate::app::handler::Handler;
use crate::error::Failure;
use crate::failures::queue::Depth;
use crate::settings::{StackName, Target};

/// In the order in which a change passes them. As JSON an object by their keys; the alarms of a stack
/// that has none are null.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts(Vec<Judged>);

/// One part.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Judged {
    /// Its name in JSON.
    #[serde(skip)]
    pub(crate) key: &'static str,
    /// Its name for people.
    #[serde(skip)]
    pub(crate) name: &'static str,
    pub(crate) health: Health,
    /// None where it could not be asked.
    #[serde(flatten)]
    pub(crate) facts: Option<Facts>,
    /// Why it could not be asked, or what it answered instead.
    pub(crate) error: Option<Failure>,
    pub(crate) advice: Option<Advice>,
}

/// What a part says.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Facts {
    Stack(Stack),
    Function(FunctionFacts),
    WriteModel(WriteModel),
    Mapping(MappingFacts),
    ReadModel(ReadModel),
    Failures(Depth),
    Alarms(Alarms),
    /// Whether invocations and lag could be read: the functions and the mapping have them.
    Metrics {},
}

/// A function, and its invocations where they are known.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FunctionFacts {
    #[serde(flatten)]
    pub(crate) function: Function,
    #[serde(flatten)]
    pub(crate) activity: Option<Invocations>,
}

/// The mapping, and the lag where it is known.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MappingFacts {
    #[serde(flatten)]
    pub(crate) mapping: Mapping,
    #[serde(flatten)]
    pub(crate) lag: Option<Lag>,
}

impl Facts {
    fn judge(&self, key: &str, judge: &Judge<'_>) -> Option<Advice> {
        match self {
            Self::Stack(stack) => judge.stack(stack),
            Self::Function(of) => {
                let handler = Handler::named(key)?;
                judge.function(handler, &of.function, of.activity.as_ref())
            }
            Self::WriteModel(table) => judge.write_model(table),
            Self::Mapping(of) => judge.mapping(&of.mapping, of.lag.as_ref()),
            Self::ReadModel(model) => judge.read_model(model),
            Self::Failures(depth) => judge.failures(depth),
            Self::Alarms(alarms) => judge.alarms(alarms),
            Self::Metrics {} => None,
        }
    }
}

impl Judged {
    fn of(key: &'static str, name: &'static str, seen: Part<Facts>, judge: &Judge<'_>) -> Self {
        let (facts, error, advice) = match seen {
            Ok(facts) => {
                let advice = facts.judge(key, judge);
                (Some(facts), None, advice)
            }
            Err(unseen) => {
                let advice = match key {
                    "readModel" => judge.unread(&unseen),
                    _ => judge.unseen(&unseen),
                };
                (None, Some(Failure::from(unseen)), Some(advice))
            }
        };
        Self {
            key,
            name,
            health: advice.as_ref().map_or(Health::Ok, |advice| advice.health),
            facts,
            error,
            advice,
        }
    }
}

impl Seen {
    /// Whether the process of the stack does not run; on this machine only.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(&self.stack, Ok(stack) if stack.status == "STOPPED")
    }

    /// The parts of this stack, as they are judged.
    pub(crate) fn judged(self, stack: &StackName, target: Target) -> Parts {
        let judge = Judge {
            stack,
            target,
            lag_limit_ms: self.lag_limit_ms,
        };
        let (activity, metrics) = match self.activity {
            Ok(activity) => (Some(activity), Ok(Facts::Metrics {})),
            Err(unseen) => (None, Err(unseen)),
        };
        let lag = activity.as_ref().map(|activity| activity.lag);
        let [published, projected, queried] = match activity.map(|activity| activity.functions) {
            Some(of) => [Some(of.publisher), Some(of.subscriber), Some(of.query)],
            None => [None, None, None],
        };
        let function = |function: Part<Function>, activity| {
            function.map(|function| Facts::Function(FunctionFacts { function, activity }))
        };
        let (functions, mapping) = (self.functions, self.mapping);
        let mapping = mapping.map(|mapping| Facts::Mapping(MappingFacts { mapping, lag }));
        let mut parts = Vec::new();
        let mut add = |key, name, seen| parts.push(Judged::of(key, name, seen, &judge));
        add("stack", "stack", self.stack.map(Facts::Stack));
        let publisher = function(functions.publisher, published);
        add("publisher", "publisher", publisher);
        let write_model = self.write_model.map(Facts::WriteModel);
        add("writeModel", "write model", write_model);
        add("mapping", "mapping", mapping);
        let subscriber = function(functions.subscriber, projected);
        add("subscriber", "subscriber", subscriber);
        let read_model = self.read_model.map(Facts::ReadModel);
        add("readModel", "read model", read_model);
        add("query", "query", function(functions.query, queried));
        add("failures", "failures", self.failures.map(Facts::Failures));
        if let Some(alarms) = self.alarms {
            add("alarms", "alarms", alarms.map(Facts::Alarms));
        }
        add("metrics", "metrics", metrics);
        Parts(parts)
    }
}

impl Parts {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Judged> {
        self.0.iter()
    }

    /// How far the read model is behind, where that is known.
    pub(crate) fn lag(&self) -> Option<Lag> {
        self.iter().find_map(|part| match &part.facts {
            Some(Facts::Mapping(of)) => of.lag,
            _ => None,
        })
    }
}

impl Serialize for Parts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let there = self.iter().map(|part| (part.key, Some(part)));
        let has_alarms = self.iter().any(|part| part.key == "alarms");
        let alarms = (!has_alarms).then_some(("alarms", None));
        serializer.collect_map(there.chain(alarms))
    }
}
