//! The hops of the stack itself: that it is there, and how each of its parts is.

use super::hop::{Checked, Finding, Status};
use crate::aws::{Aws, AwsError};
use crate::commands::{local, stack_not_found};
use crate::error::{Explain, Failure};
use crate::failures::queue::FailuresQueue;
use crate::local::client::{Came, Client, Folder, LocalError, StartOptions};
use crate::local::protocol::MappingStatus;
use crate::package::Handler;
use crate::settings::{Settings, StackName, Target, stack_flag};
use crate::stack::Stacks;
use crate::stack::functions::Functions;
use crate::stack::health;
use crate::stack::state::{Output, Situation};

/// The outputs of this version's template that commands look things up by.
const NEEDED: [&str; 5] = [
    "CacheEndpoint",
    "EventSourceMappingId",
    "FailuresQueueUrl",
    "StreamArn",
    "TableName",
];
/// What the subscriber needs of a change.
const VIEW: &str = "NEW_AND_OLD_IMAGES";

/// A stack that was found.
pub(super) struct Found {
    pub(super) aws: Aws,
    pub(super) stack: StackName,
    pub(super) target: Target,
    outputs: Vec<Output>,
    /// The mappings' own account, which only this machine has.
    mappings: Option<Vec<MappingStatus>>,
}

impl Found {
    pub(super) fn functions(&self) -> Functions {
        Functions::new(&self.aws, self.stack.clone(), false)
    }

    pub(super) fn output(&self, name: &str) -> Option<&str> {
        let found = self.outputs.iter().find(|output| output.name == name);
        found.map(|output| output.value.as_str())
    }

    /// What `cqrs deploy` must be typed with for this stack.
    pub(super) fn deploy(&self) -> String {
        deploy_command(&self.stack, self.target)
    }

    fn lacks(&self, output: &str) -> Finding {
        let deploy = self.deploy();
        Finding::failed(format!("the stack has no output {output}")).hint(format!(
            "`{deploy}` brings the stack to this version's template"
        ))
    }
}

fn deploy_command(stack: &StackName, target: Target) -> String {
    let local = if target == Target::Local {
        " --local"
    } else {
        ""
    };
    format!("cqrs deploy{local}{}", stack_flag(stack))
}

/// The stack on AWS.
pub(super) async fn stack(aws: &Aws, settings: &Settings) -> Result<Checked<Found>, Failure> {
    let stack = settings.stack.clone();
    let state = Stacks::new(aws).describe(stack.as_str()).await?;
    let state = state.ok_or_else(|| stack_not_found(&stack, aws.region()))?;
    let deploy = deploy_command(&stack, Target::Aws);
    let reason = state.reason.as_ref().map(|reason| format!(": {reason}"));
    let detail = format!(
        "{} is in {}{}",
        stack,
        state.status,
        reason.unwrap_or_default()
    );
    let lacking: Vec<&str> = NEEDED
        .into_iter()
        .filter(|name| state.output(name).is_none())
        .collect();
    let failed = state.status.as_str().ends_with("_FAILED");
    let finding = match state.situation() {
        Situation::Empty => return Err(stack_not_found(&stack, aws.region())),
        Situation::MustBeDeleted => {
            let finding = Finding::failed(detail);
            return Ok(finding
                .hint(format!("`{deploy}` deletes it and creates it anew"))
                .into());
        }
        Situation::RollbackStuck => {
            Finding::failed(detail).hint(format!("`{deploy}` continues its rollback first"))
        }
        Situation::Foreign => Finding::failed(detail).hint("resolve that in CloudFormation first"),
        Situation::Busy => Finding::warning(detail).hint(format!("`{deploy}` waits for its end")),
        Situation::Settled if !lacking.is_empty() => {
            let detail = format!("{detail}, without the outputs {}", lacking.join(", "));
            Finding::warning(detail).hint(format!(
                "`{deploy}` brings the stack to this version's template"
            ))
        }
        Situation::Settled if failed => {
            Finding::warning(detail).hint(format!("`{deploy}` takes it up again"))
        }
        Situation::Settled => Finding::ok(detail),
    };
    let found = Found {
        aws: aws.clone(),
        stack,
        target: Target::Aws,
        outputs: state.outputs,
        mappings: None,
    };
    Ok(Checked::found(found, finding))
}

/// What was deployed on this machine.
pub(super) async fn deployed(settings: &Settings) -> Result<Checked<Folder>, Failure> {
    let folder = local::folder(settings)?;
    let Some(deployment) = folder.deployment()? else {
        return Err(LocalError::NotDeployed(settings.stack.clone()).into());
    };
    let gone: Vec<&str> = deployment
        .programs
        .iter()
        .filter(|(_, path)| !path.is_file())
        .map(|(name, _)| name.as_str())
        .collect();
    if !gone.is_empty() {
        let deploy = deploy_command(&settings.stack, Target::Local);
        let detail = format!(
            "{} has lost the program of {}",
            settings.stack,
            gone.join(", ")
        );
        return Ok(Finding::failed(detail)
            .hint(format!("`{deploy}` puts it back"))
            .into());
    }
    let path = folder.path().display();
    let detail = format!("{} is deployed in {path}", settings.stack);
    Ok(Checked::found(folder, Finding::ok(detail)))
}

