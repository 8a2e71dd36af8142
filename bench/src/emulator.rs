//! `deploy` on an emulator of AWS, and how much of it is the tool's own time.
//!
//! A proxy stands between the two. The tool's own time is that in which no request waits for its
//! answer: starting, packing, and pausing between looks at the stack.

use std::time::Duration;

use test_support::emulator::Emulator;

use crate::figure::{Figure, Target};
use crate::options::Options;
use crate::proxy::Proxy;
use crate::report::{Report, line, time};
use crate::samples::Samples;
use crate::stack::Stack;

/// The handlers, and how large their zips may be.
const ZIPS: [(&str, u64); 3] = [
    ("publisher", 5_000_000),
    ("subscriber", 2_500_000),
    ("query", 2_500_000),
];

#[derive(Default)]
struct Step {
    whole: Samples,
    outstanding: Samples,
}

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let repetitions = if options.quick { 1 } else { 5 };
    let emulator = Emulator::start();
    let endpoint = emulator.endpoint();
    let port = endpoint.rsplit_once(':').unwrap().1.parse().unwrap();
    let proxy = Proxy::to(port);
    let (mut new, mut unchanged, mut code) = (Step::default(), Step::default(), Step::default());
    for _ in 0..repetitions {
        let stack = Project::new(options, &emulator, &proxy);
        new.run(&proxy, || stack.deploy());
        unchanged.run(&proxy, || stack.deploy());
        stack.change_code();
        code.run(&proxy, || stack.deploy());
        stack.run(&["destroy", "--yes"]);
    }
    for (what, step) in [("new", new), ("no change", unchanged), ("code only", code)] {
        let (whole, outstanding) = (step.whole.median(), step.outstanding.median());
        let line = time(format!("deploy on the emulator, {what}"), whole).beside(
            Figure::Time(outstanding),
            "the time in which it waits for the emulator",
        );
        report.add(line.target(Target::RatioAtMost(1.5)));
    }
    zips(options, &Project::new(options, &emulator, &proxy), report);
}

impl Step {
    fn run(&mut self, proxy: &Proxy, work: impl FnOnce() -> Duration) {
        proxy.forget();
        self.whole.add(work());
        self.outstanding.add(proxy.outstanding());
    }
}

/// A project whose handlers can be changed.
struct Project {
    stack: Stack,
    handlers: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Project {
    fn new(options: &Options, emulator: &Emulator, proxy: &Proxy) -> Self {
        let handlers = tempfile::tempdir().unwrap();
        for (name, _) in ZIPS {
            let program = options.handlers.join(name);
            std::fs::copy(program, handlers.path().join(name)).unwrap();
        }
        let mut environment = emulator.environment();
        environment.retain(|(name, _)| *name != "AWS_ENDPOINT_URL");
        environment.push((
            "AWS_ENDPOINT_URL",
            format!("http://127.0.0.1:{}", proxy.port()),
        ));
        Self {
            stack: Stack::empty(options),
            handlers,
            environment,
        }
    }

    fn deploy(&self) -> Duration {
        let handlers = self.handlers.path().to_str().unwrap();
        // The emulator's cache knows neither TLS nor IAM.
        let open = "CacheAccess=open";
        self.run(&[
            "deploy",
            "--yes",
            "--prebuilt",
            handlers,
            "--parameter",
            open,
        ])
    }

    /// A program with something behind its end is another that does the same.
    fn change_code(&self) {
        for (name, _) in ZIPS {
            let path = self.handlers.path().join(name);
            let mut program = std::fs::read(&path).unwrap();
            program.extend_from_slice(b"changed");
            std::fs::write(path, program).unwrap();
        }
    }

    fn run(&self, arguments: &[&str]) -> Duration {
        self.stack.run_with(arguments, &self.environment).took
    }
}

/// The sizes of what is uploaded, which is what Lambda loads in a cold start.
fn zips(options: &Options, project: &Project, report: &mut Report) {
    let handlers = options.handlers.to_str().unwrap();
    let arguments = ["deploy", "--plan", "--verbose", "--prebuilt", handlers];
    let said = project
        .stack
        .run_with(&arguments, &project.environment)
        .said;
    for (name, bound) in ZIPS {
        let size = said
            .lines()
            .find_map(|line| {
                line.trim()
                    .strip_prefix(&format!("{name}: "))?
                    .split_once(" bytes zipped")
            })
            .and_then(|(size, _)| size.parse().ok());
        let size = size.unwrap_or_else(|| panic!("no size of {name} in {said}"));
        let program = std::fs::metadata(options.handlers.join(name)).unwrap();
        let zip = line(format!("{name}: zip"), Figure::Memory(size));
        let beside = zip.beside(Figure::Memory(program.len()), "the program in it");
        report.add(beside.target(Target::AtMost(Figure::Memory(bound))));
    }
}
