//! The handlers' programs, each started by itself on a Runtime API, beside a function that only
//! echoes on the same runtime.

use std::path::Path;

use serde_json::{Value, json};
use test_support::http::{Reply, Server};
use test_support::runtime_api::Handler;
use test_support::tree;
use test_support::valkey::Valkey;

use crate::figure::{Figure, Target};
use crate::options::Options;
use crate::report::{Report, line, time};
use crate::samples::Samples;
use crate::stream;

/// Enough for what is allocated once, and for the allocator to settle.
const INVOCATIONS: usize = 200;
/// Both models behind TLS. Nothing connects to them before the first event.
pub(crate) const AS_ON_AWS: [(&str, &str); 2] = [
    ("CACHE_URL", "rediss://cache.example:6379"),
    ("ORDERS_TABLE", "orders"),
];
const TARGET: Target = Target::RatioAtMost(1.5);
const ECHO: &str = "a function that echoes";

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let starts = if options.quick { 10 } else { 100 };
    let cache = Valkey::start();
    cache.complete();
    let table = Server::start(|_| Reply::json(200, &json!({})));
    let (cache_url, table_url) = (cache.url(), table.url());
    let environment = [
        ("CACHE_URL", cache_url.as_str()),
        ("ORDERS_TABLE", "orders"),
        ("AWS_ENDPOINT_URL", table_url.as_str()),
    ];
    let echo = Options::own_program("echo");
    for (name, event) in events() {
        let program = options.handlers.join(name);
        let (mut floor, mut samples) = (Samples::default(), Samples::default());
        for _ in 0..starts {
            floor.add(Handler::start(&echo, &AS_ON_AWS).first_poll());
            samples.add(Handler::start(&program, &AS_ON_AWS).first_poll());
        }
        let what = format!("{name}: start to first poll");
        let started = time(what, samples.median()).beside(Figure::Time(floor.median()), ECHO);
        report.add(started.target(TARGET));
        let memory = |program: &Path| {
            let mut handler = Handler::start(program, &environment);
            for _ in 0..INVOCATIONS {
                handler.invoke(&event).unwrap();
            }
            Figure::Memory(tree::seen(handler.pid()).unwrap().memory())
        };
        let used = line(
            format!("{name}: memory after {INVOCATIONS} invocations"),
            memory(&program),
        );
        report.add(used.beside(memory(&echo), ECHO).target(TARGET));
    }
}

/// A plain event of each handler.
fn events() -> [(&'static str, Value); 3] {
    let create = json!({"clientId": "123456789", "productId": "abc-def-ghi"});
    let records = stream::batch(0, 10);
    [
        ("publisher", create),
        ("subscriber", serde_json::from_str(&records).unwrap()),
        ("query", json!({"orderId": "nothing"})),
    ]
}
