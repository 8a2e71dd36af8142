//! `cqrs destroy --local`: the stack on this machine goes, with what it holds.

use host::definition::{ACCOUNT, Definition, Table};
use host::store::Store;

use crate::app::interrupt::Interrupt;
use crate::commands::destroy::options::DestroyArgs;
use crate::commands::destroy::{self, Destroyed, agree, show};
use crate::commands::local::{deployed, folder, only_on_aws};
use crate::commands::{described, rebuild};
use crate::error::{Failure, Kind};
use crate::local::client::{Client, Folder, LocalError};
use crate::local::difference;
use crate::printer::Printer;
use crate::settings::{Settings, StackName, stack_flag};
use crate::stack::functions::Functions;

const PROTECTION: &str = "DeletionProtectionEnabled";

pub(super) async fn run(
    args: &DestroyArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    only_on_aws(&[
        (args.express, "--express"),
        (args.keep_artifacts, "--keep-artifacts"),
        (args.role_arn.is_some(), "--role-arn"),
    ])?;
    let folder = folder(settings)?;
    let stack = &settings.stack;
    if !folder.exists() {
        return Err(LocalError::NotDeployed(stack.clone()).into());
    }
    // What cannot be read can still be destroyed.
    let deployment = folder.deployment().unwrap_or_default();
    let evaluated = deployment.as_ref().map(deployed::evaluated);
    let definition = evaluated.and_then(Result::ok).map(|it| it.definition);
    let definition = definition.unwrap_or_default();
    refuse_protected(&definition, stack)?;
    let resources = resources(&definition);
    let count = match &deployment {
        Some(_) => count(&folder, &definition, settings).await,
        None => None,
    };
    printer.note(format_args!(
        "Stack {} on this machine",
        printer.style().bold(stack)
    ));
    let count = settings.domain.count(count);
    show(resources.iter().map(String::as_str), &count, printer);
    if !args.yes {
        agree(stack, interrupt, printer).await?;
    }
    let step = printer.step("Deleting");
    let deploying = folder.hold_deploying(|| ()).await?;
    if let Some(client) = Client::attach(&folder)? {
        client.stop().await?;
    }
    let starting = folder.hold_starting().await?;
    folder.remove()?;
    rebuild::forget(settings)?;
    described::forget(settings, printer);
    drop((starting, deploying, step));
    printer.note(format_args!(
        "\n{} Stack {stack} is gone",
        printer.style().green("✓")
    ));
    if !printer.is_json() {
        return Ok(());
    }
    printer.json(&Destroyed {
        stack: stack.as_str(),
        account: ACCOUNT,
        region: deployment
            .as_ref()
            .map_or(settings.local_region(), |deployment| &deployment.region),
        status: "deleted",
        count,
        resources: resources.len(),
        artifacts: 0,
    })
}

/// A table whose deletion protection is on keeps the stack, as it would on AWS.
fn refuse_protected(definition: &Definition, stack: &StackName) -> Result<(), Failure> {
    let is_protected = |table: &&Table| table.properties.get(PROTECTION) == Some(&true.into());
    let Some(table) = definition.tables.iter().find(is_protected) else {
        return Ok(());
    };
    let (id, name) = (&table.logical_id, &table.name);
    let message = format!("the table {name} ({id}) is protected against deletion");
    let flag = stack_flag(stack);
    Err(Failure::new(Kind::Failed, message).hint(format!(
        "`cqrs deploy --local{flag} --parameter DeletionProtection=off` takes the protection away"
    )))
}

/// The types of what is there.
fn resources(definition: &Definition) -> Vec<String> {
    let removed = difference::changes(Some(definition), &Definition::default());
    removed
        .into_iter()
        .map(|change| change.resource_type)
        .collect()
}

/// How much goes with the stack, where that is known. One that does not run is not started
/// for it.
async fn count(folder: &Folder, definition: &Definition, settings: &Settings) -> Option<u64> {
    let Some(client) = Client::listening(folder).await.ok()? else {
        return kept(folder, definition).await;
    };
    let aws = client.aws();
    let functions = Functions::new(&aws, settings.stack.clone(), false);
    destroy::count(&functions, &settings.domain).await
}

/// How many items the tables' file holds, while nobody starts its process.
async fn kept(folder: &Folder, definition: &Definition) -> Option<u64> {
    if definition.tables.is_empty() {
        return None;
    }
    let _starting = folder.hold_starting().await.ok()?;
    let path = folder.path().join("data.db");
    let region = definition.region.clone();
    let opened = tokio::task::spawn_blocking(move || {
        path.is_file()
            .then(|| Store::open(&path, &region).ok())
            .flatten()
    });
    let store = opened.await.ok()??;
    let mut items = 0;
    for table in &definition.tables {
        let asked = serde_json::json!({ "TableName": table.name }).to_string();
        let reply = store.call("DescribeTable", asked.into()).await;
        let described: serde_json::Value = serde_json::from_slice(&reply.body).ok()?;
        items += described["Table"]["ItemCount"].as_u64()?;
    }
    Some(items)
}
