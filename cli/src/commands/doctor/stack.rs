//! The stack: whether it is there, in what state, and on this machine whether its process runs.

use std::time::Duration;

use host::bucket::Buckets;
use host::mapping;
use tokio::time::timeout;

use super::check::{Checked, Finding, Name, Status};
use crate::app::version::{self, VERSION};
use crate::aws::{Aws, AwsError};
use crate::commands::{local, stack_not_found};
use crate::domain::Domain;
use crate::error::Failure;
use crate::failures::destination;
use crate::local::client::{Came, Client, Folder, LocalError, StartOptions};
use crate::local::protocol::Description;
use crate::observe::judge::{self, Judge};
use crate::observe::{self, LAG_LIMIT_MS, Part, Unseen};
use crate::settings::{Settings, StackName, Target, stack_flag};
use crate::stack::Stacks;
use crate::stack::functions::Functions;
use crate::stack::state::{Output, Situation, StackState};
use crate::stack::template::KMS_KEY;

/// The outputs of this version's template that commands look things up by.
const NEEDED: [&str; 4] = [
    "CacheEndpoint",
    "EventSourceMappingId",
    "StreamArn",
    "TableName",
];
/// The process on this machine answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// A stack that was found, or at least may be there.
pub(super) struct Found {
    pub(super) aws: Aws,
    pub(super) stack: StackName,
    pub(super) domain: Domain,
    pub(super) target: Target,
    /// Unknown to whoever may not describe stacks.
    outputs: Option<Vec<Output>>,
    /// The KMS key that the stack is encrypted with, by ARN.
    pub(super) key: Option<String>,
    /// The mappings' own account, which only this machine has.
    pub(super) mappings: Option<Vec<mapping::Status>>,
    /// Its buckets, likewise.
    pub(super) buckets: Option<Buckets>,
    /// The cache that was there before the stack on this machine.
    pub(super) cache_url: Option<String>,
}

impl Found {
    fn on_aws(aws: &Aws, settings: &Settings, outputs: Option<Vec<Output>>) -> Self {
        Self {
            aws: aws.clone(),
            stack: settings.stack.clone(),
            domain: settings.domain.clone(),
            target: Target::Aws,
            outputs,
            key: None,
            mappings: None,
            buckets: None,
            cache_url: None,
        }
    }

    pub(super) fn functions(&self) -> Functions {
        Functions::new(&self.aws, self.stack.clone(), false)
    }

    /// An output that a check builds on.
    pub(super) fn output(&self, name: &'static str) -> Part<&str> {
        let outputs = self.outputs.as_ref().ok_or(Unseen::NoOutputs)?;
        let found = outputs.iter().find(|output| output.name == name);
        found
            .map(|output| output.value.as_str())
            .ok_or(Unseen::NoOutput(name))
    }

    /// What it means that a part could not be looked at.
    pub(super) fn unseen(&self, unseen: Unseen) -> Finding {
        match unseen {
            Unseen::NoOutputs => Finding::behind(Name::Stack),
            Unseen::Aws(error @ AwsError::Denied { .. }) => Finding::denied(error),
            unseen if unseen.is_gone() => {
                let advice = self.judge().unseen(&unseen);
                Finding::judged(advice.message.clone(), Some(advice))
            }
            unseen => Failure::from(unseen).into(),
        }
    }

    /// What is said of its parts.
    pub(super) fn judge(&self) -> Judge<'_> {
        judge_of(&self.stack, self.target)
    }

    /// A command of this tool for this stack.
    pub(super) fn command(&self, name: &str) -> String {
        judge::command(name, &self.stack, self.target)
    }
}

fn deploy_command(stack: &StackName, target: Target) -> String {
    judge::command("deploy", stack, target)
}

fn judge_of(stack: &StackName, target: Target) -> Judge<'_> {
    Judge {
        stack,
        target,
        lag_limit_ms: LAG_LIMIT_MS,
    }
}

/// The stack on AWS. The functions are found without it, so that it is only a warning where it may
/// not be described.
pub(super) async fn on_aws(aws: &Aws, settings: &Settings) -> Result<Checked<Found>, Failure> {
    let stack = &settings.stack;
    let stacks = Stacks::new(aws);
    let state = match stacks.describe(stack.as_str()).await {
        Ok(state) => state,
        Err(error @ AwsError::Denied { .. }) => {
            let found = Found::on_aws(aws, settings, None);
            return Ok(Checked::found(found, Finding::denied(error)));
        }
        Err(error) => return Err(error.into()),
    };
    let state = state.filter(|state| state.situation() != Situation::Empty);
    let state = state.ok_or_else(|| stack_not_found(stack, aws.region()))?;
    stacks.check_ours(&state)?;
    let finding = judge(stack, &state);
    if state.situation() == Situation::MustBeDeleted {
        return Ok(finding.into());
    }
    let mut parameters = state.parameters;
    let found = Found {
        key: parameters.remove(KMS_KEY).filter(|key| !key.is_empty()),
        ..Found::on_aws(aws, settings, Some(state.outputs))
    };
    Ok(Checked::found(found, finding))
}

