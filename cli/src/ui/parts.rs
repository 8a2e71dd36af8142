//! How the parts are, as `cqrs status` judges them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::app::handler::Handler;
use crate::observe::judge::{Advice, Health, Judge};
use crate::observe::{Blind, Minute, Seen, Unseen};
use crate::settings::{Settings, Target};

/// CloudWatch charges a cent for 1,000 metrics, and each look asks for 13.
/// <https://aws.amazon.com/cloudwatch/pricing/>
const AWS_COST: &str = "asked once a minute while a page is open: 13 metrics of CloudWatch, \
     about $0.008 an hour";

/// All parts, or why there is nothing to see.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    /// Milliseconds since 1970.
    pub(super) at: u64,
    pub(super) stack: StackIs,
    /// Why nothing is seen.
    pub(super) why: Option<String>,
    pub(super) parts: Vec<Part>,
    /// What looking costs, on AWS.
    pub(super) cost: Option<&'static str>,
    pub(super) dashboard: Option<String>,
    /// What CloudWatch counted, minute by minute.
    #[serde(skip)]
    pub(super) minutes: Vec<Minute>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StackIs {
    #[default]
    Unknown,
    /// Nothing is deployed.
    None,
    Stopped,
    There,
}

/// One part.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) health: Health,
    pub(super) message: Option<String>,
    pub(super) next: Option<String>,
    pub(super) facts: Value,
}

impl Facts {
    /// How long the oldest change waits that is not projected yet.
    pub(super) fn waits_ms(&self) -> Option<f64> {
        let stream = self.parts.iter().find(|part| part.name == "stream")?;
        stream.facts.get("lag")?.get("lagMs")?.as_f64()
    }

    pub(super) fn of(looked: Result<Seen, Blind>, settings: &Settings, at: u64) -> Self {
        let cost = (settings.target == Target::Aws).then_some(AWS_COST);
        match looked {
            Ok(seen) => {
                let is_stopped = seen.stack.as_ref().is_ok_and(|s| s.status == "STOPPED");
                Self {
                    at,
                    stack: match is_stopped {
                        true => StackIs::Stopped,
                        false => StackIs::There,
                    },
                    why: None,
                    parts: parts(&seen, settings),
                    cost,
                    minutes: seen
                        .activity
                        .map_or_else(|_| Vec::new(), |known| known.minutes),
                    dashboard: seen.dashboard,
                }
            }
            Err(blind) => Self {
                at,
                stack: match blind {
                    Blind::NoStack => StackIs::None,
                    _ => StackIs::Unknown,
                },
                why: match blind {
                    Blind::NoStack => None,
                    Blind::NotOurs(error) => Some(error.to_string()),
                    Blind::Because(unseen) => Some(unseen.to_string()),
                },
                cost,
                ..Self::default()
            },
        }
    }
}

fn parts(seen: &Seen, settings: &Settings) -> Vec<Part> {
    let judge = Judge {
        stack: &settings.stack,
        target: settings.target,
        lag_limit_ms: seen.lag_limit_ms,
    };
    let activity = seen.activity.as_ref().ok();
    let lag = activity.map(|activity| &activity.lag);
    let functions = [
        (Handler::Publisher, &seen.functions.publisher),
        (Handler::Subscriber, &seen.functions.subscriber),
        (Handler::Query, &seen.functions.query),
    ];
    let mut parts = vec![part("stack", &judge, seen.stack.as_ref(), |stack| {
        (json!(stack), judge.stack(stack))
    })];
    for (handler, function) in functions {
        let calls = activity.map(|activity| match handler {
            Handler::Publisher => &activity.functions.publisher,
            Handler::Subscriber => &activity.functions.subscriber,
            Handler::Query => &activity.functions.query,
        });
        parts.push(part(
            handler.name(),
            &judge,
            function.as_ref(),
            |function| {
                let advice = judge.function(handler, function, calls);
                (json!({"function": function, "calls": calls}), advice)
            },
        ));
    }
    parts.push(part("stream", &judge, seen.mapping.as_ref(), |mapping| {
        let advice = judge.mapping(mapping, lag);
        (json!({"mapping": mapping, "lag": lag}), advice)
    }));
    parts.push(part(
        "writeModel",
        &judge,
        seen.write_model.as_ref(),
        |table| (json!(table), judge.write_model(table)),
    ));
    parts.push(match &seen.read_model {
        Ok(model) => part("readModel", &judge, Ok(model), |model| {
            (json!(model), judge.read_model(model))
        }),
        Err(unseen) => advised("readModel", Value::Null, Some(judge.unread(unseen))),
    });
    parts.push(part("failures", &judge, seen.failures.as_ref(), |depth| {
        (json!(depth), judge.failures(depth))
    }));
    if let Some(alarms) = &seen.alarms {
        parts.push(part("alarms", &judge, alarms.as_ref(), |alarms| {
            (json!(alarms), judge.alarms(alarms))
        }));
    }
    parts
}

fn part<T>(
    name: &'static str,
    judge: &Judge<'_>,
    seen: Result<&T, &Unseen>,
    describe: impl FnOnce(&T) -> (Value, Option<Advice>),
) -> Part {
    let (facts, advice) = match seen {
        Ok(seen) => describe(seen),
        Err(unseen) => (Value::Null, Some(judge.unseen(unseen))),
    };
    advised(name, facts, advice)
}

fn advised(name: &'static str, facts: Value, advice: Option<Advice>) -> Part {
    Part {
        name,
        health: advice.as_ref().map_or(Health::Ok, |advice| advice.health),
        message: advice.as_ref().map(|advice| advice.message.clone()),
        next: advice.and_then(|advice| advice.next),
        facts,
    }
}
