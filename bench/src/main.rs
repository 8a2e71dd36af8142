//! Measures the tool, the handlers and a stack on this machine.
//!
//! A figure alone says as much about the machine as about the program. So each that can stands beside
//! a floor, the least that it could be here, or beside a peer that does the same, measured in the
//! same run and in turn with it. Figures are medians unless they say otherwise.
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

mod deployment;
mod events;
mod handlers;
mod instructions;
mod processes;
mod project;
mod report;
mod samples;
mod stack;
mod subscriber;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, ValueEnum};

use self::report::Report;

/// Takes times of the tool, the handlers and a stack on this machine.
#[derive(Debug, Parser)]
#[command(name = "scripts/bench", bin_name = "scripts/bench")]
struct Options {
    #[command(flatten)]
    programs: Programs,
    /// One JSON document instead of the table
    #[arg(long)]
    json: bool,
    /// Smaller tables and fewer repetitions, for a first look
    #[arg(long)]
    quick: bool,
    /// How many orders the table of `stack` grows to
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    orders: usize,
    /// The AWS SAM CLI's program, to set `deployment` beside it
    #[arg(long, value_name = "PATH", value_parser = |path: &str| std::path::absolute(path))]
    sam: Option<PathBuf>,
    /// All where none is named
    #[arg(value_enum)]
    parts: Vec<Part>,
}

/// What is measured. The scripts build it and say where it is.
#[derive(Args, Clone, Debug)]
struct Programs {
    // The commands that are measured run in another folder.
    #[arg(long, hide = true, value_parser = |path: &str| std::path::absolute(path))]
    cqrs: PathBuf,
    /// The folder with the handlers' programs
    #[arg(long, hide = true, value_parser = |path: &str| std::path::absolute(path))]
    handlers: PathBuf,
}

/// In the order in which they are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Start of the tool
    Start,
    /// Deploy, destroy and order create on this machine
    Commands,
    /// Start and memory of each handler
    Handlers,
    /// Records a second into the cache
    Subscriber,
    /// Deploy on an emulator of AWS, and the sizes of the zips
    Deployment,
    /// A stack at rest, in use and under load as its table grows, rebuilt
    Stack,
}

impl Part {
    fn measure(self, options: &Options, report: &mut Report) {
        match self {
            Self::Start => processes::start(options, report),
            Self::Commands => processes::commands(options, report),
            Self::Handlers => handlers::measure(options, report),
            Self::Subscriber => subscriber::measure(options, report),
            Self::Deployment => deployment::measure(options, report),
            Self::Stack => stack::measure(options, report),
        }
    }
}

impl Options {
    /// `count`, or a tenth of it for a quick look.
    fn scaled(&self, count: usize) -> usize {
        if self.quick {
            count.div_ceil(10)
        } else {
            count
        }
    }

    /// A program of this crate, which is built beside this one.
    fn own_program(name: &str) -> PathBuf {
        std::env::current_exe().unwrap().with_file_name(name)
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().peekable();
    let program = arguments.next();
    if arguments.next_if_eq("instructions").is_some() {
        return instructions::run(program.into_iter().chain(arguments));
    }
    let options = Options::parse();
    let mut report = Report::new();
    for part in Part::value_variants() {
        if options.parts.is_empty() || options.parts.contains(part) {
            part.measure(&options, &mut report);
        }
    }
    if options.json {
        println!("{}", serde_json::to_string(&report).unwrap());
    } else {
        print!("{}", report.table());
    }
    ExitCode::SUCCESS
}
