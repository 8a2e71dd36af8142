//! Instructions of a few hot paths, held against the figures in `bench/instructions.toml`.
//!
//! Times on a machine that others use show that a path became slower only when it became much
//! slower. Callgrind counts the instructions of the processor, which are the same each time: those of
//! the program's own code, its libraries of Rust included, without the C library, which chooses its
//! `memcpy` by the processor and differs from one distribution to the next.
//!
//! The handlers are counted as they are deployed, and what one invocation takes is the difference of
//! two runs that differ in how many there are. The tool is counted in its debug build, which the
//! tests have made already: that says how much work is done, not how well it is compiled.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use clap::Parser;
use serde::{Deserialize, Serialize};
use serde_json::json;
use test_support::http::{Reply, Server};
use test_support::runtime_api::Handler;
use test_support::valkey::Valkey;
use test_support::workspace;

use crate::handlers::AS_ON_AWS;
use crate::{Programs, events};

const FILE: &str = "bench/instructions.toml";
const HEAD: &str = "\
# Instructions of hot paths, and by what part they may grow before `scripts/test` fails.
# Written by `scripts/instructions --update`; see docs/performance.md.
";

/// Counts the instructions of hot paths, beside the committed figures.
#[derive(Debug, Parser)]
#[command(name = "scripts/instructions", bin_name = "scripts/instructions")]
struct Options {
    #[command(flatten)]
    programs: Programs,
    /// Fail where one has grown by more than the committed figures allow
    #[arg(long, conflicts_with = "update")]
    check: bool,
    /// Commit what was counted to bench/instructions.toml
    #[arg(long)]
    update: bool,
    /// Only those with one of these words in their names
    words: Vec<String>,
}

/// What is committed.
#[derive(Deserialize, Serialize)]
struct Committed {
    toolchain: String,
    tolerance: f64,
    instructions: BTreeMap<String, u64>,
}

type Count = fn(&Programs) -> u64;

const PATHS: [(&str, Count); 6] = [
    ("cqrs order create --help", help),
    ("publisher: start", |programs| {
        handler(programs, "publisher", &AS_ON_AWS, &[])
    }),
    ("publisher: a create", a_create),
    ("subscriber: a record", a_record),
    ("query: one order", |programs| {
        a_query(programs, &json!({"orderId": events::id(0)}))
    }),
    ("query: a list of 20", |programs| {
        a_query(programs, &json!({"list": {"limit": 20}}))
    }),
];

