//! Keys in lanes, the low-water mark, and how much is read ahead.

use super::super::shard::{Shard, Step};
use super::support::{Reply, mapping, now, numbers, record, records};
use crate::definition::Mapping;
use crate::store::{Record, Sequence};

/// Starts every lane that can; returns what each got.
fn start(shard: &mut Shard) -> Vec<(usize, Vec<i64>)> {
    let mut started = vec![];
    while let Step::Deliver(lane, batch) = shard.next(now()) {
        started.push((lane, numbers(&batch.event())));
    }
    started
}

#[test]
fn lanes_keep_the_order_of_each_key_and_run_at_the_same_time() {
    let mapping = Mapping {
        batch_size: 2,
        parallelization_factor: 4,
        ..mapping()
    };
    let mut shard = Shard::new(&mapping, Sequence(0));
    let key = |number: i64| format!("key {}", number % 10);
    shard.take(
        (1..=100)
            .map(|number| record(number, &key(number)))
            .collect(),
        now(),
    );
    let mut seen = std::collections::BTreeMap::<String, Vec<i64>>::new();
    loop {
        let started = start(&mut shard);
        if started.is_empty() {
            break;
        }
        assert!(started.len() <= 4);
        for (lane, batch) in started.into_iter().rev() {
            for number in batch {
                seen.entry(key(number)).or_default().push(number);
            }
            shard.came_back(lane, Reply::ok().outcome("request".into()), now());
        }
    }
    assert_eq!(seen.len(), 10);
    assert!(
        seen.values()
            .all(|numbers| numbers.len() == 10 && numbers.is_sorted())
    );
    assert_eq!(shard.done(), Sequence(100));
}

#[test]
fn the_low_water_mark_waits_for_the_slowest_lane() {
    let mapping = Mapping {
        batch_size: 1,
        parallelization_factor: 2,
        ..mapping()
    };
    let mut shard = Shard::new(&mapping, Sequence(0));
    // Two keys of different lanes.
    let other = (0..).map(|at| format!("{at}")).find(|key| {
        let mut probe = Shard::new(&mapping, Sequence(0));
        probe.take(vec![record(1, "a"), record(2, key)], now());
        start(&mut probe).len() == 2
    });
    let other = other.unwrap();
    shard.take(
        vec![
            record(1, "a"),
            record(2, &other),
            record(4, &other),
            record(5, "a"),
        ],
        now(),
    );
    let ok = || Reply::ok().outcome("request".into());
    let started = start(&mut shard);
    let lane_of = |number: i64| {
        started
            .iter()
            .find(|(_, batch)| *batch == [number])
            .unwrap()
            .0
    };
    let (slow, fast) = (lane_of(1), lane_of(2));
    shard.came_back(fast, ok(), now());
    assert_eq!((shard.done(), shard.done_above()), (Sequence(0), 1));
    start(&mut shard);
    shard.came_back(fast, ok(), now());
    assert_eq!((shard.done(), shard.done_above()), (Sequence(0), 2));
    shard.came_back(slow, ok(), now());
    assert_eq!((shard.done(), shard.done_above()), (Sequence(4), 0));
    start(&mut shard);
    shard.came_back(slow, ok(), now());
    assert_eq!(shard.done(), Sequence(5));
}

#[test]
fn what_is_read_ahead_is_bounded() {
    let mut shard = Shard::new(&mapping(), Sequence(0));
    shard.take(records(4_000), now());
    assert_eq!(shard.room(), 6_000);
    shard.take(
        (4_001..=10_000)
            .map(|number| record(number, "key"))
            .collect(),
        now(),
    );
    assert_eq!(shard.room(), 0);
    let mut shard = Shard::new(&mapping(), Sequence(0));
    let long = |number| Record {
        json: "1".repeat(4_000_000).into(),
        ..record(number, "key")
    };
    shard.take((1..=5).map(long).collect(), now());
    assert_eq!(shard.room(), 0);
    assert!(matches!(shard.next(now()), Step::Deliver(0, batch) if batch.records.len() == 1));
    shard.came_back(0, Reply::ok().outcome("request".into()), now());
    assert_eq!(shard.room(), 9_996);
    // What a partial answer says is done makes room too.
    let mut shard = Shard::new(&mapping(), Sequence(0));
    let long = |number| Record {
        json: "1".repeat(2_900_000).into(),
        ..record(number, "key")
    };
    shard.take((1..=6).map(long).collect(), now());
    assert_eq!(shard.room(), 0);
    assert!(matches!(shard.next(now()), Step::Deliver(0, batch) if batch.records.len() == 2));
    shard.came_back(0, Reply::failed(&[2]).outcome("request".into()), now());
    assert_eq!(shard.room(), 9_995);
}
