//! What `cqrs status` says, as one document: every part with its health, its facts and, where it
//! is not well, the advice. The shape is part of the tool's interface (docs/operations.md).

use orders::timestamp::Timestamp;
use serde::Serialize;

use super::Place;
use crate::error::{Failure, Kind};
use crate::failures::queue::Depth;
use crate::observe::judge::{Advice, Health, Judge};
use crate::observe::{
    Activity, Alarms, Function, Invocations, Lag, Mapping, Part, ReadModel, Seen, Stack, Unseen,
    WriteModel,
};
use crate::settings::Target;

pub(super) const READ_MODEL: &str = "read model";

/// See the module's documentation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) stack: String,
    pub(super) target: &'static str,
    pub(super) region: String,
    pub(super) at: Timestamp,
    /// That of the worst part.
    pub(super) health: Health,
    pub(super) parts: Parts,
    pub(super) dashboard_url: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parts {
    pub(super) stack: Row<Stack>,
    pub(super) publisher: Row<FunctionFacts>,
    pub(super) write_model: Row<WriteModel>,
    pub(super) mapping: Row<MappingFacts>,
    pub(super) subscriber: Row<FunctionFacts>,
    pub(super) read_model: Row<ReadModel>,
    pub(super) query: Row<FunctionFacts>,
    pub(super) failures: Row<Depth>,
    /// None on this machine.
    pub(super) alarms: Option<Row<Alarms>>,
    /// Whether invocations and lag could be read.
    pub(super) metrics: Row<Nothing>,
}

/// A part.
#[derive(Debug, Serialize)]
pub(super) struct Row<T> {
    pub(super) health: Health,
    #[serde(flatten)]
    pub(super) facts: Option<T>,
    /// Why the part could not be asked, or what it answered instead.
    pub(super) error: Option<Failure>,
    pub(super) advice: Option<Advice>,
}

/// A function, and its invocations where they are known.
#[derive(Debug, Serialize)]
pub(super) struct FunctionFacts {
    #[serde(flatten)]
    pub(super) function: Function,
    #[serde(flatten)]
    pub(super) activity: Option<Invocations>,
}

/// The mapping, and the lag where it is known.
#[derive(Debug, Serialize)]
pub(super) struct MappingFacts {
    #[serde(flatten)]
    pub(super) mapping: Mapping,
    #[serde(flatten)]
    pub(super) lag: Option<Lag>,
}

/// A part that has no facts of its own.
#[derive(Debug, Serialize)]
pub(super) struct Nothing {}

impl<T> Row<T> {
    fn new(
        part: Part<T>,
        judge: impl FnOnce(&T) -> Option<Advice>,
        unseen: impl FnOnce(&Unseen) -> Advice,
    ) -> Self {
        let (facts, error, advice) = match part {
            Ok(facts) => {
                let advice = judge(&facts);
                (Some(facts), None, advice)
            }
            Err(error) => {
                let advice = unseen(&error);
                (None, Some(Failure::from(error)), Some(advice))
            }
        };
        Self {
            health: advice.as_ref().map_or(Health::Ok, |advice| advice.health),
            facts,
            error,
            advice,
        }
    }
}

