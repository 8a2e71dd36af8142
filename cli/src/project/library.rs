//! What a project takes as it is, and how a newer tool renews it.
//!
//! A record in the project names the version and the hash of each file. A file that has another hash
//! was edited: the library is then left alone, and what else there is keeps its edits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use pattern::document::id_name;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use similar::TextDiff;

use super::{File, From, Unmakeable, manifest, source, sources};
use crate::app::handler::Handler;
use crate::app::version::is_newer;
use crate::error::{Explain, Kind};

/// Where the record lies.
pub(crate) const RECORD: &str = "handlers/pattern/record.toml";
/// The library's folder.
const LIBRARY: &str = "handlers/pattern";
/// Files that people edit for reasons of their own.
const FREE: [&str; 3] = ["Cargo.toml", "Cargo.lock", "template.yaml"];

/// What was written, by which version.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    version: String,
    /// What the project is called.
    name: String,
    /// SHA-256 of each file.
    files: BTreeMap<String, String>,
}

/// What an update did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Changes {
    /// The version that the library was of.
    pub(crate) from: String,
    /// The version that it is of now.
    pub(crate) to: String,
    /// Files that were made anew.
    pub(crate) changed: Vec<String>,
    /// Files that the library no longer has.
    pub(crate) removed: Vec<String>,
    /// Files beside the library that were edited, and left for that.
    pub(crate) left: Vec<String>,
}

/// Why the library is not renewed. But for a file that cannot be written, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpdateError {
    #[error("{} is no project that `cqrs new` made", .0.display())]
    NoRecord(PathBuf),
    #[error("cannot read {name}")]
    Unreadable { name: String, source: io::Error },
    #[error("cannot use {RECORD}")]
    Record(#[source] toml::de::Error),
    #[error("the library of this project is of cqrs {theirs}, and this is cqrs {ours}")]
    Newer { theirs: String, ours: String },
    #[error("the library was edited: {}\n{difference}", files.join(", "))]
    Edited {
        files: Vec<String>,
        difference: String,
    },
    #[error("cannot make the library's files")]
    Unmakeable(#[from] Unmakeable),
    #[error("cannot write {name}")]
    Unwritable { name: String, source: io::Error },
}

impl Explain for UpdateError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoRecord(_) | Self::Record(_) | Self::Newer { .. } | Self::Edited { .. } => {
                Kind::Usage
            }
            _ => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoRecord(_) => "go to such a project, or make one with `cqrs new NAME`",
            Self::Record(_) => "put the file back as it was",
            Self::Newer { .. } => "install the version that made it, or a newer one",
            Self::Edited { .. } => {
                "put the files back as they were; what the domain needs belongs into handlers/domain"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// The files that are taken as they are, in the project called `name`, for an entity with this id and
/// plural.
pub(super) fn files(name: &str, id: &str, plural: &str) -> Result<Vec<File>, Unmakeable> {
    let (of_ours, ours) = From::Orders.names().unwrap_or_default();
    let of_ours = id_name(&of_ours);
    let key = |id: &str| format!("AttributeName: {id}");
    let prefix = |plural: &str| format!("~{plural}:");
    let template = source("template.yaml")
        .replace(&key(&of_ours), &key(id))
        .replace(&prefix(&ours), &prefix(plural));
    let lock = source("cli/project/Cargo.lock");
    let readme = source("cli/project/pattern.md");
    let named = |text: &str| text.replace("{name}", name);
    let mut files = vec![
        ("Cargo.toml".to_owned(), named(&manifest::workspace()?)),
        ("Cargo.lock".to_owned(), named(lock)),
        ("template.yaml".to_owned(), template),
        (format!("{LIBRARY}/Cargo.toml"), manifest::library()?),
        (format!("{LIBRARY}/README.md"), readme.to_owned()),
    ];
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        files.push((format!("{LIBRARY}/{name}"), source(name).to_owned()));
    }
    let library = sources("handlers/pattern/src");
    files.extend(library.map(|(path, text)| (format!("{LIBRARY}/src/{path}"), text.to_owned())));
    for name in Handler::ALL.map(Handler::name) {
        let main = format!("handlers/{name}/src/main.rs");
        let text = source(&main).to_owned();
        files.push((main, text));
        let function = manifest::function(name)?;
        files.push((format!("handlers/{name}/Cargo.toml"), function));
    }
    Ok(files)
}

/// The record of these files, which this tool writes.
pub(super) fn record(name: &str, files: &[File]) -> Result<String, Unmakeable> {
    let hashed = |(name, text): &File| (name.clone(), hash(text.as_bytes()));
    written(&Record {
        version: pattern::VERSION.to_owned(),
        name: name.to_owned(),
        files: files.iter().map(hashed).collect(),
    })
}

fn written(record: &Record) -> Result<String, Unmakeable> {
    let text = toml::to_string(record)?;
    Ok(format!(
        "# What `cqrs new` wrote, and `cqrs new --update` renews.\n{text}"
    ))
}

/// What an update would do.
struct Plan<'a> {
    write: Vec<&'a File>,
    removed: Vec<String>,
    left: Vec<String>,
    record: Record,
}