/// The process of a stack on this machine, started where it does not run.
pub(super) async fn process(
    folder: Folder,
    settings: &Settings,
) -> Result<Checked<Found>, Failure> {
    let options = StartOptions {
        region: settings.local_region().to_owned(),
        port: settings.machine.port,
    };
    let (client, came) = Client::ensure_running(&folder, &options).await?;
    let description = client.describe().await?;
    let mappings = client.status().await?;
    let verb = match came {
        Came::Found => "runs",
        Came::Started => "did not run; it was started",
    };
    let (pid, port) = (client.pid(), client.port());
    let detail = format!(
        "process {pid} {verb}, answers on port {port}, cache {}",
        description.cache
    );
    let finding = match client.other_version() {
        None => Finding::ok(detail),
        Some(version) => {
            let deploy = deploy_command(&settings.stack, Target::Local);
            Finding::warning(format!("{detail}, is cqrs {version}"))
                .hint(format!("`{deploy}` brings it to this version"))
        }
    };
    let found = Found {
        aws: Aws::on_this_machine(&client.endpoint(), settings.local_region()),
        stack: settings.stack.clone(),
        target: Target::Local,
        outputs: description.outputs.into_iter().map(Output::from).collect(),
        mappings: Some(mappings),
    };
    Ok(Checked::found(found, finding))
}

/// The three functions; gives those that can be invoked.
pub(super) async fn functions(found: &Found) -> Result<Checked<Vec<Handler>>, Failure> {
    let [publisher, subscriber, query] = Handler::ALL.map(|handler| function(found, handler));
    let (publisher, subscriber, query) = tokio::join!(publisher, subscriber, query);
    let looked = [publisher, subscriber, query];
    let there = Handler::ALL.into_iter().zip(&looked);
    let there = there.filter(|(_, finding)| finding.status != Status::Failed);
    let there: Vec<Handler> = there.map(|(handler, _)| handler).collect();
    let worst = |status| looked.iter().any(|finding| finding.status == status);
    let bad: Vec<&Finding> = looked.iter().filter(|f| f.status != Status::Ok).collect();
    let details: Vec<&str> = bad.iter().map(|finding| finding.detail.as_str()).collect();
    let mut finding = if worst(Status::Failed) {
        Finding::failed(details.join("; "))
    } else if worst(Status::Warning) {
        Finding::warning(details.join("; "))
    } else {
        Finding::ok("publisher, subscriber and query are there and may be invoked")
    };
    finding.hint = bad.iter().find_map(|finding| finding.hint.clone());
    Ok(Checked::found(there, finding))
}

async fn function(found: &Found, handler: Handler) -> Finding {
    let name = format!("{}-{handler}", found.stack);
    let (state, invocable) = tokio::join!(
        health::function(&found.aws, &name),
        health::may_invoke(&found.aws, &name),
    );
    let deploy = found.deploy();
    match (state, invocable) {
        (Ok(None), _) => Finding::failed(format!("{name} is not there")).hint(format!(
            "`{deploy}` puts it back where the template or its code has changed; else \
             `cqrs destroy` and `{deploy}` do"
        )),
        (_, Err(error)) => Finding::from(Failure::from(error)),
        // Who may invoke it needs no right to look at it.
        (Err(AwsError::Denied { action, .. }), Ok(())) => Finding::warning(format!(
            "{name} may be invoked, and not looked at: {action} is denied"
        ))
        .hint("docs/permissions.md says what each command needs"),
        (Err(error), Ok(())) => Finding::from(Failure::from(error)),
        (Ok(Some(state)), Ok(())) => function_finding(&name, &state, &deploy),
    }
}

fn function_finding(name: &str, state: &health::FunctionState, deploy: &str) -> Finding {
    let because = |reason: &Option<String>| {
        let reason = reason.as_ref().map(|reason| format!(": {reason}"));
        reason.unwrap_or_default()
    };
    let why = because(&state.state_reason);
    match (state.state.as_deref(), state.last_update.as_deref()) {
        (Some(bad @ "Failed"), _) => Finding::failed(format!("{name} is {bad}{why}"))
            .hint(format!("`{deploy}` with what the reason asks for")),
        (Some(idle @ ("Inactive" | "Pending")), _) => {
            Finding::warning(format!("{name} is {idle}{why}"))
                .hint("repeat the command in a minute: Lambda prepares it when it is invoked")
        }
        (_, Some("Failed")) => {
            let why = because(&state.last_update_reason);
            Finding::warning(format!("the last update of {name} failed{why}"))
                .hint(format!("`{deploy}` updates it again"))
        }
        (_, Some("InProgress")) => Finding::warning(format!("{name} is being updated"))
            .hint("repeat the command in a minute"),
        _ => Finding::ok(format!("{name} is there")),
    }
}

