//! The stack's alarms: those on metrics that CloudFormation made for it, whatever their names.
//!
//! Composite ones are not looked at: asking for them needs a permission on all alarms.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmType, MetricAlarm, StateValue};

use super::{Alarm, Alarms, Part};
use crate::app::clock;
use crate::aws::AwsError;
use crate::stack::Stacks;

const ACTION: &str = "cloudwatch:DescribeAlarms";
/// One call takes no more names. (CloudWatch API reference)
const NAMES: usize = 100;

pub(super) async fn alarms(client: &Client, stacks: &Stacks, stack_id: &str) -> Part<Alarms> {
    let resources = stacks.resources(stack_id).await?;
    let names: Vec<String> = resources
        .into_iter()
        .filter(|resource| resource.resource_type == "AWS::CloudWatch::Alarm")
        .filter_map(|resource| resource.physical_id)
        .collect();
    let mut alarms = Alarms {
        count: names.len(),
        raised: Vec::new(),
    };
    for names in names.chunks(NAMES) {
        alarms.raised.extend(raised(client, names).await?);
    }
    Ok(alarms)
}

/// Those that are raised of these, of which there are a hundred at most.
pub(crate) async fn raised(client: &Client, names: &[String]) -> Part<Vec<Alarm>> {
    let answer = client
        .describe_alarms()
        .set_alarm_names(Some(names.to_vec()))
        .alarm_types(AlarmType::MetricAlarm)
        .state_value(StateValue::Alarm)
        .max_records(100)
        .send()
        .await
        .map_err(|e| AwsError::from_sdk(ACTION, e))?;
    let alarms = answer.metric_alarms.unwrap_or_default().into_iter();
    let alarm = |alarm: MetricAlarm| Alarm {
        name: alarm.alarm_name.unwrap_or_default(),
        description: alarm.alarm_description,
        since: alarm
            .state_transitioned_timestamp
            .as_ref()
            .and_then(clock::timestamp),
    };
    Ok(alarms.map(alarm).collect())
}
