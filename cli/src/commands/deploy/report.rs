//! What a deployment tells: the plan, the result, the packaging details.

use std::fmt;

use serde::Serialize;

use super::cost::Cost;
use crate::app::handler::Handler;
use crate::commands::outputs::Outputs;
use crate::commands::preview::Preview;
use crate::commands::rebuild::Rebuilt;
use crate::domain::Difference;
use crate::local::protocol::{LeftOut, WithoutEffect};
use crate::package::{PackageEvent, Zip};
use crate::printer::Style;
use crate::settings::StackName;
use crate::stack::change_set::ResourceChanged;

/// What a deployment came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Done {
    Created,
    Updated,
    Unchanged,
}

impl Done {
    pub(super) fn says(self, stack: &StackName) -> String {
        match self {
            Self::Created => format!("Stack {stack} is created"),
            Self::Updated => format!("Stack {stack} is updated"),
            Self::Unchanged => format!("Nothing to change: stack {stack} is as described"),
        }
    }
}

/// The result of `cqrs deploy`.
#[derive(Serialize)]
pub(super) struct Deployed<'a> {
    pub(super) stack: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    #[serde(rename = "status")]
    pub(super) done: Done,
    pub(super) changes: Vec<ResourceChanged>,
    pub(super) outputs: Outputs,
    /// The rebuild of the read model, where the deployment made one necessary.
    pub(super) rebuild: Option<Rebuilt>,
}

impl fmt::Display for Deployed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outputs.fmt(f)
    }
}

/// The result of `cqrs deploy --local`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeployedHere<'a> {
    #[serde(flatten)]
    pub(super) deployed: Deployed<'a>,
    pub(super) endpoint: &'a str,
    pub(super) cache: &'a str,
    pub(super) left_out: &'a [LeftOut],
    pub(super) without_effect: &'a [WithoutEffect],
    pub(super) notes: &'a [String],
}

impl fmt::Display for DeployedHere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deployed.fmt(f)
    }
}

/// `27 resources (network, roles, alarms)`.
pub(super) fn counted_by_kind(resources: &[&LeftOut]) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    for resource in resources {
        let kind = kind(&resource.resource_type);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let noun = if resources.len() == 1 {
        "resource"
    } else {
        "resources"
    };
    format!("{} {noun} ({})", resources.len(), kinds.join(", "))
}

/// `12 properties (Role, Tags, all of the cache)`.
pub(super) fn counted_by_name(properties: &[&WithoutEffect]) -> String {
    let name = |one: &&'_ WithoutEffect| match kind(&one.resource_type) {
        "cache" => "all of the cache".to_owned(),
        _ => one.property.clone(),
    };
    let mut names: Vec<String> = properties.iter().map(name).collect();
    names.sort_unstable();
    names.dedup();
    let noun = if properties.len() == 1 {
        "property"
    } else {
        "properties"
    };
    format!("{} {noun} ({})", properties.len(), names.join(", "))
}

/// What people call resources of this type.
fn kind(resource_type: &str) -> &str {
    match resource_type {
        t if t.starts_with("AWS::EC2::") => "network",
        "AWS::IAM::Role" => "roles",
        t if t.starts_with("AWS::IAM::") => "policies",
        "AWS::CloudWatch::Alarm" => "alarms",
        "AWS::CloudWatch::Dashboard" => "dashboards",
        "AWS::Logs::LogGroup" => "log groups",
        t if t.starts_with("AWS::Logs::") => "log settings",
        t if t.starts_with("AWS::ElastiCache::") => "cache",
        t if t.ends_with("Policy") => "policies",
        t if t.ends_with("::Permission") => "permissions",
        other => other,
    }
}

/// The result of `cqrs deploy --plan`.
#[derive(Serialize)]
pub(super) struct Planned<'a> {
    pub(super) stack: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) changes: &'a [ResourceChanged],
    /// What changes in what the stack is about.
    pub(super) domain: &'a [Difference],
    /// None on this machine, and where nothing is known of the template's costs.
    pub(super) cost: Option<&'a Cost>,
    #[serde(skip)]
    pub(super) style: Style,
}

impl fmt::Display for Planned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            f.write_str("Nothing would change")
        } else {
            Preview {
                changes: self.changes,
                style: self.style,
            }
            .fmt(f)?;
            self.cost.map_or(Ok(()), |cost| write!(f, "\n{cost}"))
        }
    }
}

/// The result of `cqrs deploy --change-set-only`; on a terminal it is the change set alone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InReview<'a> {
    pub(super) stack: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    /// None where nothing would change.
    pub(super) change_set: Option<&'a str>,
    pub(super) changes: &'a [ResourceChanged],
    pub(super) domain: &'a [Difference],
    pub(super) cost: Option<&'a Cost>,
}

impl fmt::Display for InReview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.change_set.unwrap_or("Nothing would change"))
    }
}

/// A packaging event as a line.
pub(super) fn packaged(event: &PackageEvent) -> String {
    match event {
        PackageEvent::Building { builder } => format!("Building the handlers with {builder}"),
        PackageEvent::Checked {
            handler,
            size,
            glibc: Some(glibc),
        } => {
            format!("{handler}: {size} bytes, needs glibc {glibc}")
        }
        PackageEvent::Checked {
            handler,
            size,
            glibc: None,
        } => {
            format!("{handler}: {size} bytes, needs no glibc")
        }
    }
}

/// That an artifact's zip was made, and is on its way.
pub(super) fn zipped(handler: Handler, zip: &Zip) -> String {
    let Zip { bytes, sha256 } = zip;
    format!("{handler}: {} bytes zipped, SHA-256 {sha256}", bytes.len())
}
