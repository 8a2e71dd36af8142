//! What is meant: flags, environment variables, `cqrs.toml` and defaults, in this order, resolved
//! into one value.
//!
//! The file is looked for beside the project's template. Its unknown keys and bad values are
//! errors that name file, line and column, never ignored.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use host::cache::{Address, CacheError};
use serde::{Deserialize, Serialize};

use crate::cli::{Global, MachineArgs};
use crate::error::{Explain, Kind};
use crate::printer::{ColorChoice, Output, PrinterOptions};

/// The settings file's name.
pub(crate) const FILE: &str = "cqrs.toml";
/// The template's name, which marks a project folder.
pub(crate) const TEMPLATE: &str = "template.yaml";
const DEFAULT_STACK: &str = "cqrs";

/// A stack's name: `[a-z][a-z0-9-]{0,27}`, not ending in a hyphen and without two in a row.
/// The identifiers of the cache and its users derive from it and are held to the same rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct StackName(String);

impl StackName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the name that need not be given.
    pub(crate) fn is_default(&self) -> bool {
        self.0 == DEFAULT_STACK
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for StackName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let well_formed = name.len() <= 28
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && !name.ends_with('-')
            && !name.contains("--")
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if well_formed {
            Ok(Self(name))
        } else {
            Err(
                "a stack name has 1 to 28 lower-case letters, digits and hyphens, begins with a \
                 letter, does not end in a hyphen and has no two in a row"
                    .to_owned(),
            )
        }
    }
}

impl FromStr for StackName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        name.to_owned().try_into()
    }
}

/// ` --stack NAME`, where the name is not the default.
pub(crate) fn stack_flag(stack: &StackName) -> String {
    if stack.is_default() {
        String::new()
    } else {
        format!(" --stack {stack}")
    }
}

/// Checks the form of a region, such as `eu-west-1` or `us-gov-east-1`.
pub(crate) fn parse_region(region: &str) -> Result<String, String> {
    let parts: Vec<&str> = region.split('-').collect();
    let number = parts
        .last()
        .is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let words = parts
        .iter()
        .rev()
        .skip(1)
        .all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase()));
    if parts.len() >= 3 && number && words {
        Ok(region.to_owned())
    } else {
        Err("a region looks like `eu-west-1`".to_owned())
    }
}

/// Checks that an endpoint is an `http` or `https` address with a host.
pub(crate) fn parse_endpoint(url: &str) -> Result<String, String> {
    let host = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    match host {
        Some(host)
            if !host.is_empty()
                && !host.starts_with('/')
                && !host.contains(char::is_whitespace) =>
        {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => Err("an endpoint looks like `http://127.0.0.1:4566`".to_owned()),
    }
}

/// Checks the address of a cache that is there, `redis://host:port`.
pub(crate) fn parse_cache_url(url: &str) -> Result<String, String> {
    match Address::parse(url) {
        Ok(_) => Ok(url.to_owned()),
        Err(CacheError::BadUrl { why, .. }) => Err(why),
        Err(error) => Err(error.to_string()),
    }
}

/// Splits `NAME=VALUE`; the value may be empty and may hold further `=`.
pub(crate) fn parse_pair(pair: &str) -> Result<(String, String), String> {
    match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

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
    /// The section of the file that was chosen with `--env`.
    pub(crate) env: Option<String>,
    /// The template's parameters, from the file.
    pub(crate) parameters: BTreeMap<String, String>,
    /// The stack's tags, from the file.
    pub(crate) tags: BTreeMap<String, String>,
    /// The user's own bucket for artifacts, from the file.
    pub(crate) artifact_bucket: Option<String>,
    pub(crate) printer: PrinterOptions,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// `--project` names something that is not a folder.
    #[error("the project folder {} does not exist", .0.display())]
    NoProject(PathBuf),

    /// The settings file is there and cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },

    /// The settings file has an unknown key, a bad value or bad syntax.
    #[error("{}:{line}:{column}: {message}", .path.display())]
    BadFile {
        path: PathBuf,
        line: usize,
        column: usize,
        message: String,
    },

    /// A variable has a bad value.
    #[error("{name} is `{value}`: {why}")]
    BadVariable {
        name: &'static str,
        value: String,
        why: String,
    },

    /// An environment holds environments.
    #[error("{}: [env.{env}] holds environments of its own, which cannot be chosen", .path.display())]
    NestedEnv { path: PathBuf, env: String },

    /// `--env` names a section that the file does not have.
    #[error("{} has no section [env.{env}]", .path.display())]
    NoEnv {
        path: PathBuf,
        env: String,
        known: Vec<String>,
    },

    /// `--env` was given and there is no settings file.
    #[error("`--env {0}` needs a {FILE}, and there is none here")]
    EnvWithoutFile(String),
}

impl Explain for SettingsError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoProject(_) => Some(format!("give the folder that holds {TEMPLATE}")),
            Self::Unreadable { .. } | Self::BadVariable { .. } => None,
            Self::BadFile { .. } | Self::NestedEnv { .. } => Some(format!(
                "the keys of {FILE} are listed in docs/reference.md"
            )),
            Self::NoEnv { known, .. } if known.is_empty() => {
                Some("write one, or leave `--env` out".to_owned())
            }
            Self::NoEnv { known, .. } => Some(format!("it has: {}", known.join(", "))),
            Self::EnvWithoutFile(env) => {
                Some(format!("`cqrs deploy --guided --env {env}` writes one"))
            }
        }
    }
}

