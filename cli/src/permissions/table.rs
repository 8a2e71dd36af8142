//! The table itself.

use super::{Kind, Need, Permissions};

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
pub(crate) const ALL: [Permissions; 11] = [
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
                    "lambda:InvokeFunction",
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
                    "cloudwatch:DeleteDashboards",
                    "cloudwatch:GetDashboard",
                    "cloudwatch:PutDashboard",
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
                    "cloudwatch:DeleteDashboards",
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
        command: "status",
        needs: &[
            INVOKE,
            Need {
                on: Kind::Stack,
                actions: &[
                    "cloudformation:DescribeStacks",
                    "cloudformation:ListStackResources",
                ],
            },
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
                on: Kind::Alarm,
                actions: &["cloudwatch:DescribeAlarms"],
            },
            Need {
                on: Kind::Any,
                actions: &["cloudwatch:GetMetricData", "lambda:GetEventSourceMapping"],
            },
        ],
    },
    Permissions {
        command: "logs",
        needs: &[
            DESCRIBE,
            Need {
                on: Kind::LogGroup,
                actions: &["logs:FilterLogEvents"],
            },
        ],
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
        command: "bench",
        needs: &[
            DESCRIBE,
            INVOKE,
            Need {
                on: Kind::Function,
                actions: &["lambda:GetFunctionConfiguration"],
            },
            Need {
                on: Kind::Table,
                actions: &["dynamodb:DeleteItem", "dynamodb:Scan"],
            },
        ],
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