/// Brings the project's library to this tool's version.
pub(crate) fn update(project: &Path, id: &str, plural: &str) -> Result<Changes, UpdateError> {
    let text = read(project, RECORD)?.ok_or_else(|| UpdateError::NoRecord(project.to_owned()))?;
    let before: Record =
        toml::from_str(&String::from_utf8_lossy(&text)).map_err(UpdateError::Record)?;
    if is_newer(&before.version, pattern::VERSION) {
        return Err(UpdateError::Newer {
            theirs: before.version,
            ours: pattern::VERSION.to_owned(),
        });
    }
    let new = files(&before.name, id, plural)?;
    let plan = plan(project, &before, &new)?;
    let unwritable = |name: &str| {
        let name = name.to_owned();
        move |source| UpdateError::Unwritable { name, source }
    };
    for (name, text) in &plan.write {
        let path = project.join(name);
        let folder = path.parent().unwrap_or(project);
        fs::create_dir_all(folder).map_err(unwritable(name))?;
        fs::write(&path, text).map_err(unwritable(name))?;
    }
    for name in &plan.removed {
        fs::remove_file(project.join(name)).map_err(unwritable(name))?;
    }
    // Last, so that an update that was cut off can be repeated.
    let text = written(&plan.record)?;
    fs::write(project.join(RECORD), text).map_err(unwritable(RECORD))?;
    Ok(Changes {
        from: before.version,
        to: plan.record.version,
        changed: plan.write.iter().map(|(name, _)| name.clone()).collect(),
        removed: plan.removed,
        left: plan.left,
    })
}

fn plan<'a>(project: &Path, before: &Record, new: &'a [File]) -> Result<Plan<'a>, UpdateError> {
    let mut plan = Plan {
        write: Vec::new(),
        removed: Vec::new(),
        left: Vec::new(),
        record: Record {
            version: pattern::VERSION.to_owned(),
            name: before.name.clone(),
            files: BTreeMap::new(),
        },
    };
    let mut edited = Vec::new();
    let mut difference = String::new();
    for file in new {
        let (name, text) = file;
        let there = read(project, name)?;
        let is = there.as_deref().map(hash);
        let was = before.files.get(name);
        let becomes = hash(text.as_bytes());
        // Still the one that it was edited from, where it is left.
        let mut recorded = becomes.clone();
        if is.as_ref() == Some(&becomes) {
        } else if is.as_ref() == was {
            plan.write.push(file);
        } else if FREE.contains(&name.as_str()) {
            plan.left.push(name.clone());
            recorded = was.cloned().unwrap_or(becomes);
        } else {
            let theirs = there.unwrap_or_default();
            difference += &shown(name, text, &String::from_utf8_lossy(&theirs));
            edited.push(name.clone());
        }
        plan.record.files.insert(name.clone(), recorded);
    }
    let gone = before.files.iter();
    for (name, was) in gone.filter(|(name, _)| !plan.record.files.contains_key(*name)) {
        match read(project, name)?.as_deref().map(hash) {
            None => {}
            Some(is) if is == *was => plan.removed.push(name.clone()),
            Some(_) => edited.push(name.clone()),
        }
    }
    if edited.is_empty() {
        return Ok(plan);
    }
    Err(UpdateError::Edited {
        files: edited,
        difference,
    })
}

/// A file of the project, where it is there.
fn read(project: &Path, name: &str) -> Result<Option<Vec<u8>>, UpdateError> {
    match fs::read(project.join(name)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(UpdateError::Unreadable {
            name: name.to_owned(),
            source,
        }),
    }
}

