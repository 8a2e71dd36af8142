//! A stack's folder: where it is, who holds it, what is in it. See [`crate::local::protocol`].

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::LocalError;
use super::start::START;
use crate::app::places::{Places, tidy};
use crate::app::wait::until;
use crate::local::private;
use crate::local::protocol::{Deployment, HostFile};
use crate::settings::StackName;

/// Between two looks at what another tool does.
const PAUSE: Duration = Duration::from_millis(20);
/// Between two looks at a process that ends, which takes it milliseconds.
const ENDING_PAUSE: Duration = Duration::from_millis(2);
/// How long another tool may deploy or destroy.
const DEPLOY: Duration = Duration::from_secs(300);

/// See the module's documentation. It need not be there.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    /// The project's folder for what belongs to this machine alone, where there is a project.
    private: Option<PathBuf>,
    path: PathBuf,
    stack: StackName,
}

/// A lock that is held; it goes with the value, and with the process.
#[derive(Debug)]
pub(crate) struct Held {
    _file: File,
}

/// A deployment that is not seen for a while; put back at the latest when this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Aside {
    path: PathBuf,
    aside: PathBuf,
}

impl Aside {
    pub(crate) fn put_back(self) -> Result<(), LocalError> {
        fs::rename(&self.aside, &self.path).map_err(|source| LocalError::Folder {
            path: self.path.clone(),
            source,
        })
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // It is back already where nothing came in between.
        let _ = fs::rename(&self.aside, &self.path);
    }
}

