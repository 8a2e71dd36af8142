//! What each command may have to ask of AWS, by the actions that IAM grants.
//!
//! One table, for `cqrs doctor` and for docs/permissions.md. A test looks through this crate's
//! sources for actions that the table lacks. What CloudFormation does on behalf of whoever deploys
//! stands in it too, from the documentation of the services; AWS itself may ask for more.

pub(crate) mod simulate;

/// What a command needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permissions {
    /// The command, as it is typed after `cqrs`.
    pub(crate) command: &'static str,
    pub(crate) needs: &'static [Need],
}

/// Actions on one kind of resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    pub(crate) on: Kind,
    pub(crate) actions: &'static [&'static str],
}

/// The kinds of resources that a policy may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// No particular one: what cannot be limited, or is of no stack.
    Any,
    Stack,
    Bucket,
    Object,
    Role,
    Function,
    Table,
    Stream,
    Queue,
    LogGroup,
    Alarm,
}

impl Kind {
    /// The ARN of a resource of that kind in `place`; `*` where it is none in particular.
    pub(crate) fn arn(self, place: &Place<'_>) -> String {
        let Place {
            partition,
            region,
            account,
            stack,
            bucket,
        } = place;
        let here = |service: &str, rest: String| format!("{service}:{region}:{account}:{rest}");
        let rest = match self {
            Self::Any => return "*".to_owned(),
            Self::Stack => here("cloudformation", format!("stack/{stack}/*")),
            Self::Bucket => format!("s3:::{bucket}"),
            Self::Object => format!("s3:::{bucket}/{stack}/*"),
            Self::Role => format!("iam::{account}:role/{stack}-*"),
            Self::Function => here("lambda", format!("function:{stack}-publisher")),
            Self::Table => here("dynamodb", format!("table/{stack}-*")),
            Self::Stream => here("dynamodb", format!("table/{stack}-*/stream/*")),
            Self::Queue => here("sqs", format!("{stack}-*")),
            Self::LogGroup => here("logs", format!("log-group:/aws/lambda/{stack}-publisher:*")),
            Self::Alarm => here("cloudwatch", format!("alarm:{stack}-*")),
        };
        format!("arn:{partition}:{rest}")
    }
}

/// What the ARNs of a stack's resources are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) stack: &'a str,
    /// The bucket of the artifacts.
    pub(crate) bucket: &'a str,
}

const DESCRIBE: Need = Need {
    on: Kind::Stack,
    actions: &["cloudformation:DescribeStacks"],
};
const IDENTITY: Need = Need {
    on: Kind::Any,
    actions: &["sts:GetCallerIdentity"],
};
const INVOKE: Need = Need {
    on: Kind::Function,
    actions: &["lambda:InvokeFunction"],
};