/// The lines in which a file differs from the tool's, as `diff -u` shows them.
fn shown(name: &str, ours: &str, theirs: &str) -> String {
    let lines = TextDiff::from_lines(ours, theirs);
    let mut unified = lines.unified_diff();
    let unified = unified.context_radius(1);
    unified.header(&format!("cqrs/{name}"), name).to_string()
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files("a-name", "thingId", "things").unwrap();
        files.push((RECORD.to_owned(), record("a-name", &files).unwrap()));
        super::super::write_into(folder.path(), &files).unwrap();
        folder
    }

    /// As if an older tool had written `name` with this text.
    fn older(project: &Path, name: &str, text: &str) {
        let read = fs::read_to_string(project.join(RECORD)).unwrap();
        let mut record: Record = toml::from_str(&read).unwrap();
        "0.0.9".clone_into(&mut record.version);
        record.files.insert(name.to_owned(), hash(text.as_bytes()));
        fs::write(project.join(RECORD), written(&record).unwrap()).unwrap();
        fs::write(project.join(name), text).unwrap();
    }

    fn renew(project: &Path) -> Result<Changes, UpdateError> {
        update(project, "thingId", "things")
    }

    #[test]
    fn a_library_of_the_same_version_stays() {
        let project = project();
        let changes = renew(project.path()).unwrap();
        assert!(changes.changed.is_empty() && changes.removed.is_empty());
        assert!(changes.left.is_empty());
    }

    #[test]
    fn an_older_library_is_renewed_and_what_it_no_longer_has_removed() {
        let project = project();
        let main = "handlers/query/src/main.rs";
        older(project.path(), main, "fn main() {}\n");
        older(project.path(), "handlers/pattern/src/gone.rs", "\n");
        let changes = renew(project.path()).unwrap();
        assert_eq!(changes.from, "0.0.9");
        assert_eq!(changes.changed, [main]);
        assert_eq!(changes.removed, ["handlers/pattern/src/gone.rs"]);
        let renewed = fs::read_to_string(project.path().join(main)).unwrap();
        assert!(renewed.contains("pattern::queries"));
        assert!(!project.path().join("handlers/pattern/src/gone.rs").exists());
        assert!(renew(project.path()).unwrap().changed.is_empty());
    }

    #[test]
    fn a_library_that_was_edited_is_shown_and_left() {
        let project = project();
        older(
            project.path(),
            "handlers/query/src/main.rs",
            "fn main() {}\n",
        );
        let edited = project.path().join("handlers/pattern/src/lib.rs");
        let text = fs::read_to_string(&edited).unwrap();
        fs::write(&edited, format!("{text}// Mine.\n")).unwrap();
        let error = renew(project.path()).unwrap_err().to_string();
        let begin = "the library was edited: handlers/pattern/src/lib.rs\n";
        assert!(error.starts_with(begin), "{error}");
        assert!(error.contains("\n+// Mine."), "{error}");
        let main = project.path().join("handlers/query/src/main.rs");
        assert_eq!(fs::read_to_string(main).unwrap(), "fn main() {}\n");
    }

    #[test]
    fn an_edited_template_is_kept_and_said() {
        let project = project();
        older(project.path(), "template.yaml", "Resources: {}\n");
        let path = project.path().join("template.yaml");
        fs::write(&path, "Resources: {A: {}}\n").unwrap();
        for _ in 0..2 {
            assert_eq!(renew(project.path()).unwrap().left, ["template.yaml"]);
        }
        assert_eq!(fs::read_to_string(path).unwrap(), "Resources: {A: {}}\n");
    }

    #[test]
    fn a_project_of_a_newer_tool_is_left() {
        let project = project();
        let path = project.path().join(RECORD);
        let text = fs::read_to_string(&path).unwrap();
        let newer = text.replace(&format!("\"{}\"", pattern::VERSION), "\"99.0.0\"");
        fs::write(&path, newer).unwrap();
        let newer = renew(project.path()).unwrap_err();
        assert!(matches!(newer, UpdateError::Newer { .. }));
        fs::remove_file(&path).unwrap();
        let none = renew(project.path()).unwrap_err();
        assert!(matches!(none, UpdateError::NoRecord(_)));
    }
}
