//! Deleting a stack, also one that failed to go the first time.

use aws_sdk_cloudformation::types::{DeploymentConfig, DeploymentConfigMode};

use crate::aws::AwsError;
use crate::stack::{Stacks, unique};

/// A resource of the stack, as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) logical_id: String,
    pub(crate) resource_type: String,
    /// The name or ARN that AWS knows it by.
    pub(crate) physical_id: Option<String>,
}

impl Stacks {
    /// Asks for the stack's deletion, in Express mode where `express` is set; [`Stacks::follow`] shows what
    /// becomes of it.
    pub(crate) async fn delete(&self, stack_id: &str, express: bool) -> Result<(), AwsError> {
        let mut request = self
            .client
            .delete_stack()
            .stack_name(stack_id)
            .set_role_arn(self.role.clone())
            .client_request_token(unique("delete"));
        if express {
            let config = DeploymentConfig::builder()
                .mode(DeploymentConfigMode::Express)
                .build();
            request = request.deployment_config(config);
        }
        request
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("cloudformation:DeleteStack", e))?;
        Ok(())
    }

    /// The stack's resources that exist, in the order of their logical ids.
    pub(crate) async fn resources(&self, stack_id: &str) -> Result<Vec<Resource>, AwsError> {
        let mut resources = Vec::new();
        let asked = self.client.list_stack_resources().stack_name(stack_id);
        let mut summaries = asked.into_paginator().items().send();
        while let Some(summary) = summaries.next().await {
            let summary =
                summary.map_err(|e| AwsError::from_sdk("cloudformation:ListStackResources", e))?;
            let gone = summary
                .resource_status
                .as_ref()
                .is_some_and(|status| status.as_str() == "DELETE_COMPLETE");
            if let (Some(logical_id), Some(resource_type), false) =
                (summary.logical_resource_id, summary.resource_type, gone)
            {
                resources.push(Resource {
                    logical_id,
                    resource_type,
                    physical_id: summary.physical_resource_id,
                });
            }
        }
        resources.sort_by(|a, b| a.logical_id.cmp(&b.logical_id));
        Ok(resources)
    }
}

#[cfg(test)]
mod tests;
