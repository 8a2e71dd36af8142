//! What was changed on a stack's resources outside of the stack, as CloudFormation finds it: it reads
//! each resource, with the caller's rights, and compares what the template says of it.

use std::time::Duration;

use aws_sdk_cloudformation::types::{
    StackDriftDetectionStatus, StackResourceDrift, StackResourceDriftStatus,
};
use host::pause::Pause;
use serde::Serialize;
use tokio::time::Instant;

use crate::aws::AwsError;
use crate::error::{Explain, Kind};
use crate::stack::Stacks;

/// CloudFormation's reference says several minutes; what takes this long hangs.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// What a look at all resources found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Outside {
    /// Resources that were read, and are as the template says or not.
    pub(crate) compared: usize,
    pub(crate) changed: Vec<Changed>,
    pub(crate) unread: Vec<Unread>,
    /// Why the look is incomplete, where CloudFormation says so of the whole.
    pub(crate) incomplete: Option<String>,
}

/// A resource that is not as the template says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changed {
    pub(crate) logical_id: String,
    #[serde(rename = "type")]
    pub(crate) resource_type: String,
    pub(crate) physical_id: Option<String>,
    #[serde(rename = "deleted")]
    pub(crate) is_deleted: bool,
    pub(crate) properties: Vec<Property>,
}

/// A property of it. A list's entry that was added has no value by the template, one that was removed
/// none as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Property {
    /// As in `/VpcConfig/SubnetIds/0`.
    pub(crate) path: String,
    pub(crate) by_template: Option<String>,
    pub(crate) as_it_is: Option<String>,
}

/// A resource that CloudFormation failed to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unread {
    pub(crate) logical_id: String,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum OutsideError {
    #[error(transparent)]
    Aws(#[from] AwsError),

    #[error("CloudFormation did not finish its look at the resources in {} min", LIMIT.as_secs() / 60)]
    TimedOut,
}

impl Explain for OutsideError {
    fn kind(&self) -> Kind {
        match self {
            Self::Aws(error) => error.kind(),
            Self::TimedOut => Kind::TimedOut,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Aws(error) => error.name(),
            Self::TimedOut => Kind::TimedOut.name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Aws(error) => error.hint(),
            Self::TimedOut => Some("repeat the command in some minutes".to_owned()),
        }
    }
}

impl Stacks {
    /// Lets CloudFormation look at every resource that it can compare, and waits for that.
    pub(crate) async fn changed_outside(&self, stack_id: &str) -> Result<Outside, OutsideError> {
        let started = self
            .client
            .detect_stack_drift()
            .stack_name(stack_id)
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("cloudformation:DetectStackDrift", e))?;
        let look = started.stack_drift_detection_id.ok_or_else(|| {
            AwsError::incomplete("cloudformation:DetectStackDrift", "a StackDriftDetectionId")
        })?;
        let incomplete = self.looked(&look).await?;
        let mut outside = Outside {
            incomplete,
            ..Outside::default()
        };
        let asked = self.client.describe_stack_resource_drifts();
        let mut pages = asked.stack_name(stack_id).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page
                .map_err(|e| AwsError::from_sdk("cloudformation:DescribeStackResourceDrifts", e))?;
            let found = page.stack_resource_drifts.unwrap_or_default();
            found.into_iter().for_each(|one| outside.add(one));
        }
        outside
            .changed
            .sort_by(|a, b| a.logical_id.cmp(&b.logical_id));
        Ok(outside)
    }

    /// Waits for a look to end; gives why it is incomplete.
    async fn looked(&self, look: &str) -> Result<Option<String>, OutsideError> {
        const ACTION: &str = "cloudformation:DescribeStackDriftDetectionStatus";
        let deadline = Instant::now() + LIMIT;
        let mut pause = Pause::between(Duration::from_millis(500), Duration::from_secs(5));
        loop {
            let state = self
                .client
                .describe_stack_drift_detection_status()
                .stack_drift_detection_id(look)
                .send()
                .await
                .map_err(|e| AwsError::from_sdk(ACTION, e))?;
            match state.detection_status {
                Some(StackDriftDetectionStatus::DetectionComplete) => return Ok(None),
                Some(StackDriftDetectionStatus::DetectionFailed) => {
                    let reason = state.detection_status_reason;
                    return Ok(Some(
                        reason.unwrap_or_else(|| "no reason is given".to_owned()),
                    ));
                }
                _ if Instant::now() > deadline => return Err(OutsideError::TimedOut),
                _ => pause.pass().await,
            }
        }
    }
}

impl Outside {
    fn add(&mut self, found: StackResourceDrift) {
        let logical_id = found.logical_resource_id.unwrap_or_default();
        let status = found.stack_resource_drift_status;
        match status {
            Some(StackResourceDriftStatus::InSync) => self.compared += 1,
            Some(StackResourceDriftStatus::Modified | StackResourceDriftStatus::Deleted) => {
                self.compared += 1;
                let properties = found.property_differences.unwrap_or_default();
                self.changed.push(Changed {
                    logical_id,
                    resource_type: found.resource_type.unwrap_or_default(),
                    physical_id: found.physical_resource_id.filter(|id| !id.is_empty()),
                    is_deleted: status == Some(StackResourceDriftStatus::Deleted),
                    properties: properties
                        .into_iter()
                        .map(|property| Property {
                            path: property.property_path.unwrap_or_default(),
                            by_template: said(property.expected_value),
                            as_it_is: said(property.actual_value),
                        })
                        .collect(),
                });
            }
            Some(StackResourceDriftStatus::UnknownValue) => self.unread.push(Unread {
                logical_id,
                reason: found.drift_status_reason,
            }),
            // Of a type that it cannot compare.
            _ => {}
        }
    }
}

