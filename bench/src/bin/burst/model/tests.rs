//! The simulation against what can be worked out by hand.

use super::*;

fn quiet() -> Setting {
    Setting {
        rate: 50.0,
        burst_rate: 0.0,
        begins: 0.0,
        burst: 0.0,
        outage: 0.0,
        ends: 400.0,
        shards: 1,
        factor: 1,
        batch: 100,
        propagation: 0.0,
        per_batch: 0.0,
        per_record: 0.0,
        cache_per_record: 0.0,
        cold_start: 0.0,
    }
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count() as f64
}

#[test]
fn writes_come_at_the_rate_of_their_time() {
    let setting = Setting {
        burst_rate: 500.0,
        begins: 100.0,
        burst: 100.0,
        ..quiet()
    };
    let projected = run(&setting, 1);
    let between = |from: f64, to: f64| {
        let written = projected.iter().map(|record| record.written);
        written.filter(|at| (from..to).contains(at)).count() as f64
    };
    // Five standard deviations of a Poisson count.
    for (count, expected) in [
        (between(0.0, 100.0), 5_000.0_f64),
        (between(100.0, 200.0), 50_000.0),
        (between(200.0, 400.0), 10_000.0),
    ] {
        assert!((count - expected).abs() < 5.0 * expected.sqrt(), "{count}");
    }
}

#[test]
fn a_function_that_costs_nothing_leaves_half_a_poll_on_average() {
    let projected = run(&quiet(), 2);
    let lag = mean(projected.iter().map(|record| record.lag));
    assert!((lag - POLL / 2.0).abs() < 0.003, "{lag}");
    let longest = projected
        .iter()
        .map(|record| record.lag)
        .fold(0.0, f64::max);
    assert!(longest <= POLL);
}

#[test]
fn what_waited_out_an_outage_is_caught_up_with_at_the_capacity_left() {
    let setting = Setting {
        rate: 1_000.0,
        begins: 20.0,
        outage: 60.0,
        ends: 300.0,
        per_batch: 0.010,
        per_record: 0.000_2,
        ..quiet()
    };
    let projected = run(&setting, 3);
    // A batch of 100 takes 30 ms: 3,333 a second, of which 1,000 are used up by new ones.
    let capacity = 100.0 / 0.030;
    let drained = 80.0 + 60.0 * 1_000.0 / (capacity - 1_000.0);
    let late = projected.iter().filter(|record| record.lag > 1.0);
    let until = late
        .map(|record| record.written + record.lag)
        .fold(0.0, f64::max);
    assert!((until - drained).abs() < 1.5, "{until} for {drained}");
    let longest = projected
        .iter()
        .map(|record| record.lag)
        .fold(0.0, f64::max);
    assert!((60.0..61.0).contains(&longest), "{longest}");
}

#[test]
fn the_cache_is_one_server_for_all_lanes() {
    let setting = Setting {
        rate: 8_000.0,
        ends: 20.0,
        shards: 16,
        factor: 10,
        // 5,000 a second at most, however many lanes there are.
        cache_per_record: 0.000_2,
        ..quiet()
    };
    let projected = run(&setting, 4);
    let last = projected
        .iter()
        .map(|r| r.written + r.lag)
        .fold(0.0, f64::max);
    let expected = projected.len() as f64 * 0.000_2;
    assert!((last - expected).abs() < 0.5, "{last} for {expected}");
}

#[test]
fn every_record_is_projected_once_and_in_the_order_of_its_lane() {
    let setting = Setting {
        rate: 3_000.0,
        ends: 10.0,
        per_batch: 0.020,
        per_record: 0.000_3,
        ..quiet()
    };
    let projected = run(&setting, 5);
    assert!(projected.is_sorted_by(|a, b| a.written < b.written));
    assert_eq!(projected, run(&setting, 5), "the seed decides");
    assert_ne!(projected, run(&setting, 6));
}