/// The file's top level, and each `[env.NAME]` in it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Section {
    stack: Option<StackName>,
    #[serde(default, deserialize_with = "region")]
    region: Option<String>,
    profile: Option<String>,
    #[serde(default, deserialize_with = "endpoint")]
    endpoint_url: Option<String>,
    local: Option<bool>,
    #[serde(default, deserialize_with = "cache_url")]
    cache_url: Option<String>,
    output: Option<FileOutput>,
    artifact_bucket: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Scalar>,
    #[serde(default)]
    tags: BTreeMap<String, Scalar>,
    /// Empty in a section that is an environment itself.
    #[serde(default)]
    env: BTreeMap<String, Section>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FileOutput {
    Text,
    Json,
}

/// A parameter's value: CloudFormation takes text, people write numbers and booleans too.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected text, a number or a boolean")]
enum Scalar {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

impl From<Scalar> for String {
    fn from(value: Scalar) -> Self {
        match value {
            Scalar::Text(text) => text,
            Scalar::Integer(number) => number.to_string(),
            Scalar::Boolean(value) => value.to_string(),
        }
    }
}

fn region<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(d)?;
    parse_region(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

fn endpoint<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(d)?;
    parse_endpoint(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

fn cache_url<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(d)?;
    parse_cache_url(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

impl Section {
    fn read(path: &Path) -> Result<Self, SettingsError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(source) => Err(SettingsError::Unreadable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, SettingsError> {
        let top: Self = toml::from_str(text).map_err(|e| {
            let at = e.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            let line = before.rsplit('\n').next().unwrap_or_default();
            SettingsError::BadFile {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                column: line.chars().count() + 1,
                message: e.message().trim_end().to_owned(),
            }
        })?;
        match top.env.iter().find(|(_, section)| !section.env.is_empty()) {
            Some((name, _)) => Err(SettingsError::NestedEnv {
                path: path.to_owned(),
                env: name.clone(),
            }),
            None => Ok(top),
        }
    }
}

impl Settings {
    /// Resolves what was typed against the environment and the project's file.
    pub(crate) fn resolve(global: &Global) -> Result<Self, SettingsError> {
        let project = find_project(global.project.as_deref())?;
        let path = project
            .as_ref()
            .map(|dir| dir.join(FILE))
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
        Self::combine(global, section, project, |name| std::env::var(name).ok())
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
    pub(crate) fn resolve_for_guide(global: &Global) -> Result<Self, SettingsError> {
        match Self::resolve(global) {
            Err(SettingsError::NoEnv { .. } | SettingsError::EnvWithoutFile(_)) => {
                let mut without = global.clone();
                without.env = None;
                let mut settings = Self::resolve(&without)?;
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
        var: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let set = |name: &str| var(name).is_some_and(|value| !value.is_empty());
        // The SDK reads the standard variables itself; the file must only not outrank them.
        let unless_set = |names: &[&str], value: Option<String>| {
            if names.iter().any(|name| set(name)) {
                None
            } else {
                value
            }
        };
        let output = global.output.or(file.output.map(|output| match output {
            FileOutput::Text => Output::Text,
            FileOutput::Json => Output::Json,
        }));
        let target = match global.local.or(file.local) {
            Some(true) => Target::Local,
            _ => Target::Aws,
        };
        let machine = Machine {
            port: checked(&var, "CQRS_LOCAL_PORT", parse_port)?,
            cache_url: checked(&var, "CQRS_CACHE_URL", parse_cache_url)?.or(file.cache_url),
        };
        Ok(Self {
            stack: global
                .stack
                .clone()
                .or(file.stack)
                .unwrap_or_else(|| StackName(DEFAULT_STACK.to_owned())),
            target,
            machine,
            aws: AwsSettings {
                region: global
                    .region
                    .clone()
                    .or_else(|| unless_set(&["AWS_REGION", "AWS_DEFAULT_REGION"], file.region))
                    .or_else(|| var("AWS_REGION").filter(|v| !v.is_empty()))
                    .or_else(|| var("AWS_DEFAULT_REGION").filter(|v| !v.is_empty())),
                profile: global.profile.clone().map(Profile::Typed).or_else(|| {
                    unless_set(&["AWS_PROFILE"], file.profile).map(Profile::Configured)
                }),
                endpoint_url: global
                    .endpoint_url
                    .clone()
                    .or_else(|| unless_set(&["AWS_ENDPOINT_URL"], file.endpoint_url)),
            },
            project,
            env: global.env.clone(),
            parameters: texts(file.parameters),
            tags: texts(file.tags),
            artifact_bucket: file.artifact_bucket,
            printer: PrinterOptions {
                output: output.unwrap_or_default(),
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

fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err("a port is a number from 1 to 65535".to_owned()),
    }
}

impl Section {
    /// This section's settings, with those of `base` where it says nothing.
    fn over(self, base: Self) -> Self {
        let mut parameters = base.parameters;
        parameters.extend(self.parameters);
        let mut tags = base.tags;
        tags.extend(self.tags);
        Self {
            stack: self.stack.or(base.stack),
            region: self.region.or(base.region),
            profile: self.profile.or(base.profile),
            endpoint_url: self.endpoint_url.or(base.endpoint_url),
            local: self.local.or(base.local),
            cache_url: self.cache_url.or(base.cache_url),
            output: self.output.or(base.output),
            artifact_bucket: self.artifact_bucket.or(base.artifact_bucket),
            parameters,
            tags,
            env: BTreeMap::new(),
        }
    }
}

/// What was typed about the output, for the time before the settings are resolved.
pub(crate) fn printer_options(global: &Global) -> PrinterOptions {
    PrinterOptions {
        output: global.output.unwrap_or_default(),
        color: global.color.unwrap_or(ColorChoice::Auto),
        quiet: global.quiet,
        verbose: global.verbose,
    }
}

fn texts(values: BTreeMap<String, Scalar>) -> BTreeMap<String, String> {
    values
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect()
}

/// The folder given, or the nearest one upwards from here with a template or a settings file.
fn find_project(given: Option<&Path>) -> Result<Option<PathBuf>, SettingsError> {
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
mod tests {
    use super::*;

    fn global(args: &[&str]) -> Global {
        let args = ["cqrs"].iter().chain(args).chain(&["outputs"]).copied();
        crate::cli::Cli::from_arguments(args)
            .expect("arguments parse")
            .global
    }

    fn parse(text: &str) -> Result<Section, SettingsError> {
        Section::parse(Path::new("cqrs.toml"), text)
    }

    fn combine(args: &[&str], text: &str, vars: &[(&str, &str)]) -> Settings {
        let file = parse(text).expect("the file parses");
        Settings::combine(&global(args), file, None, |name| {
            vars.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
        .expect("good variables")
    }

    #[test]
    fn stack_names_are_held_to_their_pattern() {
        for good in ["a", "cqrs", "my-stack-2", "abcdefghijklmnopqrstuvwxyz01"] {
            assert!(good.parse::<StackName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "Cqrs",
            "1st",
            "-a",
            "a-",
            "a_b",
            "ä",
            "abcdefghijklmnopqrstuvwxyz012",
        ] {
            assert!(bad.parse::<StackName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_are_held_to_their_form() {
        for good in ["eu-west-1", "us-gov-east-1", "ap-southeast-12"] {
            assert!(parse_region(good).is_ok(), "{good}");
        }
        for bad in ["", "ireland", "eu-west", "EU-WEST-1", "eu--1", "eu-west-1 "] {
            assert!(parse_region(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_flag_outranks_the_variable_which_outranks_the_file() {
        let file = "region = \"eu-west-1\"\nstack = \"from-file\"";
        let env = [("AWS_REGION", "us-east-1")];
        let both = combine(&["--region", "eu-north-1"], file, &env);
        assert_eq!(both.aws.region.as_deref(), Some("eu-north-1"));
        assert_eq!(
            combine(&[], file, &env).aws.region.as_deref(),
            Some("us-east-1")
        );
        assert_eq!(
            combine(&[], file, &[]).aws.region.as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(combine(&[], file, &[]).stack.as_str(), "from-file");
        assert_eq!(combine(&[], "", &[]).stack.as_str(), "cqrs");
    }

    #[test]
    fn what_was_typed_decides_between_aws_and_this_machine() {
        let target = |args: &[&str], file: &str| combine(args, file, &[]).target;
        assert_eq!(target(&[], ""), Target::Aws);
        assert_eq!(target(&["--local"], ""), Target::Local);
        assert_eq!(target(&[], "local = true"), Target::Local);
        assert_eq!(target(&["--local=false"], "local = true"), Target::Aws);
        assert_eq!(target(&["--profile", "dev"], "local = true"), Target::Aws);
        assert_eq!(
            target(
                &["--local"],
                "profile = \"dev\"\nendpoint-url = \"http://a\""
            ),
            Target::Local
        );
    }

    #[test]
    fn a_bad_value_of_a_variable_names_the_variable() {
        let outcome = Settings::combine(&global(&[]), Section::default(), None, |name| {
            (name == "CQRS_LOCAL_PORT").then(|| "70000".to_owned())
        });
        let error = outcome.expect_err("no such port").to_string();
        insta::assert_snapshot!(error, @"CQRS_LOCAL_PORT is `70000`: a port is a number from 1 to 65535");
    }

    #[test]
    fn an_environment_adds_to_and_outranks_the_top_level() {
        let mut file = parse(
            "profile = \"dev\"\nregion = \"eu-west-1\"\n[parameters]\nA = 1\nB = true\n\
             [env.prod]\nprofile = \"prod\"\nparameters = { A = \"2\" }",
        )
        .expect("the file parses");
        let section = file.env.remove("prod").expect("the section").over(file);
        assert_eq!(section.profile.as_deref(), Some("prod"));
        assert_eq!(section.region.as_deref(), Some("eu-west-1"));
        let parameters = texts(section.parameters);
        assert_eq!(parameters["A"], "2");
        assert_eq!(parameters["B"], "true");
    }

    #[test]
    fn the_reference_shows_every_key_of_the_file_and_no_other() {
        let text = crate::commands::reference::SETTINGS_FILE;
        let example = text
            .split("```")
            .nth(1)
            .expect("an example")
            .trim_start_matches("toml");
        let file = parse(example).expect("the example parses");
        let unknown = parse("nope = 1").expect_err("unknown").to_string();
        let known = unknown.split("expected one of ").nth(1).expect("the keys");
        for key in known.split(", ").map(|key| key.trim_matches('`')) {
            let shown =
                example.contains(&format!("\n{key} = ")) || example.contains(&format!("\n[{key}"));
            assert!(shown, "{key}");
        }
        assert_eq!(file.env["prod"].parameters.len(), 2);
    }

    #[test]
    fn an_unknown_key_or_a_bad_value_names_its_line() {
        let at = |text: &str| parse(text).expect_err("a bad file").to_string();
        insta::assert_snapshot!(at("stack = \"ok\"\nregoin = \"eu-west-1\""), @"cqrs.toml:2:1: unknown field `regoin`, expected one of `stack`, `region`, `profile`, `endpoint-url`, `local`, `cache-url`, `output`, `artifact-bucket`, `parameters`, `tags`, `env`");
        insta::assert_snapshot!(at("[env.prod]\nstack = \"Prod\""), @"cqrs.toml:2:9: a stack name has 1 to 28 lower-case letters, digits and hyphens, begins with a letter, does not end in a hyphen and has no two in a row");
        insta::assert_snapshot!(at("stack = "), @"cqrs.toml:1:9: string values must be quoted, expected literal string");
    }
}
