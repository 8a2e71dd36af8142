//! What the commands themselves call. What CloudFormation calls for them is in `handlers`.

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

/// All commands that ask AWS for anything, with what they ask for themselves.
pub(super) const OWN: [Permissions; 11] = [
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
            INVOKE,
            Need {
                on: Kind::Any,
                actions: &[
                    "cloudformation:DescribeStackResources",
                    "ec2:DescribeVpcs",
                    "servicequotas:GetServiceQuota",
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
                    "cloudformation:ListChangeSets",
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
            INVOKE,
            Need {
                on: Kind::Table,
                actions: &["dynamodb:DescribeTable"],
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
                on: Kind::ReplicationGroup,
                actions: &["elasticache:DescribeReplicationGroups"],
            },
            Need {
                on: Kind::Mapping,
                actions: &["lambda:GetEventSourceMapping"],
            },
            Need {
                on: Kind::Any,
                actions: &["cloudwatch:GetMetricData"],
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
                on: Kind::Mapping,
                actions: &["lambda:GetEventSourceMapping"],
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
