//! The policy of a KMS key that a stack may be encrypted with. What its account allows by IAM, the
//! functions' roles and whoever deploys have; CloudWatch Logs comes as itself and must be named.

use serde_json::json;

use super::{Place, Policy, Statement, partition};

impl Policy {
    /// The key's own policy, for the stack at this place. `logs` is the service's name in this region.
    pub(crate) fn of_key(place: &Place, logs: &str) -> Self {
        let Place {
            account,
            region,
            stack,
            ..
        } = place;
        let partition = partition(region);
        let group =
            format!("arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{stack}-*");
        let all = || "*".to_owned();
        Self {
            version: "2012-10-17",
            statement: vec![
                Statement {
                    effect: "Allow",
                    principal: Some(
                        json!({ "AWS": format!("arn:{partition}:iam::{account}:root") }),
                    ),
                    action: vec!["kms:*"],
                    resource: all(),
                    condition: None,
                },
                Statement {
                    effect: "Allow",
                    principal: Some(json!({ "Service": logs })),
                    action: vec![
                        "kms:Decrypt",
                        "kms:DescribeKey",
                        "kms:Encrypt",
                        "kms:GenerateDataKey*",
                        "kms:ReEncrypt*",
                    ],
                    resource: all(),
                    condition: Some(json!({
                        "ArnLike": { "kms:EncryptionContext:aws:logs:arn": group }
                    })),
                },
            ],
        }
    }
}
