//! The cache is lost, and its read model made again from the table; then the same by the commands.

use std::time::{Duration, Instant};

use crate::cache::Cache;
use crate::figure::Figure;
use crate::report::{Report, line, time};
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
    report.add(time(
        "cache killed, until it answers",
        back.unwrap_or(whole),
    ));
    let scan = (Figure::Time(scan.median()), "a Scan of the table");
    let mut beside_scan = |what: &str, took: Duration| {
        let line = time(format!("{what}, {orders} orders"), took);
        report.add(line.beside(scan.0, scan.1));
    };
    beside_scan("cache killed, until it is whole", whole);
    let command = |arguments: &[&str]| Samples::of(2, || stack.run(arguments)).median();
    beside_scan(
        "cqrs rebuild",
        command(&["rebuild", "--local", "--restart"]),
    );
    beside_scan("cqrs verify", command(&["verify", "--local"]));
    let rate = orders as f64 / whole.as_secs_f64();
    report.add(line("orders made again", Figure::Rate(rate)));
}
