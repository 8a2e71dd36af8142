//! Instructions of hot paths, held against the figures in `bench/instructions.toml`.
//!
//! Times on a machine that others use tell a path that became slower from a busy moment only when
//! it became much slower. Callgrind counts what the processor is told to do, which is the same each
//! time. Counted are the instructions of the program's own code, its libraries of Rust included,
//! without the C library: that chooses its `memcpy` by the processor, and differs from one
//! distribution to the next. Valgrind shows every program the same processor with AVX2, whatever
//! is underneath.
//!
//! The handlers are counted as they are deployed. What the tool does is counted in its debug build,
//! which the tests have made already: that says how much work is done, not how well it is compiled.
//! `scripts/instructions` builds both and runs this.

mod callgrind;
mod committed;
mod handlers;
mod host;
mod tool;

use std::fmt;
use std::process::{ExitCode, exit};

use crate::instructions::committed::{Committed, FILE, toolchain};
use crate::options::Options;

const USAGE: &str = "\
usage: scripts/instructions [--check | --update] [WORD…]

Counts the instructions of hot paths, of all or of those with one of the words in their names.
--check   fails where one has grown by more than the committed figures allow
--update  commits what was counted to bench/instructions.toml";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Shown,
    Checked,
    Updated,
}

/// One hot path.
struct HotPath {
    name: &'static str,
    count: fn(&Options) -> u64,
}

pub(crate) fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let mut wanted = Wanted::Shown;
    let (options, words) = Options::of_programs(arguments, |argument| match argument {
        "--check" => wanted = Wanted::Checked,
        "--update" => wanted = Wanted::Updated,
        _ => {
            eprintln!("{USAGE}");
            exit(if argument == "--help" { 0 } else { 2 });
        }
    });
    let mut committed = Committed::read();
    let mut grown = 0;
    println!(
        "{:<34} {:>13} {:>13} {:>8}",
        "", "counted", "committed", "change"
    );
    for path in all() {
        let is_named = |word: &String| path.name.contains(word.as_str());
        if !words.is_empty() && !words.iter().any(is_named) {
            continue;
        }
        let counted = (path.count)(&options);
        let verdict = Verdict::of(counted, committed.of(path.name), committed.tolerance());
        println!(
            "{:<34} {counted:>13} {:>13} {verdict}",
            path.name,
            committed
                .of(path.name)
                .map_or_else(|| "-".to_owned(), |before| before.to_string()),
        );
        grown += usize::from(matches!(verdict, Verdict::Grown(_) | Verdict::New));
        committed.set(path.name, counted);
    }
    match wanted {
        Wanted::Shown => ExitCode::SUCCESS,
        Wanted::Checked => judge(grown, &committed),
        Wanted::Updated => {
            committed.write();
            println!("written to {FILE}");
            ExitCode::SUCCESS
        }
    }
}

/// What a count says beside the committed one.
enum Verdict {
    New,
    Grown(f64),
    Same(f64),
    Less(f64),
}

impl Verdict {
    fn of(counted: u64, committed: Option<u64>, tolerance: f64) -> Self {
        let Some(committed) = committed else {
            return Self::New;
        };
        match counted as f64 / committed as f64 - 1.0 {
            change if change > tolerance => Self::Grown(change),
            change if change < -tolerance => Self::Less(change),
            change => Self::Same(change),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |change: &f64| format!("{:+.1} %", change * 100.0);
        match self {
            Self::New => write!(f, "{:>8}", "new"),
            Self::Same(change) => write!(f, "{:>8}", percent(change)),
            Self::Grown(change) => write!(f, "{:>8}  grown", percent(change)),
            // Else it could grow back without a word.
            Self::Less(change) => write!(f, "{:>8}  less: commit it", percent(change)),
        }
    }
}

fn judge(grown: usize, committed: &Committed) -> ExitCode {
    if committed.toolchain() != toolchain() {
        println!(
            "not judged: the committed figures are of {}, these of {}",
            committed.toolchain(),
            toolchain()
        );
        return ExitCode::SUCCESS;
    }
    if grown == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "error: of the hot paths {grown} took over {:.0} % more instructions than committed, or are new\n\
         hint: `callgrind_annotate` on the files in {} shows where they go; where the growth is \
         worth it, `scripts/instructions --update`",
        committed.tolerance() * 100.0,
        callgrind::folder().display(),
    );
    ExitCode::FAILURE
}

fn all() -> impl Iterator<Item = HotPath> {
    handlers::ALL.into_iter().chain(tool::ALL).chain(host::ALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_begins_above_the_tolerance() {
        let of = |counted| Verdict::of(counted, Some(1000), 0.03);
        assert!(matches!(of(1029), Verdict::Same(_)));
        assert!(matches!(of(1031), Verdict::Grown(_)));
        assert!(matches!(of(969), Verdict::Less(_)));
        assert!(matches!(Verdict::of(1, None, 0.03), Verdict::New));
    }
}
