//! What CloudFormation calls with the rights of whoever deploys: what its handlers declare, less
//! what this template cannot reach, each on the resource that the API wants it on.
//!
//! A property that brings a new call is one that an entry of [`LEFT_OUT`] names: a test fails then.

use std::collections::{BTreeMap, BTreeSet};

use super::Kind;

/// Made from AWS's schemas; see its first lines.
const DECLARED: &str = include_str!("handlers.txt");

/// Actions that are declared, and not called for this template.
pub(crate) struct LeftOut {
    resource_type: &'static str,
    /// `kms:*` stands for all of a service.
    pub(super) actions: &'static [&'static str],
    /// They are called where the resource has one of these, as a property or as a value.
    pub(super) without: &'static [&'static str],
}

const fn left_out(
    resource_type: &'static str,
    actions: &'static [&'static str],
    without: &'static [&'static str],
) -> LeftOut {
    LeftOut {
        resource_type,
        actions,
        without,
    }
}

const TABLE: &str = "AWS::DynamoDB::Table";
const GROUP: &str = "AWS::ElastiCache::ReplicationGroup";
const FUNCTION: &str = "AWS::Lambda::Function";
const LOGS: &str = "AWS::Logs::LogGroup";
const ROLE: &str = "AWS::IAM::Role";

#[rustfmt::skip]
pub(super) const LEFT_OUT: [LeftOut; 37] = [
    left_out(TABLE, &["dynamodb:AssociateTableReplica", "dynamodb:CreateTableReplica", "iam:CreateServiceLinkedRole"], &["Replicas", "GlobalTableWitnesses"]),
    left_out(TABLE, &["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"], &["Replicas", "ImportSourceSpecification"]),
    left_out(TABLE, &["dynamodb:ImportTable", "dynamodb:DescribeImport", "logs:*", "s3:*"], &["ImportSourceSpecification"]),
    left_out(TABLE, &["dynamodb:UpdateContributorInsights"], &["ContributorInsightsSpecification"]),
    left_out(TABLE, &["dynamodb:DisableKinesisStreamingDestination", "dynamodb:EnableKinesisStreamingDestination", "dynamodb:UpdateKinesisStreamingDestination", "kinesis:*"], &["KinesisStreamSpecification"]),
    left_out(TABLE, &["dynamodb:DeleteResourcePolicy", "dynamodb:PutResourcePolicy"], &["ResourcePolicy"]),
    left_out(TABLE, &["dynamodb:UpdateTimeToLive"], &["TimeToLiveSpecification"]),
    left_out(TABLE, &["kms:*"], &["KMSMasterKeyId"]),
    left_out("AWS::EC2::Subnet", &["ec2:AssociateSubnetCidrBlock", "ec2:DisassociateSubnetCidrBlock"], &["Ipv6CidrBlock", "Ipv6Native", "Ipv6IpamPoolId"]),
    left_out("AWS::EC2::VPC", &["ec2:CreateVpcEncryptionControl"], &["VpcEncryptionControl"]),
    left_out("AWS::EC2::VPC", &["ec2:ModifyVpcTenancy"], &["InstanceTenancy"]),
    left_out(GROUP, &["elasticache:CreateCacheCluster", "elasticache:DeleteCacheCluster"], &["NumCacheClusters"]),
    left_out(GROUP, &["elasticache:CreateSnapshot"], &["Snapshot"]),
    left_out(GROUP, &["elasticache:ModifyReplicationGroupShardConfiguration"], &["NodeGroupConfiguration", "ClusterMode"]),
    left_out(GROUP, &["firehose:*", "logs:*"], &["LogDeliveryConfigurations"]),
    left_out(GROUP, &["kms:*"], &["KmsKeyId"]),
    left_out(GROUP, &["s3:GetObject"], &["SnapshotArns"]),
    left_out(ROLE, &["iam:AttachRolePolicy", "iam:DetachRolePolicy"], &["ManagedPolicyArns"]),
    left_out(ROLE, &["iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"], &["PermissionsBoundary"]),
    left_out("AWS::Lambda::EventSourceMapping", &["kms:*"], &["KmsKeyArn"]),
    left_out(FUNCTION, &["elasticfilesystem:*", "s3files:*"], &["FileSystemConfigs"]),
    left_out(FUNCTION, &["kms:*"], &["KmsKeyArn"]),
    left_out(FUNCTION, &["lambda:DeleteFunctionCodeSigningConfig", "lambda:GetCodeSigningConfig", "lambda:PutFunctionCodeSigningConfig"], &["CodeSigningConfigArn"]),
    left_out(FUNCTION, &["lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency"], &["ReservedConcurrentExecutions"]),
    left_out(FUNCTION, &["lambda:GetLayerVersion"], &["Layers"]),
    left_out(FUNCTION, &["lambda:PassCapacityProvider"], &["CapacityProviderConfig"]),
    left_out(FUNCTION, &["lambda:PublishVersion"], &["PublishToLatestPublished"]),
    left_out(FUNCTION, &["lambda:PutFunctionRecursionConfig"], &["RecursiveLoop"]),
    left_out(FUNCTION, &["lambda:PutFunctionScalingConfig"], &["FunctionScalingConfig"]),
    left_out(FUNCTION, &["lambda:PutRuntimeManagementConfig"], &["RuntimeManagementConfig"]),
    left_out(FUNCTION, &["s3:GetObjectVersion"], &["S3ObjectVersion"]),
    left_out(LOGS, &["firehose:*", "logs:CreateLogDelivery", "logs:PutDataProtectionPolicy", "s3:REST.PUT.OBJECT"], &["DataProtectionPolicy"]),
    left_out(LOGS, &["logs:AssociateKmsKey", "logs:DisassociateKmsKey"], &["KmsKeyId"]),
    left_out(LOGS, &["logs:DeleteIndexPolicy", "logs:PutIndexPolicy"], &["FieldIndexPolicies"]),
    left_out(LOGS, &["logs:DeleteResourcePolicy", "logs:PutResourcePolicy"], &["ResourcePolicyDocument"]),
    left_out(LOGS, &["logs:PutBearerTokenAuthentication"], &["BearerTokenAuthenticationEnabled"]),
    left_out(LOGS, &["logs:PutLogGroupDeletionProtection"], &["DeletionProtectionEnabled"]),
];

