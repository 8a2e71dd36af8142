//! How long the tool takes before it does anything, beside the least program.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::figure::{Figure, Target};
use crate::options::Options;
use crate::report::{Report, time};
use crate::samples::Samples;

const COMMANDS: [(&str, &[&str]); 2] = [
    ("cqrs --version", &["--version"]),
    ("cqrs order create --help", &["order", "create", "--help"]),
];

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let repetitions = if options.quick { 50 } else { 500 };
    let hello = Options::own_program("hello");
    let mut floor = Samples::default();
    let mut samples = COMMANDS.map(|_| Samples::default());
    // In turn, so that other work on the machine meets all of them.
    for _ in 0..repetitions {
        floor.time(|| run(&hello, &[]));
        for ((_, arguments), samples) in COMMANDS.iter().zip(&mut samples) {
            samples.time(|| run(&options.cqrs, arguments));
        }
    }
    for ((what, _), samples) in COMMANDS.iter().zip(&samples) {
        let line = time(*what, samples.median())
            .beside(Figure::Time(floor.median()), "a program that says hello");
        report.add(line.target(Target::RatioAtMost(2.0)));
    }
}

fn run(program: &Path, arguments: &[&str]) {
    let status = Command::new(program)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{}: {status}", program.display());
}
