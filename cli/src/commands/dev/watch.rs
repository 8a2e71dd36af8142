//! What changes in a project's sources, by what the files hold: a file that was touched, written with the
//! same content, or only read, is no change.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::error::{Explain, Kind};

/// The folder that is watched with all that is in it.
const HANDLERS: &str = "handlers";
/// Files beside it that say what is built and deployed.
const BESIDE: [&str; 3] = ["template.yaml", "Cargo.toml", "Cargo.lock"];
/// An editor writes in several steps, a tool several files: that is one change.
const REST: Duration = Duration::from_millis(30);

/// Why nothing can be watched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// The system refuses to watch; see the cause.
    #[error("`{}` cannot be watched", path.display())]
    Refused {
        path: PathBuf,
        source: notify::Error,
    },
    /// The sources went, or may not be read; see the cause.
    #[error("`{}` cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// The system stopped telling; nothing a user can change.
    #[error("the system tells of no more changes")]
    Ended,
}

impl Explain for WatchError {
    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { source, .. }
                if matches!(source.kind, notify::ErrorKind::MaxFilesWatch) =>
            {
                Some(
                    "raise the system's limit, as with `sysctl fs.inotify.max_user_watches`".into(),
                )
            }
            _ => None,
        }
    }
}

/// What each file holds, by its hash.
type Contents = BTreeMap<PathBuf, u64>;

/// See the module's documentation.
pub(super) struct Watch {
    project: PathBuf,
    events: UnboundedReceiver<notify::Result<Event>>,
    known: Contents,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// From now on.
    pub(super) fn begin(project: &Path) -> Result<Self, WatchError> {
        let (tell, events) = unbounded_channel();
        let refused = |path: &Path, source| WatchError::Refused {
            path: path.to_owned(),
            source,
        };
        let hand_over = move |event| {
            // Whoever watched is gone.
            let _ = tell.send(event);
        };
        let mut watcher =
            notify::recommended_watcher(hand_over).map_err(|error| refused(project, error))?;
        // The folder and not the files in it, which editors replace.
        for (path, mode) in [
            (project.to_owned(), RecursiveMode::NonRecursive),
            (project.join(HANDLERS), RecursiveMode::Recursive),
        ] {
            let watched = watcher.watch(&path, mode);
            watched.map_err(|error| refused(&path, error))?;
        }
        Ok(Self {
            known: contents(project)?,
            project: project.to_owned(),
            events,
            _watcher: watcher,
        })
    }

    /// Waits until files hold something else than when they were looked at last, also before this was
    /// called; gives their paths in the project.
    pub(super) async fn changed(&mut self) -> Result<Vec<PathBuf>, WatchError> {
        loop {
            let now = contents(&self.project)?;
            let changed = difference(&self.known, &now);
            self.known = now;
            if !changed.is_empty() {
                return Ok(changed);
            }
            self.event().await?;
            while let Ok(event) = timeout(REST, self.event()).await {
                event?;
            }
        }
    }

    /// Takes what a file holds now for known: this program has written it.
    pub(super) fn accept(&mut self, path: &Path) {
        if let Ok(bytes) = fs::read(self.project.join(path)) {
            self.known.insert(path.to_owned(), hash(&bytes));
        }
    }

    /// Waits until the system tells of something that can be a change.
    async fn event(&mut self) -> Result<(), WatchError> {
        loop {
            match self.events.recv().await {
                // To read is no change, and this reads itself.
                Some(Ok(event)) if matches!(event.kind, EventKind::Access(_)) => {}
                Some(Ok(_)) => return Ok(()),
                Some(Err(source)) => {
                    let path = self.project.clone();
                    return Err(WatchError::Refused { path, source });
                }
                None => return Err(WatchError::Ended),
            }
        }
    }
}

