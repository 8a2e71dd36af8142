//! `cqrs permissions`: the IAM policy that a task needs.

pub(crate) mod options;

use self::options::{PermissionsArgs, Task};
use crate::aws::Aws;
use crate::error::{Failure, Kind};
use crate::permissions::{Grants, INLINE_LIMIT, MANAGED_LIMIT, Place, Policy};
use crate::printer::Printer;
use crate::settings::{Settings, Target};
use crate::stack::artifacts;
use crate::stack::template::KMS_KEY;

/// By the names that docs/permissions.md has.
const DRIVE: [&str; 2] = ["order", "outputs"];
const OPERATE: [&str; 8] = [
    "outputs", "status", "logs", "failures", "rebuild", "verify", "doctor", "bench",
];

const COMPARE: &str = "status --drift";

pub(crate) async fn run(
    args: PermissionsArgs,
    settings: Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    if settings.target == Target::Local {
        let said = "a stack on this machine asks for no permissions";
        return Err(Failure::new(Kind::Usage, said).hint("leave out `--local`"));
    }
    let of_key = args.tasks.contains(&Task::Key);
    if of_key && args.tasks.len() > 1 {
        let said = "`key` is the policy of a key, and goes with no other task";
        return Err(Failure::new(Kind::Usage, said).hint("print each by itself"));
    }
    let aws = Aws::connect(&settings.aws).await?;
    let account = match args.account {
        Some(account) => account,
        None => aws.identity().await?.account,
    };
    let bucket = settings.artifact_bucket;
    let in_file = settings
        .parameters
        .get(KMS_KEY)
        .filter(|key| !key.is_empty());
    let place = Place {
        key: args.key_arn.or_else(|| in_file.cloned()),
        bucket: bucket.unwrap_or_else(|| artifacts::managed_bucket(&account, aws.region())),
        account,
        region: aws.region().to_owned(),
        stack: settings.stack.to_string(),
    };
    if of_key {
        let logs = aws.regional("logs").await?;
        let logs = logs.rsplit('/').next().unwrap_or_default();
        return printer.json(&Policy::of_key(&place, logs));
    }
    let role = args.role_arn.or(settings.role_arn);
    let alone = role.is_none();
    let grants = args.tasks.iter().map(|task| grants(*task, alone));
    let mut policy = grants.fold(Grants::default(), Grants::and).policy(&place);
    if let Some(role) = &role {
        policy = policy.with_service_role(role);
    }
    let length = policy.length();
    if length > MANAGED_LIMIT {
        printer.note(format_args!(
            "The policy has {length} characters: IAM takes {MANAGED_LIMIT} in a managed policy, and \
             {INLINE_LIMIT} inside of a role, where it fits."
        ));
    }
    printer.json(&policy)
}

/// What a task needs; `alone` says that CloudFormation has no role of its own.
fn grants(task: Task, alone: bool) -> Grants {
    let tool = |commands: &[&str]| {
        let each = commands.iter().map(|command| Grants::tool(command));
        each.fold(Grants::default(), Grants::and)
    };
    let with_cloudformation = |command| match alone {
        true => Grants::tool(command).and(Grants::cloudformation(command)),
        false => Grants::tool(command),
    };
    match task {
        Task::Deploy => with_cloudformation("deploy"),
        Task::Destroy => with_cloudformation("destroy"),
        Task::Drive => tool(&DRIVE),
        Task::Operate => tool(&OPERATE),
        // CloudFormation reads the resources as the caller, also where it has a role.
        Task::Compare => Grants::tool(COMPARE).and(Grants::cloudformation(COMPARE)),
        Task::ServiceRole => {
            Grants::cloudformation("deploy").and(Grants::cloudformation("destroy"))
        }
        // Its policy is another one's.
        Task::Key => Grants::default(),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn each_command_of_a_task_has_its_section() {
        for command in DRIVE.iter().chain(&OPERATE) {
            assert_ne!(Grants::tool(command), Grants::default(), "{command}");
        }
        for task in Task::value_variants() {
            if *task == Task::Key {
                continue;
            }
            assert_ne!(grants(*task, true), Grants::default(), "{task:?}");
        }
    }
}
