use insta::assert_snapshot;
use pattern::timestamp::Timestamp;

use super::super::Place;
use super::*;
use crate::aws::AwsError;
use crate::domain::Domain;
use crate::failures::queue::Depth;
use crate::observe::{
    Activity, Alarm, Alarms, Counted, Function, Invocations, Lag, Mapping, PerFunction, ReadModel,
    Seen, Stack, WriteModel,
};
use crate::settings::Target;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn function() -> Function {
    Function {
        state: "Active".to_owned(),
        last_update: Some("Successful".to_owned()),
        memory_mb: Some(512),
        code: Some("0123456789abcdef".to_owned()),
        changed_at: Some(at("2026-11-24T01:00:00Z")),
        ..Function::default()
    }
}

fn invocations(invocations: u64, p99_ms: Option<f64>) -> Invocations {
    let hour = Counted {
        invocations,
        ..Counted::default()
    };
    Invocations {
        hour,
        p99_ms,
        ..Invocations::default()
    }
}

/// A stack on AWS that is well.
fn well() -> Seen {
    Seen {
        at: at("2026-11-24T03:00:00Z"),
        stack: Ok(Stack {
            status: "UPDATE_COMPLETE".to_owned(),
            changed_at: Some(at("2026-11-22T02:00:00Z")),
            ..Stack::default()
        }),
        functions: PerFunction {
            publisher: Ok(function()),
            subscriber: Ok(function()),
            query: Ok(function()),
        },
        activity: Ok(Activity {
            functions: PerFunction {
                publisher: invocations(1204, Some(12.2)),
                subscriber: invocations(7, Some(3.24)),
                query: invocations(0, None),
            },
            minutes: Vec::new(),
            lag: Lag {
                lag_ms: Some(312),
                measured_at: Some(at("2026-11-24T02:58:00Z")),
                behind: None,
            },
        }),
        mapping: Ok(Mapping {
            id: "m-1".to_owned(),
            state: "Enabled".to_owned(),
            last_processing_result: Some("OK".to_owned()),
            ..Mapping::default()
        }),
        write_model: Ok(WriteModel {
            status: "ACTIVE".to_owned(),
            count: Domain::bundled().count(10_000),
            is_approximate: true,
            stream_view: None,
        }),
        read_model: Ok(ReadModel {
            count: Domain::bundled().count(9_998),
            cache_ms: 0.46,
            answer_ms: 21,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            is_complete: true,
        }),
        failures: Ok(Depth::default()),
        alarms: Some(Ok(Alarms {
            count: 6,
            raised: Vec::new(),
        })),
        lag_limit_ms: 60_000,
        dashboard: Some("https://example.org/dashboard".to_owned()),
    }
}

#[test]
fn a_read_model_that_lost_its_contents_is_said_first() {
    let mut seen = well();
    seen.failures = Ok(Depth {
        visible: 1,
        hidden: 0,
    });
    seen.write_model = Ok(WriteModel {
        status: "DELETING".to_owned(),
        count: Domain::bundled().count(0),
        is_approximate: true,
        stream_view: None,
    });
    seen.read_model.as_mut().unwrap().is_complete = false;
    let report = report(seen);
    let failure = report.failure().unwrap();
    assert_eq!(
        failure.with_causes(),
        "stack `cqrs` is not well: read model, write model, failures"
    );
    assert_eq!(failure.next_step(), Some("`cqrs rebuild` completes it"));
    let text = text(&report, Style::plain(), None);
    assert!(text.contains("9998 orders and not all,"), "{text}");
    let first = text.find("read model: it is incomplete").unwrap();
    assert!(
        first < text.find("write model: the table is").unwrap(),
        "{text}"
    );
}

fn report(seen: Seen) -> Report {
    let place = Place {
        stack: "cqrs".parse().unwrap(),
        target: Target::Aws,
        region: "eu-west-1".to_owned(),
    };
    Report::new(seen, &place)
}

fn shown(seen: Seen, columns: Option<usize>) -> String {
    text(&report(seen), Style::plain(), columns)
}

