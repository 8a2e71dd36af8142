//! What each part has to say of itself, in a few words each.

use std::time::Duration;

use pattern::timestamp::Timestamp;

use crate::app::duration;
use crate::failures::queue::Depth;
use crate::observe::judged::{Facts, FunctionFacts, MappingFacts};
use crate::observe::{Alarms, Lag, ReadModel, Stack, WriteModel};

/// Digits of a hash that are shown.
const DIGITS: usize = 12;

pub(super) fn of(facts: &Facts, now: Timestamp) -> Vec<String> {
    match facts {
        Facts::Stack(of) => stack(of, now),
        Facts::Function(facts) => function(facts, now),
        Facts::WriteModel(table) => write_model(table),
        Facts::Mapping(facts) => mapping(facts, now),
        Facts::ReadModel(model) => read_model(model),
        Facts::Failures(depth) => failures(depth),
        Facts::Alarms(of) => alarms(of),
        Facts::Metrics {} => Vec::new(),
    }
}

fn function(facts: &FunctionFacts, now: Timestamp) -> Vec<String> {
    let FunctionFacts { function, activity } = facts;
    let mut cells = vec![match function.last_update.as_deref() {
        None | Some("Successful") => function.state.clone(),
        Some(update) => format!("{}, update {update}", function.state),
    }];
    match activity {
        Some(activity) => {
            cells.push(format!(
                "{} in 1 h",
                counted(activity.hour.invocations, "invocation", "invocations")
            ));
            cells.push(counted(activity.hour.errors, "error", "errors"));
            cells.push(format!("{} throttled", activity.hour.throttles));
            if activity.hour.crashes.is_none() {
                let p99 = activity.p99_ms.map(|ms| format!("p99 {} ms", short(ms)));
                cells.push(p99.unwrap_or_default());
            }
        }
        None => cells.push("invocations not known".to_owned()),
    }
    if let Some(processes) = function.processes {
        cells.push(counted(processes as u64, "process", "processes"));
    }
    cells.push(
        function
            .memory_mb
            .map(|mb| format!("{mb} MB"))
            .unwrap_or_default(),
    );
    let code = function.code.as_deref().map(|code| {
        let code = code.get(..DIGITS).unwrap_or(code);
        let age = function
            .changed_at
            .map(|at| format!(", {}", since(at, now)));
        format!("code {code}{}", age.unwrap_or_default())
    });
    cells.push(code.unwrap_or_default());
    cells
}

fn stack(stack: &Stack, now: Timestamp) -> Vec<String> {
    let mut said = vec![match stack.status.as_str() {
        "RUNNING" => match stack.started_at {
            Some(at) => format!("runs for {}", lasting(at, now)),
            None => "runs".to_owned(),
        },
        "STOPPED" => "does not run".to_owned(),
        status => status.to_owned(),
    }];
    said.extend(
        stack
            .changed_at
            .map(|at| format!("changed {}", since(at, now))),
    );
    let by = stack.deployed_by.as_ref();
    said.extend(by.map(|version| format!("deployed by cqrs {version}")));
    if stack.drift.as_deref() == Some("DRIFTED") {
        said.push("changed outside of the stack".to_owned());
    }
    said
}

fn write_model(table: &WriteModel) -> Vec<String> {
    let count = match table.is_approximate {
        true => format!("about {} (DynamoDB counts every six hours)", table.count),
        false => table.count.to_string(),
    };
    vec![table.status.clone(), count]
}

fn mapping(facts: &MappingFacts, now: Timestamp) -> Vec<String> {
    let MappingFacts { mapping, lag } = facts;
    let mut said = vec![mapping.state.clone()];
    let result = mapping.last_processing_result.clone();
    said.extend(result.filter(|result| !result.is_empty()));
    match lag {
        Some(lag) => said.extend(lagging(lag, now)),
        None => said.push("lag not known".to_owned()),
    }
    if let Some(given_up) = mapping.given_up.filter(|count| *count > 0) {
        said.push(format!(
            "{} given up",
            counted(given_up, "record", "records")
        ));
    }
    said
}

fn lagging(lag: &Lag, now: Timestamp) -> Vec<String> {
    match (lag.behind, lag.lag_ms) {
        (Some(0), _) => vec!["nothing waits".to_owned()],
        (Some(behind), ms) => vec![
            format!("{} waiting", counted(behind, "record", "records")),
            format!("the oldest for {}", span(ms.unwrap_or(0))),
        ],
        (None, Some(ms)) => {
            let measured = lag.measured_at;
            let measured = measured.map(|at| format!("last measured {}", since(at, now)));
            let lag = format!("lag at most {} in 5 minutes", span(ms));
            [Some(lag), measured].into_iter().flatten().collect()
        }
        (None, None) => vec!["lag: no data in the last 5 minutes".to_owned()],
    }
}

fn read_model(model: &ReadModel) -> Vec<String> {
    let count = model.count.to_string();
    vec![
        match model.is_complete {
            true => count,
            false => format!("{count} and not all"),
        },
        format!("the cache answers in {} ms", short(model.cache_ms)),
        format!("the function in {} ms", model.answer_ms),
        format!("version {}", model.version),
    ]
}

fn failures(depth: &Depth) -> Vec<String> {
    match (depth.visible, depth.hidden) {
        (0, 0) => vec!["none wait".to_owned()],
        (visible, 0) => vec![format!("{visible} waiting")],
        (visible, hidden) => vec![format!("{visible} waiting"), format!("{hidden} in flight")],
    }
}

fn alarms(alarms: &Alarms) -> Vec<String> {
    let raised: Vec<&str> = alarms.raised.iter().map(|a| a.name.as_str()).collect();
    let count = alarms.count;
    vec![match raised.as_slice() {
        [] => format!("none of {count} raised"),
        raised => format!("{} of {count} raised: {}", raised.len(), raised.join(", ")),
    }]
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Milliseconds, with a digit after the point only where that says something.
fn short(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.0}")
    }
}

fn span(ms: u64) -> String {
    duration::shown(Duration::from_millis(ms))
}

fn lasting(at: Timestamp, now: Timestamp) -> String {
    let ms = u64::try_from(now.as_millis() - at.as_millis()).unwrap_or_default();
    duration::shown(Duration::from_secs(ms / 1_000))
}

fn since(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", lasting(at, now))
}
