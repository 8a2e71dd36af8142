//! Where things are kept: in the project, where there is one, and else in the user's own folders, as
//! the XDG base directory specification has them, on every system.
//!
//! | what | in a project | of the user |
//! |---|---|---|
//! | settings | `cqrs.toml` | `$XDG_CONFIG_HOME/cqrs/cqrs.toml` |
//! | a stack on this machine | `.cqrs/local/STACK/` | `$XDG_DATA_HOME/cqrs/local/STACK/` |
//! | how far a rebuild came | `.cqrs/rebuild/` | `$XDG_STATE_HOME/cqrs/rebuild/` |
//!
//! Of the user alone, whatever the project: descriptions of stacks in `$XDG_CACHE_HOME/cqrs/stacks/`, and
//! the cache server that the tool installs, in `$XDG_DATA_HOME/cqrs/bin/`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Explain, Kind};

/// A folder of the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Config,
    Data,
    State,
    Cache,
}

impl Base {
    /// The variable that names it.
    const fn variable(self) -> &'static str {
        match self {
            Self::Config => "XDG_CONFIG_HOME",
            Self::Data => "XDG_DATA_HOME",
            Self::State => "XDG_STATE_HOME",
            Self::Cache => "XDG_CACHE_HOME",
        }
    }

    /// Where it is in the home folder when no variable says otherwise.
    const fn usual(self) -> &'static str {
        match self {
            Self::Config => ".config",
            Self::Data => ".local/share",
            Self::State => ".local/state",
            Self::Cache => ".cache",
        }
    }

    /// This tool's part of it, whether it is there or not.
    pub(crate) fn folder(self) -> Result<PathBuf, NoPlace> {
        self.folder_by(&|name| std::env::var_os(name))
    }

    /// The same by these variables. One that is not absolute counts as none, as the specification says.
    pub(crate) fn folder_by(
        self,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<PathBuf, NoPlace> {
        let absolute = |name| {
            let path = variable(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let base = absolute(self.variable());
        let base = base.or_else(|| absolute("HOME").map(|home| home.join(self.usual())));
        let base = base.ok_or(NoPlace(self.variable()))?;
        Ok(base.join("cqrs"))
    }
}

/// Nothing says where the user's folders are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no folder to keep this in: neither {0} nor HOME names one")]
pub(crate) struct NoPlace(&'static str);

impl Explain for NoPlace {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        let Self(variable) = self;
        Some(format!(
            "set HOME or {variable} to a folder of yours, as an absolute path; a project, which `cqrs new` \
             makes, keeps what is its own beside its template"
        ))
    }
}

/// See the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// In and beside the folder of this project.
    Project(PathBuf),
    /// With the user: there is no project.
    User,
}

impl Places {
    /// The settings file called `name`.
    pub(crate) fn settings(&self, name: &str) -> Result<PathBuf, NoPlace> {
        Ok(match self {
            Self::Project(project) => project.join(name),
            Self::User => Base::Config.folder()?.join(name),
        })
    }

    /// All that belongs to this stack on this machine.
    pub(crate) fn stack(&self, stack: &str) -> Result<PathBuf, NoPlace> {
        let folder = match self.private() {
            Some(private) => private,
            None => Base::Data.folder()?,
        };
        Ok(folder.join("local").join(stack))
    }

    /// How far rebuilds came.
    pub(crate) fn rebuild(&self) -> Result<PathBuf, NoPlace> {
        let folder = match self.private() {
            Some(private) => private,
            None => Base::State.folder()?,
        };
        Ok(folder.join("rebuild"))
    }

    /// The project's folder for what is this machine's alone and not for Git.
    pub(crate) fn private(&self) -> Option<PathBuf> {
        match self {
            Self::Project(project) => Some(project.join(".cqrs")),
            Self::User => None,
        }
    }
}

/// Removes a folder that lies in this tool's own, and then that one, where they are left empty: who
/// removes all stacks finds nothing of them.
pub(crate) fn tidy(folder: &Path) {
    let ours = folder.parent().filter(|parent| parent.ends_with("cqrs"));
    if let Some(ours) = ours {
        // What is not empty stays, or is gone already.
        let _ = fs::remove_dir(folder).and_then(|()| fs::remove_dir(ours));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_folder_is_what_its_variable_says_and_else_the_usual_one() {
        let given = |base: Base, pairs: &'static [(&str, &str)]| {
            base.folder_by(&move |name| {
                let pair = pairs.iter().find(|(other, _)| *other == name);
                pair.map(|(_, value)| (*value).into())
            })
        };
        let both = &[("XDG_CACHE_HOME", "/cache"), ("HOME", "/home/ann")];
        assert_eq!(given(Base::Cache, both), Ok("/cache/cqrs".into()));
        let relative = &[("XDG_CACHE_HOME", "cache"), ("HOME", "/home/ann")];
        let usual = |base, folder: &str| assert_eq!(given(base, relative), Ok(folder.into()));
        usual(Base::Cache, "/home/ann/.cache/cqrs");
        usual(Base::Config, "/home/ann/.config/cqrs");
        usual(Base::Data, "/home/ann/.local/share/cqrs");
        usual(Base::State, "/home/ann/.local/state/cqrs");
        assert_eq!(given(Base::Data, &[]), Err(NoPlace("XDG_DATA_HOME")));
        let nowhere = given(Base::State, &[("HOME", "")]).unwrap_err();
        let hint = nowhere.hint().unwrap();
        assert!(hint.contains("HOME or XDG_STATE_HOME"), "{hint}");
    }

    #[test]
    fn what_is_a_projects_own_lies_in_it() {
        let places = Places::Project("/shop".into());
        let path = |path: &str| Ok(PathBuf::from(path));
        assert_eq!(places.settings("cqrs.toml"), path("/shop/cqrs.toml"));
        assert_eq!(places.stack("one"), path("/shop/.cqrs/local/one"));
        assert_eq!(places.rebuild(), path("/shop/.cqrs/rebuild"));
    }

    #[test]
    fn only_empty_folders_of_this_tool_are_tidied_away() {
        let user = tempfile::tempdir().unwrap();
        let local = user.path().join("share/cqrs/local");
        fs::create_dir_all(local.join("left")).unwrap();
        tidy(&local);
        assert!(local.is_dir());
        fs::remove_dir(local.join("left")).unwrap();
        tidy(&local);
        let share = user.path().join("share");
        assert_eq!(fs::read_dir(&share).unwrap().count(), 0);
        tidy(&share);
        assert!(share.is_dir());
    }
}
