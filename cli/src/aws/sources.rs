//! What AWS's environment variables and configuration files say, read once and judged.
//!
//! The SDK gets from here only what it can take: the values in its own words, and of the files the
//! sections that are used. What has no meaning is said with its variable, or its file and line.

mod file;
mod form;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use aws_runtime::env_config::file::{EnvConfigFileKind as Kind, EnvConfigFiles};

use self::file::{Entry, File, Section, name_after, parse};
pub(super) use self::form::without_password;
use self::form::{Form, SERVICES, of_key, variables};
use crate::error::{self, Explain};
use crate::settings::Profile;
use crate::text;

const DEFAULT: &str = "default";

/// Why the environment or the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// `place` is a variable, or a file's line and key.
    #[error("{place} is `{value}`: {why}")]
    BadValue {
        place: String,
        value: String,
        why: String,
    },

    #[error("{0} is not UTF-8")]
    NotUtf8(String),

    #[error("cannot read {path}")]
    Unreadable { path: String, source: io::Error },

    /// In a section that is used, or above all sections.
    #[error("{path}:{line}: this is neither `[SECTION]` nor `KEY = VALUE`")]
    OddLine { path: String, line: usize },

    /// A profile that is asked for, or that another one names, is in none of the files.
    #[error("the AWS configuration files have no profile `{name}`")]
    NoProfile { name: String, known: Vec<String> },
}

impl Explain for SourceError {
    fn kind(&self) -> error::Kind {
        error::Kind::Usage
    }