/// What CloudFormation itself calls for `Fn::GetAZs`, which no handler declares.
pub(super) const ZONES: [&str; 2] = [
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAvailabilityZones",
];

impl LeftOut {
    pub(super) fn covers(&self, resource_type: &str, action: &str) -> bool {
        let all = |entry: &str| {
            let service = entry.strip_suffix('*');
            service.map_or(entry == action, |service| action.starts_with(service))
        };
        self.resource_type == resource_type && self.actions.iter().any(|entry| all(entry))
    }

    /// A line of the documentation.
    pub(super) fn markdown(&self) -> String {
        let code = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        let (actions, without) = (code(self.actions), code(self.without));
        format!("| `{}` | {actions} | {without} |\n", self.resource_type)
    }
}

/// One declared action: the resource's type, the handler (or `tags`), the action.
pub(super) fn declared() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut found = Vec::new();
    let mut resource_type = "";
    for line in DECLARED.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            None => resource_type = line,
            Some(rest) => {
                let mut words = rest.split(' ');
                let handler = words.next().unwrap_or_default();
                found.extend(words.map(|action| (resource_type, handler, action)));
            }
        }
    }
    found
}

/// What CloudFormation calls to do these things to the stack's resources.
pub(super) fn needs(handlers: &[&str]) -> BTreeMap<Kind, BTreeSet<&'static str>> {
    let mut needs: BTreeMap<Kind, BTreeSet<&'static str>> = BTreeMap::new();
    for (resource_type, handler, action) in declared() {
        let is_left_out = LEFT_OUT
            .iter()
            .any(|entry| entry.covers(resource_type, action));
        if handlers.contains(&handler) && !is_left_out {
            for kind in on(resource_type, action) {
                needs.entry(*kind).or_default().insert(action);
            }
        }
    }
    if handlers.contains(&"create") {
        needs.entry(Kind::Any).or_default().extend(ZONES);
    }
    needs
}

/// The resources that an action is allowed on, in the form that its API wants. (AWS's Service
/// Authorization Reference)
fn on(resource_type: &str, action: &str) -> &'static [Kind] {
    let (service, name) = action.split_once(':').unwrap_or_default();
    match (service, name) {
        ("cloudwatch", _) if resource_type.ends_with("Dashboard") => &[Kind::Dashboard],
        ("cloudwatch", _) => &[Kind::Alarm],
        ("dynamodb", _) => &[Kind::Table],
        ("elasticache", _) => on_elasticache(resource_type, name),
        ("iam", _) if resource_type != ROLE && name != "PassRole" => &[Kind::ServiceRole],
        ("iam", _) => &[Kind::Role],
        ("lambda", "CreateEventSourceMapping") => &[Kind::Any],
        ("lambda", _) if resource_type.ends_with("Mapping") => &[Kind::Mapping],
        ("lambda", _) => &[Kind::Function],
        ("logs", "DescribeLogGroups" | "DescribeResourcePolicies") => &[Kind::Any],
        ("logs", "TagResource" | "UntagResource" | "ListTagsForResource") => {
            &[Kind::LogGroupItself]
        }
        ("logs", _) => &[Kind::LogGroup],
        ("s3", _) => &[Kind::Object],
        ("sqs", _) => &[Kind::Queue],
        // Networks have no names of ours, and what describes them takes none.
        _ => &[Kind::Any],
    }
}

fn on_elasticache(resource_type: &str, name: &str) -> &'static [Kind] {
    match name {
        "CreateReplicationGroup" => &[
            Kind::ReplicationGroup,
            Kind::CacheParameters,
            Kind::CacheSubnets,
            Kind::CacheUsers,
        ],
        "ModifyReplicationGroup" => &[
            Kind::ReplicationGroup,
            Kind::CacheParameters,
            Kind::CacheUsers,
        ],
        "CreateUserGroup" | "ModifyUserGroup" => &[Kind::CacheUser, Kind::CacheUsers],
        "DescribeCacheClusters" => &[Kind::CacheNode],
        "DescribeEngineDefaultParameters" => &[Kind::Any],
        _ => match resource_type {
            "AWS::ElastiCache::ParameterGroup" => &[Kind::CacheParameters],
            "AWS::ElastiCache::SubnetGroup" => &[Kind::CacheSubnets],
            "AWS::ElastiCache::User" => &[Kind::CacheUser],
            "AWS::ElastiCache::UserGroup" => &[Kind::CacheUsers],
            _ => &[Kind::ReplicationGroup],
        },
    }
}
