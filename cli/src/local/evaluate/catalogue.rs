//! Resources that are not made on this machine but that others refer to: plausible ids and ARNs.

use host::definition::ACCOUNT;

use super::Context;
use super::evaluator::stable_id;
use super::resource::Resource;

/// What stands for a resource of one type. Patterns have `{name}`, `{region}`, `{account}` and
/// `{hex}`, 17 digits of the resource's own.
#[derive(Debug)]
pub(super) struct Counterpart {
    resource_type: &'static str,
    /// The property with its name.
    pub(super) name_property: Option<&'static str>,
    /// Names are in lower case.
    pub(super) lower_case: bool,
    /// What `Ref` gives.
    pub(super) reference: &'static str,
    /// The attributes and their values, where no property of the same name has one.
    attributes: &'static [(&'static str, &'static str)],
}

impl Counterpart {
    pub(super) fn has(&self, attribute: &str) -> bool {
        self.pattern(attribute).is_some()
    }

    pub(super) fn pattern(&self, attribute: &str) -> Option<&'static str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(name, _)| *name == attribute)
            .map(|(_, pattern)| *pattern)
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = &'static str> {
        self.attributes.iter().map(|(name, _)| *name)
    }
}

const fn named(
    resource_type: &'static str,
    name_property: &'static str,
    attributes: &'static [(&'static str, &'static str)],
) -> Counterpart {
    Counterpart {
        resource_type,
        name_property: Some(name_property),
        lower_case: false,
        reference: "{name}",
        attributes,
    }
}

const fn numbered(
    resource_type: &'static str,
    reference: &'static str,
    attributes: &'static [(&'static str, &'static str)],
) -> Counterpart {
    Counterpart {
        resource_type,
        name_property: None,
        lower_case: false,
        reference,
        attributes,
    }
}

const fn lower_case(counterpart: Counterpart) -> Counterpart {
    Counterpart {
        lower_case: true,
        ..counterpart
    }
}

/// `Ref` and the attributes are those of CloudFormation's template reference.
static COUNTERPARTS: [Counterpart; 13] = [
    numbered(
        "AWS::EC2::VPC",
        "vpc-{hex}",
        &[
            ("VpcId", "vpc-{hex}"),
            ("CidrBlock", "10.0.0.0/16"),
            ("DefaultSecurityGroup", "sg-{hex}"),
        ],
    ),
    numbered(
        "AWS::EC2::Subnet",
        "subnet-{hex}",
        &[
            ("SubnetId", "subnet-{hex}"),
            ("AvailabilityZone", "{region}a"),
            ("CidrBlock", "10.0.0.0/24"),
            ("VpcId", "vpc-{hex}"),
        ],
    ),
    numbered(
        "AWS::EC2::SecurityGroup",
        "sg-{hex}",
        &[("GroupId", "sg-{hex}"), ("VpcId", "vpc-{hex}")],
    ),
    named(
        "AWS::IAM::Role",
        "RoleName",
        &[
            ("Arn", "arn:aws:iam::{account}:role/{name}"),
            ("RoleId", "AROA{hex}"),
        ],
    ),
    numbered(
        "AWS::IAM::ManagedPolicy",
        "arn:aws:iam::{account}:policy/{name}",
        &[("PolicyArn", "arn:aws:iam::{account}:policy/{name}")],
    ),
    named(
        "AWS::Logs::LogGroup",
        "LogGroupName",
        &[("Arn", "arn:aws:logs:{region}:{account}:log-group:{name}:*")],
    ),
    named(
        "AWS::CloudWatch::Alarm",
        "AlarmName",
        &[("Arn", "arn:aws:cloudwatch:{region}:{account}:alarm:{name}")],
    ),
    named("AWS::CloudWatch::Dashboard", "DashboardName", &[]),
    numbered("AWS::SQS::QueuePolicy", "{name}", &[("Id", "{name}")]),
    lower_case(named(
        "AWS::ElastiCache::SubnetGroup",
        "CacheSubnetGroupName",
        &[],
    )),
    lower_case(numbered(
        "AWS::ElastiCache::ParameterGroup",
        "{name}",
        &[("CacheParameterGroupName", "{name}")],
    )),
    lower_case(named(
        "AWS::ElastiCache::User",
        "UserId",
        &[("Arn", "arn:aws:elasticache:{region}:{account}:user:{name}")],
    )),
    lower_case(named(
        "AWS::ElastiCache::UserGroup",
        "UserGroupId",
        &[(
            "Arn",
            "arn:aws:elasticache:{region}:{account}:usergroup:{name}",
        )],
    )),
];

pub(super) fn find(resource_type: &str) -> Option<&'static Counterpart> {
    COUNTERPARTS
        .iter()
        .find(|known| known.resource_type == resource_type)
}

/// Fills in a pattern.
pub(super) fn fill(pattern: &str, resource: &Resource<'_>, context: &Context) -> String {
    let mut filled = pattern.replace("{name}", &resource.name);
    if filled.contains("{hex}") {
        let hex = stable_id(context, resource.id).simple().to_string();
        filled = filled.replace("{hex}", hex.get(..17).unwrap_or(&hex));
    }
    filled
        .replace("{region}", &context.region)
        .replace("{account}", ACCOUNT)
}

/// Whether one machine has no use for resources of this type. Of the services that are here as a
/// whole, such as EC2, it is what runs programs or carries data that is missed.
pub(super) fn is_needless(resource_type: &str) -> bool {
    const MISSED: [&str; 10] = [
        "AWS::EC2::CapacityReservation",
        "AWS::EC2::EC2Fleet",
        "AWS::EC2::Host",
        "AWS::EC2::Instance",
        "AWS::EC2::LaunchTemplate",
        "AWS::EC2::SpotFleet",
        "AWS::EC2::Volume",
        "AWS::EC2::VolumeAttachment",
        "AWS::Logs::Destination",
        "AWS::Logs::SubscriptionFilter",
    ];
    const NEEDLESS: [&str; 11] = [
        "AWS::CDK::Metadata",
        "AWS::ElastiCache::ParameterGroup",
        "AWS::ElastiCache::SecurityGroup",
        "AWS::ElastiCache::SecurityGroupIngress",
        "AWS::ElastiCache::SubnetGroup",
        "AWS::ElastiCache::User",
        "AWS::ElastiCache::UserGroup",
        "AWS::Lambda::Permission",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    ];
    const SERVICES: [&str; 4] = [
        "AWS::CloudWatch::",
        "AWS::EC2::",
        "AWS::IAM::",
        "AWS::Logs::",
    ];
    let of_service = |service: &&str| resource_type.starts_with(*service);
    NEEDLESS.contains(&resource_type)
        || SERVICES.iter().any(of_service) && !MISSED.contains(&resource_type)
}