/// A value that is not there is `null` in some answers and missing in others.
fn said(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty() && value != "null")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::replay::{STACK_ID, error, ok, replay};

    const STARTED: &str = "<StackDriftDetectionId>look-1</StackDriftDetectionId>";

    fn state(status: &str, more: &str) -> String {
        format!(
            "<StackId>{STACK_ID}</StackId><StackDriftDetectionId>look-1</StackDriftDetectionId>\
             <DetectionStatus>{status}</DetectionStatus>{more}"
        )
    }

    fn resource(id: &str, status: &str, more: &str) -> String {
        format!(
            "<member><StackId>{STACK_ID}</StackId><LogicalResourceId>{id}</LogicalResourceId>\
             <PhysicalResourceId>cqrs-{id}</PhysicalResourceId><ResourceType>AWS::SQS::Queue</ResourceType>\
             <StackResourceDriftStatus>{status}</StackResourceDriftStatus>\
             <Timestamp>2026-11-27T08:00:00Z</Timestamp>{more}</member>"
        )
    }

    fn page(members: &[String], next: &str) -> String {
        let members = members.concat();
        format!("<StackResourceDrifts>{members}</StackResourceDrifts>{next}")
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_is_waited_for_and_read_to_its_last_page() {
        let difference = "<PropertyDifferences><member><PropertyPath>/VisibilityTimeout</PropertyPath>\
             <ExpectedValue>300</ExpectedValue><ActualValue>30</ActualValue>\
             <DifferenceType>NOT_EQUAL</DifferenceType></member><member>\
             <PropertyPath>/Tags/0</PropertyPath><ExpectedValue>null</ExpectedValue>\
             <ActualValue>{\"Key\":\"a\"}</ActualValue><DifferenceType>ADD</DifferenceType></member>\
             </PropertyDifferences>";
        let (stacks, asked) = replay(vec![
            ok("DetectStackDrift", STARTED),
            ok(
                "DescribeStackDriftDetectionStatus",
                &state("DETECTION_IN_PROGRESS", ""),
            ),
            ok(
                "DescribeStackDriftDetectionStatus",
                &state("DETECTION_COMPLETE", ""),
            ),
            ok(
                "DescribeStackResourceDrifts",
                &page(
                    &[
                        resource("Queue", "MODIFIED", difference),
                        resource("Vpc", "IN_SYNC", ""),
                    ],
                    "<NextToken>more</NextToken>",
                ),
            ),
            ok(
                "DescribeStackResourceDrifts",
                &page(
                    &[
                        resource("Logs", "DELETED", ""),
                        resource("Mapping", "NOT_CHECKED", ""),
                    ],
                    "",
                ),
            ),
        ]);
        let found = stacks.changed_outside(STACK_ID).await.expect("a look");
        let requests = asked.requests();
        assert!(requests[4].contains("NextToken=more"), "{requests:?}");
        assert_eq!((found.compared, &found.incomplete), (3, &None));
        let names: Vec<_> = found
            .changed
            .iter()
            .map(|changed| (changed.logical_id.as_str(), changed.is_deleted))
            .collect();
        assert_eq!(names, [("Logs", true), ("Queue", false)]);
        let property = |path: &str, by_template: Option<&str>, as_it_is: &str| Property {
            path: path.to_owned(),
            by_template: by_template.map(str::to_owned),
            as_it_is: Some(as_it_is.to_owned()),
        };
        assert_eq!(
            found.changed[1].properties,
            [
                property("/VisibilityTimeout", Some("300"), "30"),
                property("/Tags/0", None, "{\"Key\":\"a\"}"),
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_failed_in_part_gives_what_it_found_and_why() {
        let reason = "<DriftStatusReason>not authorized</DriftStatusReason>";
        let (stacks, asked) = replay(vec![
            ok("DetectStackDrift", STARTED),
            ok(
                "DescribeStackDriftDetectionStatus",
                &state(
                    "DETECTION_FAILED",
                    "<DetectionStatusReason>Failed on [Role]</DetectionStatusReason>",
                ),
            ),
            ok(
                "DescribeStackResourceDrifts",
                &page(
                    &[
                        resource("Role", "UNKNOWN", reason),
                        resource("Queue", "IN_SYNC", ""),
                    ],
                    "",
                ),
            ),
        ]);
        let found = stacks.changed_outside(STACK_ID).await.expect("a look");
        asked.requests();
        assert_eq!(found.compared, 1);
        assert_eq!(found.incomplete.as_deref(), Some("Failed on [Role]"));
        assert_eq!(
            found.unread,
            [Unread {
                logical_id: "Role".to_owned(),
                reason: Some("not authorized".to_owned()),
            }]
        );
    }

    #[tokio::test]
    async fn a_refused_look_names_the_action() {
        let (stacks, _) = replay(vec![error(403, "AccessDenied", "no")]);
        let refused = stacks.changed_outside(STACK_ID).await.unwrap_err();
        assert!(
            refused.to_string().contains("DetectStackDrift"),
            "{refused}"
        );
    }
}
