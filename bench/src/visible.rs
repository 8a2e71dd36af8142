//! From a create to its visibility in the read model, one at a time.
//!
//! The clock runs from before the request to the publisher. Visible is an order when the cache has
//! its hash: asked for there in a tight loop on one connection, since a query through its function
//! would take part in what is measured.

use std::time::Instant;

use crate::figure::Figure;
use crate::fill;
use crate::report::{Report, time};
use crate::samples::Samples;
use crate::stack::Stack;

pub(crate) fn measure(stack: &Stack, report: &mut Report) {
    let repetitions = if stack.quick { 200 } else { 2000 };
    let orders = stack.count();
    let times = times(stack, repetitions);
    let floor = floor(stack, repetitions);
    let say = |what: &str, took| time(format!("{what}, {orders} orders"), took);
    for (percent, target) in [(50, 2), (99, 10)] {
        let floor = Figure::Time(floor.percentile(percent));
        let seen = times.visible.percentile(percent);
        let line = say(&format!("create to visible, p{percent}"), seen);
        report.add(
            line.beside(floor, "PutItem + SET of the cache")
                .within(target),
        );
    }
    for percent in [50, 99] {
        let lag = times.lag.percentile(percent);
        report.add(say(&format!("answer to visible, p{percent}"), lag));
    }
}

/// Of orders that were created one after the other.
#[derive(Default)]
pub(crate) struct Times {
    pub(crate) visible: Samples,
    lag: Samples,
}

pub(crate) fn times(stack: &Stack, repetitions: usize) -> Times {
    let mut connection = stack.connection();
    let mut cache = stack.cache();
    let mut times = Times::default();
    for _ in 0..repetitions {
        let start = Instant::now();
        let id = Stack::create(&mut connection);
        let answered = start.elapsed();
        while !cache.has_order(&id) {}
        let seen = start.elapsed();
        times.visible.add(seen);
        times.lag.add(seen - answered);
    }
    times
}

/// A write to a table and one to the cache, with nothing in between.
fn floor(stack: &Stack, repetitions: usize) -> Samples {
    let table = stack.scratch_table();
    let mut connection = stack.connection();
    let mut cache = stack.cache();
    let mut number = 0;
    let both = Samples::of(repetitions, || {
        number += 1;
        let id = format!("floor-{number:026}");
        let request = fill::put(table, &id);
        let answer = connection.dynamodb("PutItem", &request);
        let _ = answer.unwrap();
        cache.run(&["SET", "bench:floor", &id]).unwrap();
    });
    cache.run(&["DEL", "bench:floor"]).unwrap();
    both
}
