//! Change sets: what a deployment would change, shown before it does.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::{
    Capability, Change, ChangeAction, ChangeSetStatus, ChangeSetType, DeploymentConfig,
    DeploymentConfigMode, ExecutionStatus, Parameter, Replacement, RequiresRecreation,
    ResourceAttribute, ResourceChange, RollbackConfiguration, RollbackTrigger, Tag,
};
use host::pause::Pause;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::aws::AwsError;
use crate::error::{Explain, Kind};
use crate::stack::follow::Mark;
use crate::stack::root_cause::Findings;
use crate::stack::{Stacks, is_missing, unique};

/// CloudFormation makes a change set of this size in seconds; what takes this long hangs.
const CREATION_LIMIT: Duration = Duration::from_secs(300);

/// What a change set is made from.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    pub(crate) stack: String,
    /// Whether the stack is to be created; else it is updated.
    pub(crate) create: bool,
    /// None for the one that the stack has.
    pub(crate) template: Option<String>,
    pub(crate) parameters: BTreeMap<String, ParameterSource>,
    /// All that the stack is to have; none leaves them as they are.
    pub(crate) tags: Option<BTreeMap<String, String>>,
    /// Express mode: CloudFormation does not wait for resources to become ready.
    pub(crate) express: bool,
    /// Keep what succeeded when something fails.
    pub(crate) keep_on_failure: bool,
    /// What undoes an update; none leaves what the stack has.
    pub(crate) watch: Option<Watch>,
}

/// Alarms that undo an update when they are raised, during it or soon after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watch {
    /// By ARN, five at most. None takes back what was said before.
    pub(crate) alarms: Vec<String>,
    /// How long the update waits for them after everything is in place.
    pub(crate) minutes: i32,
}

/// Where a parameter's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParameterSource {
    Value(String),
    /// The value that the stack has now.
    Previous,
}

/// A change set that is ready to be executed.
#[derive(Clone, Debug)]
pub(crate) struct ChangeSet {
    pub(crate) id: String,
    pub(crate) stack_id: String,
    pub(crate) changes: Vec<ResourceChanged>,
    keep_on_failure: bool,
}

/// What CloudFormation answers to a proposal.
#[derive(Clone, Debug)]
pub(crate) enum Proposed {
    Changes(ChangeSet),
    /// The stack is already as proposed; nothing is left behind.
    NoChanges,
}

/// What happens to one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceChanged {
    pub(crate) action: Action,
    pub(crate) logical_id: String,
    #[serde(rename = "type")]
    pub(crate) resource_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) physical_id: Option<String>,
    /// The properties that change; those behind a replacement first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) properties: Vec<String>,
}

impl ResourceChanged {
    /// A change of which no more is known.
    pub(crate) fn new(action: Action, logical_id: &str, resource_type: &str) -> Self {
        Self {
            action,
            logical_id: logical_id.to_owned(),
            resource_type: resource_type.to_owned(),
            physical_id: None,
            properties: Vec::new(),
        }
    }
}

/// The order is that of the preview: the most dangerous last, where the eye ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    Add,
    Modify,
    MayReplace,
    Replace,
    Remove,
}