impl Folder {
    pub(crate) fn of(places: &Places, stack: &StackName) -> Result<Self, LocalError> {
        let absolute = |path: PathBuf| {
            std::path::absolute(&path).map_err(|source| LocalError::Folder { path, source })
        };
        Ok(Self {
            path: absolute(places.stack(stack.as_str())?)?,
            private: places.private().map(absolute).transpose()?,
            stack: stack.clone(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Makes the folder where it is missing, for its owner alone, and in a project keeps it out of Git.
    pub(crate) fn create(&self) -> Result<(), LocalError> {
        let create = || -> io::Result<()> {
            private::folder(&self.path)?;
            let Some(private) = &self.private else {
                return Ok(());
            };
            let ignore = private.join(".gitignore");
            match private::options()
                .write(true)
                .create_new(true)
                .open(&ignore)
            {
                Ok(mut file) => file.write_all(b"*\n"),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                Err(error) => Err(error),
            }
        };
        create().map_err(|source| self.unusable(source))
    }

    /// Whether a process serves the stack.
    pub(super) fn is_served(&self) -> Result<bool, LocalError> {
        let file = match File::open(self.path.join("lock")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.unusable(error)),
        };
        // Shared, so that two tools that look at once do not take each other for the process.
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(self.unusable(error)),
        }
    }

    /// Waits until nobody serves the stack, for some time.
    pub(super) async fn is_released(&self, limit: Duration) -> Result<bool, LocalError> {
        let released = async || Ok::<_, LocalError>((!self.is_served()?).then_some(()));
        Ok(until(limit, ENDING_PAUSE, released).await?.is_some())
    }

    /// Where the process is reached; absent while it starts or ends.
    pub(super) fn host_file(&self) -> Option<HostFile> {
        let text = fs::read(self.path.join("host.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Likewise, of a process that is about to be ready.
    pub(super) async fn await_host_file(&self) -> Result<HostFile, LocalError> {
        let found = until(START, PAUSE, async || Ok::<_, LocalError>(self.host_file())).await?;
        found.ok_or_else(|| LocalError::Busy(self.stack.clone()))
    }

    /// Ends what a process left running that was killed, and its watcher with it.
    pub(super) fn end_left(&self) -> Result<(), LocalError> {
        if self.host_file().is_none() {
            return Ok(());
        }
        let lock = File::open(self.path.join("lock")).map_err(|source| self.unusable(source))?;
        // Held, so that no other process starts meanwhile, whose children would be taken for these.
        if lock.try_lock().is_ok() {
            host::offspring::end_left(&self.path);
            self.forget_host()?;
        }
        Ok(())
    }

    /// Removes what a process left that did not end in order.
    pub(super) fn forget_host(&self) -> Result<(), LocalError> {
        match fs::remove_file(self.path.join("host.json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.unusable(error)),
            _ => Ok(()),
        }
    }

    pub(crate) fn is_deployed(&self) -> bool {
        self.path.join("deployment.json").is_file()
    }

    /// The stack as it was last deployed, if it was.
    pub(crate) fn deployment(&self) -> Result<Option<Deployment>, LocalError> {
        let path = self.path.join("deployment.json");
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|source| LocalError::Damaged { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LocalError::Folder { path, source }),
        }
    }

    /// Replaces the deployment that the next process starts with; whole at any moment.
    pub(crate) fn set_deployment(&self, deployment: &Deployment) -> Result<(), LocalError> {
        let path = self.path.join("deployment.json");
        let unfinished = self.path.join("deployment.json.tool");
        let text = serde_json::to_vec_pretty(deployment).map_err(LocalError::Unintelligible)?;
        private::options()
            .create(true)
            .truncate(true)
            .write(true)
            .open(&unfinished)
            .and_then(|mut file| file.write_all(&text))
            .and_then(|()| fs::rename(&unfinished, &path))
            .map_err(|source| LocalError::Folder { path, source })
    }

    /// Lets the next process start with nothing deployed, until it is put back.
    pub(crate) fn set_deployment_aside(&self) -> Result<Aside, LocalError> {
        let aside = Aside {
            path: self.path.join("deployment.json"),
            aside: self.path.join("deployment.json.aside"),
        };
        match fs::rename(&aside.path, &aside.aside) {
            Ok(()) => Ok(aside),
            Err(source) => Err(self.unusable(source)),
        }
    }

    /// Holds the right to start the process; waits for another tool that is at it.
    pub(crate) async fn hold_starting(&self) -> Result<Held, LocalError> {
        self.hold("starting", START, || ()).await
    }

    /// Holds the right to change the stack; waits for another tool that is at it, and calls
    /// `waiting` before.
    pub(crate) async fn hold_deploying(&self, waiting: impl FnOnce()) -> Result<Held, LocalError> {
        self.hold("deploying", DEPLOY, waiting).await
    }

    async fn hold(
        &self,
        name: &str,
        limit: Duration,
        waiting: impl FnOnce(),
    ) -> Result<Held, LocalError> {
        let mut waiting = Some(waiting);
        let held = until(limit, PAUSE, async || match self.try_hold(name) {
            Ok(Some(held)) => Ok(Some(held)),
            Ok(None) => {
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
                Ok(None)
            }
            // Whoever held it has destroyed the stack.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(LocalError::NotDeployed(self.stack.clone()))
            }
            Err(error) => Err(self.unusable(error)),
        });
        let held = held.await?;
        held.ok_or_else(|| LocalError::Busy(self.stack.clone()))
    }

    fn try_hold(&self, name: &str) -> io::Result<Option<Held>> {
        let path = self.path.join(name);
        let file = private::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        match file.try_lock() {
            // A folder that was destroyed meanwhile takes its locks with it.
            Ok(()) if file.metadata()?.ino() == fs::metadata(&path)?.ino() => {
                Ok(Some(Held { _file: file }))
            }
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Takes the folder away at once, then removes what was in it.
    pub(crate) fn remove(&self) -> Result<(), LocalError> {
        let id = uuid::Uuid::now_v7().simple();
        let aside = self.path.with_file_name(format!(".{}-{id}", self.stack));
        fs::rename(&self.path, &aside)
            .and_then(|()| fs::remove_dir_all(&aside))
            .map_err(|source| self.unusable(source))?;
        if let Some(folder) = self.path.parent() {
            tidy(folder);
        }
        Ok(())
    }

    pub(super) fn unusable(&self, source: io::Error) -> LocalError {
        LocalError::Folder {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn places(project: &Path) -> Places {
        Places::Project(project.to_owned())
    }

    fn folder(project: &Path) -> Folder {
        let folder = Folder::of(&places(project), &"cqrs".parse().unwrap()).unwrap();
        folder.create().unwrap();
        folder
    }

    /// Whether the work does not end at once.
    async fn is_pending<T>(work: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
        tokio::select! {
            biased;
            _ = work => false,
            () = std::future::ready(()) => true,
        }
    }

    #[test]
    fn the_folder_is_its_owners_alone_and_not_for_git() {
        let project = tempfile::tempdir().unwrap();
        let folder = folder(project.path());
        let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let ignored = fs::read_to_string(project.path().join(".cqrs/.gitignore")).unwrap();
        assert_eq!(ignored, "*\n");
    }

    #[test]
    fn it_is_served_for_as_long_as_a_process_holds_the_lock() {
        let project = tempfile::tempdir().unwrap();
        let folder = folder(project.path());
        assert!(!folder.is_served().unwrap());
        let lock = File::create(folder.path().join("lock")).unwrap();
        assert!(!folder.is_served().unwrap());
        lock.lock().unwrap();
        assert!(folder.is_served().unwrap());
        assert!(folder.is_served().unwrap(), "a look leaves no trace");
        drop(lock);
        assert!(!folder.is_served().unwrap());
    }

    #[tokio::test]
    async fn of_two_that_would_start_it_one_waits_for_the_other() {
        let project = tempfile::tempdir().unwrap();
        let folder = folder(project.path());
        let first = folder.hold_starting().await.unwrap();
        let mut second = std::pin::pin!(folder.hold_starting());
        assert!(is_pending(second.as_mut()).await);
        drop(first);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn waiting_for_a_stack_that_is_destroyed_ends_with_an_error() {
        let project = tempfile::tempdir().unwrap();
        let folder = folder(project.path());
        let first = folder.hold_deploying(|| ()).await.unwrap();
        let mut waited = false;
        {
            let mut second = std::pin::pin!(folder.hold_deploying(|| waited = true));
            assert!(is_pending(second.as_mut()).await);
            folder.remove().unwrap();
            drop(first);
            let error = second.await.unwrap_err();
            assert!(matches!(error, LocalError::NotDeployed(_)), "{error}");
        }
        assert!(waited);
    }

    #[test]
    fn what_is_removed_leaves_nothing_and_other_stacks_alone() {
        let project = tempfile::tempdir().unwrap();
        let one = folder(project.path());
        let other = Folder::of(&places(project.path()), &"other".parse().unwrap()).unwrap();
        other.create().unwrap();
        one.remove().unwrap();
        let left = fs::read_dir(project.path().join(".cqrs/local")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["other"]);
    }
}