/// The table and its stream.
pub(super) async fn table(found: &Found) -> Result<Checked<()>, Failure> {
    let Some(name) = found.output("TableName") else {
        return Ok(found.lacks("TableName").into());
    };
    let Some(table) = health::table(&found.aws, name).await? else {
        let hint = "restore it from a backup; the read model and the stack go with it";
        return Ok(Finding::failed(format!("{name} is not there"))
            .hint(hint)
            .into());
    };
    let deploy = found.deploy();
    let detail = format!("{name} is {}, about {} orders", table.status, table.items);
    let finding = match (table.status.as_str(), table.stream_view.as_deref()) {
        ("ACTIVE" | "UPDATING", Some(VIEW)) => Finding::ok(detail),
        ("ACTIVE" | "UPDATING", view) => {
            let view = view.unwrap_or("nothing");
            let detail = format!("{detail}, but its stream records {view} of a change");
            Finding::failed(detail).hint(format!(
                "`{deploy}` from the template turns it on; then `cqrs rebuild`"
            ))
        }
        _ => Finding::failed(detail).hint("wait until DynamoDB has settled it"),
    };
    Ok(finding.into())
}

/// From the stream to the subscriber.
pub(super) async fn mapping(found: &Found) -> Result<Checked<()>, Failure> {
    let Some(id) = found.output("EventSourceMappingId") else {
        return Ok(found.lacks("EventSourceMappingId").into());
    };
    let mapping = match &found.mappings {
        Some(mappings) => mappings.iter().find(|mapping| mapping.id == id).map(here),
        None => health::mapping(&found.aws, id).await?,
    };
    let Some(mapping) = mapping else {
        let deploy = found.deploy();
        let hint = format!("`cqrs destroy` and `{deploy}` make it again");
        return Ok(Finding::failed(format!("{id} is not there"))
            .hint(hint)
            .into());
    };
    let last = mapping.last_result.as_deref().unwrap_or("nothing is known");
    let detail = format!("{}, last result: {last}", mapping.state);
    let finding = match mapping.state.as_str() {
        "Enabled" | "Updating" if last.contains("PROBLEM") || last.contains("FAILED") => {
            Finding::warning(detail).hint(
                "it tries again; the subscriber below says whether the cache is the reason, \
                 `cqrs failures list` what was given up",
            )
        }
        "Enabled" | "Updating" => Finding::ok(detail),
        "Enabling" | "Creating" => Finding::warning(detail).hint("repeat the command in a minute"),
        _ => {
            let reason = mapping.reason.map(|reason| format!(" ({reason})"));
            let hint = match found.target {
                Target::Aws => {
                    format!("`aws lambda update-event-source-mapping --uuid {id} --enabled`")
                }
                Target::Local => format!(
                    "take `Enabled` out of the template, then `{}`",
                    found.deploy()
                ),
            };
            Finding::failed(format!(
                "{}{}: changes of the table do not reach the subscriber",
                mapping.state,
                reason.unwrap_or_default()
            ))
            .hint(hint)
        }
    };
    Ok(finding.into())
}

fn here(status: &MappingStatus) -> health::MappingState {
    let state = if status.enabled {
        "Enabled"
    } else {
        "Disabled"
    };
    health::MappingState {
        state: state.to_owned(),
        reason: None,
        last_result: Some(status.last_processing_result.clone()),
    }
}

/// What could not be projected.
pub(super) async fn queue(found: &Found) -> Result<Checked<()>, Failure> {
    let Some(url) = found.output("FailuresQueueUrl") else {
        return Ok(found.lacks("FailuresQueueUrl").into());
    };
    let stream = found.output("StreamArn").unwrap_or_default();
    let depth = match FailuresQueue::new(&found.aws, url, stream).depth().await {
        Ok(depth) => depth,
        Err(error) if error.name().contains("NonExistentQueue") => {
            let deploy = found.deploy();
            let hint = format!("`cqrs destroy` and `{deploy}` make it again");
            return Ok(Finding::failed(format!("{url} is not there"))
                .hint(hint)
                .into());
        }
        Err(error) => return Err(error.into()),
    };
    Ok(match depth.visible + depth.hidden {
        0 => Finding::ok("no failures wait"),
        waiting => Finding::warning(format!("about {waiting} failures wait"))
            .hint("`cqrs failures list` shows them, `cqrs failures retry --all` settles them"),
    }
    .into())
}
