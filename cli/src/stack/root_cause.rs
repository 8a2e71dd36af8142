//! Why an operation failed: the first thing that went wrong, not the last that was said.
//!
//! `DescribeEvents` knows most: validation errors with the property's path. Where it has nothing
//! or may not be called, the failures seen among the stack's events serve.

use aws_sdk_cloudformation::types::{EventFilter, OperationEvent};
use serde::Serialize;

use crate::aws::AwsError;
use crate::stack::Stacks;
use crate::stack::follow::{Ended, ResourceEvent};

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cause {
    pub(crate) logical_id: String,
    #[serde(rename = "type")]
    pub(crate) resource_type: String,
    pub(crate) reason: String,
    /// Where in the template, such as `/Resources/Table/Properties/KeySchema`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
}

impl Stacks {
    /// The causes of a failed operation, the first one first. `since_ms` is when it began.
    pub(crate) async fn root_causes(
        &self,
        stack_id: &str,
        since_ms: i64,
        ended: &Ended,
    ) -> Vec<Cause> {
        match self.failed_events(stack_id).await {
            Ok(events) => {
                let causes = from_operation_events(events, since_ms);
                if causes.is_empty() {
                    from_stack_events(&ended.failures)
                } else {
                    causes
                }
            }
            // Older permissions lack this call; the stack's events tell nearly as much.
            Err(_) => from_stack_events(&ended.failures),
        }
    }

    async fn failed_events(&self, stack_id: &str) -> Result<Vec<OperationEvent>, AwsError> {
        let answer = self
            .client
            .describe_events()
            .stack_name(stack_id)
            .filters(EventFilter::builder().failed_events(true).build())
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("cloudformation:DescribeEvents", e))?;
        Ok(answer.operation_events.unwrap_or_default())
    }
}

fn from_operation_events(mut events: Vec<OperationEvent>, since_ms: i64) -> Vec<Cause> {
    let at = |event: &OperationEvent| {
        event
            .timestamp
            .and_then(|at| at.to_millis().ok())
            .unwrap_or(i64::MAX)
    };
    events.retain(|event| at(event) >= since_ms);
    events.sort_by_key(at);
    let causes = events.into_iter().filter_map(|event| {
        let reason = event
            .validation_status_reason
            .or(event.hook_status_reason)
            .or(event.resource_status_reason)?;
        Some(Cause {
            logical_id: event.logical_resource_id.unwrap_or_default(),
            resource_type: event.resource_type.unwrap_or_default(),
            reason,
            path: event.validation_path,
        })
    });
    without_consequences(causes)
}

fn from_stack_events(failures: &[ResourceEvent]) -> Vec<Cause> {
    let causes = failures.iter().filter_map(|event| {
        Some(Cause {
            logical_id: event.logical_id.clone(),
            resource_type: event.resource_type.clone(),
            reason: event.reason.clone()?,
            path: None,
        })
    });
    without_consequences(causes)
}

/// Leaves out what only followed: resources cancelled because another failed, and repetitions.
fn without_consequences(causes: impl Iterator<Item = Cause>) -> Vec<Cause> {
    let mut kept: Vec<Cause> = Vec::new();
    for cause in causes {
        let consequence = (cause.reason.starts_with("Resource ")
            && cause.reason.contains("cancelled"))
            || cause.resource_type == "AWS::CloudFormation::Stack";
        if !consequence
            && !kept
                .iter()
                .any(|k| k.reason == cause.reason && k.logical_id == cause.logical_id)
        {
            kept.push(cause);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