fn contents(project: &Path) -> Result<Contents, WatchError> {
    let mut contents = Contents::new();
    for name in BESIDE {
        read(project, Path::new(name), &mut contents)?;
    }
    let mut folders = vec![PathBuf::from(HANDLERS)];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(project.join(&folder)) {
            // It went between two looks.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(|source| unreadable(&folder, source))?,
        };
        for entry in entries {
            let entry = entry.map_err(|source| unreadable(&folder, source))?;
            let path = folder.join(entry.file_name());
            if !is_source(&path) {
                continue;
            }
            if entry.path().is_dir() {
                folders.push(path);
            } else {
                read(project, &path, &mut contents)?;
            }
        }
    }
    Ok(contents)
}

fn read(project: &Path, path: &Path, contents: &mut Contents) -> Result<(), WatchError> {
    match fs::read(project.join(path)) {
        Ok(bytes) => {
            contents.insert(path.to_owned(), hash(&bytes));
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(unreadable(path, source)),
    }
}

fn unreadable(path: &Path, source: io::Error) -> WatchError {
    WatchError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Not what Cargo makes, and not what editors put beside the files that they have open.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_made = name == "target";
    let is_editors = name.starts_with(['.', '#']) || name.ends_with('~') || name == "4913";
    !is_made && !is_editors
}

fn difference(before: &Contents, after: &Contents) -> Vec<PathBuf> {
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let other = after
        .iter()
        .filter(|(path, hash)| before.get(*path) != Some(*hash));
    let mut changed: Vec<PathBuf> = gone.chain(other.map(|(path, _)| path)).cloned().collect();
    changed.sort_unstable();
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let project = tempfile::tempdir().unwrap();
        fs::create_dir_all(project.path().join("handlers/domain/src")).unwrap();
        fs::write(project.path().join("template.yaml"), "Resources: {}").unwrap();
        fs::write(project.path().join("handlers/domain/src/lib.rs"), "// 1").unwrap();
        project
    }

    #[tokio::test]
    async fn a_change_is_what_files_hold_and_not_that_they_were_written() {
        let project = project();
        let at = |path: &str| project.path().join(path);
        let mut watch = Watch::begin(project.path()).unwrap();
        // The same again, what editors and Cargo leave, and what nobody asked to watch.
        fs::write(at("handlers/domain/src/lib.rs"), "// 1").unwrap();
        fs::write(at("handlers/domain/src/.lib.rs.swp"), "open").unwrap();
        fs::create_dir(at("handlers/target")).unwrap();
        fs::write(at("handlers/target/made.rs"), "made").unwrap();
        fs::write(at("README.md"), "text").unwrap();
        fs::write(at("handlers/domain/src/lib.rs"), "// 2").unwrap();
        let changed = watch.changed().await.unwrap();
        assert_eq!(changed, [Path::new("handlers/domain/src/lib.rs")]);

        // As editors do it: another file takes the place of the old one.
        fs::write(at("template.new"), "Resources: {A: {}}").unwrap();
        fs::rename(at("template.new"), at("template.yaml")).unwrap();
        fs::create_dir(at("handlers/other")).unwrap();
        fs::write(at("handlers/other/new.rs"), "// new").unwrap();
        let changed = watch.changed().await.unwrap();
        let expected = ["handlers/other/new.rs", "template.yaml"].map(Path::new);
        assert_eq!(changed, expected);
    }

    #[tokio::test]
    async fn a_change_is_seen_while_it_is_waited_for_and_what_was_accepted_is_none() {
        let project = project();
        let path = project.path().join("handlers/domain/src/lib.rs");
        let mut watch = Watch::begin(project.path()).unwrap();
        let own = Path::new("handlers/domain/domain.json");
        fs::write(project.path().join(own), "{}").unwrap();
        watch.accept(own);
        let changed = tokio::join!(watch.changed(), async {
            tokio::task::yield_now().await;
            fs::remove_file(&path).unwrap();
        });
        let changed = changed.0.unwrap();
        assert_eq!(changed, [Path::new("handlers/domain/src/lib.rs")]);
    }

    #[test]
    fn a_project_without_handlers_cannot_be_watched() {
        let project = tempfile::tempdir().unwrap();
        let Err(error) = Watch::begin(project.path()) else {
            panic!("it is watched");
        };
        assert!(error.to_string().contains("handlers"), "{error}");
    }
}
