//! `cqrs deploy`: the stack becomes what the template and the handlers say.
//!
//! Nothing is changed on AWS before the preview was agreed to; the artifacts are uploaded after
//! that, and before the change set is executed.

mod checks;
mod complete;
mod cost;
mod data;
mod derived;
pub(in crate::commands) mod domain;
mod failures;
mod forecast;
mod guide;
pub(crate) mod local;
pub(crate) mod options;
mod preset;
mod ready;
mod report;
mod said;
mod source;
mod start;
mod values;
mod watch;

use futures_util::future;

use crate::app::interrupt::Interrupt;
use crate::app::version::{self, VERSION};
use crate::aws::{Aws, Identity};
use crate::commands::deploy::complete::Completion;
use crate::commands::deploy::forecast::Forecast;
use crate::commands::deploy::options::DeployArgs;
use crate::commands::deploy::options::Switch;
use crate::commands::deploy::ready::Ready;
use crate::commands::deploy::report::{Done, InReview, Location, Planned};
use crate::commands::deploy::said::Said;
use crate::commands::deploy::source::Source;
use crate::commands::introduce;
use crate::commands::operation::Operations;
use crate::commands::outputs::Outputs;
use crate::error::{Failure, Kind};
use crate::package::{Architecture, Artifact};
use crate::printer::Printer;
use crate::settings::{Settings, StackName, Target};
use crate::stack::Stacks;
use crate::stack::artifacts::{self, ArtifactError};
use crate::stack::change_set::{ChangeSet, Proposal, Proposed};
use crate::stack::follow::Ended;
use crate::stack::functions::Functions;
use crate::stack::state::StackState;
use crate::stack::template::Template;

/// The parameters through which the template learns where the code is and what it runs on.
const BUCKET: &str = "ArtifactBucket";
const ARCHITECTURE: &str = "Architecture";
const CACHE_ACCESS: &str = "CacheAccess";

pub(crate) async fn run(
    args: DeployArgs,
    mut settings: Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    if settings.target == Target::Local {
        return local::run(args, settings, interrupt, printer).await;
    }
    checks::refuse_what_is_local(&args)?;
    let source = Source::of(&mut settings, &args)?;
    let template = source.template()?;
    let asks = !args.yes && !args.plan && !args.change_set_only;
    if asks && !args.guided && !printer.can_ask() {
        return Err(
            Failure::new(Kind::Usage, "nobody can be asked here whether to deploy")
                .hint("add `--yes` to deploy without asking, or `--plan` to see what would change"),
        );
    }
    // The code alone leaves the rest as the stack has it.
    settings.preset = args.preset.or(settings.preset).filter(|_| !args.code_only);
    if args.guided {
        guide::run(&mut settings, &template, interrupt, printer).await?;
    }
    settings.parameters.extend(args.parameters.iter().cloned());
    settings.tags.extend(args.tags.iter().cloned());
    template.check(&settings.parameters)?;
    if let Some(preset) = settings.preset {
        preset.check(&template, &settings.parameters)?;
    }

    let architecture = architecture(args.arch, &settings)?;

    let aws = Aws::connect(&settings.aws).await?;
    checks::refuse_open_cache(&aws, &settings, &template, None)?;
    source.introduce(&settings, printer);
    let identity = introduce(&aws, &settings, printer).await?;
    let role = args.role_arn.clone().or_else(|| settings.role_arn.clone());
    let deployment = Deployment {
        stacks: Stacks::new(&aws).working_as(role),
        aws,
        identity,
        args,
        settings,
        template,
        source,
        architecture,
        interrupt,
        printer,
    };
    deployment.run().await
}

/// `--arch`, else the parameter as given, else this machine's.
pub(super) fn architecture(
    typed: Option<Architecture>,
    settings: &Settings,
) -> Result<Architecture, Failure> {
    match (typed, settings.parameters.get(ARCHITECTURE)) {
        (Some(architecture), _) => Ok(architecture),
        (None, Some(name)) => Architecture::from_lambda_name(name).ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                format!("`{name}` is no architecture of Lambda's"),
            )
            .hint("it is `arm64` or `x86_64`")
        }),
        (None, None) => Ok(Architecture::host()),
    }
}

