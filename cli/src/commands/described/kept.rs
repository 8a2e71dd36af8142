//! The descriptions of stacks, kept in the user's [cache folder](Base::Cache). Nothing depends on one being
//! there: what is missing, cannot be read or is of another version is asked for again.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{fs, io};

use pattern::description::Description;
use sha2::{Digest, Sha256};

use crate::app::places::{Base, tidy};
use crate::domain::Domain;
use crate::settings::{Profile, Settings, Target};

/// The file of one stack.
#[derive(Debug)]
pub(super) struct Kept(PathBuf);

/// Whether anything was ever kept, which costs next to nothing to know.
pub(super) fn any() -> bool {
    folder(&|name| std::env::var_os(name)).is_some_and(|folder| folder.is_dir())
}

fn folder(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    Some(Base::Cache.folder_by(variable).ok()?.join("stacks"))
}

impl Kept {
    /// That of the stack that the settings lead to; none for a user without a folder.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        Self::within(settings, &|name| std::env::var_os(name))
    }

    fn within(settings: &Settings, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<Self> {
        let said = |name: &str| variable(name).filter(|value| !value.is_empty());
        let place = match settings.target {
            Target::Local => {
                let stack = settings.places()?.stack(settings.stack.as_str()).ok()?;
                // The project may be reached by another way; the stack need not be there yet.
                let project = settings.project.as_deref();
                let project = project.and_then(|project| project.canonicalize().ok());
                let place = project.unwrap_or(stack);
                vec!["local".into(), place.into_os_string()]
            }
            Target::Aws => {
                let aws = &settings.aws;
                let profile = aws.profile.as_ref().map(|profile| match profile {
                    Profile::Typed(name) | Profile::Configured(name) => name.into(),
                });
                let endpoint = aws.endpoint_url.as_ref().map(OsString::from);
                vec![
                    "aws".into(),
                    aws.region.as_ref().map(OsString::from).unwrap_or_default(),
                    profile.or_else(|| said("AWS_PROFILE")).unwrap_or_default(),
                    endpoint
                        .or_else(|| said("AWS_ENDPOINT_URL"))
                        .unwrap_or_default(),
                ]
            }
        };
        let mut hash = Sha256::new();
        for part in place {
            hash.update(part.as_encoded_bytes());
            hash.update([0]);
        }
        let digits: String = hash
            .finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name = format!("{}-{digits}.json", settings.stack);
        Some(Self(folder(variable)?.join(name)))
    }

    pub(super) fn read(&self) -> Option<Domain> {
        Domain::answered(&fs::read_to_string(&self.0).ok()?)
    }

    pub(super) fn write(&self, description: &Description) -> io::Result<()> {
        let text = description.pretty();
        if fs::read_to_string(&self.0).is_ok_and(|kept| kept == text) {
            return Ok(());
        }
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        // Two may write at once.
        let unfinished = self.0.with_extension(std::process::id().to_string());
        fs::write(&unfinished, text)?;
        fs::rename(&unfinished, &self.0)
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => {
                if let Some(folder) = self.0.parent() {
                    tidy(folder);
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;

    fn settings(arguments: &[&str]) -> Settings {
        let arguments = ["cqrs"]
            .iter()
            .chain(arguments)
            .chain(&["outputs"])
            .copied();
        let domain = Domain::bundled();
        let cli = Cli::from_arguments(arguments, &domain).unwrap();
        Settings::resolve(&cli.global, &domain).unwrap()
    }

    #[test]
    fn each_place_of_each_stack_has_a_file_of_its_own() {
        let home = |name: &str| (name == "HOME").then(|| "/home/ann".into());
        let path = |arguments: &[&str]| Kept::within(&settings(arguments), &home).unwrap().0;
        let all = [
            path(&[]),
            path(&["--stack", "shop"]),
            path(&["--region", "eu-north-1"]),
            path(&["--profile", "eu-north-1"]),
            path(&["--endpoint-url", "http://127.0.0.1:1"]),
            path(&["--local"]),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(all[1].starts_with("/home/ann/.cache/cqrs/stacks"));
        assert_eq!(path(&["--stack", "shop"]), all[1]);
    }

    #[test]
    fn nobody_needs_a_cache_folder() {
        assert_eq!(folder(&|_| None), None);
        assert!(Kept::within(&settings(&["--local"]), &|_| None).is_none());
    }

    #[test]
    fn what_is_kept_is_read_again_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept(folder.path().join("stacks/shop.json"));
        assert!(kept.read().is_none());
        let domain = Domain::bundled();
        kept.write(&domain).unwrap();
        assert_eq!(kept.read().unwrap().entity, domain.entity);
        kept.remove().unwrap();
        kept.remove().unwrap();
        assert_eq!(
            fs::read_dir(folder.path().join("stacks")).unwrap().count(),
            0
        );
    }
}
