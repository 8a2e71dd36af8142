//! What `cqrs status` says, as one document: every part with its health, its facts and, where it
//! is not well, the advice. The shape is part of the tool's interface (docs/operations.md).

use pattern::timestamp::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Place, details};
use crate::app::handler::Handler;
use crate::error::{Failure, Kind};
use crate::observe::judge::{Advice, Health, Judge};
use crate::observe::{self, Function, Invocations, Lag, Mapping, Seen, Unseen};
use crate::settings::Target;

/// See the module's documentation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) stack: String,
    pub(super) target: Target,
    pub(super) region: String,
    pub(super) at: Timestamp,
    /// That of the worst part.
    pub(super) health: Health,
    /// In the order in which an order passes them.
    #[serde(serialize_with = "by_key")]
    pub(super) parts: Vec<Part>,
    pub(super) dashboard_url: Option<String>,
    /// Whether its process does not run; on this machine only.
    #[serde(skip)]
    pub(super) is_stopped: bool,
    /// Whether the read model lacks orders because the cache lost them.
    #[serde(skip)]
    lost_contents: bool,
}

/// One part of the stack.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    /// Its name in JSON.
    #[serde(skip)]
    key: &'static str,
    #[serde(skip)]
    pub(super) name: &'static str,
    pub(super) health: Health,
    #[serde(flatten)]
    facts: Map<String, Value>,
    /// The facts in a few words each; none where the part could not be asked.
    #[serde(skip)]
    pub(super) details: Vec<String>,
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

/// The parts of one stack, as they are judged.
struct Parts<'a> {
    judge: Judge<'a>,
    judged: Vec<Part>,
}

impl Parts<'_> {
    fn add<T: Serialize>(
        &mut self,
        (key, name): (&'static str, &'static str),
        part: observe::Part<T>,
        details: impl FnOnce(&T) -> Vec<String>,
        judge: impl FnOnce(&Judge<'_>, &T) -> Option<Advice>,
    ) {
        let (facts, details, error, advice) = match part {
            Ok(facts) => {
                let advice = judge(&self.judge, &facts);
                let details = details(&facts);
                // Facts always have a JSON form.
                let facts = serde_json::to_value(facts).unwrap_or_default();
                (facts, details, None, advice)
            }
            Err(unseen) => {
                let advice = self.unseen(key, &unseen);
                (
                    Value::Null,
                    Vec::new(),
                    Some(Failure::from(unseen)),
                    Some(advice),
                )
            }
        };
        self.judged.push(Part {
            key,
            name,
            health: advice.as_ref().map_or(Health::Ok, |advice| advice.health),
            facts: match facts {
                Value::Object(facts) => facts,
                _ => Map::new(),
            },
            details,
            error,
            advice,
        });
    }

    fn unseen(&self, key: &str, unseen: &Unseen) -> Advice {
        match key {
            "readModel" => self.judge.unread(unseen),
            _ => self.judge.unseen(unseen),
        }
    }

    fn function(
        &mut self,
        handler: Handler,
        function: observe::Part<Function>,
        activity: Option<Invocations>,
        now: Timestamp,
    ) {
        self.add(
            (handler.name(), handler.name()),
            function.map(|function| FunctionFacts { function, activity }),
            |facts| details::function(facts, now),
            |judge, of| judge.function(handler, &of.function, of.activity.as_ref()),
        );
    }
}

impl Report {
    pub(super) fn new(seen: Seen, place: &Place) -> Self {
        let now = seen.at;
        let is_stopped = matches!(&seen.stack, Ok(stack) if stack.status == "STOPPED");
        let lost_contents = matches!(&seen.read_model, Ok(model) if !model.is_complete);
        let (activity, metrics) = match seen.activity {
            Ok(activity) => (Some(activity), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let lag = activity.as_ref().map(|activity| activity.lag);
        let (published, projected, queried) = match activity.map(|activity| activity.functions) {
            Some(of) => (Some(of.publisher), Some(of.subscriber), Some(of.query)),
            None => (None, None, None),
        };
        let mut parts = Parts {
            judge: Judge {
                stack: &place.stack,
                target: place.target,
                lag_limit_ms: seen.lag_limit_ms,
            },
            judged: Vec::new(),
        };
        parts.add(
            ("stack", "stack"),
            seen.stack,
            |stack| details::stack(stack, now),
            |judge, stack| judge.stack(stack),
        );
        parts.function(Handler::Publisher, seen.functions.publisher, published, now);
        parts.add(
            ("writeModel", "write model"),
            seen.write_model,
            details::write_model,
            |judge, table| judge.write_model(table),
        );
        parts.add(
            ("mapping", "mapping"),
            seen.mapping.map(|mapping| MappingFacts { mapping, lag }),
            |facts| details::mapping(facts, now),
            |judge, facts| judge.mapping(&facts.mapping, facts.lag.as_ref()),
        );
        parts.function(
            Handler::Subscriber,
            seen.functions.subscriber,
            projected,
            now,
        );
        parts.add(
            ("readModel", "read model"),
            seen.read_model,
            details::read_model,
            |judge, model| judge.read_model(model),
        );
        parts.function(Handler::Query, seen.functions.query, queried, now);
        parts.add(
            ("failures", "failures"),
            seen.failures,
            details::failures,
            |judge, depth| judge.failures(depth),
        );
        if let Some(alarms) = seen.alarms {
            parts.add(
                ("alarms", "alarms"),
                alarms,
                details::alarms,
                |judge, alarms| judge.alarms(alarms),
            );
        }
        // Whether invocations and lag could be read.
        parts.add(
            ("metrics", "metrics"),
            metrics,
            |()| Vec::new(),
            |_, ()| None,
        );
        let parts = parts.judged;
        let health = parts.iter().map(|part| part.health).max();
        Self {
            stack: place.stack.to_string(),
            target: place.target,
            region: place.region.clone(),
            at: now,
            health: health.unwrap_or(Health::Ok),
            parts,
            dashboard_url: seen.dashboard,
            is_stopped,
            lost_contents,
        }
    }

    /// The parts by their weight: queries answer wrongly or not at all where the read model lost its
    /// contents, whatever else there is.
    pub(super) fn weightiest_first(&self) -> Vec<&Part> {
        let mut parts: Vec<&Part> = self.parts.iter().collect();
        parts.sort_by_key(|part| !self.lost_contents || part.key != "readModel");
        parts
    }

    /// Where something is broken, what the command ends with.
    pub(super) fn failure(&self) -> Option<Failure> {
        let mut broken = self.weightiest_first();
        broken.retain(|part| part.health == Health::Failed);
        let names: Vec<&str> = broken.iter().map(|part| part.name).collect();
        let first = broken.first()?;
        let message = format!("stack `{}` is not well: {}", self.stack, names.join(", "));
        let failure = Failure::new(Kind::Failed, message);
        let next = first
            .advice
            .as_ref()
            .and_then(|advice| advice.next.as_deref());
        Some(match next {
            Some(next) => failure.hint(next),
            None => failure,
        })
    }
}

/// As an object; a part that this stack does not have is null.
fn by_key<S: Serializer>(parts: &[Part], serializer: S) -> Result<S::Ok, S::Error> {
    let there = parts.iter().map(|part| (part.key, Some(part)));
    let has_alarms = parts.iter().any(|part| part.key == "alarms");
    let alarms = (!has_alarms).then_some(("alarms", None));
    serializer.collect_map(there.chain(alarms))
}
