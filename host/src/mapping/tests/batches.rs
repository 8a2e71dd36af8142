//! How records become batches: size, bytes, window.

use std::time::Duration;

use super::super::batch::EVENT_LIMIT;
use super::super::shard::{Shard, Step};
use super::support::{Reply, later, mapping, now, record};
use crate::definition::Mapping;
use crate::store::{Record, Sequence};

#[test]
fn no_event_exceeds_six_megabytes() {
    let mapping = Mapping {
        batch_size: 10_000,
        ..mapping()
    };
    let long = |number| {
        let mut long = record(number, "key");
        let json = format!(
            "{},\"padding\":\"{}\"}}",
            long.json.trim_end_matches('}'),
            "x".repeat(999_000)
        );
        // One brace too few was taken off the inner object.
        long.json = json.replacen(",\"padding\"", "},\"padding\"", 1).into();
        long
    };
    let sizes = std::cell::RefCell::new(vec![]);
    let mut shard = Shard::new(&mapping, Sequence(0));
    shard.take((1..=13).map(long).collect(), now());
    while let Step::Deliver(lane, batch) = shard.next(now()) {
        sizes
            .borrow_mut()
            .push((batch.records.len(), batch.event().len()));
        shard.came_back(lane, Reply::ok().outcome("request".into()), now());
    }
    let counts: Vec<usize> = sizes.borrow().iter().map(|(count, _)| *count).collect();
    assert_eq!(counts, [6, 6, 1]);
    assert!(
        sizes
            .borrow()
            .iter()
            .all(|(_, bytes)| *bytes <= EVENT_LIMIT)
    );
}

#[test]
fn a_record_that_fills_the_event_to_the_byte_fits_and_one_more_byte_does_not() {
    for (over, counts) in [(0, vec![2]), (1, vec![1, 1])] {
        let frame = r#"{"Records":[,]}"#.len();
        let of = |number, bytes: usize| Record {
            json: "1".repeat(bytes).into(),
            ..record(number, "key")
        };
        let mut shard = Shard::new(&mapping(), Sequence(0));
        shard.take(
            vec![of(1, 100), of(2, EVENT_LIMIT - frame - 100 + over)],
            now(),
        );
        let mut seen = vec![];
        while let Step::Deliver(lane, batch) = shard.next(now()) {
            seen.push(batch.records.len());
            shard.came_back(lane, Reply::ok().outcome("request".into()), now());
        }
        assert_eq!(seen, counts);
    }
}

#[test]
fn a_record_that_is_too_long_for_any_event_goes_alone() {
    let long = |number| Record {
        json: "1".repeat(EVENT_LIMIT + 1).into(),
        ..record(number, "key")
    };
    let mut shard = Shard::new(&mapping(), Sequence(0));
    shard.take(vec![long(1), record(2, "key")], now());
    let Step::Deliver(_, batch) = shard.next(now()) else {
        panic!("nothing to deliver")
    };
    assert_eq!(batch.records.len(), 1);
}

#[test]
fn a_window_gathers_until_it_is_over_or_the_batch_is_full() {
    let mapping = Mapping {
        batch_size: 3,
        window_seconds: 10,
        ..mapping()
    };
    let mut shard = Shard::new(&mapping, Sequence(0));
    let start = now();
    shard.take(vec![record(1, "key")], start);
    let until = |step: Step<'_>| match step {
        Step::Wait(Some(until)) => until - start.instant,
        other => panic!("{other:?}"),
    };
    assert_eq!(until(shard.next(start)), Duration::from_secs(10));
    // Later records do not prolong it.
    let soon = later(start, Duration::from_secs(4));
    shard.take(vec![record(2, "key")], soon);
    assert_eq!(until(shard.next(soon)), Duration::from_secs(10));
    let over = later(start, Duration::from_secs(10));
    let Step::Deliver(0, batch) = shard.next(over) else {
        panic!("it waits on")
    };
    assert_eq!(batch.records.len(), 2);
    // What came meanwhile has a window from the end of the invocation on, and needs none once full.
    shard.take(vec![record(3, "key")], over);
    let back = later(over, Duration::from_secs(5));
    shard.came_back(0, Reply::ok().outcome("request".into()), back);
    assert_eq!(until(shard.next(back)), Duration::from_secs(25));
    shard.take(vec![record(4, "key"), record(5, "key")], back);
    assert!(matches!(shard.next(back), Step::Deliver(0, batch) if batch.records.len() == 3));
}
