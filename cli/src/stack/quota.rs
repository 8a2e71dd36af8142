//! What a region still has room for: one more network, of which a new account may have five, and
//! reserved invocations of Lambda.

use serde::Deserialize;

use super::network;
use crate::aws::query::{Protocol, Regional};
use crate::aws::{Aws, AwsError};

const QUOTAS: Regional = Regional {
    name: "servicequotas",
    variable: "SERVICE_QUOTAS",
};
const NETWORKS: &str = r#"{"ServiceCode":"vpc","QuotaCode":"L-F678F1CE"}"#;

/// The networks of a region.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Networks {
    pub(crate) used: usize,
    pub(crate) limit: usize,
}

/// How many there are, and may be; unknown where the permissions to ask are missing.
pub(crate) async fn networks(aws: &Aws) -> Option<Networks> {
    let (used, limit) = tokio::join!(network::vpcs(aws), limit(aws));
    Some(Networks {
        used: used.ok()?.len(),
        limit: limit.ok()?,
    })
}

/// Lambda's invocations at once, in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Concurrency {
    pub(crate) limit: i64,
    /// What no function has reserved.
    pub(crate) free: i64,
}

impl Concurrency {
    /// So many are left for functions that reserve none. (Lambda guide, "Configuring reserved
    /// concurrency")
    pub(crate) const KEPT: i64 = 100;
}

/// How many invocations there may be; unknown where the permission to ask is missing.
pub(crate) async fn concurrency(aws: &Aws) -> Option<Concurrency> {
    let answer = aws.lambda().get_account_settings().send().await;
    let answer = answer
        .map_err(|e| AwsError::from_sdk("lambda:GetAccountSettings", e))
        .ok()?;
    let limit = answer.account_limit?;
    Some(Concurrency {
        limit: limit.concurrent_executions.into(),
        free: limit.unreserved_concurrent_executions?.into(),
    })
}

async fn limit(aws: &Aws) -> Result<usize, AwsError> {
    const ACTION: &str = "servicequotas:GetServiceQuota";
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        quota: Quota,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Quota {
        value: f64,
    }
    let protocol = Protocol::Json {
        target: "ServiceQuotasV20190624.GetServiceQuota",
    };
    let answer = aws
        .ask_regional(&QUOTAS, NETWORKS, protocol, ACTION)
        .await?;
    let answer: Answer =
        serde_json::from_str(&answer).map_err(|_| AwsError::incomplete(ACTION, "a quota"))?;
    // A whole number, in the service's form.
    Ok(answer.quota.value as usize)
}
