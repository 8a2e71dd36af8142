//! The handlers' programs, each started by itself on a Runtime API, beside a function that only
//! echoes on the same runtime.

use std::path::Path;

use serde_json::json;
use test_support::http::{Reply, Server};
use test_support::runtime_api::Handler;
use test_support::tree;
use test_support::valkey::Valkey;

use crate::Options;
use crate::events;
use crate::report::{Report, Target, bytes, seconds};
use crate::samples::Samples;

/// Enough for what is allocated once, and for the allocator to grow no more.
const INVOCATIONS: usize = 200;
const ECHO: &str = "a function that echoes";
/// Both models behind TLS. Nothing connects to them before the first event.
pub(crate) const AS_ON_AWS: [(&str, &str); 2] = [
    ("CACHE_URL", "rediss://cache.example:6379"),
    ("WRITE_MODEL_TABLE", "orders"),
];

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let cache = Valkey::start();
    cache.complete();
    let table = Server::start(|_| Reply::json(200, &json!({})));
    let (cache_url, table_url) = (cache.url(), table.url());
    let environment = [
        ("CACHE_URL", cache_url.as_str()),
        ("WRITE_MODEL_TABLE", "orders"),
        ("AWS_ENDPOINT_URL", table_url.as_str()),
    ];
    let echo = Options::own_program("echo");
    for (name, event) in [
        ("publisher", events::draft().to_string()),
        ("subscriber", events::batch(0, 10)),
        ("query", json!({"orderId": "nothing"}).to_string()),
    ] {
        let program = options.programs.handlers.join(name);
        let (mut floor, mut samples) = (Samples::default(), Samples::default());
        for _ in 0..options.scaled(100) {
            floor.add(Handler::start(&echo, &AS_ON_AWS).first_poll());
            samples.add(Handler::start(&program, &AS_ON_AWS).first_poll());
        }
        let line = seconds(format!("{name}: start to first poll"), samples.median())
            .beside(floor.median(), ECHO)
            .target(Target::RatioAtMost(1.5));
        report.add(line);
        let memory = |program: &Path| {
            let mut handler = Handler::start(program, &environment);
            for _ in 0..INVOCATIONS {
                handler.invoke_raw(event.clone()).unwrap();
            }
            tree::seen(handler.pid()).unwrap().memory() as f64
        };
        let what = format!("{name}: memory after {INVOCATIONS} invocations");
        let line = bytes(what, memory(&program)).beside(memory(&echo), ECHO);
        report.add(line.target(Target::RatioAtMost(1.5)));
    }
}
