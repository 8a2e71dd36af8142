//! Which of the properties that a template sets come to something on this machine.
//!
//! What is honoured is listed; everything else is named at deploy, also what AWS adds later. Of that,
//! one machine has no use for some (keys, roles, backups); the rest is missed.

use super::fault::Result;
use super::property::Properties;
use super::resource::{Kind, Resource};
use crate::local::protocol::WithoutEffect;

const TABLE: [&str; 10] = [
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "StreamSpecification",
    "TableName",
    "TimeToLiveSpecification",
];
const FUNCTION: [&str; 10] = [
    "Code",
    "Environment",
    "FunctionName",
    "Handler",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "ReservedConcurrentExecutions",
    "Runtime",
    "Timeout",
];
const MAPPING: [&str; 13] = [
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "Enabled",
    "EventSourceArn",
    "FunctionName",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPosition",
    "TumblingWindowInSeconds",
];
const QUEUE: [&str; 6] = [
    "DelaySeconds",
    "FifoQueue",
    "MessageRetentionPeriod",
    "QueueName",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
];
/// Of all kinds.
const NEEDLESS: [&str; 24] = [
    "Architectures",
    "CodeSigningConfigArn",
    "ContributorInsightsSpecification",
    "Description",
    "EphemeralStorage",
    "KmsDataKeyReusePeriodSeconds",
    "KmsKeyArn",
    "KmsMasterKeyId",
    "MetricsConfig",
    "OnDemandThroughput",
    "PointInTimeRecoverySpecification",
    "RecursiveLoop",
    "RedriveAllowPolicy",
    "ResourcePolicy",
    "Role",
    "RuntimeManagementConfig",
    "SSESpecification",
    "SnapStart",
    "SqsManagedSseEnabled",
    "TableClass",
    "Tags",
    "TracingConfig",
    "VpcConfig",
    "WarmThroughput",
];

/// The resource's properties that come to nothing. A resource that is not made is named as a whole.
pub(super) fn without(resource: &Resource<'_>) -> Result<Vec<WithoutEffect>> {
    let honoured: &[&str] = match resource.kind {
        Kind::Table => &TABLE,
        Kind::Function => &FUNCTION,
        Kind::Mapping => &MAPPING,
        Kind::Queue => &QUEUE,
        // The cache of this machine, whose program and address the tool is given.
        Kind::ReplicationGroup => &["ReplicationGroupId"],
        Kind::LeftOut(_) => return Ok(Vec::new()),
    };
    let is_cache = matches!(resource.kind, Kind::ReplicationGroup);
    let given = Properties::of(&resource.properties)?;
    let names = given.fields().iter().map(|field| field.name);
    Ok(names
        .filter(|name| !honoured.contains(name))
        .map(|name| WithoutEffect {
            logical_id: resource.id.to_owned(),
            resource_type: resource.resource_type.to_owned(),
            property: name.to_owned(),
            needless: is_cache || NEEDLESS.contains(&name),
        })
        .collect())
}
