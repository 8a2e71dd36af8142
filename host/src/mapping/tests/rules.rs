//! AWS's rules, one by one, without a clock.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::failure::{self, Condition, Route};
use super::super::shard::{Shard, Step};
use super::support::{Reply, later, mapping, now, numbers, records, reports, throws};
use crate::definition::Mapping;
use crate::store::{Record, Sequence};

/// What became of records.
#[derive(Debug, Default)]
struct Story {
    deliveries: Vec<Vec<i64>>,
    given_up: Vec<(Vec<i64>, Condition)>,
    messages: Vec<Value>,
    done: i64,
    took: Duration,
}

/// Delivers these records until nothing is left to do.
fn deliver(
    mapping: &Mapping,
    records: Vec<Record>,
    mut function: impl FnMut(&[i64]) -> Reply,
) -> Story {
    let mut shard = Shard::new(mapping, Sequence(0));
    let mut story = Story::default();
    let began = now();
    let mut now = began;
    shard.take(records, now);
    let route = Route {
        function_arn: "the function".into(),
        stream_arn: "the stream".into(),
        shard_id: "the shard".into(),
    };
    loop {
        match shard.next(now) {
            Step::Wait(None) => break,
            Step::Wait(Some(until)) => now = later(now, until - now.instant),
            Step::Deliver(lane, batch) => {
                let batch = numbers(&batch.event());
                story.deliveries.push(batch.clone());
                let request_id = format!("request {}", story.deliveries.len());
                shard.came_back(lane, function(&batch).outcome(request_id), now);
            }
            Step::GiveUp(lane, batch, condition) => {
                let given_up = numbers(&batch.event());
                story.given_up.push((given_up, condition));
                let message = failure::message(batch, condition, &route, now.unix_ms);
                story.messages.push(serde_json::from_str(&message).unwrap());
                let expected = shard.done_without(lane);
                shard.passed_over(lane, now);
                assert_eq!(shard.done(), expected);
            }
        }
    }
    story.done = shard.done().0;
    story.took = now.instant - began.instant;
    story
}

fn exhausted(numbers: &[i64]) -> (Vec<i64>, Condition) {
    (numbers.to_vec(), Condition::RetryAttemptsExhausted)
}