/// Says so where the stack is a newer tool's.
pub(super) fn warn_of_newer(stack: &StackName, deployed_by: Option<&str>, printer: &Printer) {
    if let Some(newer) = deployed_by.filter(|theirs| version::is_newer(theirs, VERSION)) {
        printer.warn(format_args!(
            "stack {stack} was deployed by cqrs {newer}, and this is cqrs {VERSION}: what that one added \
             to it may be taken back"
        ));
    }
}

/// One run of `cqrs deploy`, after everything that can be said without AWS was said.
struct Deployment<'a> {
    aws: Aws,
    identity: Identity,
    stacks: Stacks,
    args: DeployArgs,
    settings: Settings,
    template: Template,
    source: Source,
    architecture: Architecture,
    interrupt: &'a Interrupt,
    printer: &'a Printer,
}

impl Deployment<'_> {
    async fn run(&self) -> Result<(), Failure> {
        let ready = match self.args.code_only {
            true => self.code_alone().await?,
            false => self.whole().await?,
        };
        // From here on there may be a change set, which is executed or taken back.
        let hold = self.interrupt.hold();
        let (proposed, said) = self.propose(&ready).await?;
        let Proposed::Changes(change_set) = proposed else {
            drop(hold);
            return self.unchanged(ready, said).await;
        };
        let forecast = match self.prepare(&ready, &change_set, &said).await {
            Ok(forecast) => forecast,
            Err(failure) => return Err(self.take_back(&change_set, failure).await),
        };
        if self.args.plan {
            let ChangeSet { id, stack_id, .. } = &change_set;
            self.stacks.discard(id, stack_id).await?;
            return self.planned(&forecast);
        }
        if self.args.change_set_only {
            return self.left(Some(&change_set), &forecast);
        }
        let ended = self.execute(&ready, &change_set).await?;
        drop(hold);
        let state = self.executed(&ready, &change_set, &ended).await?;
        let done = match ready.existing {
            Some(_) => Done::Updated,
            None => Done::Created,
        };
        self.complete(done, state, forecast, Said::default()).await
    }

    /// Makes the change set; meanwhile the functions are asked, and the zips are made.
    async fn propose(&self, ready: &Ready) -> Result<(Proposed, Said), Failure> {
        let new = self.not_running(ready);
        if !self.args.plan {
            pack_ahead(&new);
        }
        let asking = async { Ok(self.ask(ready, new.is_empty()).await) };
        future::try_join(self.change_set(&ready.proposal), asking).await
    }

    /// The artifacts that the stack does not run yet.
    fn not_running<'a>(&self, ready: &'a Ready) -> Vec<&'a Artifact> {
        let stack = self.settings.stack.as_str();
        let is_new = |artifact: &&Artifact| {
            let runs = ready.parameters();
            runs.get(artifact.handler.code_parameter()) != Some(&artifacts::key(stack, artifact))
        };
        ready.artifacts.iter().filter(is_new).collect()
    }

    /// Asks the functions of an existing stack, which may `stay` as they are.
    async fn ask(&self, ready: &Ready, stay: bool) -> Said {
        if ready.existing.is_none() {
            return Said::default();
        }
        let functions = Functions::new(&self.aws, self.settings.stack.clone(), false);
        Said::ask(&functions, stay, &self.settings, self.printer).await
    }

    /// Makes the change set. Ctrl-C waits for it, so that it can be taken back.
    async fn change_set(&self, proposal: &Proposal) -> Result<Proposed, Failure> {
        let step = self.printer.step("Asking CloudFormation what would change");
        let mut proposing = std::pin::pin!(self.stacks.propose(proposal));
        tokio::select! {
            proposed = &mut proposing => match proposed {
                Ok(proposed) => Ok(proposed),
                Err(error) => Err(self.operations().refusal(error).await),
            },
            () = self.interrupt.asked() => {
                step.message("Interrupted: taking the change set back");
                if let Proposed::Changes(change_set) = proposing.await? {
                    self.stacks.discard(&change_set.id, &change_set.stack_id).await?;
                }
                Err(Failure::interrupted("interrupted; nothing was changed"))
            }
        }
    }

    /// All that comes before a change set is executed, or left to others: what it means is shown and
    /// agreed to, and the code is uploaded. A plan ends with what it means.
    async fn prepare(
        &self,
        ready: &Ready,
        change_set: &ChangeSet,
        said: &Said,
    ) -> Result<Forecast, Failure> {
        let forecast = self.foresee(ready, change_set, said).await?;
        forecast.warn(self.printer);
        if self.args.plan {
            if let Some(raised) = &forecast.raised {
                self.printer.warn(raised);
            }
            return Ok(forecast);
        }
        forecast.show(self.printer);
        forecast.check(&self.args)?;
        if !self.args.change_set_only {
            self.consent("Deploy these changes?").await?;
        }
        let said = || Failure::interrupted("interrupted; the stack was not changed");
        self.interrupt.unless(self.upload(ready), said).await??;
        Ok(forecast)
    }

    async fn foresee(
        &self,
        ready: &Ready,
        change_set: &ChangeSet,
        said: &Said,
    ) -> Result<Forecast, Failure> {
        let changes = &change_set.changes;
        let existing = ready.existing.as_ref();
        let outputs = existing.map_or(&[][..], |stack| &stack.outputs);
        Ok(Forecast {
            changes: changes.clone(),
            domain: domain::differences(said.description.as_ref(), &self.settings.domain),
            cost: ready.cost.clone(),
            findings: self.stacks.findings(&change_set.id).await.warnings,
            raised: self.raised(ready.proposal.watch.as_ref()).await,
            lost: data::lost(&self.aws, changes, &self.settings.domain.id).await,
            failures: failures::lost(&self.aws, None, outputs, changes).await?,
        })
    }

    /// Takes the change set back; gives the reason, which is what to report.
    async fn take_back(&self, change_set: &ChangeSet, why: Failure) -> Failure {
        let ChangeSet { id, stack_id, .. } = change_set;
        if let Err(error) = self.stacks.discard(id, stack_id).await {
            self.printer
                .warn(format_args!("the change set was not taken back: {error}"));
        }
        why
    }

    fn location(&self) -> Location<'_> {
        Location {
            stack: self.settings.stack.as_str(),
            account: &self.identity.account,
            region: self.aws.region(),
        }
    }

    fn planned(&self, forecast: &Forecast) -> Result<(), Failure> {
        self.printer.data(&Planned {
            location: self.location(),
            forecast,
            style: self.printer.data_style(),
        })
    }

    /// Leaves a change set to others, if there is one.
    fn left(&self, made: Option<&ChangeSet>, forecast: &Forecast) -> Result<(), Failure> {
        self.printer.data(&InReview {
            location: self.location(),
            change_set: made.map(|made| made.id.as_str()),
            forecast,
        })?;
        if let Some(made) = made {
            self.printer.next(format_args!(
                "aws cloudformation execute-change-set --region {} --change-set-name {}",
                self.aws.region(),
                made.id
            ));
        }
        Ok(())
    }

    fn operations(&self) -> Operations<'_> {
        Operations {
            stacks: &self.stacks,
            stack: &self.settings.stack,
            interrupt: self.interrupt,
            printer: self.printer,
            command: "deploy",
        }
    }

    /// Packs and uploads what the bucket lacks.
    async fn upload(&self, ready: &Ready) -> Result<(), ArtifactError> {
        let (store, artifacts) = (&ready.store, &ready.artifacts);
        store.prepare().await?;
        let stack = self.settings.stack.as_str();
        let missing = store.missing(stack, artifacts, ready.parameters()).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let zips = future::try_join_all(missing.iter().map(|artifact| artifact.zip())).await?;
        for (artifact, zip) in missing.iter().zip(&zips) {
            self.printer.detail(report::zipped(artifact.handler, zip));
        }
        let total = zips.iter().map(|zip| zip.bytes.len() as u64).sum();
        let step = self.printer.bytes("Uploading", total);
        let uploaded = |bytes| step.advance(bytes);
        store.upload(stack, &missing, uploaded).await
    }

    async fn execute(&self, ready: &Ready, change_set: &ChangeSet) -> Result<Ended, Failure> {
        if let Some(watch) = &ready.proposal.watch {
            self.announce(watch);
        }
        match self.stacks.execute(change_set).await {
            Ok(mark) => self.operations().follow(mark).await,
            Err(error) => Err(self.take_back(change_set, error.into()).await),
        }
    }

    /// What is left to do when the operation has ended; gives the stack as it is then.
    async fn executed(
        &self,
        ready: &Ready,
        change_set: &ChangeSet,
        ended: &Ended,
    ) -> Result<Option<StackState>, Failure> {
        if !ended.succeeded() {
            return Err(self.operations().failure(ended).await);
        }
        let stack_id = &change_set.stack_id;
        self.protect(stack_id).await?;
        let stack = self.settings.stack.as_str();
        let retiring = ready.store.retire(stack, &ready.artifacts);
        let (retired, state) = future::join(retiring, self.stacks.describe(stack_id)).await;
        if let Err(error) = retired {
            // The deployment stands; only old code is kept longer than it needs to be.
            self.printer
                .warn(format_args!("old artifacts were not marked: {error}"));
        }
        Ok(state?)
    }

    /// The stack is as it was to become.
    async fn unchanged(&self, ready: Ready, said: Said) -> Result<(), Failure> {
        let forecast = Forecast {
            cost: ready.cost,
            ..Forecast::default()
        };
        if self.args.plan {
            return self.planned(&forecast);
        }
        if self.args.change_set_only {
            return self.left(None, &forecast);
        }
        let state = ready.existing;
        if let Some(stack) = &state {
            self.protect(&stack.id).await?;
        }
        self.complete(Done::Unchanged, state, forecast, said).await
    }

    async fn protect(&self, stack_id: &str) -> Result<(), Failure> {
        let by_preset = self.settings.preset.map(|_| Switch::On);
        if let Some(switch) = self.args.termination_protection.or(by_preset) {
            self.stacks
                .set_termination_protection(stack_id, switch == Switch::On)
                .await?;
        }
        Ok(())
    }

    async fn complete(
        &self,
        done: Done,
        state: Option<StackState>,
        forecast: Forecast,
        said: Said,
    ) -> Result<(), Failure> {
        let completion = Completion {
            aws: &self.aws,
            settings: &self.settings,
            location: self.location(),
            done,
            replaced: !forecast.lost.is_empty(),
            changes: forecast.changes,
            outputs: Outputs(state.map(|state| state.outputs).unwrap_or_default()),
            said,
            agreed: self.args.yes,
            here: None,
            interrupt: self.interrupt,
            printer: self.printer,
        };
        completion.finish().await
    }
}

/// Whether somebody says yes.
pub(super) async fn confirmed(
    question: &str,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<bool, Failure> {
    let said = || Failure::interrupted("interrupted; nothing was changed");
    interrupt.unless(printer.confirm(question), said).await?
}

/// Makes the zips of what the stack does not run yet, in threads of their own, while it is asked what
/// would change. A failure is met by who waits for the zip.
fn pack_ahead(artifacts: &[&Artifact]) {
    for &artifact in artifacts {
        let artifact = artifact.clone();
        tokio::spawn(async move {
            let _ = artifact.zip().await;
        });
    }
}
