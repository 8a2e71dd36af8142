//! What would be refused only after minutes of work, or in the middle of an update, or not at all.

use super::CACHE_ACCESS;
use super::options::DeployArgs;
use super::values::Values;
use crate::aws::Aws;
use crate::cli::MachineArgs;
use crate::error::{Failure, Kind};
use crate::settings::Settings;
use crate::stack::quota::{self, Concurrency};
use crate::stack::state::StackState;
use crate::stack::template::Template;

const RESERVED: [&str; 3] = [
    "PublisherConcurrency",
    "SubscriberConcurrency",
    "QueryConcurrency",
];

/// The first replica and failover cannot come, or go, in one update: docs/decisions/0011.
pub(super) fn failover(values: &Values<'_>) -> Result<(), Failure> {
    let [replicas, failover] = ["CacheReplicas", "CacheFailover"];
    let Some(before) = values.before(replicas) else {
        return Ok(());
    };
    let (had, has) = (before != "0", values.after(replicas) != Some("0"));
    let failed_over = had && values.before(failover) == Some("on");
    let fails_over = has && values.after(failover) == Some("on");
    if had == has || failed_over == fails_over {
        return Ok(());
    }
    let (message, hint) = if has {
        (
            "ElastiCache takes the first replica and failover only one after the other",
            "add `--parameter CacheFailover=off` to this command, and when that is done run it once more \
             with `CacheFailover=on`",
        )
    } else {
        (
            "ElastiCache gives up failover and the last replica only one after the other",
            "first run `cqrs deploy --parameter CacheFailover=off`, then this command",
        )
    };
    Err(Failure::new(Kind::Usage, message).hint(hint))
}

/// Whether the account has what the functions are to reserve.
pub(super) async fn concurrency(aws: &Aws, values: &Values<'_>) -> Result<(), Failure> {
    let had = reserved(|name| values.before(name));
    let asked = reserved(|name| values.after(name));
    if asked <= had {
        return Ok(());
    }
    let Some(account) = quota::concurrency(aws).await else {
        return Ok(());
    };
    fits(account, had, asked, aws.region())
}

fn reserved<'a>(value: impl Fn(&str) -> Option<&'a str>) -> i64 {
    let numbers = RESERVED
        .into_iter()
        .filter_map(|name| value(name)?.parse().ok());
    numbers.map(|number: i64| number.max(0)).sum()
}

fn fits(account: Concurrency, had: i64, asked: i64, region: &str) -> Result<(), Failure> {
    let Concurrency { limit, free } = account;
    let kept = Concurrency::KEPT;
    if free + had - asked >= kept {
        return Ok(());
    }
    let message = format!(
        "the functions are to reserve {asked} invocations at once; {region} has {limit}, of which {} are \
         free, and Lambda keeps {kept} for functions that reserve none",
        free + had
    );
    let off = RESERVED
        .map(|name| format!("--parameter {name}=-1"))
        .join(" ");
    Err(Failure::new(Kind::Failed, message).hint(format!(
        "ask for more in Service Quotas (Lambda, `Concurrent executions`, L-B99A9384), or reserve less: `{off}` \
         reserves none"
    )))
}

/// Options for a stack on this machine, typed for one on AWS.
pub(super) fn refuse_what_is_local(args: &DeployArgs) -> Result<(), Failure> {
    let MachineArgs { port, cache_url } = &args.on_this_machine;
    let name = match (port, cache_url) {
        (Some(_), _) => "--port",
        (None, Some(_)) => "--cache-url",
        (None, None) => return Ok(()),
    };
    let message = format!("`{name}` is for a stack on this machine");
    Err(Failure::new(Kind::Usage, message).hint("add `--local`, or leave it out"))
}

/// A cache that anybody in its network may read is for what stands in for AWS.
pub(super) fn refuse_open_cache(
    aws: &Aws,
    settings: &Settings,
    template: &Template,
    existing: Option<&StackState>,
) -> Result<(), Failure> {
    let given = settings.parameters.get(CACHE_ACCESS);
    let kept = existing.and_then(|stack| stack.parameters.get(CACHE_ACCESS));
    let default = || template.parameter(CACHE_ACCESS)?.default.as_ref();
    let access = given.or(kept).or_else(default);
    if access.is_none_or(|access| access != "open") || !aws.is_amazons() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Usage,
        format!("`{CACHE_ACCESS}=open`, without TLS and sign-in, is not for AWS"),
    )
    .hint(format!(
        "`--parameter {CACHE_ACCESS}=iam` is for AWS; `open` for an emulator's `--endpoint-url`, \
         and `--local` needs neither"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::deploy::values::fixture::with_values;

    fn judged(before: &[(&str, &str)], after: &[(&str, &str)]) -> Result<(), Failure> {
        with_values(crate::project::template(), before, after, failover)
    }

    #[test]
    fn the_first_replica_comes_before_failover_and_goes_after_it() {
        let none = [("CacheReplicas", "0"), ("CacheFailover", "on")];
        let step = [("CacheReplicas", "1"), ("CacheFailover", "off")];
        let guarded = [("CacheReplicas", "1"), ("CacheFailover", "on")];
        let with = |judged: Result<(), Failure>| judged.unwrap_err().to_string();
        assert!(with(judged(&none, &[("CacheReplicas", "1")])).contains("the first replica"));
        assert!(with(judged(&guarded, &[("CacheReplicas", "0")])).contains("the last replica"));
        assert!(judged(&none, &step).is_ok());
        assert!(judged(&step, &[("CacheFailover", "on")]).is_ok());
        assert!(judged(&guarded, &[("CacheReplicas", "2")]).is_ok());
        assert!(judged(&guarded, &[("CacheFailover", "off")]).is_ok());
        assert!(judged(&step, &[("CacheReplicas", "0")]).is_ok());
        // A stack is created with both.
        assert!(judged(&[], &guarded).is_ok());
    }

    #[test]
    fn a_hundred_invocations_are_left_for_others() {
        let account = |limit, free| Concurrency { limit, free };
        let fits = |account, had, asked| super::fits(account, had, asked, "eu-west-1").is_ok();
        assert!(fits(account(1000, 1000), 0, 900));
        assert!(!fits(account(1000, 1000), 0, 901));
        // What the stack has reserved already is not asked for again.
        assert!(fits(account(1000, 150), 250, 300));
        assert!(!fits(account(1000, 150), 250, 301));
        assert!(!fits(account(10, 10), 0, 1));
    }
}