    fn name(&self) -> String {
        match self {
            Self::NoProfile { .. } => "NoProfile".to_owned(),
            _ => self.kind().name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoProfile { known, .. } if known.is_empty() => {
                Some("`aws configure --profile NAME` or `aws configure sso` makes one".to_owned())
            }
            Self::NoProfile { known, .. } => Some(format!("they have: {}", known.join(", "))),
            Self::Unreadable { source, .. } => {
                text::NotText::of(source).map(|reason| reason.hint().to_owned())
            }
            _ => None,
        }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Sources {
    config: File,
    credentials: File,
    profile: String,
}

/// What the SDK takes for a variable's value, where that is another word.
pub(crate) fn meaning(name: &str, value: &str) -> Option<String> {
    let (_, form) = variables().find(|(known, _)| known == name)?;
    let meant = form.judge(value).ok()?;
    (meant != value).then_some(meant)
}

impl Sources {
    /// Reads and judges all that is used with this profile.
    pub(super) fn read(profile: Option<&Profile>) -> Result<Self, SourceError> {
        judge_environment()?;
        let mut sources = Self {
            config: read("AWS_CONFIG_FILE", "config")?,
            credentials: read("AWS_SHARED_CREDENTIALS_FILE", "credentials")?,
            profile: DEFAULT.to_owned(),
        };
        let (name, must_be) = match profile {
            Some(Profile::Typed(name)) => (Some(name.clone()), true),
            // It serves where the environment has no keys.
            Some(Profile::Configured(name)) => (Some(name.clone()), !environment_signs_in()),
            None => (variable("AWS_PROFILE"), true),
        };
        if let Some(name) = name {
            if must_be && name != DEFAULT && !sources.names().contains(name.as_str()) {
                return Err(sources.no_profile(&name));
            }
            sources.profile = name;
        }
        sources.judge_files()?;
        Ok(sources)
    }

    /// A setting of the environment, or else of the profile.
    pub(super) fn get(&self, variable_name: &str, key: &str) -> Option<Setting> {
        if let Some(value) = variable(variable_name) {
            let place = variable_name.to_owned();
            return Some(Setting { value, place });
        }
        let found = self.of_profile(&self.profile).into_iter().rev();
        let mut found = found.filter_map(|(file, section)| Some((file, section.get(key)?)));
        found.next().map(|(file, entry)| Setting {
            value: entry.value.clone(),
            place: place(file, entry),
        })
    }

    /// The profile's name, as the SDK takes it.
    pub(super) fn profile(&self) -> String {
        encoded(&self.profile)
    }

    /// The files for the SDK.
    pub(super) fn files(&self) -> EnvConfigFiles {
        let (mut config, mut credentials) = (String::new(), String::new());
        let used = self.used().unwrap_or_default();
        for name in &used {
            for section in self.config.sections.iter().filter(|s| is_profile(s, name)) {
                let header = match name.as_str() {
                    DEFAULT if section.header == DEFAULT => DEFAULT.to_owned(),
                    name => format!("profile {}", encoded(name)),
                };
                write_section(&mut config, &header, section);
            }
            for section in self
                .credentials
                .sections
                .iter()
                .filter(|s| s.header == *name)
            {
                write_section(&mut credentials, &encoded(name), section);
            }
        }
        for (prefix, name, section) in self.referred(&used) {
            write_section(&mut config, &format!("{prefix} {}", encoded(name)), section);
        }
        EnvConfigFiles::builder()
            .with_contents(Kind::Config, config)
            .with_contents(Kind::Credentials, credentials)
            .build()
    }

    /// The profile and those that it takes credentials from.
    fn used(&self) -> Result<Vec<String>, SourceError> {
        let mut used = vec![self.profile.clone()];
        let mut at = 0;
        while let Some(name) = used.get(at).cloned() {
            at += 1;
            let sections = self.of_profile(&name);
            for source in sections.iter().filter_map(|(_, s)| s.get("source_profile")) {
                let name = &source.value;
                if name != DEFAULT && !self.names().contains(name.as_str()) {
                    return Err(self.no_profile(name));
                }
                if !used.contains(name) {
                    used.push(name.clone());
                }
            }
        }
        Ok(used)
    }

    /// The sections of the configuration that these profiles name, by what they are.
    fn referred<'a>(&'a self, used: &[String]) -> Vec<(&'static str, &'a str, &'a Section)> {
        let mut found = Vec::new();
        for (prefix, key) in [("sso-session", "sso_session"), ("services", "services")] {
            let sections = used.iter().flat_map(|name| self.of_profile(name));
            let named: BTreeSet<_> = sections
                .filter_map(|(_, section)| section.get(key))
                .map(|entry| entry.value.as_str())
                .collect();
            found.extend(self.config.sections.iter().filter_map(|section| {
                let name = name_after(prefix, &section.header)?;
                named.contains(name).then_some((prefix, name, section))
            }));
        }
        found
    }

    fn of_profile(&self, name: &str) -> Vec<(&File, &Section)> {
        let config = self.config.sections.iter().filter(|s| is_profile(s, name));
        let credentials = self
            .credentials
            .sections
            .iter()
            .filter(|s| s.header == name);
        let config = config.map(|section| (&self.config, section));
        config
            .chain(credentials.map(|section| (&self.credentials, section)))
            .collect()
    }

    fn names(&self) -> BTreeSet<&str> {
        let config = self.config.sections.iter().filter_map(|section| {
            let name = name_after("profile", &section.header);
            name.or((section.header == DEFAULT).then_some(DEFAULT))
        });
        let credentials = self.credentials.sections.iter();
        config
            .chain(credentials.map(|section| section.header.as_str()))
            .collect()
    }

    fn no_profile(&self, name: &str) -> SourceError {
        SourceError::NoProfile {
            name: name.to_owned(),
            known: self.names().into_iter().map(str::to_owned).collect(),
        }
    }

    fn judge_files(&mut self) -> Result<(), SourceError> {
        let used = self.used()?;
        for (file, section) in used.iter().flat_map(|name| self.of_profile(name)) {
            let odd = section.odd.map(|line| odd(&file.path, line));
            odd.map_or(Ok(()), Err)?;
            for entry in section.entries.iter().filter(|e| !e.value.is_empty()) {
                judge(of_key(&entry.key), &entry.value, || place(file, entry))?;
            }
        }
        for (_, _, section) in self.referred(&used) {
            let odd = section.odd.map(|line| odd(&self.config.path, line));
            odd.map_or(Ok(()), Err)?;
            judge_section(&self.config, section)?;
        }
        Ok(())
    }
}

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) value: String,
    pub(super) place: String,
}

