//! What is meant: flags, environment variables, `cqrs.toml` and defaults, in this order, resolved
//! into one value.
//!
//! The file is looked for beside the project's template; where there is none and what came with the tool
//! serves, among the user's own settings. Its unknown keys and bad values are errors that name file,
//! line and column, never ignored.

mod error;
mod file;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub(crate) use self::error::SettingsError;
use self::file::{Section, texts};
use self::value::parse_port;
pub(crate) use self::value::{
    Preset, StackName, parse_account, parse_cache_url, parse_endpoint, parse_pair, parse_region,
    parse_role, stack_flag,
};
use crate::app::installed;
use crate::app::places::Places;
use crate::cli::{Global, MachineArgs};
use crate::domain::Domain;
use crate::printer::{ColorChoice, PrinterOptions};

/// The settings file's name.
pub(crate) const FILE: &str = "cqrs.toml";
/// The template's name, which marks a project folder.
pub(crate) const TEMPLATE: &str = "template.yaml";

/// A profile of the AWS configuration files, by where its name comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// The flag or its variable: it decides, also against keys in the environment.
    Typed(String),
    /// The settings file: it serves where the environment has no keys.
    Configured(String),
}

/// Where and as whom to reach AWS; what is absent is left to the SDK's own chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct AwsSettings {
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<Profile>,
    pub(crate) endpoint_url: Option<String>,
}

/// Where the stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    Aws,
    /// On this machine: nothing of AWS is touched, no key, no file, no service.
    Local,
}

/// What a stack on this machine stands on, where that is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub(crate) port: Option<u16>,
    pub(crate) cache_url: Option<String>,
}

/// The region of a stack on this machine when none is said: it is in its ARNs, no more.
pub(crate) const LOCAL_REGION: &str = "us-east-1";

/// The resolved settings of one command.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) stack: StackName,
    pub(crate) target: Target,
    pub(crate) machine: Machine,
    pub(crate) aws: AwsSettings,
    /// The project's folder; absent outside of one, which only some commands mind.
    pub(crate) project: Option<PathBuf>,
    /// The folder of what came with the tool, where that is what is deployed: there is no template.
    pub(crate) bundle: Option<PathBuf>,
    /// The section of the file that was chosen with `--env`.
    pub(crate) env: Option<String>,
    /// The account that the stack is in, from the file; no other is changed.
    pub(crate) account: Option<String>,
    /// Values over the template's defaults, from the file.
    pub(crate) preset: Option<Preset>,
    /// The template's parameters, from the file.
    pub(crate) parameters: BTreeMap<String, String>,
    /// The stack's tags, from the file.
    pub(crate) tags: BTreeMap<String, String>,
    /// The user's own bucket for artifacts, from the file.
    pub(crate) artifact_bucket: Option<String>,
    /// The role that CloudFormation works as, from the file.
    pub(crate) role_arn: Option<String>,
    pub(crate) printer: PrinterOptions,
    /// What the stack is about.
    pub(crate) domain: Domain,
}

impl Settings {
    /// Resolves what was typed against the environment and the project's file.
    pub(crate) fn resolve(global: &Global, domain: &Domain) -> Result<Self, SettingsError> {
        let project = find_project(global.project.as_deref())?;
        let bundle = serving_bundle(global.project.is_some(), project.as_deref());
        let path = places(project.as_ref(), bundle.as_ref())
            .and_then(|places| places.settings(FILE).ok())
            .filter(|path| path.exists());
        let file = path.as_deref().map(Section::read).transpose()?;
        let section = match (&global.env, file, path) {
            (None, file, _) => file.unwrap_or_default(),
            (Some(env), Some(mut file), Some(path)) => match file.env.remove(env) {
                Some(section) => section.over(file),
                None => {
                    let known = file.env.into_keys().collect();
                    return Err(SettingsError::NoEnv {
                        path,
                        env: env.clone(),
                        known,
                    });
                }
            },
            (Some(env), ..) => return Err(SettingsError::EnvWithoutFile(env.clone())),
        };
        let variable = |name: &str| std::env::var(name).ok();
        let mut settings = Self::combine(global, section, project, domain, variable)?;
        settings.bundle = bundle;
        Ok(settings)
    }

    /// Where things are kept; nowhere outside of a project, where nothing came with the tool.
    pub(crate) fn places(&self) -> Option<Places> {
        places(self.project.as_ref(), self.bundle.as_ref())
    }

    /// The region of a stack on this machine.
    pub(crate) fn local_region(&self) -> &str {
        self.aws.region.as_deref().unwrap_or(LOCAL_REGION)
    }

