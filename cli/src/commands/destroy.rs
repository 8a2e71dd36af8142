//! `cqrs destroy`: the stack, what it holds and its artifacts go, and nothing is left.

mod local;
pub(crate) mod options;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::interrupt::Interrupt;
use crate::aws::{Aws, Identity};
use crate::commands::destroy::options::DestroyArgs;
use crate::commands::operation::Operations;
use crate::commands::table::table;
use crate::commands::{connect, counted, described, rebuild, stack_not_found};
use crate::domain::{Count, Domain};
use crate::error::{Failure, Kind};
use crate::failures::bucket::FailuresBucket;
use crate::failures::destination::Destination;
use crate::models::table::Table;
use crate::printer::Printer;
use crate::settings::{Settings, StackName, Target};
use crate::stack::Stacks;
use crate::stack::artifacts::ArtifactStore;
use crate::stack::functions::Functions;
use crate::stack::state::{Situation, StackState};

/// The template's parameter of it.
const TABLE_PROTECTION: &str = "DeletionProtection";

pub(crate) async fn run(
    args: DestroyArgs,
    settings: Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    if !args.yes && !printer.can_ask() {
        return Err(
            Failure::new(Kind::Usage, "nobody can be asked here whether to destroy")
                .hint("add `--yes` to destroy without asking"),
        );
    }
    if settings.target == Target::Local {
        return local::run(&args, &settings, interrupt, printer).await;
    }
    let (aws, identity) = connect(&settings, printer).await?;
    let role = args.role_arn.clone().or_else(|| settings.role_arn.clone());
    let stacks = Stacks::new(&aws).working_as(role);
    let destruction = Destruction {
        aws,
        identity,
        stacks,
        args,
        settings,
        interrupt,
        printer,
    };
    destruction.run().await
}

struct Destruction<'a> {
    aws: Aws,
    identity: Identity,
    stacks: Stacks,
    args: DestroyArgs,
    settings: Settings,
    interrupt: &'a Interrupt,
    printer: &'a Printer,
}

impl Destruction<'_> {
    async fn run(&self) -> Result<(), Failure> {
        let name = &self.settings.stack;
        let Some(stack) = self.stacks.describe(name.as_str()).await? else {
            return self.remove_leftovers().await;
        };
        self.stacks.check_may_change(&stack).await??;
        refuse_protected(name, &stack)?;
        let resources = self.stacks.resources(&stack.id).await?;
        let count = self.settings.domain.count(self.count(&stack).await);
        let types = resources.iter().map(|r| r.resource_type.as_str());
        show(types, &count, self.printer);
        let bucket = self.failures_bucket(&stack);
        if let Some(bucket) = &bucket {
            let waiting = bucket.depth().await?.visible;
            let failures = counted(waiting, "failure");
            let note = format!("The failures bucket is emptied before: {failures} in it.\n");
            self.printer.note(note);
        }
        if !self.args.yes {
            agree(name, self.interrupt, self.printer).await?;
        }
        if let Some(bucket) = &bucket {
            // CloudFormation deletes no bucket that holds something.
            let step = self.printer.step("Emptying the failures bucket");
            bucket.empty().await?;
            drop(step);
        }
        self.delete(&stack).await?;
        rebuild::forget(&self.settings)?;
        described::forget(&self.settings, self.printer);
        let artifacts = self.remove_artifacts(&stack).await?;
        self.printer.note(format_args!(
            "\n{} Stack {name} is gone",
            self.printer.style().green("✓")
        ));
        if self.args.express {
            self.printer.note(
                "AWS still deletes what it did not wait for; until that is done, a stack of this \
                 name cannot be created anew",
            );
        }
        self.finish(count, resources.len(), artifacts)
    }

    fn finish(&self, count: Count, resources: usize, artifacts: usize) -> Result<(), Failure> {
        if !self.printer.is_json() {
            return Ok(());
        }
        self.printer.json(&Destroyed {
            stack: self.settings.stack.as_str(),
            account: &self.identity.account,
            region: self.aws.region(),
            status: "deleted",
            count,
            resources,
            artifacts,
        })
    }

    fn operations(&self) -> Operations<'_> {
        Operations {
            stacks: &self.stacks,
            stack: &self.settings.stack,
            interrupt: self.interrupt,
            printer: self.printer,
            command: "destroy",
        }
    }

    /// How much goes with the stack: as the read model counts them, else as DynamoDB does,
    /// which is up to six hours old; not known when neither answers, as in a stack half made.
    async fn count(&self, stack: &StackState) -> Option<u64> {
        let functions = Functions::new(&self.aws, self.settings.stack.clone(), false);
        if let Some(count) = count(&functions, &self.settings.domain).await {
            return Some(count);
        }
        let table = stack.output("TableName")?;
        let table = Table::new(self.aws.dynamodb(), table, &self.settings.domain.id);
        Some(table.describe().await.ok()?.items)
    }

    fn failures_bucket(&self, stack: &StackState) -> Option<FailuresBucket> {
        let stream = stack.output("StreamArn")?;
        let destination = Destination::of(&self.aws, None, stream, |name| stack.output(name))?;
        match destination {
            Destination::Bucket(bucket) => Some(bucket),
            Destination::Queue(_) => None,
        }
    }

    async fn delete(&self, stack: &StackState) -> Result<(), Failure> {
        let operations = self.operations();
        if stack.situation() == Situation::Busy {
            let ended = operations.attach(stack).await?;
            if ended.status == "DELETE_COMPLETE" {
                return Ok(());
            }
        }
        let deleting = self.stacks.delete(&stack.id, self.args.express);
        let ended = operations.carry_out(&stack.id, deleting).await?;
        if ended.status != "DELETE_COMPLETE" {
            return Err(operations.failure(&ended).await);
        }
        // The deletion's own word is checked against a look at the name.
        match self.stacks.describe(self.settings.stack.as_str()).await? {
            Some(left) if left.id == stack.id => Err(Failure::new(
                Kind::Failed,
                format!(
                    "stack `{}` is still there, in {}",
                    self.settings.stack, left.status
                ),
            )
            .hint(format!(
                "run `cqrs destroy --stack {}` again",
                self.settings.stack
            ))),
            _ => Ok(()),
        }
    }

    /// There is no stack; an earlier run may have been cut off before its artifacts went.
    async fn remove_leftovers(&self) -> Result<(), Failure> {
        let name = &self.settings.stack;
        let missing = stack_not_found(name, self.aws.region());
        if self.args.keep_artifacts {
            return Err(missing);
        }
        let bucket = self.settings.artifact_bucket.clone();
        let store = ArtifactStore::new(&self.aws, &self.identity.account, bucket);
        match store.remove_all(name.as_str()).await {
            Ok(removed) if removed > 0 => {
                store.remove_bucket_if_empty().await?;
                self.printer.note(format_args!(
                    "Stack {name} is gone already; removed {} that it left",
                    counted(removed as u64, "artifact"),
                ));
                self.finish(self.settings.domain.count(None), 0, removed)
            }
            // That there is no stack is the answer, whatever the bucket says.
            _ => Err(missing),
        }
    }

    async fn remove_artifacts(&self, stack: &StackState) -> Result<usize, Failure> {
        if self.args.keep_artifacts {
            return Ok(0);
        }
        let bucket = stack.parameters.get("ArtifactBucket").cloned();
        let store = ArtifactStore::new(&self.aws, &self.identity.account, bucket);
        let removed = store.remove_all(self.settings.stack.as_str()).await?;
        store.remove_bucket_if_empty().await?;
        Ok(removed)
    }
}

