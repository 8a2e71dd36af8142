//! Resources that are not made on this machine but that others refer to: plausible ids and ARNs.

use host::definition::ACCOUNT;

use super::Context;
use super::evaluator::stable_id;
use super::resource::Resource;

/// What `Ref` gives: the name, but for the parts of a network, which have ids.
pub(super) fn reference(resource: &Resource, context: &Context) -> String {
    match resource.resource_type.as_str() {
        "AWS::EC2::VPC" => id("vpc", resource, context),
        "AWS::EC2::Subnet" => id("subnet", resource, context),
        "AWS::EC2::SecurityGroup" => id("sg", resource, context),
        _ => resource.name.clone(),
    }
}

fn id(prefix: &str, resource: &Resource, context: &Context) -> String {
    let hex = stable_id(context, &resource.id).simple().to_string();
    format!("{prefix}-{}", hex.get(..17).unwrap_or(&hex))
}

/// An attribute that is no property: an ARN, or what `Ref` gives.
pub(super) fn attribute(attribute: &str, resource: &Resource, context: &Context) -> String {
    if !attribute.ends_with("Arn") {
        return reference(resource, context);
    }
    let region = &context.region;
    let name = &resource.name;
    match resource.resource_type.as_str() {
        "AWS::IAM::Role" => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        "AWS::Logs::LogGroup" => format!("arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}:*"),
        "AWS::CloudWatch::Alarm" => format!("arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{name}"),
        other => {
            let service = other.split("::").nth(1).unwrap_or_default().to_lowercase();
            format!("arn:aws:{service}:{region}:{ACCOUNT}:{name}")
        }
    }
}

/// Whether one machine has no use for resources of this type: network, roles, alarms and logs, and
/// what guards others. What runs programs or carries data is missed.
pub(super) fn is_needless(resource_type: &str) -> bool {
    const SERVICES: [&str; 5] = [
        "AWS::CloudWatch::",
        "AWS::EC2::",
        "AWS::ElastiCache::",
        "AWS::IAM::",
        "AWS::Logs::",
    ];
    const MISSED: [&str; 4] = [
        "AWS::EC2::Instance",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::Logs::SubscriptionFilter",
    ];
    let of_service = |service: &&str| resource_type.starts_with(*service);
    let guards = resource_type.ends_with("Policy") || resource_type == "AWS::Lambda::Permission";
    guards || SERVICES.iter().any(of_service) && !MISSED.contains(&resource_type)
}
