//! What is well and what is not, and what to do about it.

use std::time::Duration;

use aws_sdk_cloudformation::types::StackStatus;
use serde::Serialize;

use crate::app::duration;
use crate::app::handler::Handler;
use crate::app::version::{self, VERSION};
use crate::error::Explain;
use crate::failures::queue::Depth;
use crate::observe::{
    Alarms, CacheDiffers, Counted, Function, Invocations, Lag, LastError, Mapping, ReadModel,
    Stack, Unseen, WriteModel,
};
use crate::settings::{StackName, Target, stack_flag};
use crate::stack::state::{Situation, situation, way_out};

/// How a part is, the worse the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Health {
    Ok,
    /// It could not be asked.
    Unknown,
    /// It works, and needs a look.
    Warning,
    Failed,
}

/// What is wrong with a part, and the way out.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Advice {
    #[serde(skip)]
    pub(crate) health: Health,
    pub(crate) message: String,
    pub(crate) next: Option<String>,
}

impl Advice {
    fn failed(message: impl Into<String>) -> Self {
        Self {
            health: Health::Failed,
            message: message.into(),
            next: None,
        }
    }

    fn warning(message: impl Into<String>) -> Self {
        Self {
            health: Health::Warning,
            ..Self::failed(message)
        }
    }

    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// Judges the parts of one stack. A part that is well has no advice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judge<'a> {
    pub(crate) stack: &'a StackName,
    pub(crate) target: Target,
    /// From which lag on something is wrong.
    pub(crate) lag_limit_ms: u64,
}

/// A command of this tool for a stack.
pub(crate) fn command(command: &str, stack: &StackName, target: Target) -> String {
    let local = match target {
        Target::Aws => "",
        Target::Local => " --local",
    };
    format!("cqrs {command}{local}{}", stack_flag(stack))
}

/// What a newer tool deployed may have what this one does not know.
fn newer(stack: &Stack) -> Option<Advice> {
    let theirs = stack.deployed_by.as_deref()?;
    version::is_newer(theirs, VERSION).then(|| {
        let message = format!("cqrs {theirs} deployed it, and this is cqrs {VERSION}");
        Advice::warning(message).next(format!("install cqrs {theirs}, or a newer one"))
    })
}

