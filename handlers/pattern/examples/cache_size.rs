//! Measures how much of the cache's memory the read model takes, and what projecting into a full
//! one costs.
//!
//! `cargo run --release -p pattern --example cache_size -- 10000 100000`
//! projects so many orders, and then more up to the next number, into a server of its own. Each
//! order is in three lists; there are 10,000 clients and 1,000 products.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a tool for a person at a terminal"
)]

#[path = "../../domain/src/lib.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a crate's source")]
mod order;

use std::time::{Duration, Instant};

use order::{Order, Status};
use pattern::document::Document;
use pattern::projection::{Change, Sequence, State};
use pattern::read_model::{CacheSettings, ReadModel};
use pattern::timestamp::Timestamp;
use pattern::whole::Whole;
use test_support::valkey::Valkey;

/// A batch of the mapping.
const BATCH: usize = 100;

fn main() {
    let server = Valkey::start();
    let url = server.url();
    let settings = CacheSettings::from_env(&|name| (name == "CACHE_URL").then(|| url.clone()));
    let model: ReadModel<Order> =
        ReadModel::new(settings.expect("settings")).expect("a read model");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let empty = used(&server);
    let mut from = 0;
    println!("  orders   bytes an order   orders/s   batch p50   batch p99");
    for argument in std::env::args().skip(1) {
        let to: usize = argument.parse().expect("a number of orders");
        let begun = Instant::now();
        let mut batches = Vec::new();
        for first in (from..to).step_by(BATCH) {
            let changes: Vec<_> = (first..to.min(first + BATCH)).map(change).map(Ok).collect();
            let count = changes.len() as u64;
            let sent = Instant::now();
            let projected = runtime.block_on(model.project(changes));
            batches.push(sent.elapsed());
            assert_eq!(projected.expect("a cache").applied, count);
        }
        let took = begun.elapsed();
        batches.sort_unstable();
        println!(
            "{to:>8}   {:>14.0}   {:>8.0}   {:>9}   {:>9}",
            (used(&server) - empty) / to as f64,
            (to - from) as f64 / took.as_secs_f64(),
            ms(batches[batches.len() / 2]),
            ms(batches[batches.len() * 99 / 100]),
        );
        from = to;
    }
}

/// Order number `n`, as the stream brings it.
fn change(n: usize) -> Change<Order> {
    let (hour, minute) = (n / 3_600_000 % 24, n / 60_000 % 60);
    let time = format!(
        "2026-11-23T{hour:02}:{minute:02}:{:02}.{:03}Z",
        n / 1_000 % 60,
        n % 1_000
    );
    let time = Timestamp::parse(&time).expect("a time");
    Change {
        sequence: Sequence::new(&format!("100000000{n:012}")),
        state: State::Present(Document {
            id: format!("0199b0a0-0000-7000-8000-{n:012}")
                .parse()
                .expect("an id"),
            entity: Order {
                client_id: format!("client-{}", n % 10_000).parse().expect("a client"),
                product_id: format!("product-{}", n % 1_000).parse().expect("a product"),
                quantity: Whole::default(),
                status: Status::Placed,
            },
            version: 1,
            created_at: time,
            updated_at: time,
        }),
    }
}

/// The server's memory in bytes.
fn used(server: &Valkey) -> f64 {
    let info: String = server.run(&["INFO", "memory"]);
    info.lines()
        .find_map(|line| line.strip_prefix("used_memory:"))
        .and_then(|bytes| bytes.trim().parse().ok())
        .expect("used_memory")
}

fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}
