//! Whether a KMS key can be used.

use serde::Deserialize;

use crate::aws::query::{Protocol, Regional};
use crate::aws::{Aws, AwsError};

const ACTION: &str = "kms:DescribeKey";
const KMS: Regional = Regional {
    name: "kms",
    variable: "KMS",
};
/// The one state in which a key encrypts and decrypts.
pub(crate) const USABLE: &str = "Enabled";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    key_metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    key_state: String,
}

/// The state of a key, by its ARN.
pub(crate) async fn state(aws: &Aws, key: &str) -> Result<String, AwsError> {
    let protocol = Protocol::Json {
        target: "TrentService.DescribeKey",
    };
    let body = serde_json::json!({ "KeyId": key }).to_string();
    let answer = aws.ask_regional(&KMS, &body, protocol, ACTION).await?;
    let answer: Answer =
        serde_json::from_str(&answer).map_err(|_| AwsError::incomplete(ACTION, "a state"))?;
    Ok(answer.key_metadata.key_state)
}
