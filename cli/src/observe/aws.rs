//! A stack on AWS: two calls after one another at most, all others beside them.

use std::time::{Duration, Instant};

use super::{
    Activity, Alarms, Blind, CacheDiffers, LAG_LIMIT_MS, Mapping, Part, PerFunction, Seen, Stack,
    Unseen, WriteModel, alarms, cache, metrics, parts,
};
use crate::app::clock;
use crate::app::handler::Handler;
use crate::aws::Aws;
use crate::domain::Domain;
use crate::failures::queue::Depth;
use crate::settings::{Settings, StackName};
use crate::stack::Stacks;
use crate::stack::functions::Functions;
use crate::stack::state::Situation;

/// CloudWatch has a new data point each minute and charges for each look at one.
const METRICS_LIVE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct OnAws {
    aws: Aws,
    stack: StackName,
    domain: Domain,
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
    pub(crate) fn new(aws: Aws, settings: &Settings) -> Self {
        Self {
            aws,
            stack: settings.stack.clone(),
            domain: settings.domain.clone(),
            activity: None,
        }
    }

    pub(super) async fn look(&mut self) -> Result<Seen, Blind> {
        let functions = Functions::new(&self.aws, self.stack.clone(), false);
        let function =
            async |handler| parts::function(&self.aws, &self.stack.function(handler)).await;
        let (named, publisher, subscriber, query, activity, read_model) = tokio::join!(
            self.named(),
            function(Handler::Publisher),
            function(Handler::Subscriber),
            function(Handler::Query),
            self.recent_activity(),
            parts::read_model(&functions, &self.domain),
        );
        let named = named?;
        if let Ok((at, activity)) = &activity {
            self.activity = Some((*at, activity.clone()));
        }
        Ok(Seen {
            at: clock::now(),
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
        let activity = metrics::activity(&self.aws.cloudwatch(), &self.stack).await?;
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
            async { parts::mapping(&self.aws, output("EventSourceMappingId")?).await },
            async { parts::write_model(&self.aws, output("TableName")?, &self.domain).await },
            parts::failures(&self.aws, None, output),
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
            stack: Ok(Stack {
                cache_differs,
                ..Stack::from(&state)
            }),
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
