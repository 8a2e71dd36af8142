//! Following operations through pages and pauses, against recorded answers.

use super::*;
use crate::stack::replay::{STACK_ID, events, replay};

async fn followed(stacks: &Stacks, mark: Mark) -> (Ended, Vec<String>) {
    let mut seen = Vec::new();
    let ended = stacks
        .follow(mark, |event| {
            seen.push(format!("{} {}", event.logical_id, event.status))
        })
        .await
        .expect("followed");
    (ended, seen)
}

#[tokio::test(start_paused = true)]
async fn only_events_after_the_mark_are_shown_each_once_and_oldest_first() {
    let old = [
        (2, "cqrs", "CREATE_COMPLETE", ""),
        (1, "cqrs", "CREATE_IN_PROGRESS", ""),
    ];
    let begun = (3, "cqrs", "UPDATE_IN_PROGRESS", "");
    let working = (4, "Fn", "UPDATE_IN_PROGRESS", "");
    let done = (5, "Fn", "UPDATE_COMPLETE", "");
    let end = (6, "cqrs", "UPDATE_COMPLETE", "");
    let (stacks, service) = replay(vec![
        events(&old, None),
        events(&old, None),
        events(&[begun, old[0], old[1]], None),
        events(&[end, done, working], Some("older")),
        events(&[begun, old[0], old[1]], None),
    ]);
    let mark = stacks.mark(STACK_ID).await.expect("a mark");
    let (ended, seen) = followed(&stacks, mark).await;
    assert!(ended.succeeded());
    assert_eq!(
        seen,
        [
            "cqrs UPDATE_IN_PROGRESS",
            "Fn UPDATE_IN_PROGRESS",
            "Fn UPDATE_COMPLETE",
            "cqrs UPDATE_COMPLETE"
        ]
    );
    assert!(service.requests()[4].contains("NextToken=older"));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_in_which_nothing_failed_keeps_the_stacks_own_reason() {
    let raised = "The alarm shop-publisher-errors was raised";
    let begun = (1, "cqrs", "UPDATE_IN_PROGRESS", "");
    let log = [
        (5, "cqrs", "UPDATE_ROLLBACK_COMPLETE", ""),
        (4, "Fn", "UPDATE_COMPLETE", ""),
        (3, "cqrs", "UPDATE_ROLLBACK_IN_PROGRESS", raised),
        (2, "Fn", "UPDATE_COMPLETE", ""),
        begun,
    ];
    let (stacks, service) = replay(vec![events(&[begun], None), events(&log, None)]);
    let mark = stacks.mark(STACK_ID).await.expect("a mark");
    let (ended, _) = followed(&stacks, mark).await;
    service.requests();
    assert!(!ended.succeeded() && ended.failures.is_empty());
    assert_eq!(ended.rolled_back.as_deref(), Some(raised));
}

#[tokio::test(start_paused = true)]
async fn a_failed_rollback_ends_the_following_with_every_failure_in_order() {
    let log = [
        (
            7,
            "cqrs",
            "UPDATE_ROLLBACK_FAILED",
            "The following resource(s) failed to update: [Fn].",
        ),
        (6, "Fn", "UPDATE_FAILED", "the old code is gone"),
        (
            5,
            "cqrs",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "The following resource(s) failed: [Cache].",
        ),
        (4, "Cache", "UPDATE_FAILED", "no such node type"),
        (3, "cqrs", "UPDATE_IN_PROGRESS", "User Initiated"),
    ];
    let (stacks, _) = replay(vec![events(&[], None), events(&log, None)]);
    let mark = stacks.mark(STACK_ID).await.expect("a mark");
    let (ended, seen) = followed(&stacks, mark).await;
    assert_eq!(ended.status, "UPDATE_ROLLBACK_FAILED");
    assert!(!ended.succeeded());
    assert_eq!(seen.len(), 5);
    let reasons: Vec<_> = ended
        .failures
        .iter()
        .filter_map(|f| f.reason.as_deref())
        .collect();
    assert_eq!(reasons, ["no such node type", "the old code is gone"]);
}

#[tokio::test(start_paused = true)]
async fn attaching_shows_the_running_operation_from_its_start_and_nothing_older() {
    let running = [
        (5, "Fn", "UPDATE_IN_PROGRESS", ""),
        (4, "cqrs", "UPDATE_IN_PROGRESS", "User Initiated"),
    ];
    let old = [
        (3, "cqrs", "CREATE_COMPLETE", ""),
        (2, "Fn", "CREATE_FAILED", "long ago"),
    ];
    let all = [running[0], running[1], old[0], old[1]];
    let end = (6, "cqrs", "UPDATE_COMPLETE", "");
    let (stacks, _) = replay(vec![
        events(&all, None),
        events(&all, None),
        events(&[end, all[0], all[1], all[2], all[3]], None),
    ]);
    let mark = stacks.mark_running(STACK_ID).await.expect("a mark");
    let (ended, seen) = followed(&stacks, mark).await;
    assert!(
        ended.failures.is_empty(),
        "what failed before is another operation's"
    );
    assert_eq!(
        seen,
        [
            "cqrs UPDATE_IN_PROGRESS",
            "Fn UPDATE_IN_PROGRESS",
            "cqrs UPDATE_COMPLETE"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_ends_soon_is_seen_soon() {
    let end = (1, "cqrs", "UPDATE_COMPLETE", "");
    let nothing = || events(&[], None);
    let looks = vec![
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        events(&[end], None),
    ];
    let (stacks, _) = replay(looks);
    let mark = stacks.mark(STACK_ID).await.expect("a mark");
    let begun = tokio::time::Instant::now();
    let (ended, _) = followed(&stacks, mark).await;
    assert!(ended.succeeded());
    // The clock stands still but for pauses.
    assert!(begun.elapsed() < USUAL_PAUSE, "{:?}", begun.elapsed());
}