impl Judge<'_> {
    fn command(&self, command: &str) -> String {
        format!("`{}`", self::command(command, self.stack, self.target))
    }

    fn logs(&self, handler: Handler) -> String {
        format!(
            "{} shows why",
            self.command(&format!("logs {handler} --since 1h"))
        )
    }

    /// A part that could not be seen.
    pub(crate) fn unseen(&self, unseen: &Unseen) -> Advice {
        let message = match unseen {
            _ if unseen.is_gone() => "it is not there, though the stack has it".to_owned(),
            _ => unseen.to_string(),
        };
        let advice = Advice {
            health: if unseen.is_broken() {
                Health::Failed
            } else {
                Health::Unknown
            },
            message,
            next: unseen.hint(),
        };
        match self.target {
            _ if !unseen.is_gone() => advice,
            Target::Aws => advice.next(format!(
                "{}, which deletes the items, and {} make the stack anew; {} finds what else is gone",
                self.command("destroy"),
                self.command("deploy"),
                self.command("status --drift"),
            )),
            Target::Local => advice.next(format!("{} puts it back", self.command("deploy"))),
        }
    }

    pub(crate) fn stack(&self, stack: &Stack) -> Option<Advice> {
        self.state(stack).or_else(|| newer(stack))
    }

    fn state(&self, stack: &Stack) -> Option<Advice> {
        let name = self.stack;
        if self.target == Target::Local {
            return (stack.status == "STOPPED").then(|| {
                let run = self.command("local run").replace(" --local", "");
                Advice::warning("it does not run")
                    .next(format!("{run} starts it, as any command but this one does"))
            });
        }
        let status = StackStatus::from(stack.status.as_str());
        let said = || match &stack.reason {
            Some(reason) => format!("{status}: {reason}"),
            None => status.to_string(),
        };
        let advice = match situation(&status) {
            Situation::Busy => {
                let command = match status {
                    StackStatus::DeleteInProgress => "destroy",
                    _ => "deploy",
                };
                return Some(
                    Advice::warning("CloudFormation is at work on it")
                        .next(format!("{} follows that", self.command(command))),
                );
            }
            Situation::Stable if status == StackStatus::UpdateRollbackComplete => {
                Advice::warning("the last deployment failed and was undone")
            }
            Situation::Stable if !status.as_str().ends_with("_FAILED") => {
                if let Some(CacheDiffers { asked, runs }) = &stack.cache_differs {
                    let what = format!(
                        "the cache runs on {runs}, and {asked} was asked for: ElastiCache has not \
                         made the change"
                    );
                    let keep = format!("deploy --parameter CacheNodeType={runs}");
                    return Some(
                        Advice::warning(what)
                            .next(format!("{} asks for what runs", self.command(&keep))),
                    );
                }
                return (stack.drift.as_deref() == Some("DRIFTED")).then(|| {
                    Advice::warning("resources of it were changed outside of the stack")
                        .next(format!("{} shows what", self.command("status --drift")))
                });
            }
            _ => Advice::failed(said()),
        };
        Some(match way_out(status.as_str(), name) {
            Some(way) => advice.next(way),
            None => advice,
        })
    }

    pub(crate) fn function(
        &self,
        handler: Handler,
        function: &Function,
        activity: Option<&Invocations>,
    ) -> Option<Advice> {
        let why = function.reason.as_deref().unwrap_or("no reason is given");
        let update = function.last_update.as_deref();
        if function.state == "Failed" {
            return Some(Advice::failed(format!("it cannot run: {why}")).next(self.logs(handler)));
        }
        if update == Some("Failed") {
            return Some(
                // What ran before still does.
                Advice::warning(format!("its last update failed: {why}"))
                    .next(format!("{} tries again", self.command("deploy"))),
            );
        }
        if function.state == "Inactive" {
            return Some(
                Advice::warning("Lambda has put it aside, since it was not used for weeks")
                    .next("the next invocation fails and wakes it"),
            );
        }
        if function.state == "Pending" || update == Some("InProgress") {
            return Some(
                Advice::warning("Lambda is making it ready").next("look again in a minute or two"),
            );
        }
        self.activity(handler, activity?)
    }

    /// What went wrong lately; an hour's errors may long be over.
    fn activity(&self, handler: Handler, activity: &Invocations) -> Option<Advice> {
        let Counted {
            invocations,
            errors,
            throttles,
            crashes,
        } = activity.recent;
        let failed = |how: &str, count: u64, last: Option<&LastError>| {
            let last = last.map_or_else(String::new, |last| {
                format!(": {}: {}", last.error_type, last.message)
            });
            let what = format!("{count} of {invocations} invocations {how} in 5 minutes{last}");
            Some(Advice::warning(what).next(self.logs(handler)))
        };
        if let Some(crashes) = crashes.filter(|crashes| *crashes > 0) {
            // The newest error may be one that the function reported itself.
            let last = activity.last_error.as_ref();
            return failed("crashed", crashes, last.filter(|last| last.is_crash()));
        }
        // The subscriber refuses nothing. The others report refusals as errors, so that a few say
        // nothing about them.
        let too_many = match handler {
            Handler::Subscriber => errors > 0,
            Handler::Publisher | Handler::Query => errors > 0 && errors * 2 >= invocations,
        };
        if too_many {
            return failed("failed", errors, activity.last_error.as_ref());
        }
        (throttles > 0).then(|| {
            let what = format!("{throttles} invocations were turned away in 5 minutes");
            Advice::warning(what).next(match self.target {
                Target::Aws => {
                    "`aws lambda get-account-settings` shows how many may run at once".to_owned()
                }
                Target::Local => "ask for less at once".to_owned(),
            })
        })
    }

    pub(crate) fn mapping(&self, mapping: &Mapping, lag: Option<&Lag>) -> Option<Advice> {
        if mapping.state.starts_with("Disabl") {
            let advice = Advice::failed("it is disabled: nothing is projected");
            return Some(advice.next(match self.target {
                Target::Aws => format!(
                    "`aws lambda update-event-source-mapping --enabled --uuid {}`",
                    mapping.id
                ),
                Target::Local => format!(
                    "take `Enabled: false` out of template.yaml, then {}",
                    self.command("deploy")
                ),
            }));
        }
        if let Some(ms) = lag.and_then(|lag| lag.lag_ms)
            && ms >= self.lag_limit_ms
        {
            let behind = duration::shown(Duration::from_millis(ms));
            let what = format!("the read model is {behind} behind");
            return Some(Advice::failed(what).next(self.logs(Handler::Subscriber)));
        }
        // Where nothing waits, the batch was given up, which is the failures' business.
        let result = mapping.last_processing_result.as_deref();
        let is_well = lag.is_some_and(|lag| lag.behind == Some(0))
            || result.is_none_or(|result| {
                result.is_empty() || result.starts_with("OK") || result == "No records processed"
            });
        if !is_well {
            return Some(
                Advice::warning("the last batch failed").next(self.logs(Handler::Subscriber)),
            );
        }
        (mapping.state != "Enabled").then(|| {
            Advice::warning(format!("it is {}", mapping.state.to_lowercase()))
                .next("look again in a minute")
        })
    }

    pub(crate) fn write_model(&self, table: &WriteModel) -> Option<Advice> {
        let advice = match table.status.as_str() {
            "ACTIVE" | "UPDATING" => return None,
            "CREATING" => Advice::warning("the table is being created"),
            other => Advice::failed(format!("the table is {other}")),
        };
        Some(advice.next(format!(
            "{} names the table; `aws dynamodb describe-table` says more",
            self.command("outputs")
        )))
    }

    pub(crate) fn read_model(&self, model: &ReadModel) -> Option<Advice> {
        if !model.is_complete {
            let what = "it is incomplete: it lost its contents and was not rebuilt yet";
            return Some(
                Advice::failed(what).next(format!("{} completes it", self.command("rebuild"))),
            );
        }
        self.version(&model.version)
    }

    pub(crate) fn version(&self, version: &str) -> Option<Advice> {
        let own = env!("CARGO_PKG_VERSION");
        (version != own).then(|| {
            Advice::warning(format!(
                "the handlers are of version {version}, this tool is {own}"
            ))
            .next(format!("{} brings them to it", self.command("deploy")))
        })
    }

    /// The query function was asked and said that it cannot read.
    pub(crate) fn unread(&self, unseen: &Unseen) -> Advice {
        let advice = self.unseen(unseen);
        if unseen.is_broken() && !unseen.is_gone() {
            return advice.next(format!(
                "{} finds where the way to the cache ends",
                self.command("doctor")
            ));
        }
        advice
    }

    pub(crate) fn failures(&self, depth: &Depth) -> Option<Advice> {
        let list = format!("{} shows them", self.command("failures list"));
        let waiting = |what: String| {
            let what = format!("{what}, whose records the read model may lack");
            Some(Advice::failed(what).next(&list))
        };
        match (depth.visible, depth.hidden) {
            (0, 0) => None,
            (0, hidden) => Some(Advice::warning(format!("{hidden} in flight")).next(&list)),
            (1, _) => waiting("1 waits".to_owned()),
            (many, _) => waiting(format!("{many} wait")),
        }
    }

    pub(crate) fn alarms(&self, alarms: &Alarms) -> Option<Advice> {
        if alarms.raised.is_empty() {
            return None;
        }
        let raised: Vec<String> = alarms
            .raised
            .iter()
            .map(|alarm| match &alarm.description {
                Some(description) => {
                    format!("{}: {}", alarm.name, description.trim_end_matches('.'))
                }
                None => alarm.name.clone(),
            })
            .collect();
        let names: Vec<&str> = alarms.raised.iter().map(|a| a.name.as_str()).collect();
        Some(Advice::failed(raised.join("; ")).next(format!(
            "`aws cloudwatch describe-alarms --alarm-names {}` shows when and why",
            names.join(" ")
        )))
    }
}

#[cfg(test)]
mod tests;