#[test]
fn records_go_in_batches_in_the_order_of_the_stream() {
    let mapping = Mapping {
        batch_size: 3,
        ..mapping()
    };
    let story = deliver(&mapping, records(7), |_| Reply::ok());
    assert_eq!(story.deliveries, [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
    assert_eq!((story.done, story.given_up.len()), (7, 0));
}

#[test]
fn a_reported_record_and_all_after_it_are_delivered_again() {
    for (poison, then) in [(1, vec![1, 2, 3]), (2, vec![2, 3]), (3, vec![3])] {
        let mut first = true;
        let story = deliver(&mapping(), records(3), |_| {
            match std::mem::take(&mut first) {
                true => Reply::failed(&[poison]),
                false => Reply::ok(),
            }
        });
        assert_eq!(story.deliveries, [vec![1, 2, 3], then]);
        assert_eq!(story.done, 3);
    }
}

#[test]
fn a_poisonous_record_takes_those_after_it_in_its_batch_along() {
    for (poison, given_up) in [(1, vec![1, 2, 3]), (2, vec![2, 3]), (3, vec![3])] {
        let story = deliver(&mapping(), records(3), reports(&[poison]));
        assert_eq!(story.given_up, [exhausted(&given_up)]);
        // The retries begin when the checkpoint has come to the record.
        let with_the_poison_first = if poison == 1 { 3 } else { 4 };
        assert_eq!(story.deliveries.len(), with_the_poison_first);
        assert_eq!(
            story.messages[0]["requestContext"]["approximateInvokeCount"],
            3
        );
        assert_eq!(story.done, 3);
    }
}

#[test]
fn retries_and_pauses_begin_anew_when_the_checkpoint_moves() {
    let mut count = 0;
    let story = deliver(&mapping(), records(2), |_| {
        count += 1;
        Reply::failed(&[if count <= 2 { 1 } else { 2 }])
    });
    assert_eq!(
        story.deliveries,
        [
            vec![1, 2],
            vec![1, 2],
            vec![1, 2],
            vec![2],
            vec![2],
            vec![2]
        ]
    );
    assert_eq!(story.given_up, [exhausted(&[2])]);
    // 0.1 and 0.2 seconds, none after the move, and both again.
    assert_eq!(story.took, Duration::from_millis(600));
}

#[test]
fn what_comes_after_a_batch_given_up_is_delivered() {
    let mapping = Mapping {
        batch_size: 2,
        ..mapping()
    };
    let story = deliver(&mapping, records(4), reports(&[2]));
    assert_eq!(story.given_up, [exhausted(&[2])]);
    assert_eq!(story.deliveries.last().unwrap(), &[3, 4]);
}

#[test]
fn a_batch_of_nothing_but_poison_is_given_up_in_one_message() {
    let story = deliver(&mapping(), records(3), reports(&[1, 2, 3]));
    assert_eq!(story.deliveries, vec![vec![1, 2, 3]; 3]);
    assert_eq!(story.given_up, [exhausted(&[1, 2, 3])]);
    assert_eq!(story.messages[0]["DDBStreamBatchInfo"]["batchSize"], 3);
}

#[test]
fn an_answer_that_cannot_be_understood_fails_the_whole_batch() {
    for body in [
        "not JSON",
        r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
        "[1]",
    ] {
        let story = deliver(&mapping(), records(2), |_| Reply::Says(body.into()));
        assert_eq!(story.deliveries, vec![vec![1, 2]; 3], "{body}");
        assert_eq!(story.given_up, [exhausted(&[1, 2])]);
        assert_eq!(
            story.messages[0]["responseContext"]["functionError"],
            Value::Null
        );
    }
}

#[test]
fn without_report_batch_item_failures_every_answer_is_success() {
    let mapping = Mapping {
        report_item_failures: false,
        ..mapping()
    };
    for reply in [Reply::failed(&[1]), Reply::Says("not JSON".into())] {
        let story = deliver(&mapping, records(2), |_| reply.clone());
        assert_eq!(story.deliveries, [[1, 2]]);
        assert_eq!(story.done, 2);
    }
}

#[test]
fn a_batch_that_failed_is_retried_as_often_as_the_settings_say() {
    for retries in [0, 1, 5] {
        let mapping = Mapping {
            maximum_retry_attempts: Some(retries),
            ..mapping()
        };
        let story = deliver(&mapping, records(2), throws(&[1]));
        assert_eq!(
            story.deliveries.len(),
            1 + usize::try_from(retries).unwrap()
        );
        assert_eq!(story.given_up, [exhausted(&[1, 2])]);
    }
}

#[test]
fn without_a_bound_a_batch_is_retried_until_the_stream_would_have_lost_it() {
    let mapping = Mapping {
        maximum_retry_attempts: None,
        ..mapping()
    };
    let story = deliver(&mapping, records(1), throws(&[1]));
    assert_eq!(story.given_up, [(vec![1], Condition::RecordAgeExceeded)]);
    assert!(story.took >= Duration::from_secs(86_400));
    assert!(story.took < Duration::from_secs(86_405));
    // As recorded of a record that grew too old between its retries.
    let message = &story.messages[0];
    let last = story.deliveries.len();
    assert_eq!(message.get("responseContext"), None);
    assert_eq!(
        message["requestContext"],
        json!({
            "requestId": format!("request {last}"),
            "functionArn": "the function",
            "condition": "RecordAgeExceeded",
            "approximateInvokeCount": last,
        })
    );
}

#[test]
fn pauses_between_retries_grow_to_two_seconds() {
    let mapping = Mapping {
        maximum_retry_attempts: Some(10),
        ..mapping()
    };
    let story = deliver(&mapping, records(1), throws(&[1]));
    // 0.1, 0.2, 0.4, 0.8, 1.6 and five times 2 seconds.
    assert_eq!(story.took, Duration::from_millis(13_100));
}

#[test]
fn a_throttled_function_uses_up_no_retries() {
    let mut throttled = 20;
    let mapping = Mapping {
        maximum_retry_attempts: Some(0),
        ..mapping()
    };
    let story = deliver(&mapping, records(1), |_| {
        throttled -= 1;
        if throttled > 0 {
            Reply::IsThrottled
        } else {
            Reply::ok()
        }
    });
    assert_eq!(story.deliveries.len(), 20);
    assert_eq!((story.done, story.given_up.len()), (1, 0));
}

#[test]
fn a_function_that_stays_throttled_is_waited_for_until_the_records_are_too_old() {
    let mapping = Mapping {
        maximum_record_age_seconds: Some(60),
        ..mapping()
    };
    let story = deliver(&mapping, records(2), |_| Reply::IsThrottled);
    assert_eq!(story.given_up, [(vec![1, 2], Condition::RecordAgeExceeded)]);
    // As recorded of records that were too old before their first delivery.
    let message = &story.messages[0];
    assert_eq!(message["requestContext"]["approximateInvokeCount"], 1);
    let request_id = message["requestContext"]["requestId"].as_str().unwrap();
    assert_eq!(request_id.len(), 36, "{request_id}");
    assert_eq!(message.get("responseContext"), None);
}

#[test]
fn only_the_records_of_a_batch_that_are_too_old_are_given_up() {
    let mapping = Mapping {
        maximum_record_age_seconds: Some(60),
        ..mapping()
    };
    let mut records = records(3);
    records[0].arrived_ms -= 90_000;
    records[1].arrived_ms -= 60_001;
    records[2].arrived_ms -= 60_000;
    let story = deliver(&mapping, records, |_| Reply::ok());
    assert_eq!(story.given_up, [(vec![1, 2], Condition::RecordAgeExceeded)]);
    assert_eq!(story.deliveries, [[3]]);
    assert_eq!(story.done, 3);
}

#[test]
fn a_batch_that_failed_is_halved_until_the_poison_is_alone() {
    let mapping = Mapping {
        bisect_on_error: true,
        ..mapping()
    };
    let story = deliver(&mapping, records(5), throws(&[2]));
    assert_eq!(
        story.deliveries,
        [
            vec![1, 2, 3, 4, 5],
            vec![1, 2, 3],
            vec![1, 2],
            vec![1],
            vec![2],
            vec![2],
            vec![2],
            vec![3],
            vec![4, 5]
        ]
    );
    assert_eq!(story.given_up, [exhausted(&[2])]);
    assert_eq!(story.done, 5);
}

#[test]
fn halving_uses_up_no_retries() {
    let mapping = Mapping {
        bisect_on_error: true,
        maximum_retry_attempts: Some(0),
        ..mapping()
    };
    let story = deliver(&mapping, records(64), throws(&[40]));
    assert_eq!(story.given_up, [exhausted(&[40])]);
    assert_eq!(story.took, Duration::ZERO);
}

#[test]
fn with_bisect_a_partial_answer_splits_at_the_reported_record_and_does_not_halve() {
    let mapping = Mapping {
        bisect_on_error: true,
        ..mapping()
    };
    let story = deliver(&mapping, records(4), reports(&[2]));
    assert_eq!(
        story.deliveries,
        [
            vec![1, 2, 3, 4],
            vec![2, 3, 4],
            vec![2, 3, 4],
            vec![2, 3, 4]
        ]
    );
    // As on AWS, what was reported first takes its batch along.
    assert_eq!(story.given_up, [exhausted(&[2, 3, 4])]);
}

#[test]
fn every_record_poison_with_bisect_gives_each_up_alone_and_in_order() {
    let mapping = Mapping {
        bisect_on_error: true,
        ..mapping()
    };
    let story = deliver(&mapping, records(6), throws(&[1, 2, 3, 4, 5, 6]));
    let alone: Vec<_> = (1..=6).map(|number| exhausted(&[number])).collect();
    assert_eq!(story.given_up, alone);
}

#[test]
fn a_retry_waits_for_no_window() {
    let mapping = Mapping {
        window_seconds: 10,
        maximum_retry_attempts: Some(1),
        ..mapping()
    };
    let story = deliver(&mapping, records(1), throws(&[1]));
    assert_eq!(story.took, Duration::from_millis(10_100));
}

#[test]
fn the_message_has_the_fields_that_aws_documents() {
    let mut records = records(2);
    records[1].arrived_ms += 1_500;
    let story = deliver(&mapping(), records, throws(&[1]));
    assert_eq!(
        story.messages,
        [json!({
            "requestContext": {
                "requestId": "request 3",
                "functionArn": "the function",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 3
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled"
            },
            "version": "1.0",
            "timestamp": "2026-09-21T14:13:20.300Z",
            "DDBStreamBatchInfo": {
                "shardId": "the shard",
                "startSequenceNumber": "100000000000000000001",
                "endSequenceNumber": "100000000000000000002",
                "approximateArrivalOfFirstRecord": "2026-09-21T14:13:20Z",
                "approximateArrivalOfLastRecord": "2026-09-21T14:13:21Z",
                "batchSize": 2,
                "streamArn": "the stream"
            }
        })]
    );
}