    /// What was typed about this machine outranks what is resolved already.
    pub(crate) fn machine(&self, typed: &MachineArgs) -> Machine {
        Machine {
            port: typed.port.or(self.machine.port),
            cache_url: typed
                .cache_url
                .clone()
                .or_else(|| self.machine.cache_url.clone()),
        }
    }

    /// Like [`Settings::resolve`], for the command that writes the file: a missing section or file
    /// is what it is there to mend.
    pub(crate) fn resolve_for_guide(
        global: &Global,
        domain: &Domain,
    ) -> Result<Self, SettingsError> {
        match Self::resolve(global, domain) {
            Err(SettingsError::NoEnv { .. } | SettingsError::EnvWithoutFile(_)) => {
                let mut without = global.clone();
                without.env = None;
                let mut settings = Self::resolve(&without, domain)?;
                settings.env.clone_from(&global.env);
                Ok(settings)
            }
            other => other,
        }
    }

    fn combine(
        global: &Global,
        file: Section,
        project: Option<PathBuf>,
        domain: &Domain,
        var: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let set = |name: &str| var(name).filter(|value| !value.is_empty());
        // The SDK reads the standard variables itself; the file must only not outrank them.
        let unless_set = |name: &str, value: Option<String>| value.filter(|_| set(name).is_none());
        let target = match global.local.or(file.local) {
            Some(true) => Target::Local,
            _ => Target::Aws,
        };
        let machine = Machine {
            port: checked(&var, "CQRS_LOCAL_PORT", parse_port)?,
            cache_url: checked(&var, "CQRS_CACHE_URL", parse_cache_url)?.or(file.cache_url),
        };
        Ok(Self {
            stack: global.stack.clone().or(file.stack).unwrap_or_default(),
            target,
            machine,
            aws: AwsSettings {
                region: global
                    .region
                    .clone()
                    .or_else(|| set("AWS_REGION"))
                    .or_else(|| set("AWS_DEFAULT_REGION"))
                    .or(file.region),
                profile: global
                    .profile
                    .clone()
                    .map(Profile::Typed)
                    .or_else(|| unless_set("AWS_PROFILE", file.profile).map(Profile::Configured)),
                endpoint_url: global
                    .endpoint_url
                    .clone()
                    .or_else(|| unless_set("AWS_ENDPOINT_URL", file.endpoint_url)),
            },
            domain: domain.clone(),
            project,
            bundle: None,
            env: global.env.clone(),
            account: file.account,
            preset: file.preset,
            parameters: texts(file.parameters),
            tags: texts(file.tags),
            artifact_bucket: file.artifact_bucket,
            role_arn: file.role_arn,
            printer: PrinterOptions {
                output: global.output.or(file.output).unwrap_or_default(),
                ..printer_options(global)
            },
        })
    }
}

/// A variable's value in its right form; an empty one is none.
fn checked<T>(
    var: impl Fn(&str) -> Option<String>,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, SettingsError> {
    let Some(value) = var(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    match parse(&value) {
        Ok(value) => Ok(Some(value)),
        Err(why) => Err(SettingsError::BadVariable { name, value, why }),
    }
}

/// What was typed about the output, for the time before the settings are resolved.
pub(crate) fn printer_options(global: &Global) -> PrinterOptions {
    PrinterOptions {
        output: global.output.unwrap_or_default(),
        color: global.color.unwrap_or(ColorChoice::Auto),
        quiet: global.quiet,
        verbose: global.verbose,
        place: global.place.clone(),
    }
}

fn places(project: Option<&PathBuf>, bundle: Option<&PathBuf>) -> Option<Places> {
    match (project, bundle) {
        (Some(project), _) => Some(Places::Project(project.clone())),
        (None, Some(_)) => Some(Places::User),
        (None, None) => None,
    }
}

/// The bundle's folder, where no project is given and none with a template was found.
fn serving_bundle(is_given: bool, found: Option<&Path>) -> Option<PathBuf> {
    let has_template = found.is_some_and(|folder| folder.join(TEMPLATE).is_file());
    if is_given || has_template {
        return None;
    }
    installed::bundle()
}

/// The folder given, or the nearest one upwards from here with a template or a settings file.
pub(crate) fn find_project(given: Option<&Path>) -> Result<Option<PathBuf>, SettingsError> {
    if let Some(dir) = given {
        return if dir.is_dir() {
            Ok(Some(dir.to_owned()))
        } else {
            Err(SettingsError::NoProject(dir.to_owned()))
        };
    }
    let Ok(here) = std::env::current_dir() else {
        return Ok(None);
    };
    let found = here
        .ancestors()
        .find(|dir| dir.join(TEMPLATE).is_file() || dir.join(FILE).is_file());
    Ok(found.map(Path::to_owned))
}

#[cfg(test)]
mod tests;
