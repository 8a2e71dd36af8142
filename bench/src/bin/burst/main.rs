//! Simulates the lag of the projection on AWS under bursts and outages.
//!
//! No machine here can show what a table of sixteen partitions does, so this computes it from a
//! model that is stated in [`model`] and in docs/scale.md, with figures that were measured or
//! published. It is a way to compare settings, not a promise of milliseconds.
//!
//! `cargo run --release -p bench --bin burst -- --help`
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a tool for a person at a terminal"
)]

mod lane;
mod model;
mod options;
mod report;

use std::process::ExitCode;

use self::options::Asked;

fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1)) {
        Ok(Asked::Run(options)) => options,
        Ok(Asked::Help) => {
            print!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("error: {message}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let rows: Vec<_> = options
        .settings()
        .map(|setting| report::Row::of(&setting, &model::run(&setting, options.seed)))
        .collect();
    if options.json {
        println!("{}", report::json(&options, &rows));
    } else {
        print!("{}", report::table(&options, &rows));
    }
    ExitCode::SUCCESS
}