fn judge_environment() -> Result<(), SourceError> {
    for (name, form) in variables() {
        let Some(value) = std::env::var_os(&name) else {
            continue;
        };
        let value = value.to_str();
        let value = value.ok_or_else(|| SourceError::NotUtf8(name.clone()))?;
        judge(form, value, || name.clone())?;
    }
    Ok(())
}

/// An SSO session's keys, or the addresses of a profile's services.
fn judge_section(file: &File, section: &Section) -> Result<(), SourceError> {
    for entry in &section.entries {
        if !entry.value.is_empty() {
            judge(of_key(&entry.key), &entry.value, || place(file, entry))?;
        }
        for (line, text) in &entry.nested {
            let is_called = SERVICES.contains(&entry.key.to_ascii_uppercase().as_str());
            let Some((key, value)) = nested(text).filter(|_| is_called) else {
                continue;
            };
            if key == "endpoint_url" {
                let place = || format!("{}:{line}: {key}", file.path);
                judge(Form::Endpoint, value, place)?;
            }
        }
    }
    Ok(())
}

fn judge(form: Form, value: &str, place: impl Fn() -> String) -> Result<(), SourceError> {
    match form.judge(value) {
        Ok(_) => Ok(()),
        Err(why) => Err(SourceError::BadValue {
            place: place(),
            value: form.shown(value),
            why,
        }),
    }
}

fn place(file: &File, entry: &Entry) -> String {
    format!("{}:{}: {}", file.path, entry.line, entry.key)
}

fn odd(path: &str, line: usize) -> SourceError {
    let path = path.to_owned();
    SourceError::OddLine { path, line }
}

fn is_profile(section: &Section, name: &str) -> bool {
    name_after("profile", &section.header) == Some(name)
        || (section.header == DEFAULT && name == DEFAULT)
}

/// A key and a value that stand below another key; an empty value is none.
fn nested(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    (!key.is_empty() && !value.is_empty()).then_some((key, value))
}

/// Writes a section in the words and the form of the SDK.
fn write_section(to: &mut String, header: &str, section: &Section) {
    to.push_str(&format!("[{header}]\n"));
    for entry in &section.entries {
        let value = match entry.key.as_str() {
            "source_profile" | "sso_session" | "services" => encoded(&entry.value),
            key => {
                let meant = of_key(key).judge(&entry.value);
                meant.unwrap_or_else(|_| entry.value.clone())
            }
        };
        let nested: Vec<_> = entry
            .nested
            .iter()
            .filter_map(|(_, text)| nested(text))
            .collect();
        if value.is_empty() && nested.is_empty() {
            continue;
        }
        to.push_str(&format!("{} = {value}\n", entry.key));
        for (key, value) in nested {
            to.push_str(&format!("  {key} = {value}\n"));
        }
    }
}

/// A name in the letters that the SDK takes in one.
fn encoded(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"_-/.%@:+".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Whether the environment has credentials, or says where they are.
fn environment_signs_in() -> bool {
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
    .iter()
    .any(|name| variable(name).is_some())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The file that the variable names, else the one of this name in the home folder. One that is not
/// there is empty.
fn read(name: &str, file: &str) -> Result<File, SourceError> {
    let named = variable(name).unwrap_or_else(|| format!("~/.aws/{file}"));
    let path = expanded(&named);
    let shown = path.display().to_string();
    match text::read(&path) {
        Ok(text) => parse(&shown, &text).map_err(|line| odd(&shown, line)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(File::default()),
        Err(source) => Err(SourceError::Unreadable {
            path: shown,
            source,
        }),
    }
}

/// With the home folder for `~`.
pub(super) fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), variable("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}
