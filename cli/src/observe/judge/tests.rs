use super::*;
use crate::domain::Domain;
use crate::observe::LastError;

fn judged<T>(target: Target, judge: impl FnOnce(Judge<'_>) -> T) -> T {
    judge(Judge {
        stack: &"shop".parse().unwrap(),
        target,
        lag_limit_ms: 60_000,
    })
}

/// The health, and the advice's two sentences.
fn said(advice: Option<Advice>) -> (Health, String) {
    match advice {
        None => (Health::Ok, String::new()),
        Some(advice) => {
            let next = advice.next.unwrap_or_default();
            (advice.health, format!("{} | {next}", advice.message))
        }
    }
}

fn stack(status: &str) -> (Health, String) {
    let stack = Stack {
        status: status.to_owned(),
        ..Stack::default()
    };
    said(judged(Target::Aws, |judge| judge.stack(&stack)))
}

fn function(state: &str) -> Function {
    Function {
        state: state.to_owned(),
        reason: Some("why".to_owned()),
        last_update: Some("Successful".to_owned()),
        ..Function::default()
    }
}

fn of(handler: Handler, invocations: u64, errors: u64) -> Health {
    let recent = Counted {
        invocations,
        errors,
        ..Counted::default()
    };
    let activity = Invocations {
        recent,
        ..Invocations::default()
    };
    let advice = judged(Target::Aws, |judge| {
        judge.function(handler, &function("Active"), Some(&activity))
    });
    said(advice).0
}

fn mapping(state: &str, result: &str, lag_ms: Option<u64>) -> (Health, String) {
    let mapping = Mapping {
        id: "m-1".to_owned(),
        state: state.to_owned(),
        last_processing_result: Some(result.to_owned()),
        ..Mapping::default()
    };
    let lag = Lag {
        lag_ms,
        ..Lag::default()
    };
    said(judged(Target::Aws, |judge| {
        judge.mapping(&mapping, Some(&lag))
    }))
}

#[test]
fn a_stacks_status_decides_and_every_bad_one_has_a_way_out() {
    assert_eq!(stack("CREATE_COMPLETE").0, Health::Ok);
    assert_eq!(stack("UPDATE_COMPLETE").0, Health::Ok);
    for (status, health) in [
        ("UPDATE_IN_PROGRESS", Health::Warning),
        ("DELETE_IN_PROGRESS", Health::Warning),
        ("UPDATE_ROLLBACK_COMPLETE", Health::Warning),
        ("ROLLBACK_COMPLETE", Health::Failed),
        ("CREATE_FAILED", Health::Failed),
        ("UPDATE_FAILED", Health::Failed),
        ("UPDATE_ROLLBACK_FAILED", Health::Failed),
        ("DELETE_FAILED", Health::Failed),
    ] {
        let (found, text) = stack(status);
        assert_eq!(found, health, "{status}");
        assert!(text.contains("`cqrs de"), "{status}: {text}");
    }
}

#[test]
fn a_few_refusals_are_no_trouble_and_one_error_of_the_subscriber_is() {
    assert_eq!(of(Handler::Publisher, 0, 0), Health::Ok);
    assert_eq!(of(Handler::Publisher, 10, 4), Health::Ok);
    assert_eq!(of(Handler::Publisher, 10, 5), Health::Warning);
    assert_eq!(of(Handler::Query, 1, 1), Health::Warning);
    assert_eq!(of(Handler::Subscriber, 1_000, 1), Health::Warning);
}

#[test]
fn errors_of_an_hour_ago_are_over() {
    let hour = Counted {
        invocations: 9,
        errors: 9,
        ..Counted::default()
    };
    let activity = Invocations {
        hour,
        ..Invocations::default()
    };
    let advice = judged(Target::Aws, |judge| {
        judge.function(Handler::Subscriber, &function("Active"), Some(&activity))
    });
    assert_eq!(said(advice).0, Health::Ok);
}

#[test]
fn a_batch_that_failed_and_no_longer_waits_is_left_to_the_failures() {
    let mapping = Mapping {
        id: "m-1".to_owned(),
        state: "Enabled".to_owned(),
        last_processing_result: Some("PROBLEM: Function call failed".to_owned()),
        given_up: Some(1),
        ..Mapping::default()
    };
    let health = |behind| {
        let lag = Lag {
            behind: Some(behind),
            ..Lag::default()
        };
        said(judged(Target::Local, |judge| {
            judge.mapping(&mapping, Some(&lag))
        }))
        .0
    };
    assert_eq!((health(0), health(1)), (Health::Ok, Health::Warning));
}

/// What is said of a query function that crashed, where this was its last error.
fn crashed(error_type: &str, message: &str) -> String {
    let activity = Invocations {
        recent: Counted {
            invocations: 100,
            errors: 2,
            throttles: 0,
            crashes: Some(1),
        },
        last_error: Some(LastError {
            at: None,
            error_type: error_type.to_owned(),
            message: message.to_owned(),
        }),
        ..Invocations::default()
    };
    let advice = judged(Target::Local, |judge| {
        judge.function(Handler::Query, &function("Active"), Some(&activity))
    });
    said(advice).1
}

#[test]
fn a_crash_is_shown_with_the_last_error_unless_the_function_reported_that_itself() {
    assert_eq!(
        crashed("Runtime.ExitError", "exit status 1"),
        "1 of 100 invocations crashed in 5 minutes: Runtime.ExitError: exit status 1 | \
         `cqrs logs query --since 1h --local --stack shop` shows why"
    );
    let text = crashed("InvalidQuery", "limit must be 1 to 500");
    let without = "1 of 100 invocations crashed in 5 minutes | ";
    assert!(text.starts_with(without), "{text}");
}

#[test]
fn a_function_whose_last_update_failed_still_works() {
    let mut function = function("Active");
    function.last_update = Some("Failed".to_owned());
    let advice = judged(Target::Aws, |judge| {
        judge.function(Handler::Query, &function, None)
    });
    let (health, text) = said(advice);
    assert_eq!(health, Health::Warning);
    assert!(text.starts_with("its last update failed: why | "), "{text}");
}

#[test]
fn a_function_that_cannot_run_is_worse_than_one_that_waits() {
    let health = |state| {
        let advice = judged(Target::Aws, |judge| {
            judge.function(Handler::Query, &function(state), None)
        });
        said(advice).0
    };
    assert_eq!(health("Active"), Health::Ok);
    assert_eq!(health("Pending"), Health::Warning);
    assert_eq!(health("Inactive"), Health::Warning);
    assert_eq!(health("Failed"), Health::Failed);
}

#[test]
fn a_mapping_is_judged_by_its_state_then_its_lag_then_its_last_batch() {
    assert_eq!(mapping("Enabled", "OK", Some(59_999)).0, Health::Ok);
    assert_eq!(
        mapping("Enabled", "No records processed", None).0,
        Health::Ok
    );
    let (health, text) = mapping("Disabled", "OK", Some(70_000));
    assert_eq!(health, Health::Failed);
    assert!(text.ends_with("--enabled --uuid m-1`"), "{text}");
    let (health, text) = mapping("Enabled", "PROBLEM: Function call failed", Some(60_000));
    assert_eq!(health, Health::Failed);
    assert!(
        text.starts_with("the read model is 1 min 0 s behind"),
        "{text}"
    );
    let (health, _) = mapping("Enabled", "PROBLEM: Function call failed", Some(5));
    assert_eq!(health, Health::Warning);
    assert_eq!(mapping("Updating", "OK", None).0, Health::Warning);
}

#[test]
fn failures_that_wait_are_worse_than_those_in_flight() {
    let health = |visible, hidden| {
        let depth = Depth { visible, hidden };
        said(judged(Target::Aws, |judge| judge.failures(&depth))).0
    };
    assert_eq!(health(0, 0), Health::Ok);
    assert_eq!(health(0, 1), Health::Warning);
    assert_eq!(health(1, 0), Health::Failed);
}

#[test]
fn handlers_of_another_version_are_to_be_deployed() {
    let model = |version: &str| ReadModel {
        count: Domain::bundled().count(1),
        cache_ms: 0.1,
        answer_ms: 1,
        version: version.to_owned(),
        is_complete: true,
    };
    let judge = |version| {
        let model = model(version);
        said(judged(Target::Aws, |judge| judge.read_model(&model)))
    };
    assert_eq!(judge(env!("CARGO_PKG_VERSION")).0, Health::Ok);
    let (health, text) = judge("0.0.1");
    assert_eq!(health, Health::Warning);
    assert!(text.contains("`cqrs deploy --stack shop`"), "{text}");
}

#[test]
fn what_cannot_be_seen_is_not_taken_for_broken() {
    let judge = |unseen: &Unseen| judged(Target::Aws, |judge| judge.unseen(unseen));
    assert_eq!(judge(&Unseen::NoOutputs).health, Health::Unknown);
    assert_eq!(
        judge(&Unseen::NoOutput("TableName")).health,
        Health::Unknown
    );
    let gone = judge(&Unseen::Missing);
    assert_eq!(gone.health, Health::Failed);
    assert!(gone.next.unwrap().contains("status --drift"));
}