/// CloudFormation refuses to delete a protected stack, and DynamoDB a protected table, the latter after
/// much of the stack is gone.
fn refuse_protected(name: &StackName, stack: &StackState) -> Result<(), Failure> {
    let table = stack.parameters.get(TABLE_PROTECTION);
    let protections = [
        (
            stack.termination_protection,
            "the stack's termination protection",
            " --termination-protection off".to_owned(),
        ),
        (
            table.is_some_and(|switch| switch == "on"),
            "its table's deletion protection",
            format!(" --parameter {TABLE_PROTECTION}=off"),
        ),
    ];
    let on = || protections.iter().filter(|(is_on, ..)| *is_on);
    if on().next().is_none() {
        return Ok(());
    }
    let what: Vec<&str> = on().map(|(_, what, _)| *what).collect();
    let flags: String = on().map(|(.., flag)| flag.as_str()).collect();
    let message = format!(
        "stack `{name}` is protected from deletion, by {}",
        what.join(" and by ")
    );
    Err(Failure::new(Kind::Failed, message)
        .hint(format!("`cqrs deploy --stack {name}{flags}` lifts that")))
}

/// How many entities the read model has, where it can be asked.
async fn count(functions: &Functions, domain: &Domain) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Pong {
        /// Where it is not, the table has more.
        complete: bool,
        #[serde(flatten)]
        others: serde_json::Map<String, serde_json::Value>,
    }
    let ping = serde_json::json!({ "ping": true });
    let answer = functions.query::<Pong>(&ping).await.ok()?;
    let count = answer.value.others.get(&domain.plural)?.as_u64()?;
    answer.value.complete.then_some(count)
}

/// Shows what will go: the resources by their types, and what the stack holds.
fn show<'a>(types: impl Iterator<Item = &'a str>, count: &Count, printer: &Printer) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for resource_type in types {
        *counts.entry(resource_type).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    let rows = counts
        .iter()
        .map(|(kind, count)| vec![format!("- {count}"), (*kind).to_owned()]);
    printer.note(format_args!(
        "\n{}\nThis deletes {} and, for good, {}.\n",
        table(&[], rows),
        counted(total as u64, "resource"),
        printer.style().bold(count),
    ));
}

/// Asks for the stack's name.
async fn agree(name: &StackName, interrupt: &Interrupt, printer: &Printer) -> Result<(), Failure> {
    let question = format!("Type the stack's name, {name}, to delete it:");
    let said = || Failure::interrupted("interrupted; nothing was deleted");
    let answer = interrupt.unless(printer.ask(&question), said).await??;
    if answer == name.as_str() {
        Ok(())
    } else {
        Err(Failure::new(
            Kind::Failed,
            "that is not its name; nothing was deleted",
        ))
    }
}

/// The result of `cqrs destroy` as JSON; as text there is nothing to add to what was said.
#[derive(Serialize)]
struct Destroyed<'a> {
    stack: &'a str,
    account: &'a str,
    region: &'a str,
    status: &'static str,
    #[serde(flatten)]
    count: Count,
    resources: usize,
    artifacts: usize,
}