/// A change set that could not be made or executed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeSetError {
    #[error(transparent)]
    Aws(#[from] AwsError),

    /// CloudFormation rejects the template or a parameter.
    #[error("CloudFormation does not accept the template")]
    Rejected(#[source] AwsError),

    /// The change set was made and failed.
    #[error("CloudFormation cannot make this change: {reason}")]
    Failed { reason: String, findings: Findings },

    /// Another deployment changed the stack after this change set was made.
    #[error("another deployment changed stack `{stack}` after this preview was made")]
    Overtaken { stack: String },

    /// It is still being made after a time that should do.
    #[error("CloudFormation did not finish the change set in {} s", CREATION_LIMIT.as_secs())]
    TimedOut,
}

impl Explain for ChangeSetError {
    fn kind(&self) -> Kind {
        match self {
            Self::Aws(error) => error.kind(),
            Self::TimedOut => Kind::TimedOut,
            Self::Rejected(_) | Self::Failed { .. } | Self::Overtaken { .. } => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Aws(error) => error.name(),
            Self::Rejected(_) => "TemplateRejected".to_owned(),
            Self::Failed { .. } => "ChangeSetFailed".to_owned(),
            Self::Overtaken { .. } => "Overtaken".to_owned(),
            Self::TimedOut => Kind::TimedOut.name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Aws(error) => error.hint(),
            Self::Rejected(_) | Self::Failed { .. } => {
                Some("correct template.yaml or the parameters, then run `cqrs deploy` again".into())
            }
            Self::Overtaken { .. } | Self::TimedOut => {
                Some("run `cqrs deploy` again: it makes a new preview".into())
            }
        }
    }
}

impl Stacks {
    /// Makes a change set and waits for it. One that fails, or has no changes, is removed again.
    pub(crate) async fn propose(&self, proposal: &Proposal) -> Result<Proposed, ChangeSetError> {
        let kind = if proposal.create {
            ChangeSetType::Create
        } else {
            ChangeSetType::Update
        };
        let name = unique("deploy");
        let mut request = self
            .client
            .create_change_set()
            .stack_name(&proposal.stack)
            .change_set_name(&name)
            .change_set_type(kind)
            .set_template_body(proposal.template.clone())
            .set_use_previous_template(proposal.template.is_none().then_some(true))
            .capabilities(Capability::CapabilityIam)
            .set_role_arn(self.role.clone())
            .set_parameters(Some(parameters(&proposal.parameters)))
            .set_tags(proposal.tags.as_ref().map(tags))
            .set_rollback_configuration(proposal.watch.as_ref().map(rollback));
        if proposal.express {
            request = request.deployment_config(
                DeploymentConfig::builder()
                    .mode(DeploymentConfigMode::Express)
                    .disable_rollback(proposal.keep_on_failure)
                    .build(),
            );
        }
        let answer = request.send().await;
        let made = match answer.map_err(|e| AwsError::from_sdk("cloudformation:CreateChangeSet", e))
        {
            Ok(answer) => answer.id.zip(answer.stack_id),
            // The name is nobody else's: the answer to an earlier attempt was lost.
            Err(error) if error.code() == Some("AlreadyExistsException") => {
                let page = self.change_set_page(&name, &proposal.stack, None).await?;
                page.change_set_id.zip(page.stack_id)
            }
            Err(error) if error.code() == Some("ValidationError") => {
                return Err(ChangeSetError::Rejected(error));
            }
            Err(error) => return Err(error.into()),
        };
        let (id, stack_id) = made.ok_or_else(|| {
            AwsError::incomplete("cloudformation:CreateChangeSet", "Id and StackId")
        })?;
        match self.finished(&id, &stack_id).await? {
            Finished::Ready(mut changes) => {
                changes.sort_by(|a, b| (a.action, &a.logical_id).cmp(&(b.action, &b.logical_id)));
                let keep_on_failure = proposal.keep_on_failure;
                Ok(Proposed::Changes(ChangeSet {
                    id,
                    stack_id,
                    changes,
                    keep_on_failure,
                }))
            }
            Finished::Failed(reason) if is_no_change(&reason) => {
                // Only a stack that is there can be without changes: it is not left empty.
                self.delete_change_set(&id, &stack_id).await?;
                Ok(Proposed::NoChanges)
            }
            Finished::Failed(reason) => {
                // What was found goes with the change set.
                let findings = self.findings(&id).await;
                self.discard(&id, &stack_id).await?;
                Err(ChangeSetError::Failed { reason, findings })
            }
        }
    }

    async fn finished(&self, id: &str, stack_id: &str) -> Result<Finished, ChangeSetError> {
        let deadline = Instant::now() + CREATION_LIMIT;
        let mut pause = Pause::between(Duration::from_millis(100), Duration::from_secs(2));
        loop {
            let mut page = self.change_set_page(id, stack_id, None).await?;
            match page.status {
                Some(ChangeSetStatus::CreateComplete) => {
                    let mut changes = Vec::new();
                    loop {
                        let found = page.changes.unwrap_or_default().into_iter();
                        changes.extend(found.filter_map(changed));
                        let next = page.next_token.filter(|token| !token.is_empty());
                        if next.is_none() {
                            return Ok(Finished::Ready(changes));
                        }
                        page = self.change_set_page(id, stack_id, next).await?;
                    }
                }
                Some(ChangeSetStatus::Failed) => {
                    return Ok(Finished::Failed(page.status_reason.unwrap_or_default()));
                }
                _ if Instant::now() > deadline => return Err(ChangeSetError::TimedOut),
                _ => pause.pass().await,
            }
        }
    }

    async fn change_set_page(
        &self,
        id: &str,
        stack_id: &str,
        token: Option<String>,
    ) -> Result<DescribeChangeSetOutput, AwsError> {
        let asked = self.client.describe_change_set();
        let asked = asked.change_set_name(id).stack_name(stack_id);
        let answer = asked.set_next_token(token).send().await;
        answer.map_err(|e| AwsError::from_sdk("cloudformation:DescribeChangeSet", e))
    }

    /// Executes the change set; [`Stacks::follow`](super::follow) from the mark shows what becomes
    /// of it.
    pub(crate) async fn execute(&self, change_set: &ChangeSet) -> Result<Mark, ChangeSetError> {
        let overtaken = |error: AwsError| {
            if was_overtaken(&error) {
                ChangeSetError::Overtaken {
                    stack: stack_name(&change_set.stack_id),
                }
            } else {
                error.into()
            }
        };
        let mark = self.mark(&change_set.stack_id).await.map_err(overtaken)?;
        // Said always: the documented default of DisableRollback differs between pages.
        let answer = self
            .client
            .execute_change_set()
            .change_set_name(&change_set.id)
            .stack_name(&change_set.stack_id)
            .client_request_token(unique("execute"))
            .disable_rollback(change_set.keep_on_failure)
            .send()
            .await;
        match answer.map_err(|e| AwsError::from_sdk("cloudformation:ExecuteChangeSet", e)) {
            Ok(_) => Ok(mark),
            Err(error)
                if error.code() == Some("InvalidChangeSetStatus")
                    && self.is_executed(change_set).await? =>
            {
                Ok(mark)
            }
            Err(error) => Err(overtaken(error)),
        }
    }

    /// Whether an attempt to execute it had its effect, though its answer was lost. Nobody else
    /// executes this change set.
    async fn is_executed(&self, change_set: &ChangeSet) -> Result<bool, AwsError> {
        let page = self
            .change_set_page(&change_set.id, &change_set.stack_id, None)
            .await?;
        Ok(matches!(
            page.execution_status,
            Some(ExecutionStatus::ExecuteInProgress | ExecutionStatus::ExecuteComplete)
        ))
    }

    /// Removes a change set that is not to be executed, and the empty stack that it may have made.
    pub(crate) async fn discard(&self, id: &str, stack_id: &str) -> Result<(), AwsError> {
        self.delete_change_set(id, stack_id).await?;
        let left = self.describe(stack_id).await?;
        if left.is_some_and(|s| s.situation() == super::state::Situation::Empty)
            && self.change_sets(stack_id).await?.is_empty()
        {
            self.delete(stack_id, false).await?;
        }
        Ok(())
    }

    async fn delete_change_set(&self, id: &str, stack_id: &str) -> Result<(), AwsError> {
        let answer = self
            .client
            .delete_change_set()
            .change_set_name(id)
            .stack_name(stack_id)
            .send()
            .await;
        answer.map_err(|e| AwsError::from_sdk("cloudformation:DeleteChangeSet", e))?;
        Ok(())
    }

    /// The names of the stack's change sets: another person's preview may wait on the same stack.
    pub(super) async fn change_sets(&self, stack_id: &str) -> Result<Vec<String>, AwsError> {
        let answer = self
            .client
            .list_change_sets()
            .stack_name(stack_name(stack_id))
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("cloudformation:ListChangeSets", e))?;
        let sets = answer.summaries.unwrap_or_default().into_iter();
        Ok(sets
            .map(|set| set.change_set_name.unwrap_or_default())
            .collect())
    }
}

