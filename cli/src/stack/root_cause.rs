//! Why an operation failed, or a change set was refused: the first thing that went wrong, not the
//! last that was said.
//!
//! `DescribeEvents` knows most: validation errors with the property's path. Where it has nothing
//! or may not be called, the failures seen among the stack's events serve.

use aws_sdk_cloudformation::operation::describe_events::builders::DescribeEventsFluentBuilder;
use aws_sdk_cloudformation::types::{
    EventFilter, HookFailureMode, HookStatus, OperationEvent, ValidationStatus,
};

use crate::aws::AwsError;
use crate::stack::follow::{Ended, ResourceEvent};
use crate::stack::{Stacks, is_missing};

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) logical_id: String,
    pub(crate) resource_type: String,
    pub(crate) reason: String,
    /// Where in the template, such as `/Resources/Table/Properties/KeySchema`.
    pub(crate) path: Option<String>,
    /// The name that the resource has, or was to have, where it is said.
    pub(crate) name: Option<String>,
}

impl Cause {
    /// The name that something else has already.
    pub(crate) fn taken_name(&self) -> Option<&str> {
        let reason = &self.reason;
        let taken = ["already exist", "AlreadyExists"]
            .iter()
            .any(|words| reason.contains(words));
        if !taken {
            return None;
        }
        // As in "Resource of type 'A' with identifier 'name' already exists."
        let (_, rest) = reason.split_once("identifier '").unwrap_or_default();
        let quoted = rest.split_once('\'').map(|(name, _)| name);
        quoted.or(self.name.as_deref())
    }
}

/// What CloudFormation's validation says of a change set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// Why it cannot be executed, the first one first.
    pub(crate) causes: Vec<Cause>,
    /// What may go wrong later, such as a quota that is nearly used up.
    pub(crate) warnings: Vec<Cause>,
}

impl Stacks {
    /// The causes of a failed operation, the first one first.
    pub(crate) async fn root_causes(&self, ended: &Ended) -> Vec<Cause> {
        let asked = self.client.describe_events().stack_name(&ended.stack_id);
        let failed = EventFilter::builder().failed_events(true).build();
        // Older permissions lack this call; the stack's events tell nearly as much.
        let events = operation_events(asked.filters(failed)).await;
        let causes = from_operation_events(events.unwrap_or_default(), ended.since_ms);
        if causes.is_empty() {
            return from_stack_events(&ended.failures);
        }
        causes
    }

    /// What was found wrong with a change set. Where that cannot be asked, its own reason is all.
    pub(crate) async fn findings(&self, change_set_id: &str) -> Findings {
        let asked = self.client.describe_events().change_set_name(change_set_id);
        let events = operation_events(asked).await.unwrap_or_default();
        let events = events.into_iter().filter(is_failure);
        let (warnings, failures) = events.partition(is_warning);
        Findings {
            causes: from_operation_events(failures, i64::MIN),
            warnings: from_operation_events(warnings, i64::MIN),
        }
    }

    /// The stack that has a resource of this name, by the stack's name.
    pub(crate) async fn holder(&self, resource: &str) -> Result<Option<String>, AwsError> {
        let asked = self.client.describe_stack_resources();
        let answer = asked.physical_resource_id(resource).send().await;
        match answer.map_err(|e| AwsError::from_sdk("cloudformation:DescribeStackResources", e)) {
            Ok(answer) => {
                let mut resources = answer.stack_resources.unwrap_or_default().into_iter();
                Ok(resources.find_map(|resource| resource.stack_name))
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

async fn operation_events(
    asked: DescribeEventsFluentBuilder,
) -> Result<Vec<OperationEvent>, AwsError> {
    let mut events = Vec::new();
    let mut pages = asked.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|e| AwsError::from_sdk("cloudformation:DescribeEvents", e))?;
        events.extend(page.operation_events.unwrap_or_default());
    }
    Ok(events)
}

fn is_failure(event: &OperationEvent) -> bool {
    let resource = event.resource_status.as_ref();
    event.validation_status == Some(ValidationStatus::Failed)
        || matches!(
            event.hook_status,
            Some(HookStatus::HookCompleteFailed | HookStatus::HookFailed)
        )
        || resource.is_some_and(|status| status.as_str().ends_with("_FAILED"))
}

fn is_warning(event: &OperationEvent) -> bool {
    [&event.validation_failure_mode, &event.hook_failure_mode]
        .into_iter()
        .any(|mode| *mode == Some(HookFailureMode::Warn))
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
            name: event.physical_resource_id.filter(|id| !id.is_empty()),
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
            name: event.physical_id.clone(),
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
