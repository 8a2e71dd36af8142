//! The alarms that undo an update: which they are, and that none is raised before it begins.
//!
//! CloudFormation takes five, which must exist when the update begins, so that a stack is created without
//! them. Those of the failures queue, the cache's memory and the like are not among them: they stay
//! raised until somebody acts, and what he deploys then must not be undone.

use super::Deployment;
use super::options::Switch;
use crate::commands::counted;
use crate::error::Failure;
use crate::observe::alarms;
use crate::stack::change_set::Watch;
use crate::stack::state::StackState;

/// By their names in the template: what a bad release raises within minutes.
const WATCHED: [&str; 5] = [
    "PublisherErrorsAlarm",
    "SubscriberErrorsAlarm",
    "QueryErrorsAlarm",
    "CacheErrorsAlarm",
    "LagAlarm",
];
/// What to do while one is raised.
pub(super) const WAY_OUT: &str =
    "`cqrs status` says what to do; where this update is the cure, add `--rollback-alarms off`";
/// Two periods of the errors' alarms.
const MINUTES: i32 = 10;

impl Deployment<'_> {
    /// What undoes the update of a stack; none leaves what was said of it before.
    pub(super) async fn watch(&self, stack: &StackState) -> Result<Option<Watch>, Failure> {
        match self.watches() {
            None => return Ok(None),
            Some(Switch::Off) => return Ok(Some(Watch::default())),
            Some(Switch::On) => {}
        }
        let resources = self.template.root().get("Resources");
        let stays = |id: &str| resources.is_some_and(|all| all.get(id).is_some());
        let names: Vec<String> = self
            .stacks
            .resources(&stack.id)
            .await?
            .into_iter()
            .filter(|one| WATCHED.contains(&one.logical_id.as_str()) && stays(&one.logical_id))
            .filter_map(|one| one.physical_id)
            .collect();
        if names.is_empty() {
            self.printer.warn(
                "the stack has none of the alarms that undo an update; they are watched from the next \
                 one on",
            );
            return Ok(None);
        }
        Ok(Some(Watch {
            alarms: names.iter().map(|name| arn(&stack.id, name)).collect(),
            minutes: MINUTES,
        }))
    }

    /// Whether the alarms are to undo updates, where anybody says so.
    fn watches(&self) -> Option<Switch> {
        let by_preset = || {
            let waits = !self.args.express && !self.args.no_rollback;
            (self.settings.preset.is_some() && waits).then_some(Switch::On)
        };
        self.args.rollback_alarms.or_else(by_preset)
    }

    /// Whether CloudFormation would undo the update at once. Where alarms cannot be seen, it is left to
    /// that.
    pub(super) async fn raised(&self, watch: Option<&Watch>) -> Option<String> {
        let watch = watch.filter(|watch| !watch.alarms.is_empty())?;
        let name = |arn: &String| arn.rsplit(':').next().map(str::to_owned);
        let names: Vec<String> = watch.alarms.iter().filter_map(name).collect();
        let raised = alarms::raised(&self.aws.cloudwatch(), &names).await;
        let raised = raised.unwrap_or_default().into_iter();
        let raised: Vec<String> = raised.map(|alarm| alarm.name).collect();
        (!raised.is_empty()).then(|| {
            format!(
                "the alarm {} is raised: CloudFormation would undo this update",
                raised.join(", ")
            )
        })
    }

    /// Says how long they are watched.
    pub(super) fn announce(&self, watch: &Watch) {
        if watch.minutes == 0 {
            return;
        }
        self.printer.note(format_args!(
            "CloudFormation watches {} for {} minutes after all is in place, and undoes the update where one \
             is raised",
            counted(watch.alarms.len() as u64, "alarm"),
            watch.minutes,
        ));
    }

    /// The lines of the preset that are no parameters, before they are taken.
    pub(super) fn show_guards(&self, is_new: bool) {
        let protection = match self.args.termination_protection {
            Some(Switch::Off) => "off, as you said",
            _ => "on",
        };
        let watched = match self.watches() {
            Some(Switch::On) if is_new => {
                format!("{} alarms, from the next update on", WATCHED.len())
            }
            Some(Switch::On) => {
                format!(
                    "{} alarms, for {MINUTES} minutes after an update",
                    WATCHED.len()
                )
            }
            Some(Switch::Off) => "off, as you said".to_owned(),
            None => "as it is".to_owned(),
        };
        self.printer.note(format_args!(
            "  Termination protection: {protection} (default off)\n  Rollback on alarms: {watched} \
             (default off)\n"
        ));
    }
}

/// An alarm's ARN, in the partition, region and account of the stack's.
fn arn(stack_id: &str, alarm: &str) -> String {
    let mut parts = stack_id.split(':').skip(1);
    let partition = parts.next().unwrap_or_default();
    let place: Vec<&str> = parts.skip(1).take(2).collect();
    format!(
        "arn:{partition}:cloudwatch:{}:alarm:{alarm}",
        place.join(":")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarms_arn_is_in_the_stacks_place() {
        let stack = "arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/shop/1";
        assert_eq!(
            arn(stack, "shop-lag"),
            "arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:shop-lag"
        );
    }

    #[test]
    fn the_alarms_are_in_the_template() {
        let text = crate::project::template();
        for id in WATCHED {
            assert!(text.contains(&format!("\n  {id}:\n")), "{id}");
        }
    }
}