#[test]
fn what_is_not_well_says_what_to_do_and_what_cannot_be_read_hides_nothing_else() {
    let mut seen = well();
    let missing = AwsError::incomplete("cloudwatch:GetMetricData", "a metric");
    seen.activity = Err(missing.into());
    seen.failures = Ok(Depth {
        visible: 2,
        hidden: 1,
    });
    if let Ok(mapping) = &mut seen.mapping {
        mapping.state = "Disabled".to_owned();
    }
    let raised = Alarm {
        name: "cqrs-lag".to_owned(),
        description: Some("The read model is behind the write model.".to_owned()),
        since: None,
    };
    seen.alarms = Some(Ok(Alarms {
        count: 6,
        raised: vec![raised],
    }));
    seen.dashboard = None;
    assert_snapshot!(shown(seen, None), @r"
    Stack cqrs in eu-west-1 is not well  2026-11-24T03:00:00.000Z

    ✓ stack        UPDATE_COMPLETE, changed 2 d 1 h ago
    ✓ publisher    Active  invocations not known  512 MB  code 0123456789ab, 2 h 0 min ago
    ✓ write model  ACTIVE, about 10000 orders (DynamoDB counts every six hours)
    ✗ mapping      Disabled, OK, lag not known
    ✓ subscriber   Active  invocations not known  512 MB  code 0123456789ab, 2 h 0 min ago
    ✓ read model   9998 orders, the cache answers in 0.5 ms, the function in 21 ms, version 0.1.0
    ✓ query        Active  invocations not known  512 MB  code 0123456789ab, 2 h 0 min ago
    ✗ failures     2 waiting, 1 in flight
    ✗ alarms       1 of 6 raised: cqrs-lag
    ? metrics      the answer to cloudwatch:GetMetricData lacks a metric

    ✗ mapping: it is disabled: nothing is projected
      next: `aws lambda update-event-source-mapping --enabled --uuid m-1`

    ✗ failures: 2 wait, whose records the read model may lack
      next: `cqrs failures list` shows them

    ✗ alarms: cqrs-lag: The read model is behind the write model
      next: `aws cloudwatch describe-alarms --alarm-names cqrs-lag` shows when and why
    ");
}

#[test]
fn a_narrow_terminal_breaks_lines_between_words() {
    let shown = shown(well(), Some(60));
    assert_snapshot!(shown, @r"
    Stack cqrs in eu-west-1 is well  2026-11-24T03:00:00.000Z

    ✓ stack        UPDATE_COMPLETE, changed 2 d 1 h ago
    ✓ publisher    Active, 1204 invocations in 1 h, 0 errors,
                   0 throttled, p99 12 ms, 512 MB,
                   code 0123456789ab, 2 h 0 min ago
    ✓ write model  ACTIVE,
                   about 10000 orders (DynamoDB counts every
                   six hours)
    ✓ mapping      Enabled, OK,
                   lag at most 312 ms in 5 minutes,
                   last measured 2 min 0 s ago
    ✓ subscriber   Active, 7 invocations in 1 h, 0 errors,
                   0 throttled, p99 3.2 ms, 512 MB,
                   code 0123456789ab, 2 h 0 min ago
    ✓ read model   9998 orders, the cache answers in 0.5 ms,
                   the function in 21 ms, version 0.1.0
    ✓ query        Active, 0 invocations in 1 h, 0 errors,
                   0 throttled, 512 MB,
                   code 0123456789ab, 2 h 0 min ago
    ✓ failures     none wait
    ✓ alarms       none of 6 raised
      dashboard    https://example.org/dashboard
    ");
    assert!(shown.lines().skip(1).all(|line| line.chars().count() < 60));
}

#[test]
fn what_others_wrote_cannot_steer_the_terminal() {
    assert_eq!(wrapped("a\x1b[2Jb\nc\td", 100), ["a?[2Jb c d"]);
}

#[test]
fn without_data_there_is_no_lag_rather_than_none() {
    let mut seen = well();
    if let Ok(activity) = &mut seen.activity {
        activity.lag = Lag::default();
    }
    assert!(shown(seen, None).contains("lag: no data in the last 5 minutes"));
}