impl Report {
    pub(super) fn new(seen: Seen, place: &Place) -> Self {
        let judge = Judge {
            stack: &place.stack,
            target: place.target,
            lag_limit_ms: seen.lag_limit_ms,
        };
        let unseen = |error: &Unseen| judge.unseen(error);
        let (activity, metrics) = match seen.activity {
            Ok(activity) => (Some(activity), Ok(Nothing {})),
            Err(error) => (None, Err(error)),
        };
        let (invocations, lag) = match activity {
            Some(Activity { functions, lag }) => (Some(functions), Some(lag)),
            None => (None, None),
        };
        let (published, projected, queried) = match invocations {
            Some(of) => (Some(of.publisher), Some(of.subscriber), Some(of.query)),
            None => (None, None, None),
        };
        let function = |role, function: Part<Function>, activity| {
            let facts = function.map(|function| FunctionFacts { function, activity });
            let judged = |facts: &FunctionFacts| {
                judge.function(role, &facts.function, facts.activity.as_ref())
            };
            Row::new(facts, judged, unseen)
        };
        let parts = Parts {
            stack: Row::new(seen.stack, |stack| judge.stack(stack), unseen),
            publisher: function("publisher", seen.functions.publisher, published),
            write_model: Row::new(seen.write_model, |table| judge.write_model(table), unseen),
            mapping: Row::new(
                seen.mapping.map(|mapping| MappingFacts { mapping, lag }),
                |facts| judge.mapping(&facts.mapping, facts.lag.as_ref()),
                unseen,
            ),
            subscriber: function("subscriber", seen.functions.subscriber, projected),
            read_model: Row::new(
                seen.read_model,
                |model| judge.read_model(model),
                |error| judge.unread(error),
            ),
            query: function("query", seen.functions.query, queried),
            failures: Row::new(seen.failures, |depth| judge.failures(depth), unseen),
            alarms: seen
                .alarms
                .map(|alarms| Row::new(alarms, |alarms| judge.alarms(alarms), unseen)),
            metrics: Row::new(metrics, |_| None, unseen),
        };
        let health = parts.outlines().iter().map(|part| part.health).max();
        Self {
            stack: place.stack.to_string(),
            target: match place.target {
                Target::Aws => "aws",
                Target::Local => "local",
            },
            region: place.region.clone(),
            at: seen.at,
            health: health.unwrap_or(Health::Ok),
            parts,
            dashboard_url: seen.dashboard,
        }
    }

    /// Where something is broken, what the command ends with.
    pub(super) fn failure(&self) -> Option<Failure> {
        let parts = self.parts.outlines();
        let broken: Vec<_> = parts
            .iter()
            .filter(|part| part.health == Health::Failed)
            .collect();
        let mut broken = broken;
        if self.parts.lost_contents() {
            // Queries answer wrongly or not at all, whatever else there is.
            broken.sort_by_key(|part| part.name != READ_MODEL);
        }
        let names: Vec<&str> = broken.iter().map(|part| part.name).collect();
        let first = broken.first()?;
        let message = format!("stack `{}` is not well: {}", self.stack, names.join(", "));
        let failure = Failure::new(Kind::Failed, message);
        let next = first.advice.and_then(|advice| advice.next.as_deref());
        Some(match next {
            Some(next) => failure.hint(next),
            None => failure,
        })
    }
}

/// What all parts have in common.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    pub(super) name: &'static str,
    pub(super) health: Health,
    pub(super) error: Option<&'a Failure>,
    pub(super) advice: Option<&'a Advice>,
}

impl Parts {
    /// Whether the read model lacks orders because the cache lost them.
    pub(super) fn lost_contents(&self) -> bool {
        let facts = self.read_model.facts.as_ref();
        facts.is_some_and(|model| !model.is_complete)
    }

    /// The parts in the order in which an order passes them.
    pub(super) fn outlines(&self) -> Vec<Outline<'_>> {
        fn outline<'a, T>(name: &'static str, row: &'a Row<T>) -> Outline<'a> {
            Outline {
                name,
                health: row.health,
                error: row.error.as_ref(),
                advice: row.advice.as_ref(),
            }
        }
        let mut outlines = vec![
            outline("stack", &self.stack),
            outline("publisher", &self.publisher),
            outline("write model", &self.write_model),
            outline("mapping", &self.mapping),
            outline("subscriber", &self.subscriber),
            outline(READ_MODEL, &self.read_model),
            outline("query", &self.query),
            outline("failures", &self.failures),
        ];
        outlines.extend(self.alarms.as_ref().map(|row| outline("alarms", row)));
        outlines.push(outline("metrics", &self.metrics));
        outlines
    }
}