/// All commands that ask AWS for anything.
pub(crate) const ALL: [Permissions; 8] = [
    Permissions {
        command: "deploy",
        needs: &[
            IDENTITY,
            Need {
                on: Kind::Stack,
                actions: &[
                    "cloudformation:ContinueUpdateRollback",
                    "cloudformation:CreateChangeSet",
                    "cloudformation:DeleteChangeSet",
                    "cloudformation:DeleteStack",
                    "cloudformation:DescribeChangeSet",
                    "cloudformation:DescribeEvents",
                    "cloudformation:DescribeStackEvents",
                    "cloudformation:DescribeStacks",
                    "cloudformation:ExecuteChangeSet",
                    "cloudformation:ListChangeSets",
                    "cloudformation:UpdateTerminationProtection",
                ],
            },
            Need {
                on: Kind::Bucket,
                actions: &[
                    "s3:CreateBucket",
                    "s3:GetLifecycleConfiguration",
                    "s3:ListBucket",
                    "s3:PutBucketPublicAccessBlock",
                    "s3:PutEncryptionConfiguration",
                    "s3:PutLifecycleConfiguration",
                ],
            },
            Need {
                on: Kind::Object,
                actions: &[
                    "s3:GetObject",
                    "s3:GetObjectTagging",
                    "s3:PutObject",
                    "s3:PutObjectTagging",
                ],
            },
            Need {
                on: Kind::Role,
                actions: &[
                    "iam:CreateRole",
                    "iam:DeleteRole",
                    "iam:DeleteRolePolicy",
                    "iam:GetRole",
                    "iam:GetRolePolicy",
                    "iam:PassRole",
                    "iam:PutRolePolicy",
                    "iam:TagRole",
                ],
            },
            Need {
                on: Kind::Function,
                actions: &[
                    "lambda:CreateFunction",
                    "lambda:DeleteFunction",
                    "lambda:GetFunction",
                    "lambda:TagResource",
                    "lambda:UpdateFunctionCode",
                    "lambda:UpdateFunctionConfiguration",
                ],
            },
            Need {
                on: Kind::Table,
                actions: &[
                    "dynamodb:CreateTable",
                    "dynamodb:DeleteTable",
                    "dynamodb:DescribeContinuousBackups",
                    "dynamodb:DescribeTable",
                    "dynamodb:TagResource",
                    "dynamodb:UpdateContinuousBackups",
                    "dynamodb:UpdateTable",
                ],
            },
            Need {
                on: Kind::Queue,
                actions: &[
                    "sqs:CreateQueue",
                    "sqs:DeleteQueue",
                    "sqs:GetQueueAttributes",
                    "sqs:SetQueueAttributes",
                    "sqs:TagQueue",
                ],
            },
            Need {
                on: Kind::LogGroup,
                actions: &[
                    "logs:CreateLogGroup",
                    "logs:DeleteLogGroup",
                    "logs:PutRetentionPolicy",
                    "logs:TagResource",
                ],
            },
            Need {
                on: Kind::Alarm,
                actions: &[
                    "cloudwatch:DeleteAlarms",
                    "cloudwatch:DescribeAlarms",
                    "cloudwatch:PutMetricAlarm",
                    "cloudwatch:TagResource",
                ],
            },
            Need {
                on: Kind::Any,
                actions: &[
                    "ec2:AuthorizeSecurityGroupEgress",
                    "ec2:AuthorizeSecurityGroupIngress",
                    "ec2:CreateSecurityGroup",
                    "ec2:CreateSubnet",
                    "ec2:CreateTags",
                    "ec2:CreateVpc",
                    "ec2:DeleteSecurityGroup",
                    "ec2:DeleteSubnet",
                    "ec2:DeleteVpc",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                    "ec2:ModifyVpcAttribute",
                    "ec2:RevokeSecurityGroupEgress",
                    "elasticache:AddTagsToResource",
                    "elasticache:CreateCacheParameterGroup",
                    "elasticache:CreateCacheSubnetGroup",
                    "elasticache:CreateReplicationGroup",
                    "elasticache:CreateUser",
                    "elasticache:CreateUserGroup",
                    "elasticache:DeleteCacheParameterGroup",
                    "elasticache:DeleteCacheSubnetGroup",
                    "elasticache:DeleteReplicationGroup",
                    "elasticache:DeleteUser",
                    "elasticache:DeleteUserGroup",
                    "elasticache:DescribeCacheClusters",
                    "elasticache:DescribeCacheParameterGroups",
                    "elasticache:DescribeCacheParameters",
                    "elasticache:DescribeCacheSubnetGroups",
                    "elasticache:DescribeReplicationGroups",
                    "elasticache:DescribeUserGroups",
                    "elasticache:DescribeUsers",
                    "elasticache:ListTagsForResource",
                    "elasticache:ModifyCacheParameterGroup",
                    "elasticache:ModifyReplicationGroup",
                    "lambda:CreateEventSourceMapping",
                    "lambda:DeleteEventSourceMapping",
                    "lambda:GetEventSourceMapping",
                    "lambda:UpdateEventSourceMapping",
                ],
            },
        ],
    },
    Permissions {
        command: "destroy",
        needs: &[
            IDENTITY,
            Need {
                on: Kind::Stack,
                actions: &[
                    "cloudformation:DeleteStack",
                    "cloudformation:DescribeEvents",
                    "cloudformation:DescribeStackEvents",
                    "cloudformation:DescribeStacks",
                    "cloudformation:ListStackResources",
                    "cloudformation:UpdateTerminationProtection",
                ],
            },
            Need {
                on: Kind::Bucket,
                actions: &["s3:DeleteBucket", "s3:ListBucket"],
            },
            Need {
                on: Kind::Object,
                actions: &["s3:DeleteObject"],
            },
            Need {
                on: Kind::Role,
                actions: &["iam:DeleteRole", "iam:DeleteRolePolicy"],
            },
            Need {
                on: Kind::Function,
                actions: &["lambda:DeleteFunction"],
            },
            Need {
                on: Kind::Table,
                actions: &["dynamodb:DeleteTable", "dynamodb:DescribeTable"],
            },
            Need {
                on: Kind::Queue,
                actions: &["sqs:DeleteQueue"],
            },
            Need {
                on: Kind::LogGroup,
                actions: &["logs:DeleteLogGroup"],
            },
            Need {
                on: Kind::Alarm,
                actions: &["cloudwatch:DeleteAlarms"],
            },
            Need {
                on: Kind::Any,
                actions: &[
                    "ec2:DeleteSecurityGroup",
                    "ec2:DeleteSubnet",
                    "ec2:DeleteVpc",
                    "elasticache:DeleteCacheParameterGroup",
                    "elasticache:DeleteCacheSubnetGroup",
                    "elasticache:DeleteReplicationGroup",
                    "elasticache:DeleteUser",
                    "elasticache:DeleteUserGroup",
                    "elasticache:DescribeReplicationGroups",
                    "elasticache:DescribeUserGroups",
                    "elasticache:DescribeUsers",
                    "lambda:DeleteEventSourceMapping",
                    "lambda:GetEventSourceMapping",
                ],
            },
        ],
    },
    Permissions {
        command: "order",
        needs: &[INVOKE],
    },
    Permissions {
        command: "outputs",
        needs: &[DESCRIBE],
    },
    Permissions {
        command: "failures",
        needs: &[
            DESCRIBE,
            INVOKE,
            Need {
                on: Kind::Queue,
                actions: &[
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                ],
            },
            Need {
                on: Kind::Stream,
                actions: &["dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            },
        ],
    },
    Permissions {
        command: "rebuild",
        needs: &[DESCRIBE, INVOKE, READ_TABLE],
    },
    Permissions {
        command: "verify",
        needs: &[DESCRIBE, INVOKE, READ_TABLE],
    },
    Permissions {
        command: "doctor",
        needs: &[
            IDENTITY,
            DESCRIBE,
            INVOKE,
            Need {
                on: Kind::Function,
                actions: &["lambda:GetFunctionConfiguration"],
            },
            Need {
                on: Kind::Table,
                actions: &["dynamodb:DescribeTable"],
            },
            Need {
                on: Kind::Queue,
                actions: &["sqs:GetQueueAttributes"],
            },
            Need {
                on: Kind::Any,
                actions: &[
                    "iam:GetRole",
                    "iam:SimulatePrincipalPolicy",
                    "lambda:GetEventSourceMapping",
                ],
            },
        ],
    },
];

const READ_TABLE: Need = Need {
    on: Kind::Table,
    actions: &[
        "dynamodb:BatchGetItem",
        "dynamodb:DescribeTable",
        "dynamodb:Scan",
    ],
};

#[cfg(test)]
mod tests;
