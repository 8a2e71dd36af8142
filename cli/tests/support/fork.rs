//! A project about something else than orders: this repository's with another domain in its place, as
//! `docs/domain.md` says to make one.
//!
//! Its functions are built as tests are, without optimisation, into one folder for all such projects, so
//! that only what depends on the domain is compiled for each.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use pattern::description::Description;

use super::repository;
use super::sandbox::{HANDLERS, target};

/// See the module's documentation.
pub(crate) struct Fork {
    pub(crate) says: Description,
    pub(crate) template: String,
    /// The folder with the functions' programs.
    pub(crate) handlers: PathBuf,
}

impl Fork {
    /// Makes the project called `name`, whose domain has this source, and builds it. What was built before
    /// and has not changed is not built again.
    pub(crate) fn of(name: &str, domain: &str) -> Self {
        let forks = target().join("forks");
        fs::create_dir_all(&forks).unwrap();
        // The programs of all have the same names: one is built, and taken away, after the other.
        let lock = File::create(forks.join("lock")).unwrap();
        lock.lock().unwrap();
        let project = forks.join(name);
        write_sources(&project, name, domain);
        let cargo = |arguments: &[&str]| cargo(&project, &forks.join("target"), arguments);
        let text = cargo(&["run", "--package", "domain", "--example", "describe"]);
        let says = Description::parse(&text).unwrap();
        let mut build = vec!["build"];
        build.extend(HANDLERS.iter().flat_map(|handler| ["--package", *handler]));
        cargo(&build);
        let handlers = project.join("built");
        fs::create_dir_all(&handlers).unwrap();
        for handler in HANDLERS {
            let built = forks.join("target/debug").join(handler);
            fs::copy(built, handlers.join(handler)).unwrap();
        }
        let template = fs::read_to_string(repository().join("template.yaml")).unwrap();
        let template = template.replace(
            "AttributeName: orderId",
            &format!("AttributeName: {}", says.id),
        );
        let template = template.replace("~orders:", &format!("~{}:", says.plural));
        Self {
            says,
            template,
            handlers,
        }
    }
}

fn write_sources(project: &Path, name: &str, domain: &str) {
    let read = |name: &str| fs::read_to_string(repository().join(name)).unwrap();
    let write = |name: &str, text: &str| {
        let path = project.join(name);
        // What is as it was keeps its time, by which Cargo knows that.
        if fs::read_to_string(&path).is_ok_and(|before| before == text) {
            return;
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let root = read("Cargo.toml");
    let members = root.split("members = [").nth(1).unwrap();
    let members = members.split(']').next().unwrap();
    let mut ours = vec![r#""handlers/domain""#.to_owned()];
    ours.extend(HANDLERS.map(|handler| format!(r#""handlers/{handler}""#)));
    // All but the domain and the functions' mains is that of the repository.
    let there = |name: &str| format!("path = \"{}\"", repository().join(name).display());
    let mut root = root
        .replace(members, &ours.join(", "))
        // Cargo takes the packages of two workspaces for the same where name, version and place in it are.
        .replacen(
            "version = \"0.1.0\"",
            &format!("version = \"0.1.0+{name}\""),
            1,
        )
        .replace(
            "debug = \"line-tables-only\"",
            "debug = false\nstrip = true",
        );
    let default = root
        .lines()
        .find(|line| line.starts_with("default-members"));
    root = root.replace(&default.unwrap().to_owned(), "");
    for name in ["handlers/pattern", "host", "test-support"] {
        root = root.replace(&format!("path = \"{name}\""), &there(name));
    }
    write("Cargo.toml", &root);
    if !project.join("Cargo.lock").exists() {
        write("Cargo.lock", &read("Cargo.lock"));
    }
    write("handlers/domain/src/lib.rs", domain);
    for name in ["domain/Cargo.toml", "domain/examples/describe.rs"] {
        let name = format!("handlers/{name}");
        write(&name, &read(&name));
    }
    for handler in HANDLERS {
        for name in ["Cargo.toml", "src/main.rs"] {
            let name = format!("handlers/{handler}/{name}");
            write(&name, &read(&name));
        }
    }
}

/// Runs Cargo to a success, and gives its stdout.
fn cargo(project: &Path, target: &Path, arguments: &[&str]) -> String {
    let output = Command::new("cargo")
        .args(arguments)
        .args(["--quiet", "--offline"])
        .current_dir(project)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
