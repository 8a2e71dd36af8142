//! What was asked for on the command line.

use std::path::PathBuf;
use std::process::exit;

const USAGE: &str = "\
usage: scripts/bench [--json] [--quick] [--orders N] [PART…]

--quick     smaller tables and fewer repetitions, for a first look
--orders N  how far the table of `growth` grows (100000)
--json      one JSON document instead of the table

parts, all where none is named:";

/// The parts, in the order in which they are measured, and what each is about.
pub(crate) const PARTS: [(&str, &str); 12] = [
    ("start", "start of the tool"),
    ("handlers", "start and memory of each handler"),
    ("subscriber", "records a second into the cache"),
    ("commands", "deploy and destroy of a stack on this machine"),
    (
        "emulator",
        "deploy on an emulator of AWS, and the sizes of the zips",
    ),
    ("create", "order create, and the AWS CLI's lambda invoke"),
    ("invocation", "publisher and query, one call at a time"),
    ("visible", "from a create to its visibility"),
    ("idle", "CPU and memory of a stack that nobody asks"),
    ("load", "creates a second of many clients"),
    (
        "rebuild",
        "the read model made again, and compared with the table",
    ),
    ("growth", "operations, memory and disk as the table grows"),
];

const GROWTH: usize = 100_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) cqrs: PathBuf,
    /// The folder with the handlers' programs.
    pub(crate) handlers: PathBuf,
    pub(crate) json: bool,
    pub(crate) quick: bool,
    /// How many orders the largest table has.
    pub(crate) orders: usize,
    parts: Vec<String>,
}

impl Options {
    pub(crate) fn from_arguments() -> Self {
        let mut options = Self {
            orders: GROWTH,
            ..Self::default()
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| refuse(2));
            match argument.as_str() {
                "--cqrs" => options.cqrs = absolute(value()),
                "--handlers" => options.handlers = absolute(value()),
                "--orders" => options.orders = value().parse().unwrap_or_else(|_| refuse(2)),
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                "--help" | "-h" => refuse(0),
                part if PARTS.iter().any(|(name, _)| *name == part) => {
                    options.parts.push(argument);
                }
                _ => refuse(2),
            }
        }
        options
    }

    /// Those that name programs, with the words that are no options; `other` is given the rest.
    pub(crate) fn of_programs(
        mut arguments: impl Iterator<Item = String>,
        mut other: impl FnMut(&str),
    ) -> (Self, Vec<String>) {
        let mut options = Self::default();
        let mut words = Vec::new();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--cqrs" => options.cqrs = arguments.next().map(absolute).unwrap_or_default(),
                "--handlers" => {
                    options.handlers = arguments.next().map(absolute).unwrap_or_default();
                }
                option if option.starts_with('-') => other(option),
                _ => words.push(argument),
            }
        }
        (options, words)
    }

    pub(crate) fn wants(&self, part: &str) -> bool {
        debug_assert!(PARTS.iter().any(|(name, _)| *name == part), "{part}");
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    /// `count`, or a tenth of it for a quick look.
    pub(crate) fn scaled(&self, count: usize) -> usize {
        if self.quick { count / 10 } else { count }
    }

    /// A program of this crate, which is built beside this one.
    pub(crate) fn own_program(name: &str) -> PathBuf {
        let here = std::env::current_exe().unwrap();
        here.with_file_name(name)
    }
}

/// The stack's commands run in another folder.
fn absolute(path: String) -> PathBuf {
    std::path::absolute(path).expect("a current folder")
}

fn refuse(status: i32) -> ! {
    eprintln!("{USAGE}");
    for (name, about) in PARTS {
        eprintln!("  {name:<11} {about}");
    }
    exit(status)
}
