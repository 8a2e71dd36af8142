//! Reads a handler's environment, so that a missing or malformed variable is named at start.

use crate::description::InvalidDomain;

/// A variable of the environment that is missing or malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {rule}")]
pub struct InvalidSetting {
    /// The variable.
    pub name: &'static str,
    /// The rule that it breaks.
    pub rule: String,
}

impl InvalidSetting {
    pub(crate) fn new(name: &'static str, rule: impl Into<String>) -> Self {
        Self {
            name,
            rule: rule.into(),
        }
    }
}

/// Why a handler cannot start.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    /// Its environment is wrong.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// Its domain is.
    #[error(transparent)]
    Domain(#[from] InvalidDomain),
}

/// Where settings come from: the value of a variable, if it has one.
pub type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process.
#[must_use]
pub fn process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The value of `name`; an empty one counts as none, since templates leave those.
pub(crate) fn optional(source: Source<'_>, name: &str) -> Option<String> {
    source(name).filter(|value| !value.is_empty())
}

/// The value of `name`, which must be there.
pub(crate) fn required(source: Source<'_>, name: &'static str) -> Result<String, InvalidSetting> {
    optional(source, name).ok_or_else(|| InvalidSetting::new(name, "is missing"))
}

/// The credentials that Lambda gives its functions. They are made with the environment and outlive
/// it, so reading them needs no refresh, no cache and no provider chain.
pub(crate) fn credentials(source: Source<'_>) -> Result<Credentials, InvalidSetting> {
    Ok(Credentials {
        access_key_id: required(source, "AWS_ACCESS_KEY_ID")?,
        secret_access_key: required(source, "AWS_SECRET_ACCESS_KEY")?,
        session_token: optional(source, "AWS_SESSION_TOKEN"),
    })
}

/// The region, by either of its two names.
pub(crate) fn region(source: Source<'_>) -> Result<String, InvalidSetting> {
    optional(source, "AWS_REGION")
        .or_else(|| optional(source, "AWS_DEFAULT_REGION"))
        .ok_or_else(|| InvalidSetting::new("AWS_REGION", "is missing"))
}

/// AWS credentials.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
}

/// Without the secrets.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}
