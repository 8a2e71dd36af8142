//! Puts the sources that `cqrs new` writes into the tool, as they stand in this repository: there is no
//! second copy of them. Tells the tool what it is built for, too.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What a new project gets, or what its files are made of.
const SOURCES: [&str; 16] = [
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "template.yaml",
    "handlers/domain/domain.json",
    "handlers/domain/examples",
    "handlers/domain/src",
    "handlers/domain/tests/description.rs",
    "handlers/pattern/Cargo.toml",
    "handlers/pattern/src",
    "handlers/publisher",
    "handlers/query",
    "handlers/subscriber",
    "examples/accounts",
    "examples/tickets",
    "cli/project",
];

fn main() -> io::Result<()> {
    let folder = |name| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let root = folder("CARGO_MANIFEST_DIR").join("..");
    let mut list =
        String::from("/// By their path in the repository.\nconst SOURCES: &[(&str, &str)] = &[\n");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
        add(&root, Path::new(source), &mut list)?;
    }
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=CQRS_TARGET={target}");
    list.push_str("];\n");
    fs::write(folder("OUT_DIR").join("list.rs"), list)
}

/// Adds a file, or what a folder holds, by its path from `root`. Tests that need this repository's own
/// parts stay here.
fn add(root: &Path, path: &Path, list: &mut String) -> io::Result<()> {
    let here = root.join(path).canonicalize()?;
    if here.is_dir() {
        let mut entries = fs::read_dir(&here)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        let tests = ["tests", "tests.rs", "testing.rs"].map(OsString::from);
        for name in entries {
            if path.starts_with("cli") || !tests.contains(&name) {
                add(root, &path.join(name), list)?;
            }
        }
        return Ok(());
    }
    let name = path.to_string_lossy().replace('\\', "/");
    writeln!(list, "({name:?}, include_str!({here:?})),").map_err(io::Error::other)
}
