//! Finding the cause in what `DescribeEvents` and the stack's events say.

use super::*;
use crate::stack::replay::{STACK_ID, error, ok, replay};

const SINCE_MS: i64 = 1_795_420_800_000; // 2026-11-23T08:00:00Z

fn ended(failures: &[(&str, &str)]) -> Ended {
    let failure = |(logical_id, reason): &(&str, &str)| ResourceEvent {
        id: (*logical_id).to_owned(),
        at_ms: SINCE_MS,
        logical_id: (*logical_id).to_owned(),
        resource_type: "AWS::Test::Thing".to_owned(),
        physical_id: None,
        status: "CREATE_FAILED".to_owned(),
        reason: Some((*reason).to_owned()),
        is_stack: false,
    };
    Ended {
        stack_id: STACK_ID.to_owned(),
        since_ms: SINCE_MS,
        status: "ROLLBACK_COMPLETE".to_owned(),
        failures: failures.iter().map(failure).collect(),
        rolled_back: None,
    }
}

fn operation_event(second: u32, logical: &str, rest: &str) -> String {
    format!(
        "<member><EventId>e{second}</EventId><StackId>{STACK_ID}</StackId>\
         <LogicalResourceId>{logical}</LogicalResourceId><ResourceType>AWS::Test::Thing</ResourceType>\
         <Timestamp>2026-11-23T08:00:{second:02}.000Z</Timestamp>{rest}</member>"
    )
}

#[tokio::test]
async fn the_first_failure_in_time_comes_first_with_its_place_in_the_template() {
    let late = operation_event(
        9,
        "Fn",
        "<ResourceStatusReason>role cannot be assumed</ResourceStatusReason>",
    );
    let early = operation_event(
        3,
        "Table",
        "<EventType>VALIDATION_ERROR</EventType><ValidationName>PROPERTY_VALIDATION</ValidationName>\
         <ValidationStatusReason>KeySchema is required</ValidationStatusReason>\
         <ValidationPath>/Resources/Table/Properties</ValidationPath>",
    );
    let cancelled = operation_event(
        4,
        "Queue",
        "<ResourceStatusReason>Resource creation cancelled</ResourceStatusReason>",
    );
    let (stacks, service) = replay(vec![ok(
        "DescribeEvents",
        &format!("<OperationEvents>{late}{cancelled}{early}</OperationEvents>"),
    )]);
    let causes = stacks.root_causes(&ended(&[])).await;
    let seen: Vec<_> = causes
        .iter()
        .map(|c| (c.logical_id.as_str(), c.reason.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("Table", "KeySchema is required"),
            ("Fn", "role cannot be assumed")
        ]
    );
    assert_eq!(
        causes[0].path.as_deref(),
        Some("/Resources/Table/Properties")
    );
    assert!(service.requests()[0].contains("Filters.FailedEvents=true"));
}

#[tokio::test]
async fn failures_of_earlier_operations_are_left_out() {
    let old = operation_event(
        1,
        "Old",
        "<ResourceStatusReason>long ago</ResourceStatusReason>",
    );
    let new = operation_event(
        5,
        "New",
        "<ResourceStatusReason>just now</ResourceStatusReason>",
    );
    let (stacks, _) = replay(vec![ok(
        "DescribeEvents",
        &format!("<OperationEvents>{new}{old}</OperationEvents>"),
    )]);
    let since_ms = SINCE_MS + 2_000;
    let ended = Ended {
        since_ms,
        ..ended(&[])
    };
    let causes = stacks.root_causes(&ended).await;
    assert_eq!(causes.len(), 1);
    assert_eq!(causes[0].logical_id, "New");
}

#[tokio::test]
async fn without_permission_the_stacks_own_events_tell() {
    let (stacks, service) = replay(vec![error(403, "AccessDenied", "not authorized")]);
    let failures = [
        ("Cache", "no such node type"),
        ("Queue", "Resource creation cancelled"),
        ("Cache", "no such node type"),
    ];
    let causes = stacks.root_causes(&ended(&failures)).await;
    assert_eq!(causes.len(), 1);
    assert_eq!(causes[0].reason, "no such node type");
    assert_eq!(service.operations(), ["DescribeEvents"]);
}
