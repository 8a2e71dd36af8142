//! The line by itself, and against what the specification of the embedded metric format demands.

use std::collections::HashSet;

use serde_json::{Value, json};
use test_support::metrics::metrics;

use super::*;

/// A log of an environment with these variables.
fn log(variables: &[(&str, &str)]) -> Log {
    let source = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found
            .map(|(_, value)| (*value).to_owned())
            .or_else(|| (name == "AWS_LAMBDA_FUNCTION_NAME").then(|| "shop-subscriber".to_owned()))
    };
    Log::from_env(&source).unwrap()
}

/// The line that `put` makes of a first invocation, which is a cold start, or of a later one.
fn line(log: &Log, level: Level, put: impl FnOnce(Line<'_>) -> Line<'_>) -> Option<Value> {
    let invocation = Invocation::new("r-1".to_owned(), log);
    let text = put(invocation.line(level, "done")).finish()?;
    let text = String::from_utf8(text).unwrap();
    // CloudWatch wants the object and nothing around it; Lambda ends an event at the line's end.
    assert!(text.ends_with("}\n") && text.matches('\n').count() == 1);
    Some(serde_json::from_str(&text).unwrap())
}

fn warm(variables: &[(&str, &str)]) -> Log {
    let log = log(variables);
    log.cold.store(false, Ordering::Relaxed);
    log
}

fn put(line: Line<'_>) -> Line<'_> {
    line.field("records", 3)
        .count("applied", 2)
        .milliseconds("cacheMs", Duration::from_micros(1234))
        .distribution("recordLagMs", &[5, 7])
        .count_by("command", "create", "commands", 1)
}

#[test]
fn a_line_has_its_fields_at_the_top_and_says_which_are_metrics() {
    let mut line = line(&warm(&[]), Level::INFO, put).unwrap();
    let at = Timestamp::parse(line["timestamp"].as_str().unwrap()).unwrap();
    assert_eq!(line["_aws"]["Timestamp"], at.as_millis());
    assert!(line["tookMs"].as_f64().unwrap() >= 0.0);
    for varies in ["timestamp", "tookMs"] {
        line[varies].take();
    }
    line["_aws"]["Timestamp"].take();
    assert_eq!(
        line,
        json!({
            "timestamp": null, "level": "INFO", "message": "done", "requestId": "r-1",
            "records": 3, "applied": 2, "cacheMs": 1.234, "recordLagMs": [5, 7],
            "command": "create", "commands": 1, "tookMs": null,
            "FunctionName": "shop-subscriber",
            "_aws": {"Timestamp": null, "CloudWatchMetrics": [
                {
                    "Namespace": "cqrs",
                    "Dimensions": [["FunctionName"]],
                    "Metrics": [
                        {"Name": "applied", "Unit": "Count"},
                        {"Name": "cacheMs", "Unit": "Milliseconds"},
                        {"Name": "recordLagMs", "Unit": "Milliseconds"},
                    ],
                },
                {
                    "Namespace": "cqrs",
                    "Dimensions": [["FunctionName", "command"]],
                    "Metrics": [{"Name": "commands", "Unit": "Count"}],
                },
            ]},
        })
    );
}

#[test]
fn the_first_line_of_an_environment_counts_its_cold_start_and_no_other_does() {
    let log = log(&[]);
    let first = line(&log, Level::INFO, |line| line).unwrap();
    let places: Vec<_> = metrics(&first).into_keys().collect();
    assert_eq!(places, ["cqrs coldStart FunctionName=shop-subscriber"]);
    assert_eq!(first["coldStart"], 1);
    let second = line(&log, Level::INFO, |line| line).unwrap();
    assert_eq!(second.get("coldStart"), None);
    assert_eq!(second.get("_aws"), None);
}

#[test]
fn without_metrics_a_line_is_just_its_fields() {
    let log = log(&[("METRICS", "off")]);
    let line = line(&log, Level::INFO, put).unwrap();
    let names: HashSet<_> = line.as_object().unwrap().keys().collect();
    let expected = [
        "timestamp",
        "level",
        "message",
        "requestId",
        "coldStart",
        "records",
        "applied",
        "cacheMs",
        "command",
        "commands",
        "tookMs",
    ];
    assert_eq!(names, expected.map(str::to_owned).iter().collect());
}

#[test]
fn below_the_level_only_metrics_are_left_and_without_them_nothing() {
    let quiet = ("LOG_LEVEL", "ERROR");
    let loud = line(&warm(&[]), Level::INFO, put).unwrap();
    let bare = line(&warm(&[quiet]), Level::INFO, put).unwrap();
    assert_eq!(metrics(&bare), metrics(&loud));
    // The level of a line that Lambda's filter lets pass.
    assert_eq!(bare["level"], "INFO");
    for field in ["message", "requestId", "records", "tookMs"] {
        assert_eq!(bare.get(field), None, "{bare}");
    }
    assert_eq!(
        line(&warm(&[quiet]), Level::INFO, |line| line.field("a", 1)),
        None
    );
    let off = [quiet, ("METRICS", "off")];
    assert_eq!(line(&log(&off), Level::INFO, put), None);
    let error = line(&log(&off), Level::ERROR, put).unwrap();
    assert_eq!(error["records"], 3);
}

#[test]
fn the_level_is_the_handlers_own_or_else_lambdas() {
    for (variables, expected) in [
        (vec![], Level::INFO),
        (vec![("AWS_LAMBDA_LOG_LEVEL", "debug")], Level::DEBUG),
        (vec![("AWS_LAMBDA_LOG_LEVEL", "FATAL")], Level::ERROR),
        (
            vec![("AWS_LAMBDA_LOG_LEVEL", "INFO"), ("LOG_LEVEL", "WARN")],
            Level::WARN,
        ),
        (vec![("LOG_LEVEL", "loud")], Level::INFO),
    ] {
        assert_eq!(log(&variables).level, expected, "{variables:?}");
    }
}

#[test]
fn metrics_are_on_or_off_and_nothing_else() {
    for value in ["true", "ON", "0"] {
        let error = Log::from_env(&|name| (name == METRICS).then(|| value.to_owned())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable METRICS must be on or off"
        );
    }
}

#[test]
fn a_count_of_none_is_a_field_and_no_metric() {
    let line = line(&warm(&[]), Level::INFO, |line| line.count("stale", 0)).unwrap();
    assert_eq!((&line["stale"], line.get("_aws")), (&json!(0), None));
}

#[test]
fn a_metric_without_values_is_left_out_and_one_of_very_many_fits() {
    let none = line(&warm(&[]), Level::INFO, |line| {
        line.distribution("recordLagMs", &[])
            .milliseconds("cacheMs", None)
    });
    let none = none.unwrap();
    assert_eq!((none.get("_aws"), none.get("cacheMs")), (None, None));
    let many = line(&warm(&[]), Level::INFO, |line| {
        line.distribution("recordLagMs", &Vec::from_iter(0..5000))
    });
    let many = metrics(&many.unwrap());
    assert_eq!(
        many["cqrs recordLagMs FunctionName=shop-subscriber"]
            .values
            .len(),
        100
    );
}

#[test]
fn what_a_field_holds_is_escaped() {
    let text = "a \"quoted\"\nline \u{1f980}";
    let line = line(&warm(&[]), Level::INFO, |line| line.field("error", text)).unwrap();
    assert_eq!(line["error"], text);
}
