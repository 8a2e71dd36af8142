//! A stack on AWS: two calls after one another at most, all others beside them.

use std::time::{Duration, Instant};

use aws_sdk_lambda::Client as Lambda;
use aws_smithy_types::base64;
use orders::timestamp::Timestamp;

use super::{
    Activity, Alarms, Blind, CacheDiffers, Function, LAG_LIMIT_MS, Mapping, Part, PerFunction,
    Seen, Stack, Unseen, WriteModel, alarms, cache, metrics, parts, timestamp,
};
use crate::aws::{Aws, AwsError};
use crate::failures::queue::Depth;
use crate::settings::StackName;
use crate::stack::Stacks;
use crate::stack::functions::Functions;
use crate::stack::health::{mapping_that_is_there, reason};
use crate::stack::state::{Situation, StackState};

/// CloudWatch has a new data point each minute and charges for each look at one.
const METRICS_LIVE: Duration = Duration::from_secs(60);

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct OnAws {
    aws: Aws,
    stack: StackName,
    activity: Option<(Instant, Activity)>,
}

/// What the stack's outputs lead to.
struct Named {
    stack: Part<Stack>,
    mapping: Part<Mapping>,
    write_model: Part<WriteModel>,
    failures: Part<Depth>,
    alarms: Part<Alarms>,
    lag_limit_ms: u64,
    dashboard: Option<String>,
}

impl OnAws {
    pub(crate) fn new(aws: Aws, stack: StackName) -> Self {
        Self {
            aws,
            stack,
            activity: None,
        }
    }

    pub(super) async fn look(&mut self) -> Result<Seen, Blind> {
        let lambda = self.aws.lambda();
        let functions = Functions::new(&self.aws, self.stack.clone(), false);
        let function = |role| function(&lambda, format!("{}-{role}", self.stack));
        let (named, publisher, subscriber, query, activity, read_model) = tokio::try_join!(
            self.named(),
            told(function("publisher")),
            told(function("subscriber")),
            told(function("query")),
            told(self.recent_activity()),
            told(parts::read_model(&functions)),
        )?;
        if let Ok((at, activity)) = &activity {
            self.activity = Some((*at, activity.clone()));
        }
        Ok(Seen {
            at: Timestamp::now(),
            stack: named.stack,
            functions: PerFunction {
                publisher,
                subscriber,
                query,
            },
            activity: activity.map(|(_, activity)| activity),
            mapping: named.mapping,
            write_model: named.write_model,
            read_model,
            failures: named.failures,
            alarms: Some(named.alarms),
            lag_limit_ms: named.lag_limit_ms,
            dashboard: named.dashboard,
        })
    }

    async fn recent_activity(&self) -> Part<(Instant, Activity)> {
        if let Some((at, activity)) = &self.activity
            && at.elapsed() < METRICS_LIVE
        {
            return Ok((*at, activity.clone()));
        }
        let asked = Instant::now();
        let activity = metrics::activity(&self.aws.cloudwatch(), self.stack.as_str()).await?;
        Ok((asked, activity))
    }

