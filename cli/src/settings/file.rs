//! The settings file, `cqrs.toml`: its keys, and how an environment's section adds to the top level.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer};

use super::error::SettingsError;
use super::value::{
    Preset, StackName, parse_account, parse_cache_url, parse_endpoint, parse_region, parse_role,
};
use crate::printer::Output;

/// The file's top level, and each `[env.NAME]` in it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Section {
    pub(super) stack: Option<StackName>,
    #[serde(default, deserialize_with = "region")]
    pub(super) region: Option<String>,
    #[serde(default, deserialize_with = "account")]
    pub(super) account: Option<String>,
    pub(super) profile: Option<String>,
    #[serde(default, deserialize_with = "endpoint")]
    pub(super) endpoint_url: Option<String>,
    pub(super) local: Option<bool>,
    #[serde(default, deserialize_with = "cache_url")]
    pub(super) cache_url: Option<String>,
    pub(super) output: Option<Output>,
    pub(super) artifact_bucket: Option<String>,
    #[serde(default, deserialize_with = "role")]
    pub(super) role_arn: Option<String>,
    pub(super) preset: Option<Preset>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Scalar>,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, Scalar>,
    /// Empty in a section that is an environment itself.
    #[serde(default)]
    pub(super) env: BTreeMap<String, Section>,
}

/// A parameter's value: CloudFormation takes text, people write numbers and booleans too.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected text, a number or a boolean")]
pub(super) enum Scalar {
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

fn account<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    in_form(d, parse_account)
}

fn role<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    in_form(d, parse_role)
}

fn region<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    in_form(d, parse_region)
}

fn endpoint<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    in_form(d, parse_endpoint)
}

fn cache_url<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    in_form(d, parse_cache_url)
}

fn in_form<'de, D: Deserializer<'de>>(
    d: D,
    form: impl Fn(&str) -> Result<String, String>,
) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(d)?;
    form(&text).map(Some).map_err(serde::de::Error::custom)
}

impl Section {
    pub(super) fn read(path: &Path) -> Result<Self, SettingsError> {
        match crate::text::read(path) {
            Ok(text) => Self::parse(path, &text),
            Err(source) => Err(SettingsError::Unreadable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, SettingsError> {
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

impl Section {
    /// This section's settings, with those of `base` where it says nothing.
    pub(super) fn over(self, base: Self) -> Self {
        let mut parameters = base.parameters;
        parameters.extend(self.parameters);
        let mut tags = base.tags;
        tags.extend(self.tags);
        Self {
            stack: self.stack.or(base.stack),
            region: self.region.or(base.region),
            account: self.account.or(base.account),
            profile: self.profile.or(base.profile),
            endpoint_url: self.endpoint_url.or(base.endpoint_url),
            local: self.local.or(base.local),
            cache_url: self.cache_url.or(base.cache_url),
            output: self.output.or(base.output),
            artifact_bucket: self.artifact_bucket.or(base.artifact_bucket),
            role_arn: self.role_arn.or(base.role_arn),
            preset: self.preset.or(base.preset),
            parameters,
            tags,
            env: BTreeMap::new(),
        }
    }
}

/// As the template takes them.
pub(super) fn texts(values: BTreeMap<String, Scalar>) -> BTreeMap<String, String> {
    values
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect()
}
