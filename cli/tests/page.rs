//! The page in a real browser: Chromium, through the real tool, with a stack on this machine. The
//! scenarios are in `page/scenarios.mjs`.
//!
//! Where Node, Chromium or what scripts/page installs is missing, a line says that the page was not
//! opened, and nothing fails.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{AwsStage, Fork, LocalStage, Stage, repository, target};

/// What the browser is driven with.
struct Browser {
    chromium: PathBuf,
    tools: PathBuf,
}

impl Browser {
    fn found() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let program = |name: &str| {
            std::env::split_paths(&path)
                .map(|dir| dir.join(name))
                .find(|p| p.is_file())
        };
        let tools = target().join("page/node_modules");
        let browser = program("chromium").filter(|_| program("node").is_some() && tools.is_dir());
        if browser.is_none() {
            let why = "Node, Chromium or target/page is missing (scripts/page)";
            let _ = writeln!(std::io::stderr(), "the page was not opened: {why}");
        }
        Some(Self {
            chromium: browser?,
            tools,
        })
    }

    /// Opens the page of a stack and runs a scenario, which must hold.
    fn runs(&self, scenario: &str, stage: &impl Stage) {
        let path = stage.path().join("address");
        let out = File::create(&path).unwrap();
        let mut running = stage.cqrs(["ui", "--no-open"]).start_to(out);
        running.until("Open this address in a browser");
        let address = std::fs::read_to_string(&path).unwrap();
        let script = repository().join("cli/tests/page/browser.mjs");
        let ended = Command::new("node")
            .arg(script)
            .args([scenario, address.trim()])
            .current_dir(stage.project())
            .env("CQRS", env!("CARGO_BIN_EXE_cqrs"))
            .envs(stage.variables())
            .env("PATH", stage.search_path())
            .env("HOME", stage.home())
            .env("SERVER", running.pid().to_string())
            .env("CHROMIUM", &self.chromium)
            .env("PAGE_TOOLS", &self.tools)
            .env("PICTURES", repository().join("docs/ui"))
            .output()
            .unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let _ = writeln!(std::io::stdout(), "{}", said(&ended.stdout));
        assert!(
            ended.status.success(),
            "{scenario}: {}",
            said(&ended.stderr)
        );
        running.interrupt();
        assert_eq!(running.outcome().code, 0);
    }
}

fn orders(scenario: &str) {
    if let Some(browser) = Browser::found() {
        browser.runs(scenario, &LocalStage::deployed());
    }
}

#[test]
fn an_order_travels_and_both_models_are_seen() {
    orders("travels");
}

#[test]
fn lists_ids_and_forms_lead_to_an_order() {
    orders("finds");
}

#[test]
fn the_keyboard_suffices() {
    orders("keyboard");
}

#[test]
fn everybody_can_read_it_light_dark_small_and_without_motion() {
    orders("everybody");
}

#[test]
fn each_fault_is_seen_and_heals() {
    orders("faults");
}

#[test]
fn on_aws_what_changes_something_is_asked_once() {
    if let Some(browser) = Browser::found() {
        browser.runs("asks", &AwsStage::deployed());
    }
}

#[test]
fn under_load_in_six_tabs_it_holds_no_more_than_it_shows() {
    orders("load");
}

/// `MINUTES=60 cargo test -p cqrs --test e2e -- --ignored --nocapture memory_stays`: nextest ends it too early.
#[test]
#[ignore = "it takes an hour"]
fn memory_stays_flat_under_load() {
    orders("memory");
}

/// `cargo nextest run --workspace --run-ignored only pictures` makes those of docs/ui.
#[test]
#[ignore = "it writes pictures into the repository"]
fn pictures_are_made_for_the_docs() {
    orders("pictures");
}

#[test]
fn another_domain_is_shown_in_its_own_words() {
    let Some(browser) = Browser::found() else {
        return;
    };
    let source = repository().join("examples/tickets/src/lib.rs");
    let fork = Fork::of("tickets", &std::fs::read_to_string(source).unwrap());
    let stage = LocalStage::empty();
    stage.write("template.yaml", &fork.template);
    stage.write("handlers/domain/domain.json", &fork.says.pretty());
    stage
        .cqrs(["deploy", "--yes", "--quiet", "--prebuilt"])
        .arg(&fork.handlers)
        .succeeds();
    browser.runs("travels", &stage);
}
