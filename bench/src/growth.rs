//! What a table that grows costs: time of an operation, memory and disk.
//!
//! What takes as long in a large table as in a small one stands beside what it took in the small
//! one. What must grow is told for each order, without what an empty stack takes.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::tree::Seen;

use crate::figure::{Figure, Target};
use crate::fill;
use crate::options::Options;
use crate::report::{Report, line};
use crate::samples::Samples;
use crate::stack::Stack;
use crate::visible;

const SMALLEST: usize = 1000;
/// However large the table is.
const HOST_MEMORY: Figure = Figure::Memory(50_000_000);

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let mut stack = Stack::deployed(options);
    // What is allocated with the first requests is no growth.
    visible::times(&stack, 100);
    let empty = Space::of(&stack);
    let mut smallest: Option<Vec<(&str, Figure)>> = None;
    let sizes = std::iter::successors(Some(SMALLEST), |size| Some(size * 10));
    for orders in sizes.take_while(|size| *size <= options.scaled(options.orders)) {
        fill::up_to(&mut stack, orders);
        let figures = figures(&stack, options.scaled(1000));
        for (at, (what, figure)) in figures.iter().enumerate() {
            let line = line(format!("{what}, {orders} orders"), *figure);
            let target = match figure {
                Figure::Memory(_) => Target::AtMost(HOST_MEMORY),
                _ => Target::RatioAtMost(1.5),
            };
            report.add(match &smallest {
                None => line,
                Some(smallest) => line
                    .beside(smallest[at].1, format!("with {SMALLEST} orders"))
                    .target(target),
            });
        }
        smallest.get_or_insert(figures);
        let space = Space::of(&stack);
        let each = |now: u64, then: u64| Figure::Memory(now.saturating_sub(then) / orders as u64);
        for (what, figure) in [
            ("cache, an order", each(space.cache, empty.cache)),
            ("disk, an order", each(space.disk, empty.disk)),
        ] {
            report.add(line(format!("{what}, {orders} orders"), figure));
        }
    }
}

/// What should not depend on how many orders there are.
fn figures(stack: &Stack, repetitions: usize) -> Vec<(&'static str, Figure)> {
    let median = |samples: &Samples| Figure::Time(samples.median());
    let visible = visible::times(stack, repetitions).visible;
    let mut connection = stack.connection();
    let id = Stack::create(&mut connection);
    let mut query = |query: Value| {
        let query = query.to_string();
        Samples::of(repetitions, || {
            let answer = connection.invoke("cqrs-query", &query).unwrap();
            answer.json().unwrap()
        })
    };
    let get = query(json!({"orderId": id}));
    let list = query(json!({"list": {"clientId": "123456789", "limit": 20}}));
    vec![
        ("create to visible, p50", median(&visible)),
        ("order get, p50", median(&get)),
        ("order list, p50", median(&list)),
        ("memory of the host", Figure::Memory(stack.host().memory())),
    ]
}

/// In bytes.
struct Space {
    cache: u64,
    disk: u64,
}

impl Space {
    fn of(stack: &Stack) -> Self {
        // The database takes what was written into its file now and then.
        std::thread::sleep(Duration::from_millis(100));
        let processes = stack.processes();
        let servers = processes
            .iter()
            .filter(|process| process.name.contains("-server"));
        Self {
            cache: servers.map(Seen::memory).sum(),
            disk: stack.disk(),
        }
    }
}