    /// The stack, and what only its outputs name.
    async fn named(&self) -> Result<Named, Blind> {
        let stacks = Stacks::new(&self.aws);
        let state = match stacks
            .describe(self.stack.as_str())
            .await
            .map_err(Unseen::from)
        {
            Ok(Some(state)) if state.situation() != Situation::Empty => state,
            Ok(_) => return Err(Blind::NoStack),
            Err(unseen) if unseen.is_denied() => return Ok(Named::without_outputs(unseen)),
            Err(unseen) => return Err(unseen.into()),
        };
        stacks.check_ours(&state).map_err(Blind::NotOurs)?;
        let output = |name| state.output(name).ok_or(Unseen::NoOutput(name));
        let cloudwatch = self.aws.cloudwatch();
        let (mapping, write_model, failures, alarms, node_type) = tokio::join!(
            async { mapping(&self.aws, output("EventSourceMappingId")?).await },
            async { parts::write_model(&self.aws, output("TableName")?).await },
            async {
                let (queue, stream) = (output("FailuresQueueUrl")?, output("StreamArn")?);
                parts::failures(&self.aws, queue, stream).await
            },
            alarms::alarms(&cloudwatch, &stacks, &state.id),
            async { cache::node_type(&self.aws, output("ReplicationGroupId")?).await },
        );
        let asked = state.parameters.get("CacheNodeType").cloned();
        // It is one more thing to know, which a missing permission does not make worse.
        let cache_differs = asked
            .zip(node_type.ok())
            .filter(|(asked, runs)| asked != runs)
            .map(|(asked, runs)| CacheDiffers { asked, runs });
        let limit = state.parameters.get("LagAlarmMilliseconds");
        Ok(Named {
            mapping,
            write_model,
            failures,
            alarms,
            lag_limit_ms: limit.and_then(|ms| ms.parse().ok()).unwrap_or(LAG_LIMIT_MS),
            dashboard: state.output("DashboardUrl").map(str::to_owned),
            stack: Ok(stack(state, cache_differs)),
        })
    }
}

impl Named {
    fn without_outputs(why: Unseen) -> Self {
        Self {
            stack: Err(why),
            mapping: Err(Unseen::NoOutputs),
            write_model: Err(Unseen::NoOutputs),
            failures: Err(Unseen::NoOutputs),
            alarms: Err(Unseen::NoOutputs),
            lag_limit_ms: LAG_LIMIT_MS,
            dashboard: None,
        }
    }
}

/// A part's failure is its own and ends no other's question.
async fn told<T>(part: impl Future<Output = Part<T>>) -> Result<Part<T>, Blind> {
    Ok(part.await)
}

fn stack(state: StackState, cache_differs: Option<CacheDiffers>) -> Stack {
    Stack {
        status: state.status.as_str().to_owned(),
        reason: state.reason,
        changed_at: state.changed_at.as_ref().and_then(timestamp),
        started_at: None,
        drift: state.drift,
        cache_differs,
    }
}

async fn function(lambda: &Lambda, name: String) -> Part<Function> {
    const ACTION: &str = "lambda:GetFunctionConfiguration";
    let answer = lambda
        .get_function_configuration()
        .function_name(name)
        .send()
        .await
        .map_err(|e| AwsError::from_sdk(ACTION, e))?;
    let state = answer
        .state
        .ok_or_else(|| AwsError::incomplete(ACTION, "a state"))?;
    let last_update = answer.last_update_status;
    let (state, last_update) = (state.as_str(), last_update.as_ref().map(|s| s.as_str()));
    let reasons = (answer.state_reason, answer.last_update_status_reason);
    Ok(Function {
        state: state.to_owned(),
        reason: reason(state, last_update, reasons),
        last_update: last_update.map(str::to_owned),
        memory_mb: answer.memory_size.and_then(|mb| mb.try_into().ok()),
        code: answer.code_sha256.as_deref().and_then(hexadecimal),
        changed_at: answer.last_modified.as_deref().and_then(moment),
        processes: None,
    })
}

async fn mapping(aws: &Aws, id: &str) -> Part<Mapping> {
    let found = mapping_that_is_there(aws, id).await?;
    Ok(Mapping {
        id: id.to_owned(),
        state: found.state,
        last_processing_result: found.last_result,
        given_up: None,
    })
}

/// Lambda gives a hash in base64; artifacts are named by its hexadecimal form.
fn hexadecimal(hash: &str) -> Option<String> {
    let bytes = base64::decode(hash).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Lambda writes its offset without a colon.
fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(&text.replace("+0000", "Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_forms_of_hashes_and_times_are_read() {
        assert_eq!(hexadecimal("Afg=").as_deref(), Some("01f8"));
        assert_eq!(hexadecimal("?"), None);
        let at = moment("2026-11-24T01:02:03.004+0000").unwrap();
        assert_eq!(at.to_string(), "2026-11-24T01:02:03.004Z");
        assert_eq!(moment("yesterday"), None);
    }
}
