//! Measures how long handler binaries take from their start to the first poll for an event.
//!
//! `cargo run -p test-support --example startup -- target/release/publisher …` starts each 50
//! times, on a Runtime API of its own, and prints the median and the slowest.
#![allow(clippy::print_stdout, reason = "a tool for a person at a terminal")]

use std::path::Path;

use test_support::runtime_api::Handler;

const STARTS: usize = 50;

fn main() {
    let environment = [
        ("CACHE_URL", "rediss://localhost:6379"),
        ("ORDERS_TABLE", "orders"),
    ];
    for binary in std::env::args().skip(1) {
        let start = |_| Handler::start(Path::new(&binary), &environment).first_poll();
        let mut times: Vec<_> = (0..STARTS).map(start).collect();
        times.sort_unstable();
        let (median, slowest) = (times[STARTS / 2], times[STARTS - 1]);
        println!("{binary}: median {median:.1?}, slowest {slowest:.1?} of {STARTS} starts");
    }
}
