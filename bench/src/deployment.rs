//! `deploy` on an emulator of AWS, and the sizes of what is uploaded.

use test_support::emulator::Emulator;

use crate::Options;
use crate::project::Project;
use crate::report::{Report, Target, bytes, seconds};
use crate::samples::Samples;

/// The handlers, and how large their zips may be.
const ZIPS: [(&str, f64); 3] = [("publisher", 5e6), ("subscriber", 2.5e6), ("query", 2.5e6)];
/// The emulator's cache knows neither TLS nor IAM.
const DEPLOY: [&str; 3] = ["--yes", "--parameter", "CacheAccess=open"];

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let emulator = Emulator::start();
    let environment = emulator.environment();
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let [mut new, mut unchanged, mut code] = std::array::from_fn(|_| Samples::default());
    for _ in 0..options.scaled(5) {
        let mut project = Project::new(options, &environment);
        new.add(project.deploy(&DEPLOY).took);
        unchanged.add(project.deploy(&DEPLOY).took);
        let changed = tempfile::tempdir().unwrap();
        for (name, _) in ZIPS {
            // A program with something behind its end is another that does the same.
            let mut program = std::fs::read(options.programs.handlers.join(name)).unwrap();
            program.extend_from_slice(b"changed");
            std::fs::write(changed.path().join(name), program).unwrap();
        }
        project.use_handlers(changed.path());
        code.add(project.deploy(&DEPLOY).took);
        project.run(&["destroy", "--yes"]);
    }
    for (what, samples) in [("new", new), ("no change", unchanged), ("code only", code)] {
        let what = format!("deploy on the emulator, {what}");
        report.add(seconds(what, samples.median()));
    }
    let project = Project::new(options, &environment);
    let said = project.deploy(&["--plan", "--verbose"]).said;
    for (name, most) in ZIPS {
        let start = format!("{name}: ");
        let size = said.lines().find_map(|line| {
            let rest = line.trim().strip_prefix(&start)?;
            rest.split_once(" bytes zipped")?.0.parse().ok()
        });
        let size: f64 = size.unwrap_or_else(|| panic!("no size of {name} in {said}"));
        let program = std::fs::metadata(options.programs.handlers.join(name))
            .unwrap()
            .len() as f64;
        let line = bytes(format!("{name}: zip"), size).beside(program, "the program in it");
        report.add(line.target(Target::AtMost(most)));
    }
}
