//! The forms of single values: what a stack's name, a region, an address may look like, wherever it
//! was said.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use host::cache::{Address, CacheError};
use serde::{Deserialize, Serialize};

use crate::app::handler::Handler;

const DEFAULT_STACK: &str = "cqrs";

/// A stack's name: `[a-z][a-z0-9-]{0,27}`, not ending in a hyphen and without two in a row.
/// The identifiers of the cache and its users derive from it and are held to the same rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct StackName(String);

impl StackName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the stack's function.
    pub(crate) fn function(&self, handler: Handler) -> String {
        format!("{self}-{handler}")
    }

    /// Whether it is the name that need not be given.
    pub(crate) fn is_default(&self) -> bool {
        self.0 == DEFAULT_STACK
    }
}

impl Default for StackName {
    fn default() -> Self {
        Self(DEFAULT_STACK.to_owned())
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

/// A set of values over the template's defaults, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Preset {
    /// Guarded against deletion, failing nodes, bad releases and hungry neighbours
    Production,
}

impl Preset {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
        }
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

/// Checks the form of an account's id.
pub(crate) fn parse_account(account: &str) -> Result<String, String> {
    if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) {
        Ok(account.to_owned())
    } else {
        Err("an account is 12 digits, such as \"123456789012\"".to_owned())
    }
}

/// Checks the form of a role's ARN.
pub(crate) fn parse_role(arn: &str) -> Result<String, String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", "", account, role]
            if parse_account(account).is_ok() && role.starts_with("role/") =>
        {
            Ok(arn.to_owned())
        }
        _ => Err("a role looks like arn:aws:iam::123456789012:role/NAME".to_owned()),
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
    let good = url.parse().is_ok_and(|uri: http::Uri| {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        // What follows the host, whose own colons stand in brackets.
        let port = authority
            .rsplit(']')
            .next()
            .and_then(|rest| rest.split_once(':'));
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && port.is_none_or(|_| uri.port_u16().is_some_and(|port| port > 0))
            && uri.query().is_none()
            && !url.contains(['@', '#'])
    });
    if good {
        Ok(url.trim_end_matches('/').to_owned())
    } else {
        Err("an endpoint looks like `http://127.0.0.1:4566`".to_owned())
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

/// Checks a port that something is to listen on.
pub(super) fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err("a port is a number from 1 to 65535".to_owned()),
    }
}
