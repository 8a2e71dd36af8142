//! A project of one's own: its files, made of the sources that are built into the tool.
//!
//! The library and the functions' mains are those of this repository; the domain is one of its domains
//! or a small one to start from. What is the library's is recorded with the project, so that a newer
//! tool can renew it and sees what was edited.

mod library;
mod manifest;
mod names;

use std::path::Path;
use std::{fs, io};

pub(crate) use self::library::{Changes, RECORD, update};
pub(crate) use self::names::{InvalidName, Names};

/// Sources that are built in and cannot be made into files of a project.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unmakeable {
    #[error(transparent)]
    Manifest(#[from] toml_edit::TomlError),
    #[error(transparent)]
    Record(#[from] toml::ser::Error),
}

/// A file of a project: its path in it, and its text.
pub(crate) type File = (String, String);

include!(concat!(env!("OUT_DIR"), "/list.rs"));

/// A source that is built in; each that is asked for is there.
fn source(name: &str) -> &'static str {
    let found = SOURCES.iter().find(|(path, _)| *path == name);
    found.map_or("", |(_, text)| text)
}

/// The template of the pattern, as this repository has it.
pub(crate) fn template() -> &'static str {
    source("template.yaml")
}

/// The sources in a folder, by their path in it.
fn sources(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    SOURCES.iter().filter_map(move |(path, text)| {
        Some((path.strip_prefix(folder)?.strip_prefix('/')?, *text))
    })
}

/// What a new project begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum From {
    /// One field, two statuses, one command, with comments that say what to change
    #[default]
    Starter,
    /// The orders that the tool itself is shown with
    Orders,
    /// Tickets: texts of many lines, lists, dates, commands that say something
    Tickets,
    /// Accounts: money that only rules may move
    Accounts,
}

impl From {
    /// The entity that it is about, with its plural; the starter is about any.
    pub(crate) fn names(self) -> Option<(String, String)> {
        let [_, description, _] = self.domain();
        let says = pattern::description::Description::parse(description).ok()?;
        Some((says.entity, says.plural))
    }

    /// The domain's source and description, and the test of its rules where it has one.
    fn domain(self) -> [&'static str; 3] {
        let folder = match self {
            Self::Starter => {
                return ["lib.rs", "domain.json", "rules.rs"]
                    .map(|name| source(&format!("cli/project/starter/{name}")));
            }
            Self::Orders => "handlers/domain",
            Self::Tickets => "examples/tickets",
            Self::Accounts => "examples/accounts",
        };
        ["src/lib.rs", "domain.json", "tests/rules.rs"]
            .map(|name| source(&format!("{folder}/{name}")))
    }
}

/// All files of a new project.
pub(crate) fn files(names: &Names, from: From) -> Result<Vec<File>, Unmakeable> {
    let [code, says, rules] = from.domain();
    let ours = [
        ("README.md", "README.md"),
        ("cqrs.toml", "cqrs.toml"),
        (".gitignore", "gitignore"),
        (".github/workflows/test.yml", "workflow.yml"),
        ("handlers/domain/Cargo.toml", "domain.toml"),
        (
            "handlers/domain/tests/on_this_machine.rs",
            "tests/on_this_machine.rs",
        ),
    ];
    let ours = ours.map(|(path, name)| (path, source(&format!("cli/project/{name}"))));
    let describe = "handlers/domain/examples/describe.rs";
    let description = "handlers/domain/tests/description.rs";
    let domain = [
        ("handlers/domain/src/lib.rs", code),
        ("handlers/domain/domain.json", says),
        ("handlers/domain/tests/rules.rs", rules),
        (describe, source(describe)),
        (description, source(description)),
    ];
    let mut files: Vec<File> = ours
        .into_iter()
        .chain(domain)
        .filter(|(_, text)| !text.is_empty())
        .map(|(path, text)| (path.to_owned(), names.filled_in(text)))
        .collect();
    let library = library::files(&names.project, &names.id(), &names.plural)?;
    files.push((
        RECORD.to_owned(),
        library::record(&names.project, &library)?,
    ));
    files.extend(library);
    Ok(files)
}

/// Writes the files into a folder that is not there yet, or empty: all of them, or none.
pub(crate) fn write(folder: &Path, files: &[File]) -> io::Result<()> {
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent)?;
    let beside = tempfile::Builder::new()
        .prefix(".cqrs-new-")
        .tempdir_in(parent)?;
    let made = beside.path().join("project");
    write_into(&made, files)?;
    fs::rename(&made, folder)
}

fn write_into(folder: &Path, files: &[File]) -> io::Result<()> {
    for (name, text) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pattern::description::Description;

    #[test]
    fn every_source_that_is_asked_for_is_there() {
        for from in [From::Starter, From::Orders, From::Tickets, From::Accounts] {
            let (entity, plural) = from.names().unwrap_or(("thing".into(), "things".into()));
            assert_eq!(from == From::Starter, entity == "thing");
            let names = Names::new("a-name", &entity, &plural).unwrap();
            let files = files(&names, from).unwrap();
            let description = files.iter().find(|(path, _)| path.ends_with("domain.json"));
            let says = Description::parse(&description.unwrap().1).unwrap();
            assert_eq!((says.entity, says.plural), (entity, plural));
            for name in [
                "README.md",
                ".gitignore",
                "Cargo.lock",
                "template.yaml",
                "handlers/domain/src/lib.rs",
                "handlers/pattern/src/lib.rs",
                RECORD,
            ] {
                assert!(files.iter().any(|(path, _)| path == name), "{name}");
            }
            let own =
                |path: &str| path.starts_with("handlers/domain") || !path.starts_with("handlers/");
            let unfilled = |text: &str| text.contains("{entity}") || text.contains("{plural}");
            let left = files
                .iter()
                .find(|(path, text)| text.is_empty() || own(path) && unfilled(text));
            assert_eq!(left.map(|(path, _)| path), None);
        }
    }
}