enum Finished {
    Ready(Vec<ResourceChanged>),
    Failed(String),
}

/// CloudFormation says "no changes" only in prose, in one of two wordings.
fn is_no_change(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

/// A change set that another's execution made obsolete, or a stack that became busy, or that went,
/// since the change set was made.
fn was_overtaken(error: &AwsError) -> bool {
    match error.code() {
        Some("InvalidChangeSetStatus" | "ChangeSetNotFound") => true,
        Some("ValidationError") => {
            let busy = error
                .message()
                .is_some_and(|message| message.contains("_IN_PROGRESS"));
            busy || is_missing(error)
        }
        _ => false,
    }
}

/// The name inside a stack's ARN: `arn:…:stack/NAME/UUID`.
pub(super) fn stack_name(stack_id: &str) -> String {
    stack_id.split('/').nth(1).unwrap_or(stack_id).to_owned()
}

fn parameters(parameters: &BTreeMap<String, ParameterSource>) -> Vec<Parameter> {
    parameters
        .iter()
        .map(|(name, source)| {
            let parameter = Parameter::builder().parameter_key(name);
            match source {
                ParameterSource::Value(value) => parameter.parameter_value(value),
                ParameterSource::Previous => parameter.use_previous_value(true),
            }
            .build()
        })
        .collect()
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect()
}

fn rollback(watch: &Watch) -> RollbackConfiguration {
    let trigger = |arn: &String| {
        let alarm = RollbackTrigger::builder().arn(arn);
        alarm.r#type("AWS::CloudWatch::Alarm").build()
    };
    RollbackConfiguration::builder()
        .set_rollback_triggers(Some(watch.alarms.iter().map(trigger).collect()))
        .monitoring_time_in_minutes(watch.minutes)
        .build()
}

fn changed(change: Change) -> Option<ResourceChanged> {
    let change = change.resource_change?;
    Some(ResourceChanged {
        action: action(&change)?,
        properties: properties(&change),
        logical_id: change.logical_resource_id?,
        resource_type: change.resource_type.unwrap_or_default(),
        physical_id: change.physical_resource_id.filter(|id| !id.is_empty()),
    })
}

fn action(change: &ResourceChange) -> Option<Action> {
    match change.action.as_ref()? {
        ChangeAction::Add | ChangeAction::Import => Some(Action::Add),
        ChangeAction::Remove => Some(Action::Remove),
        _ => Some(match change.replacement {
            Some(Replacement::True) => Action::Replace,
            Some(Replacement::Conditional) => Action::MayReplace,
            _ => Action::Modify,
        }),
    }
}

fn properties(change: &ResourceChange) -> Vec<String> {
    let mut found: Vec<(bool, String)> = Vec::new();
    for target in change
        .details()
        .iter()
        .filter_map(|detail| detail.target.as_ref())
    {
        let replaces = matches!(
            target.requires_recreation,
            Some(RequiresRecreation::Always | RequiresRecreation::Conditionally)
        );
        let name = match (&target.attribute, &target.name) {
            (_, Some(name)) => name.clone(),
            (Some(ResourceAttribute::Properties) | None, None) => continue,
            (Some(attribute), None) => attribute.as_str().to_owned(),
        };
        match found.iter_mut().find(|(_, known)| *known == name) {
            Some((known_replaces, _)) => *known_replaces |= replaces,
            None => found.push((replaces, name)),
        }
    }
    found.sort_by(|a, b| (!a.0, &a.1).cmp(&(!b.0, &b.1)));
    found.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests;