pub(crate) fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let options = Options::parse_from(arguments);
    let text = fs::read_to_string(workspace().join(FILE)).unwrap();
    let mut committed: Committed = toml::from_str(&text).unwrap();
    let mut grown = 0;
    println!(
        "{:<26} {:>13} {:>13} {:>8}",
        "", "counted", "committed", "change"
    );
    for (name, count) in PATHS {
        let is_named = |word: &String| name.contains(word.as_str());
        if !options.words.is_empty() && !options.words.iter().any(is_named) {
            continue;
        }
        let counted = count(&options.programs);
        let before = committed.instructions.insert(name.to_owned(), counted);
        let change = before.map(|before| counted as f64 / before as f64 - 1.0);
        let verdict = match change {
            Some(change) if change > committed.tolerance => "grown",
            // Else it could grow back without a word.
            Some(change) if change < -committed.tolerance => "less: commit it",
            Some(_) => "",
            None => "new",
        };
        grown += usize::from(matches!(verdict, "grown" | "new"));
        let (before, percent) = (before.unwrap_or(0), change.unwrap_or(0.0) * 100.0);
        println!("{name:<26} {counted:>13} {before:>13} {percent:>+6.1} %  {verdict}");
    }
    if options.update {
        committed.toolchain = toolchain();
        let counted = &mut committed.instructions;
        counted.retain(|name, _| PATHS.iter().any(|(path, _)| path == name));
        let text = toml::to_string(&committed).unwrap();
        fs::write(workspace().join(FILE), format!("{HEAD}{text}")).unwrap();
        println!("written to {FILE}");
    } else if options.check && committed.toolchain != toolchain() {
        let of = &committed.toolchain;
        println!("not judged: the committed figures are of {of}");
    } else if options.check && grown > 0 {
        eprintln!(
            "error: of the hot paths {grown} took over {:.0} % more instructions than committed, \
             or are new\nhint: `callgrind_annotate` on the files in {} shows where they go; \
             where the growth is worth it, `scripts/instructions --update`",
            committed.tolerance * 100.0,
            folder().display(),
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What the counts depend on beside the sources.
fn toolchain() -> String {
    let output = Command::new("rustc").arg("--version").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    let version = version.split(' ').nth(1).unwrap_or_default();
    format!("rustc {version} for {}", std::env::consts::ARCH)
}

fn help(programs: &Programs) -> u64 {
    let counted = Counted::new(&programs.cqrs, "cqrs");
    let mut command = Command::new(&counted.stand_in);
    command
        .args(["order", "create", "--help"])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    counted.instructions()
}

/// Runs the handler until all events are answered and it has ended.
fn handler(
    programs: &Programs,
    name: &str,
    environment: &[(&str, &str)],
    events: &[String],
) -> u64 {
    let counted = Counted::new(&programs.handlers.join(name), name);
    let mut handler = Handler::start(&counted.stand_in, environment);
    handler.first_poll();
    for event in events {
        handler.invoke_raw(event.clone()).unwrap();
    }
    handler.close_api();
    let ended = handler.ended(Duration::from_secs(30));
    assert!(ended.is_some(), "{name} does not end: {:#?}", handler.log());
    counted.instructions()
}

/// What each of `more` invocations takes. What the first ones do for all that follow is not in it.
fn each(first: usize, more: usize, run: impl Fn(usize) -> u64) -> u64 {
    run(first + more).saturating_sub(run(first)) / more as u64
}

fn a_create(programs: &Programs) -> u64 {
    let table = Server::start(|_| Reply::json(200, &json!({})));
    let url = table.url();
    let environment = [("WRITE_MODEL_TABLE", "orders"), ("AWS_ENDPOINT_URL", &url)];
    let event = events::draft().to_string();
    each(10, 100, |count| {
        handler(
            programs,
            "publisher",
            &environment,
            &vec![event.clone(); count],
        )
    })
}

fn a_record(programs: &Programs) -> u64 {
    const RECORDS: usize = 100;
    let batch = each(1, 10, |count| {
        let cache = Valkey::start();
        cache.complete();
        let batches: Vec<_> = (0..count)
            .map(|n| events::batch(n * RECORDS, RECORDS))
            .collect();
        handler(
            programs,
            "subscriber",
            &[("CACHE_URL", &cache.url())],
            &batches,
        )
    });
    batch / RECORDS as u64
}

fn a_query(programs: &Programs, query: &serde_json::Value) -> u64 {
    let cache = Valkey::start();
    cache.complete();
    let url = cache.url();
    let environment = [("CACHE_URL", url.as_str())];
    let mut subscriber = Handler::start(programs.handlers.join("subscriber"), &environment);
    subscriber.invoke_raw(events::batch(0, 100)).unwrap();
    each(10, 100, |count| {
        handler(
            programs,
            "query",
            &environment,
            &vec![query.to_string(); count],
        )
    })
}

/// Where the profiles stay, for a look with `callgrind_annotate`.
fn folder() -> PathBuf {
    workspace().join("target/callgrind")
}

/// A program that is counted when it runs.
struct Counted {
    program: PathBuf,
    /// Takes the program's place, with the same arguments.
    stand_in: PathBuf,
    profile: PathBuf,
}

impl Counted {
    /// `program`, under a name for this use of it.
    fn new(program: &Path, name: &str) -> Self {
        fs::create_dir_all(folder()).unwrap();
        let stand_in = folder().join(name);
        let profile = folder().join(format!("{name}.out"));
        // Whole names, so that no line of the profile depends on another.
        let script = format!(
            "#!/bin/sh\nexec valgrind -q --tool=callgrind --compress-strings=no --compress-pos=no \
             --callgrind-out-file='{}' '{}' \"$@\"\n",
            profile.display(),
            program.display()
        );
        fs::write(&stand_in, script).unwrap();
        fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
        let _ = fs::remove_file(&profile);
        Self {
            program: program.canonicalize().unwrap(),
            stand_in,
            profile,
        }
    }

    /// What its last run took, which has ended.
    fn instructions(&self) -> u64 {
        let profile = fs::read_to_string(&self.profile).unwrap();
        let own = own_instructions(&profile, self.program.to_str().unwrap());
        assert!(own > 0, "nothing counted in {}", self.profile.display());
        own
    }
}

/// The instructions of the object file `own`, of all its functions.
///
/// A profile has lines of cost, `LINE INSTRUCTIONS`, below the `ob=` that they belong to. The one
/// behind `calls=` is what was called, which stands by itself elsewhere.
fn own_instructions(profile: &str, own: &str) -> u64 {
    let (mut is_own, mut is_of_call, mut sum) = (false, false, 0);
    for line in profile.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            is_own = object == own;
        } else if line.starts_with("calls=") {
            is_of_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            if is_own && !is_of_call {
                let cost = line
                    .split(' ')
                    .nth(1)
                    .and_then(|cost| cost.parse::<u64>().ok());
                sum += cost.unwrap_or(0);
            }
            is_of_call = false;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_own_lines_count_and_calls_do_not() {
        let profile = "\
ob=/usr/lib/libc.so.6
fn=memcpy
1 500

ob=/bin/tool
fn=main
10 7
cob=/usr/lib/libc.so.6
cfn=memcpy
calls=1 1
11 500
12 5
";
        assert_eq!(own_instructions(profile, "/bin/tool"), 12);
    }
}
