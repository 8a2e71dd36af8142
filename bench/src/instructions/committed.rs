//! The committed figures: `bench/instructions.toml`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::process::Command;

use test_support::workspace;
use toml::{Table, Value};

pub(super) const FILE: &str = "bench/instructions.toml";
/// Ten runs of one build differ by up to 2 %.
const TOLERANCE: f64 = 0.05;
const HEAD: &str = "\
# Instructions of hot paths, and by what part they may grow before `scripts/test` fails.
# Written by `scripts/instructions --update`; see docs/performance.md.
";

pub(super) struct Committed {
    toolchain: String,
    tolerance: f64,
    instructions: BTreeMap<String, u64>,
}

/// What the counts depend on beside the sources.
pub(super) fn toolchain() -> String {
    let output = Command::new("rustc").arg("--version").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    let version = version.split(' ').nth(1).unwrap_or_default().to_owned();
    format!("rustc {version} for {}", std::env::consts::ARCH)
}

impl Committed {
    /// An empty one where there is none.
    pub(super) fn read() -> Self {
        let text = fs::read_to_string(workspace().join(FILE)).unwrap_or_default();
        Self::of_text(&text)
    }

    fn of_text(text: &str) -> Self {
        let table: Table = text
            .parse()
            .unwrap_or_else(|error| panic!("{FILE}: {error}"));
        let instructions = table.get("instructions").and_then(Value::as_table);
        let of_entry = |(name, count): (&String, &Value)| {
            let count = count
                .as_integer()
                .and_then(|count| u64::try_from(count).ok());
            (
                name.clone(),
                count.unwrap_or_else(|| panic!("{FILE}: {name} is no count")),
            )
        };
        Self {
            toolchain: table
                .get("toolchain")
                .and_then(Value::as_str)
                .map_or_else(toolchain, str::to_owned),
            tolerance: table
                .get("tolerance")
                .and_then(Value::as_float)
                .unwrap_or(TOLERANCE),
            instructions: instructions.into_iter().flatten().map(of_entry).collect(),
        }
    }

    pub(super) fn toolchain(&self) -> &str {
        &self.toolchain
    }

    /// How much more is no growth, as a part of what is committed.
    pub(super) fn tolerance(&self) -> f64 {
        self.tolerance
    }

    pub(super) fn of(&self, name: &str) -> Option<u64> {
        self.instructions.get(name).copied()
    }

    pub(super) fn set(&mut self, name: &str, count: u64) {
        self.instructions.insert(name.to_owned(), count);
    }

    pub(super) fn write(&mut self) {
        self.toolchain = toolchain();
        fs::write(workspace().join(FILE), self.text()).unwrap();
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{HEAD}toolchain = \"{}\"\ntolerance = {}\n\n[instructions]\n",
            self.toolchain, self.tolerance
        );
        for (name, count) in &self.instructions {
            let _ = writeln!(text, "\"{name}\" = {count}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut committed = Committed::of_text("toolchain = \"rustc 1\"\ntolerance = 0.05\n");
        committed.set("publisher: a create", 1234);
        let again = Committed::of_text(&committed.text());
        assert_eq!(again.of("publisher: a create"), Some(1234));
        assert_eq!(again.of("anything else"), None);
        assert_eq!((again.toolchain(), again.tolerance()), ("rustc 1", 0.05));
    }

    #[test]
    fn the_committed_figures_can_be_read() {
        assert!(Committed::read().tolerance() < 0.1);
    }
}
