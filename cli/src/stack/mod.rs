//! A stack on AWS: its state, its change sets, its events, its artifacts.
//!
//! Everything here returns typed values and typed errors; how they look is the commands' business.

pub(crate) mod artifacts;
pub(crate) mod change_set;
pub(crate) mod deletion;
mod deployed_by;
pub(crate) mod follow;
pub(crate) mod functions;
pub(crate) mod network;
pub(crate) mod outside;
pub(crate) mod ownership;
pub(crate) mod quota;
#[cfg(test)]
mod replay;
pub(crate) mod root_cause;
pub(crate) mod state;
pub(crate) mod template;

use aws_sdk_cloudformation::Client;

use crate::aws::{Aws, AwsError};
use crate::stack::state::StackState;

/// CloudFormation, for one region and account.
#[derive(Clone, Debug)]
pub(crate) struct Stacks {
    client: Client,
    region: String,
    /// As which CloudFormation works; else with the caller's own rights.
    role: Option<String>,
}

impl Stacks {
    pub(crate) fn new(aws: &Aws) -> Self {
        Self {
            client: aws.cloudformation(),
            region: aws.region().to_owned(),
            role: None,
        }
    }

    /// The same, where CloudFormation works as this role. It then keeps it for the stack.
    pub(crate) fn working_as(mut self, role: Option<String>) -> Self {
        self.role = role;
        self
    }

    /// The stack of this name or id, if there is one. A deleted one is still found by its id.
    pub(crate) async fn describe(&self, stack: &str) -> Result<Option<StackState>, AwsError> {
        let answer = self.client.describe_stacks().stack_name(stack).send().await;
        match answer.map_err(|e| AwsError::from_sdk("cloudformation:DescribeStacks", e)) {
            Ok(answer) => Ok(answer
                .stacks
                .unwrap_or_default()
                .into_iter()
                .next()
                .map(StackState::from)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Protects the stack from deletion, or lifts that.
    pub(crate) async fn set_termination_protection(
        &self,
        stack: &str,
        enabled: bool,
    ) -> Result<(), AwsError> {
        self.client
            .update_termination_protection()
            .stack_name(stack)
            .enable_termination_protection(enabled)
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("cloudformation:UpdateTerminationProtection", e))?;
        Ok(())
    }

    /// Takes up a rollback that failed, after what stopped it was mended.
    pub(crate) async fn continue_rollback(&self, stack_id: &str) -> Result<(), AwsError> {
        self.client
            .continue_update_rollback()
            .stack_name(stack_id)
            .set_role_arn(self.role.clone())
            .client_request_token(unique("rollback"))
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("cloudformation:ContinueUpdateRollback", e))?;
        Ok(())
    }
}

/// CloudFormation has no error type for a stack that isn't there: a `ValidationError` says so.
fn is_missing(error: &AwsError) -> bool {
    error.code() == Some("ValidationError")
        && error
            .message()
            .is_some_and(|message| message.contains("does not exist"))
}

/// A name that was never used before: CloudFormation refuses a repeated one.
fn unique(purpose: &str) -> String {
    format!("{OWN_NAMES}{purpose}-{}", uuid::Uuid::now_v7().simple())
}

/// How the names that this tool makes begin.
const OWN_NAMES: &str = "cqrs-";

fn is_own_name(name: &str) -> bool {
    name.starts_with(OWN_NAMES)
}
