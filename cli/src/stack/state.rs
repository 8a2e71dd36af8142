//! What state a stack is in, and what a deployment or deletion must do first in each.

use aws_sdk_cloudformation::primitives::DateTime;
use aws_sdk_cloudformation::types::{Stack, StackDriftStatus, StackStatus};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::settings::StackName;
use crate::stack::deployed_by;

/// A stack as `DescribeStacks` shows it.
#[derive(Clone, Debug)]
pub(crate) struct StackState {
    /// The ARN, which still resolves after the stack's deletion, unlike its name.
    pub(crate) id: String,
    pub(crate) status: StackStatus,
    pub(crate) reason: Option<String>,
    /// The template's own.
    pub(crate) description: Option<String>,
    /// The version of this tool that deployed it last; older ones did not say.
    pub(crate) deployed_by: Option<String>,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) termination_protection: bool,
    /// When it was created, or last updated.
    pub(crate) changed_at: Option<DateTime>,
    /// What the last look for drift found, if there was one: `IN_SYNC`, `DRIFTED`.
    pub(crate) drift: Option<String>,
}

/// One of the stack's outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) description: Option<String>,
}

/// What the state means for whoever wants to change the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Situation {
    /// Only a change set that was never executed: a creation is possible.
    Empty,
    /// Nothing under way: an update is possible.
    Stable,
    /// Its creation, or its deletion, failed: it must be deleted before it can be made anew.
    MustBeDeleted,
    /// An update failed, and so did its rollback, which must be continued first.
    RollbackStuck,
    /// CloudFormation is at work on it.
    Busy,
    /// A state that only CloudFormation's own tools resolve.
    Foreign,
}

impl StackState {
    pub(crate) fn situation(&self) -> Situation {
        situation(&self.status)
    }

    pub(crate) fn output(&self, name: &str) -> Option<&str> {
        output(&self.outputs, name)
    }
}

/// The value of an output of this name.
pub(crate) fn output<'a>(outputs: &'a [Output], name: &str) -> Option<&'a str> {
    let found = outputs.iter().find(|output| output.name == name);
    found.map(|output| output.value.as_str())
}

/// See [`Situation`]. The rules are those of the CloudFormation guide, "Stack status codes":
/// `ROLLBACK_COMPLETE` and `ROLLBACK_FAILED` allow nothing but deletion, while `CREATE_FAILED` and
/// `UPDATE_FAILED`, which only arise with rollback disabled, take an update.
pub(crate) fn situation(status: &StackStatus) -> Situation {
    match status {
        StackStatus::ReviewInProgress => Situation::Empty,
        StackStatus::CreateComplete
        | StackStatus::CreateFailed
        | StackStatus::UpdateComplete
        | StackStatus::UpdateFailed
        | StackStatus::UpdateRollbackComplete
        | StackStatus::ImportComplete
        | StackStatus::ImportRollbackComplete => Situation::Stable,
        StackStatus::RollbackComplete | StackStatus::RollbackFailed | StackStatus::DeleteFailed => {
            Situation::MustBeDeleted
        }
        StackStatus::UpdateRollbackFailed => Situation::RollbackStuck,
        other if other.as_str().ends_with("_IN_PROGRESS") => Situation::Busy,
        _ => Situation::Foreign,
    }
}

/// What to do about a stack that ended in `status`.
pub(crate) fn way_out(status: &str, stack: &StackName) -> Option<String> {
    let hint = match status {
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => format!(
            "mend the cause and run `cqrs deploy --stack {stack}` again: it deletes what is left \
             and creates the stack anew"
        ),
        "UPDATE_ROLLBACK_COMPLETE" => format!(
            "the stack is as it was before; mend the cause and run `cqrs deploy --stack {stack}` again"
        ),
        "UPDATE_ROLLBACK_FAILED" => format!(
            "mend what stopped the rollback, then `cqrs deploy --stack {stack}` continues it"
        ),
        "CREATE_FAILED" | "UPDATE_FAILED" => format!(
            "what succeeded was kept; mend the cause and run `cqrs deploy --stack {stack}` again, \
             or `cqrs destroy --stack {stack}`"
        ),
        "DELETE_FAILED" => format!(
            "mend the cause and run `cqrs destroy --stack {stack}` again: it takes up the deletion"
        ),
        _ => return None,
    };
    Some(hint)
}

impl From<Stack> for StackState {
    fn from(stack: Stack) -> Self {
        let named =
            |name: Option<String>, value: Option<String>| Some((name?, value.unwrap_or_default()));
        Self {
            id: stack.stack_id.or(stack.stack_name).unwrap_or_default(),
            status: stack
                .stack_status
                .unwrap_or_else(|| StackStatus::from("UNKNOWN")),
            reason: stack
                .stack_status_reason
                .filter(|reason| !reason.is_empty()),
            deployed_by: stack
                .description
                .as_deref()
                .and_then(deployed_by::version_of)
                .map(str::to_owned),
            description: stack.description.filter(|text| !text.is_empty()),
            parameters: stack
                .parameters
                .unwrap_or_default()
                .into_iter()
                .filter_map(|p| named(p.parameter_key, p.parameter_value))
                .collect(),
            tags: stack
                .tags
                .unwrap_or_default()
                .into_iter()
                .filter_map(|tag| named(tag.key, tag.value))
                .collect(),
            outputs: stack
                .outputs
                .unwrap_or_default()
                .into_iter()
                .filter_map(|output| {
                    Some(Output {
                        name: output.output_key?,
                        value: output.output_value.unwrap_or_default(),
                        description: output.description,
                    })
                })
                .collect(),
            termination_protection: stack.enable_termination_protection.unwrap_or(false),
            changed_at: stack.last_updated_time.or(stack.creation_time),
            drift: stack
                .drift_information
                .and_then(|drift| drift.stack_drift_status)
                .filter(|status| *status != StackDriftStatus::NotChecked)
                .map(|status| status.as_str().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_status_has_its_situation() {
        let expected = |text: &str| match text {
            "REVIEW_IN_PROGRESS" => Situation::Empty,
            "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "DELETE_FAILED" => Situation::MustBeDeleted,
            "UPDATE_ROLLBACK_FAILED" => Situation::RollbackStuck,
            "DELETE_COMPLETE" | "IMPORT_ROLLBACK_FAILED" => Situation::Foreign,
            busy if busy.ends_with("_IN_PROGRESS") => Situation::Busy,
            _ => Situation::Stable,
        };
        for text in StackStatus::values() {
            assert_eq!(
                situation(&StackStatus::from(*text)),
                expected(text),
                "{text}"
            );
        }
    }

    #[test]
    fn a_status_that_is_not_known_yet_is_left_alone() {
        assert_eq!(
            situation(&StackStatus::from("HIBERNATING")),
            Situation::Foreign
        );
        assert_eq!(
            situation(&StackStatus::from("HIBERNATE_IN_PROGRESS")),
            Situation::Busy
        );
    }
}
