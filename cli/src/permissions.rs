//! What each command may ask of AWS, as policies: docs/permissions.md is the table of it, for people
//! and for the tool.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub(crate) mod key;
#[cfg(test)]
mod tests;

const DOCUMENT: &str = include_str!("../../docs/permissions.md");
/// In front of the command's name, in the title of what CloudFormation does for it.
const FOR: &str = "CloudFormation, for ";
/// The resource that only a stack with a key of its own has.
const KEY: &str = "KEY";

/// The most characters, without white space, of a managed policy. (IAM user guide, "IAM and AWS STS
/// quotas")
pub(crate) const MANAGED_LIMIT: usize = 6_144;
/// The most that all policies have together which stand inside of one role.
pub(crate) const INLINE_LIMIT: usize = 10_240;

/// Rows that are granted together: actions by the resource that they are granted on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Grants(BTreeMap<&'static str, BTreeSet<&'static str>>);

impl Grants {
    /// What the tool itself calls for a command.
    pub(crate) fn tool(command: &str) -> Self {
        Self::titled(&format!("`cqrs {command}`"))
    }

    /// What CloudFormation calls for a command, with the rights of whoever types it or of a service
    /// role.
    pub(crate) fn cloudformation(command: &str) -> Self {
        Self::titled(&format!("{FOR}`cqrs {command}`"))
    }

    fn titled(title: &str) -> Self {
        let rows = rows(title).into_iter().filter_map(|row| {
            let mut cells = row.into_iter();
            Some((cells.next()?.pop()?, cells.next()?.into_iter().collect()))
        });
        Self(rows.collect())
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        for (resource, actions) in other.0 {
            self.0.entry(resource).or_default().extend(actions);
        }
        self
    }

    /// The policy that grants them on the stack at this place.
    pub(crate) fn policy(&self, place: &Place) -> Policy {
        let statements = self.0.iter().filter_map(|(resource, actions)| {
            Some(Statement {
                effect: "Allow",
                principal: None,
                action: actions.iter().copied().collect(),
                resource: place.in_it(resource)?,
                condition: None,
            })
        });
        Policy {
            version: "2012-10-17",
            statement: statements.collect(),
        }
    }
}

/// The rows of the document's section of this title, each with the names in its cells.
fn rows(title: &str) -> Vec<Vec<Vec<&'static str>>> {
    let heading = format!("\n## {title}\n");
    let (_, section) = DOCUMENT.split_once(heading.as_str()).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let names = |cell: &'static str| cell.split('`').skip(1).step_by(2).collect();
    section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(names).collect())
        .collect()
}

/// Where a stack is: what the document's resources leave open.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) stack: String,
    pub(crate) bucket: String,
    /// The ARN of the KMS key that it has, if any.
    pub(crate) key: Option<String>,
}

impl Place {
    /// The resource with its names filled in, where there is one.
    fn in_it(&self, resource: &str) -> Option<String> {
        if resource == KEY {
            return self.key.clone();
        }
        let resource = resource
            .replace("PARTITION", partition(&self.region))
            .replace("REGION", &self.region)
            .replace("ACCOUNT", &self.account)
            .replace("STACK", &self.stack)
            .replace("BUCKET", &self.bucket);
        Some(resource)
    }
}

/// The partition of a region, by the start of its name. (AWS General Reference, "Amazon Resource
/// Names")
fn partition(region: &str) -> &'static str {
    let found = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
    ]
    .into_iter()
    .find(|(start, _)| region.starts_with(start));
    found.map_or("aws", |(_, partition)| partition)
}

/// An IAM policy, as IAM reads it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<serde_json::Value>,
    action: Vec<&'static str>,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<serde_json::Value>,
}

impl Policy {
    /// Lets CloudFormation, and nobody else, be handed this role.
    pub(crate) fn with_service_role(mut self, arn: &str) -> Self {
        let service = "cloudformation.amazonaws.com";
        self.statement.push(Statement {
            effect: "Allow",
            principal: None,
            action: vec!["iam:PassRole"],
            resource: arn.to_owned(),
            condition: Some(serde_json::json!({
                "StringEquals": {"iam:PassedToService": service}
            })),
        });
        self
    }

    /// Its length as IAM counts it.
    pub(crate) fn length(&self) -> usize {
        // White space stands in no name, so that the compact form has none.
        serde_json::to_string(self).map_or(0, |text| text.len())
    }
}
