//! Measures a stack on this machine.
//!
//! A figure alone says as much about the machine as about the program. So each stands beside a
//! floor, the least that it could be here, measured in the same run: the same work without what the
//! program adds to it. Figures and floors are medians unless they say otherwise.
//!
//! `scripts/bench-local` builds what this needs and runs it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for a person at a terminal; what fails here fails the measurement"
)]

mod cache;
mod commands;
mod fill;
mod idle;
mod load;
mod options;
mod rebuild;
mod report;
mod samples;
mod stack;
mod visible;

use self::options::Options;
use self::report::Report;
use self::stack::Stack;

const SMALL_TABLE: usize = 300;
const REBUILT_TABLE: usize = 100_000;
const LARGE_TABLE: usize = 300_000;

fn main() {
    let options = Options::from_arguments();
    let mut report = Report::new();
    // From small to large: what the one leaves is what the next begins with.
    if options.wants("commands") {
        commands::measure(&options, &mut report);
    }
    let mut stack = Stack::deployed(&options);
    if options.wants("create") {
        commands::create(&stack, &mut report);
    }
    let mut small = None;
    if options.wants("visible") {
        fill::up_to(&mut stack, SMALL_TABLE);
        small = Some(visible::measure(&stack, &mut report));
    }
    if options.wants("idle") {
        idle::measure(&stack, &mut report);
    }
    if options.wants("load") {
        load::measure(&stack, &mut report);
    }
    if options.wants("rebuild") {
        fill::up_to(&mut stack, options.scaled(REBUILT_TABLE));
        rebuild::measure(&stack, &mut report);
    }
    if options.wants("large") {
        fill::up_to(&mut stack, options.scaled(LARGE_TABLE));
        let large = visible::measure(&stack, &mut report);
        if let Some(small) = small {
            visible::compare(small, large, &mut report);
        }
    }
    if options.json {
        println!("{}", report.json());
    } else {
        print!("{report}");
    }
}
