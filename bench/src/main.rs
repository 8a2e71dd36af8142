//! Measures the tool, the handlers and a stack on this machine.
//!
//! A figure alone says as much about the machine as about the program. So each stands beside a
//! floor, the least that it could be here, or beside a peer that does the same, measured in the
//! same run. Figures are medians unless they say otherwise.
//!
//! `scripts/bench` builds what this needs and runs it. `scripts/instructions` runs the other half,
//! which counts instructions instead of taking times: [`instructions`].
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
mod create;
mod emulator;
mod figure;
mod fill;
mod growth;
mod handlers;
mod idle;
mod instructions;
mod interrupt;
mod invocation;
mod load;
mod options;
mod proxy;
mod rebuild;
mod report;
mod samples;
mod stack;
mod start;
mod stream;
mod subscriber;
mod visible;

use std::process::ExitCode;

use self::options::Options;
use self::report::Report;
use self::stack::Stack;

const SMALL_TABLE: usize = 300;
const REBUILT_TABLE: usize = 100_000;

fn main() -> ExitCode {
    interrupt::listen();
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("instructions").is_some() {
        return instructions::run(arguments);
    }
    let options = Options::from_arguments();
    let mut report = Report::new();
    for (part, measure) in [
        ("start", start::measure as fn(&Options, &mut Report)),
        ("handlers", handlers::measure),
        ("subscriber", subscriber::measure),
        ("commands", commands::measure),
        ("emulator", emulator::measure),
    ] {
        if options.wants(part) {
            measure(&options, &mut report);
        }
    }
    on_one_stack(&options, &mut report);
    if options.wants("growth") {
        growth::measure(&options, &mut report);
    }
    if options.json {
        println!("{}", report.json());
    } else {
        print!("{report}");
    }
    ExitCode::SUCCESS
}

/// From small to large: what the one leaves is what the next begins with.
fn on_one_stack(options: &Options, report: &mut Report) {
    const PARTS: [&str; 6] = ["create", "invocation", "visible", "idle", "load", "rebuild"];
    if !PARTS.iter().any(|part| options.wants(part)) {
        return;
    }
    let mut stack = Stack::deployed(options);
    if options.wants("create") {
        create::measure(options, &stack, report);
    }
    fill::up_to(&mut stack, SMALL_TABLE);
    if options.wants("invocation") {
        invocation::measure(options, &stack, report);
    }
    if options.wants("visible") {
        visible::measure(&stack, report);
    }
    if options.wants("idle") {
        idle::measure(&stack, report);
    }
    if options.wants("load") {
        load::measure(options, &stack, report);
    }
    if options.wants("rebuild") {
        fill::up_to(&mut stack, options.scaled(REBUILT_TABLE));
        rebuild::measure(&stack, report);
    }
}
