//! The cache is lost, and its read model made again from the table.

use std::time::{Duration, Instant};

use crate::cache::Cache;
use crate::report::{Figure, Report};
use crate::samples::Samples;
use crate::stack::Stack;

const PAUSE: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) fn measure(stack: &Stack, report: &mut Report) {
    let orders = stack.count();
    stack.wait_until_read(orders);
    let scan = Samples::of(1, || {
        stack.count();
    });
    let port = stack.cache_port();
    let processes = stack.processes();
    let server = processes
        .iter()
        .find(|process| process.name.contains("-server"))
        .expect("a cache of the stack's own");
    server.kill();
    let start = Instant::now();
    let held = || Cache::connect(port).and_then(|mut cache| cache.orders());
    let mut back = None;
    // It answers for itself before it is whole, and may not have ended yet.
    while server.is_running() || held().unwrap_or(0) < orders {
        if back.is_none() && !server.is_running() && held().is_ok() {
            back = Some(start.elapsed());
        }
        assert!(start.elapsed() < PATIENCE, "the read model stays in parts");
        std::thread::sleep(PAUSE);
    }
    let whole = start.elapsed();
    report.add(
        "cache killed, until it answers",
        Figure::Time(back.unwrap_or(whole)),
        None,
        None,
    );
    report.add(
        format!("cache killed, until it is whole, {orders} orders"),
        Figure::Time(whole),
        Some((Figure::Time(scan.median()), "a Scan of the table")),
        None,
    );
    report.add(
        "orders made again",
        Figure::Rate(orders as f64 / whole.as_secs_f64()),
        None,
        None,
    );
}