fn judge(stack: &StackName, state: &StackState) -> Finding {
    let deploy = deploy_command(stack, Target::Aws);
    let status = &state.status;
    let reason = state.reason.as_ref().map(|reason| format!(": {reason}"));
    let by = deployed_by(state.deployed_by.as_deref());
    let detail = format!("{stack} is in {status}{}{by}", reason.unwrap_or_default());
    let fact = observe::Stack::from(state);
    let finding = Finding::judged(&detail, judge_of(stack, Target::Aws).stack(&fact));
    let lacks = |name: &&str| state.output(name).is_none();
    let has_destination = !(lacks(&destination::QUEUE) && lacks(&destination::BUCKET));
    let destination = (!has_destination).then_some(destination::QUEUE);
    let mut lacking = NEEDED.into_iter().filter(lacks).chain(destination);
    match lacking.next() {
        // One that is not whole has other troubles first.
        Some(output) if finding.status == Status::Ok => {
            let detail = format!("{detail}, without the output {output}");
            Finding::warning(detail).hint(format!(
                "`{deploy}` brings the stack to this version's template"
            ))
        }
        _ => finding,
    }
}

/// The end of what is said of a stack.
fn deployed_by(version: Option<&str>) -> String {
    version.map_or_else(String::new, |version| {
        format!(", deployed by cqrs {version}")
    })
}

/// The finding, with a warning where this tool is the older one.
fn of_newer(finding: Finding, theirs: Option<&str>) -> Finding {
    match theirs.filter(|theirs| version::is_newer(theirs, VERSION)) {
        Some(theirs) => Finding::warning(finding.detail).hint(format!(
            "this is cqrs {VERSION}: install cqrs {theirs}, or a newer one"
        )),
        None => finding,
    }
}

/// What was deployed on this machine.
pub(super) async fn deployed(settings: &Settings) -> Result<Checked<Folder>, Failure> {
    let stack = &settings.stack;
    let folder = local::folder(settings)?;
    let deployment = folder.deployment()?;
    let deployment = deployment.ok_or_else(|| LocalError::NotDeployed(stack.clone()))?;
    let mut programs = deployment.programs.iter();
    if let Some((name, path)) = programs.find(|(_, path)| !path.is_file()) {
        let deploy = deploy_command(stack, Target::Local);
        let detail = format!("{stack} has lost the {name}'s program, {}", path.display());
        return Ok(Finding::failed(detail)
            .hint(format!("`{deploy}` puts it back"))
            .into());
    }
    let path = folder.path().display();
    let by = deployment
        .version
        .as_ref()
        .map(|version| format!(", by cqrs {version}"));
    let by = by.unwrap_or_default();
    let finding = Finding::ok(format!("{stack} is deployed in {path}{by}"));
    let finding = of_newer(finding, deployment.version.as_deref());
    Ok(Checked::found(folder, finding))
}

/// The process of a stack on this machine, started where it does not run.
pub(super) async fn process(
    folder: Folder,
    settings: &Settings,
) -> Result<Checked<Found>, Failure> {
    let stack = &settings.stack;
    let options = StartOptions {
        region: settings.local_region().to_owned(),
        port: settings.machine.port,
    };
    let (client, came) = Client::ensure_running(&folder, &options).await?;
    let (pid, port) = (client.pid(), client.port());
    let asked = async {
        let description = client.describe().await?;
        Ok::<_, LocalError>((description, client.status().await?))
    };
    let Ok(answered) = timeout(PATIENCE, asked).await else {
        let flag = stack_flag(stack);
        let detail = format!("process {pid} does not answer on port {port}");
        return Ok(Finding::failed(detail)
            .hint(format!(
                "`cqrs local stop{flag}` ends it, and the next command starts it again"
            ))
            .into());
    };
    let (Description { outputs, cache, .. }, status) = answered?;
    let verb = match came {
        Came::Found => "runs",
        Came::Started => "did not run; it was started",
    };
    let detail = format!("process {pid} {verb}, answers on port {port}, cache {cache}");
    let finding = match client.other_version() {
        None => Finding::ok(detail),
        Some(version) => {
            let deploy = deploy_command(stack, Target::Local);
            Finding::warning(format!("{detail}, is cqrs {version}"))
                .hint(format!("`{deploy}` brings it to this version"))
        }
    };
    let found = Found {
        aws: client.aws(),
        stack: stack.clone(),
        domain: settings.domain.clone(),
        target: Target::Local,
        outputs: Some(outputs),
        key: None,
        mappings: Some(status.mappings),
        buckets: Some(client.buckets()),
        cache_url: Some(cache).filter(|cache| cache.starts_with("redis://")),
    };
    Ok(Checked::found(found, finding))
}
