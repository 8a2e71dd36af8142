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
use std::process::{ExitCode, exit};

use self::report::Report;

const USAGE: &str = "\
usage: scripts/bench [--json] [--quick] [--orders N] [PART…]

--quick     smaller tables and fewer repetitions, for a first look
--orders N  how many orders the table of `stack` grows to (100000)
--json      one JSON document instead of the table

parts, all where none is named:";

type Measure = fn(&Options, &mut Report);

/// The parts, in the order in which they are measured, and what each is about.
const PARTS: [(&str, &str, Measure); 6] = [
    ("start", "start of the tool", processes::start),
    (
        "commands",
        "deploy, destroy and order create on this machine",
        processes::commands,
    ),
    (
        "handlers",
        "start and memory of each handler",
        handlers::measure,
    ),
    (
        "subscriber",
        "records a second into the cache",
        subscriber::measure,
    ),
    (
        "deployment",
        "deploy on an emulator of AWS, and the sizes of the zips",
        deployment::measure,
    ),
    (
        "stack",
        "a stack at rest, in use and under load as its table grows, rebuilt",
        stack::measure,
    ),
];

/// What was asked for on the command line.
#[derive(Clone, Debug, Default)]
struct Options {
    cqrs: PathBuf,
    /// The folder with the handlers' programs.
    handlers: PathBuf,
    json: bool,
    quick: bool,
    orders: usize,
    /// Words that are no options: parts to measure, or names of what is counted.
    words: Vec<String>,
    /// What to do with counted instructions.
    instructions: instructions::Wanted,
}

impl Options {
    fn from_arguments(mut arguments: impl Iterator<Item = String>, usage: fn(i32) -> !) -> Self {
        // The commands that are measured run in another folder.
        let absolute = |path: String| std::path::absolute(path).expect("a current folder");
        let mut options = Self {
            orders: 100_000,
            ..Self::default()
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| usage(2));
            match argument.as_str() {
                "--cqrs" => options.cqrs = absolute(value()),
                "--handlers" => options.handlers = absolute(value()),
                "--orders" => options.orders = value().parse().unwrap_or_else(|_| usage(2)),
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                "--check" => options.instructions = instructions::Wanted::Checked,
                "--update" => options.instructions = instructions::Wanted::Updated,
                "--help" | "-h" => usage(0),
                option if option.starts_with('-') => usage(2),
                _ => options.words.push(argument),
            }
        }
        options
    }

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

fn usage(status: i32) -> ! {
    eprintln!("{USAGE}");
    for (name, about, _) in PARTS {
        eprintln!("  {name:<11} {about}");
    }
    exit(status)
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("instructions").is_some() {
        return instructions::run(&Options::from_arguments(arguments, instructions::usage));
    }
    let options = Options::from_arguments(arguments, usage);
    let is_part = |word: &String| PARTS.iter().any(|(name, ..)| name == word);
    if !options.words.iter().all(is_part) {
        usage(2);
    }
    let mut report = Report::new();
    for (name, _, measure) in PARTS {
        if options.words.is_empty() || options.words.iter().any(|word| word == name) {
            measure(&options, &mut report);
        }
    }
    if options.json {
        println!("{}", serde_json::to_string(&report).unwrap());
    } else {
        print!("{}", report.table());
    }
    ExitCode::SUCCESS
}
