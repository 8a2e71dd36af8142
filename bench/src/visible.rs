//! From a create to its visibility in the read model, one at a time.
//!
//! The clock runs from before the request to the publisher. Visible is an order when the cache has
//! its hash: asked for there in a tight loop on one connection, since a query through its function
//! would take part in what is measured.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::fill::item;
use crate::report::{Figure, Report};
use crate::samples::Samples;
use crate::stack::Stack;

/// The median and the 99th percentile.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    median: Duration,
    p99: Duration,
}

pub(crate) fn measure(stack: &Stack, report: &mut Report) -> Times {
    let repetitions = if stack.quick { 200 } else { 2000 };
    let orders = stack.count();
    let mut connection = stack.connection();
    let mut cache = stack.cache();
    let (mut written, mut visible, mut lag) =
        (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..repetitions {
        let start = Instant::now();
        let id = Stack::create(&mut connection);
        let answered = start.elapsed();
        while !cache.has_order(&id) {}
        let seen = start.elapsed();
        written.add(answered);
        visible.add(seen);
        lag.add(seen - answered);
    }
    let times = Times {
        median: visible.median(),
        p99: visible.percentile(99),
    };
    let floor = floor(stack, repetitions);
    let mut add = |what: &str, time, floor, target| {
        let what = format!("{what}, {orders} orders");
        report.add(what, Figure::Time(time), floor, target);
    };
    let put_and_set = |time| Some((Figure::Time(time), "PutItem + SET of the cache"));
    add("create to answer, p50", written.median(), None, None);
    add(
        "create to visible, p50",
        times.median,
        put_and_set(floor.median),
        Some("2 ms"),
    );
    add(
        "create to visible, p99",
        times.p99,
        put_and_set(floor.p99),
        Some("10 ms"),
    );
    add("answer to visible, p50", lag.median(), None, None);
    add("answer to visible, p99", lag.percentile(99), None, None);
    times
}

/// A write to a table and one to the cache, with nothing in between.
fn floor(stack: &Stack, repetitions: usize) -> Times {
    let table = stack.scratch_table();
    let mut connection = stack.connection();
    let mut cache = stack.cache();
    let mut number = 0;
    let both = Samples::of(repetitions, || {
        number += 1;
        let id = format!("floor-{number:026}");
        let request = json!({
            "TableName": table,
            "Item": item(&id),
            "ConditionExpression": "attribute_not_exists(orderId)",
        });
        let answer = connection.dynamodb("PutItem", &request.to_string());
        let _ = answer.unwrap();
        cache.run(&["SET", "bench:floor", &id]).unwrap();
    });
    cache.run(&["DEL", "bench:floor"]).unwrap();
    Times {
        median: both.median(),
        p99: both.percentile(99),
    }
}

/// What a large table costs.
pub(crate) fn compare(small: Times, large: Times, report: &mut Report) {
    let ratio =
        |large: Duration, small: Duration| Figure::Ratio(large.as_secs_f64() / small.as_secs_f64());
    report.add(
        "create to visible, large table by small, p50",
        ratio(large.median, small.median),
        None,
        Some("1.5"),
    );
    report.add(
        "create to visible, large table by small, p99",
        ratio(large.p99, small.p99),
        None,
        Some("1.5"),
    );
}
