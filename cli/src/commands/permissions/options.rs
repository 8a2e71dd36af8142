//! What can be typed after `cqrs permissions`.

use clap::{Args, ValueEnum};

use crate::settings::{parse_account, parse_role};

/// How a key looks to IAM; an alias may come to stand for another one.
fn parse_key(text: &str) -> Result<String, String> {
    let is_key = text.starts_with("arn:") && text.contains(":kms:") && text.contains(":key/");
    is_key
        .then(|| text.to_owned())
        .ok_or_else(|| "a key looks like arn:aws:kms:REGION:ACCOUNT:key/ID".to_owned())
}

/// Print the IAM policy that a task needs, for this stack and no other
#[derive(Args, Debug)]
#[command(
    after_help = "It asks AWS only for the account, where --account does not say it. What CloudFormation's handlers
call comes from AWS's own schemas; see docs/permissions.md.

Examples:
  cqrs permissions deploy destroy > policy.json
  cqrs permissions drive --account 123456789012 --region eu-west-1
  cqrs permissions service-role > role.json     for a role that CloudFormation takes
  cqrs permissions deploy --role-arn arn:aws:iam::123456789012:role/cloudformation
  cqrs permissions key > key.json               the policy of a KMS key for the stack"
)]
pub(crate) struct PermissionsArgs {
    /// What shall be done; of several, one policy for all
    #[arg(value_name = "TASK", value_enum, required = true)]
    pub(crate) tasks: Vec<Task>,

    /// The account, twelve digits [default: the one of the credentials]
    #[arg(long, value_name = "ID", value_parser = parse_account)]
    pub(crate) account: Option<String>,

    /// The role that CloudFormation works as, or `role-arn` in cqrs.toml: then only the tool's own calls,
    /// and handing the role over
    #[arg(long, value_name = "ARN", value_parser = parse_role)]
    pub(crate) role_arn: Option<String>,

    /// The KMS key that the stack is encrypted with [default: KmsKeyArn in cqrs.toml]
    #[arg(long, value_name = "ARN", value_parser = parse_key)]
    pub(crate) key_arn: Option<String>,
}

/// What somebody does with a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Task {
    /// Create and update it
    Deploy,
    /// Write and read what it is about
    Drive,
    /// Look after it: status, logs, failures, rebuild, verify, doctor, bench
    Operate,
    /// Find what was changed on its resources outside of it: status --drift
    Compare,
    /// Delete it
    Destroy,
    /// All that CloudFormation does for `deploy` and `destroy`
    ServiceRole,
    /// The policy of a KMS key for the stack, of the key itself and of no caller
    Key,
}
