//! Follows what CloudFormation does to a stack, event by event, to its end.
//!
//! The events are the only source: the stack's own terminal event ends an operation. Its status
//! in `DescribeStacks` can still be the old one for a moment after the operation was accepted.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_cloudformation::types::StackEvent;
use host::pause::Pause;

use crate::aws::AwsError;
use crate::stack::Stacks;

/// The first pause between two looks. What takes AWS no longer, such as a change of a parameter's
/// default, is not waited for longer here.
const FIRST_PAUSE: Duration = Duration::from_millis(40);
/// To this the pause grows within the first looks; from there on only while nothing happens.
const USUAL_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Something happened to a resource of the stack, or to the stack itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourceEvent {
    pub(crate) id: String,
    /// Milliseconds since 1970, as CloudFormation took the time.
    pub(crate) at_ms: i64,
    pub(crate) logical_id: String,
    pub(crate) resource_type: String,
    pub(crate) physical_id: Option<String>,
    /// Such as `CREATE_IN_PROGRESS`.
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    /// Whether this is the stack's own event.
    pub(crate) is_stack: bool,
}

impl ResourceEvent {
    pub(crate) fn is_failure(&self) -> bool {
        self.status.ends_with("_FAILED")
    }

    fn ends_operation(&self) -> bool {
        self.is_stack && !self.status.ends_with("_IN_PROGRESS")
    }

    fn starts_operation(&self) -> bool {
        self.is_stack
            && matches!(
                self.status.as_str(),
                "CREATE_IN_PROGRESS"
                    | "UPDATE_IN_PROGRESS"
                    | "DELETE_IN_PROGRESS"
                    | "IMPORT_IN_PROGRESS"
                    | "REVIEW_IN_PROGRESS"
            )
    }

    fn starts_rollback(&self) -> bool {
        self.is_stack && self.status.ends_with("ROLLBACK_IN_PROGRESS")
    }

    fn from_sdk(event: StackEvent) -> Option<Self> {
        let physical = event.physical_resource_id.unwrap_or_default();
        Some(Self {
            id: event.event_id?,
            at_ms: event
                .timestamp
                .and_then(|at| at.to_millis().ok())
                .unwrap_or_default(),
            logical_id: event.logical_resource_id.unwrap_or_default(),
            is_stack: event.stack_id.is_some_and(|id| id == physical),
            resource_type: event.resource_type.unwrap_or_default(),
            physical_id: Some(physical).filter(|id| !id.is_empty()),
            status: event
                .resource_status
                .map(|s| s.as_str().to_owned())
                .unwrap_or_default(),
            reason: event
                .resource_status_reason
                .filter(|reason| !reason.is_empty()),
        })
    }
}

/// From which event on an operation is followed.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    stack_id: String,
    seen: HashSet<String>,
    /// When the newest event before the operation was; the next look needs no older page.
    newest_ms: i64,
}

/// How an operation ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(super) stack_id: String,
    /// Nothing of the operation was before this moment, in milliseconds since 1970.
    pub(super) since_ms: i64,
    /// The stack's own status, such as `CREATE_COMPLETE`.
    pub(crate) status: String,
    /// Every failure on the way, in order of time.
    pub(crate) failures: Vec<ResourceEvent>,
    /// Why the stack was rolled back, in CloudFormation's words: where an alarm was raised, nothing failed.
    pub(crate) rolled_back: Option<String>,
}

impl Ended {
    /// Whether what was asked for was done, rather than rolled back or given up.
    pub(crate) fn succeeded(&self) -> bool {
        self.status.ends_with("_COMPLETE") && !self.status.contains("ROLLBACK")
    }
}

impl Stacks {
    /// Marks now, before an operation is started, so that only its own events are shown.
    pub(crate) async fn mark(&self, stack_id: &str) -> Result<Mark, AwsError> {
        let (page, _) = self.events_page(stack_id, None).await?;
        Ok(Mark {
            stack_id: stack_id.to_owned(),
            newest_ms: page.first().map_or(0, |event| event.at_ms),
            seen: page.into_iter().map(|event| event.id).collect(),
        })
    }

    /// Marks the start of the operation that is under way, to be shown from its beginning.
    pub(crate) async fn mark_running(&self, stack_id: &str) -> Result<Mark, AwsError> {
        let mut older = Vec::new();
        let mut started = false;
        let mut token = None;
        loop {
            let (page, next) = self.events_page(stack_id, token).await?;
            for event in page {
                if started {
                    older.push(event);
                } else {
                    started = event.starts_operation();
                }
            }
            token = next;
            if started || token.is_none() {
                break;
            }
        }
        Ok(Mark {
            stack_id: stack_id.to_owned(),
            newest_ms: older.first().map_or(0, |event| event.at_ms),
            seen: older.into_iter().map(|event| event.id).collect(),
        })
    }

    /// Calls `on_event` with each event since `mark`, oldest first, until the operation ends.
    /// Dropping the future stops the looking, never the operation.
    pub(crate) async fn follow(
        &self,
        mut mark: Mark,
        mut on_event: impl FnMut(&ResourceEvent),
    ) -> Result<Ended, AwsError> {
        let mut first = Pause::between(FIRST_PAUSE, USUAL_PAUSE);
        let mut usual = Pause::between(USUAL_PAUSE, LONGEST_PAUSE).growing(1.25);
        let mut failures = Vec::new();
        let mut rolled_back = None;
        let since_ms = mark.newest_ms;
        loop {
            let new = self.events_since(&mut mark).await?;
            if !new.is_empty() {
                usual.reset();
            }
            for event in new {
                on_event(&event);
                if event.ends_operation() {
                    return Ok(Ended {
                        stack_id: mark.stack_id,
                        since_ms,
                        status: event.status,
                        failures,
                        rolled_back,
                    });
                }
                if event.starts_rollback() {
                    rolled_back.clone_from(&event.reason);
                }
                if event.is_failure() {
                    failures.push(event);
                }
            }
            if first.length() < USUAL_PAUSE {
                first.pass().await;
            } else {
                usual.pass().await;
            }
        }
    }

    async fn events_since(&self, mark: &mut Mark) -> Result<Vec<ResourceEvent>, AwsError> {
        let mut new = Vec::new();
        let mut token = None;
        loop {
            let (page, next) = self.events_page(&mark.stack_id, token).await?;
            let reached = page
                .iter()
                .any(|e| mark.seen.contains(&e.id) || e.at_ms < mark.newest_ms);
            new.extend(
                page.into_iter().filter(|event| {
                    event.at_ms >= mark.newest_ms && !mark.seen.contains(&event.id)
                }),
            );
            token = next;
            if reached || token.is_none() {
                break;
            }
        }
        mark.seen.extend(new.iter().map(|event| event.id.clone()));
        new.reverse();
        Ok(new)
    }

    /// One page of events, newest first.
    async fn events_page(
        &self,
        stack_id: &str,
        token: Option<String>,
    ) -> Result<(Vec<ResourceEvent>, Option<String>), AwsError> {
        let answer = self
            .client
            .describe_stack_events()
            .stack_name(stack_id)
            .set_next_token(token)
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("cloudformation:DescribeStackEvents", e))?;
        let events = answer.stack_events.unwrap_or_default();
        Ok((
            events
                .into_iter()
                .filter_map(ResourceEvent::from_sdk)
                .collect(),
            answer.next_token.filter(|token| !token.is_empty()),
        ))
    }
}

#[cfg(test)]
mod tests;
