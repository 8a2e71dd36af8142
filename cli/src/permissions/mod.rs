//! What each command may have to ask of AWS, by the actions that IAM grants.
//!
//! One table, for `cqrs doctor` and for docs/permissions.md. A test looks through this crate's
//! sources for actions that the table lacks. What CloudFormation does on behalf of whoever deploys
//! stands in it too, from the documentation of the services; AWS itself may ask for more.

pub(crate) mod simulate;
mod table;

pub(crate) use self::table::ALL;

/// What a command needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permissions {
    /// The command, as it is typed after `cqrs`.
    pub(crate) command: &'static str,
    pub(crate) needs: &'static [Need],
}

/// Actions on one kind of resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    pub(crate) on: Kind,
    pub(crate) actions: &'static [&'static str],
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
    Function,
    Table,
    Stream,
    Queue,
    LogGroup,
    Alarm,
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
