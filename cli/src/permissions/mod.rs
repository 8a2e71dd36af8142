//! What each command may have to ask of AWS, by the actions that IAM grants.
//!
//! One table, of which docs/permissions.md is made. A test looks through this crate's sources for
//! actions that the table lacks. What CloudFormation does on behalf of whoever deploys stands in it
//! too, as its handlers declare it.

mod handlers;
mod table;

use std::collections::{BTreeMap, BTreeSet};

/// What a command needs in all, by the kinds of resources.
pub(crate) type Needs = BTreeMap<Kind, BTreeSet<&'static str>>;

/// The whole table: each command, as it is typed after `cqrs`, with its needs.
pub(crate) fn all() -> Vec<(&'static str, Needs)> {
    let needs = |own: &Permissions| {
        let mut needs = match own.command {
            "deploy" => handlers::needs(&["create", "read", "update", "delete", "tags"]),
            "destroy" => handlers::needs(&["read", "delete"]),
            _ => Needs::new(),
        };
        for need in own.needs {
            needs.entry(need.on).or_default().extend(need.actions);
        }
        (own.command, needs)
    };
    table::OWN.iter().map(needs).collect()
}

/// What a command asks for itself.
#[derive(Clone, Copy, Debug)]
struct Permissions {
    /// The command, as it is typed after `cqrs`.
    command: &'static str,
    needs: &'static [Need],
}

/// Actions on one kind of resource.
#[derive(Clone, Copy, Debug)]
struct Need {
    on: Kind,
    actions: &'static [&'static str],
}

/// The kinds of resources that a policy may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// No particular one: what cannot be limited, or is of no stack.
    Any,
    Stack,
    Bucket,
    Object,
    Role,
    /// The role that ElastiCache makes for itself, once in an account.
    ServiceRole,
    Function,
    Mapping,
    Table,
    Stream,
    Queue,
    /// With what is in it, as most actions on log groups want it.
    LogGroup,
    /// Without, as the actions on its tags want it.
    LogGroupItself,
    Alarm,
    Dashboard,
    ReplicationGroup,
    CacheNode,
    CacheParameters,
    CacheSubnets,
    CacheUser,
    /// The group of the users.
    CacheUsers,
}

impl Kind {
    /// The ARN of a resource of that kind in `place`; `*` where it is none in particular.
    pub(crate) fn arn(self, place: &Place<'_>) -> String {
        let Place {
            partition,
            region,
            account,
            stack,
            bucket,
        } = place;
        let here = |service: &str, rest: String| format!("{service}:{region}:{account}:{rest}");
        let rest = match self {
            Self::Any => return "*".to_owned(),
            Self::Stack => here("cloudformation", format!("stack/{stack}/*")),
            Self::Bucket => format!("s3:::{bucket}"),
            Self::Object => format!("s3:::{bucket}/{stack}/*"),
            Self::Role => format!("iam::{account}:role/{stack}-*"),
            Self::ServiceRole => format!(
                "iam::{account}:role/aws-service-role/elasticache.amazonaws.com/\
                 AWSServiceRoleForElastiCache"
            ),
            Self::Mapping => here("lambda", "event-source-mapping:*".to_owned()),
            Self::Dashboard => format!("cloudwatch::{account}:dashboard/{stack}-{region}"),
            Self::ReplicationGroup => here("elasticache", format!("replicationgroup:{stack}")),
            Self::CacheNode => here("elasticache", format!("cluster:{stack}-*")),
            Self::CacheParameters => here("elasticache", format!("parametergroup:{stack}-*")),
            Self::CacheSubnets => here("elasticache", format!("subnetgroup:{stack}-*")),
            Self::CacheUser => here("elasticache", format!("user:{stack}-*")),
            Self::CacheUsers => here("elasticache", format!("usergroup:{stack}-*")),
            Self::LogGroupItself => {
                here("logs", format!("log-group:/aws/lambda/{stack}-publisher"))
            }
            Self::Function => here("lambda", format!("function:{stack}-publisher")),
            Self::Table => here("dynamodb", format!("table/{stack}-*")),
            Self::Stream => here("dynamodb", format!("table/{stack}-*/stream/*")),
            Self::Queue => here("sqs", format!("{stack}-*")),
            Self::LogGroup => here("logs", format!("log-group:/aws/lambda/{stack}-publisher:*")),
            Self::Alarm => here("cloudwatch", format!("alarm:{stack}-*")),
        };
        format!("arn:{partition}:{rest}")
    }
}

/// What the ARNs of a stack's resources are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) stack: &'a str,
    /// The bucket of the artifacts.
    pub(crate) bucket: &'a str,
}

#[cfg(test)]
mod tests;
