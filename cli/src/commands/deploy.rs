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
use crate::commands::deploy::complete::{Completion, parted};
use crate::commands::deploy::cost::Cost;
use crate::commands::deploy::options::DeployArgs;
use crate::commands::deploy::options::Switch;
use crate::commands::deploy::ready::Ready;
use crate::commands::deploy::report::{Deployed, Done, InReview, Planned};
use crate::commands::deploy::said::Said;
use crate::commands::deploy::source::Source;
use crate::commands::deploy::start::Start;
use crate::commands::operation::{Operations, subject};
use crate::commands::outputs::Outputs;
use crate::commands::preview::Preview;
use crate::commands::{counted, introduce};
use crate::domain::Difference;
use crate::error::{Failure, Kind};
use crate::package::{Architecture, Artifact, BuildOutput};
use crate::printer::Printer;
use crate::settings::{Settings, StackName, Target, stack_flag};
use crate::stack::Stacks;
use crate::stack::artifacts::{self, ArtifactError, ArtifactStore};
use crate::stack::change_set::{ChangeSet, Proposal, Proposed, ResourceChanged};
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

/// What is seen of the compiler.
fn build_output(printer: &Printer) -> BuildOutput {
    match (printer.is_json(), printer.is_quiet()) {
        (true, _) => BuildOutput::Captured,
        (false, true) => BuildOutput::Complaints,
        (false, false) => BuildOutput::Inherited,
    }
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
        self.carry_out(ready).await
    }

    async fn carry_out(&self, ready: Ready) -> Result<(), Failure> {
        let Ready {
            artifacts,
            start,
            store,
            proposal,
            cost,
        } = ready;
        let cost = cost.as_ref();
        // From here on there may be a change set, which is executed or taken back.
        let hold = self.interrupt.hold();
        let new = self.not_running(&artifacts, &start);
        if !self.args.plan {
            pack_ahead(&new);
        }
        let asking = async { Ok(self.ask(&start, new.is_empty()).await) };
        let (proposed, said) = future::try_join(self.propose(&proposal), asking).await?;
        let change_set = match proposed {
            Proposed::Changes(change_set) => change_set,
            Proposed::NoChanges if self.args.plan => return self.planned(&[], &[], cost),
            Proposed::NoChanges if self.args.change_set_only => return self.left(None, &[], cost),
            Proposed::NoChanges => {
                drop(hold);
                return self.unchanged(start, said).await;
            }
        };
        let preview = Preview {
            changes: &change_set.changes,
            style: self.printer.style(),
        };
        let differences = said.differences(&self.settings);
        domain::show(&differences, self.printer);
        for warning in self.stacks.findings(&change_set.id).await.warnings {
            let subject = subject(&warning);
            self.printer
                .warn(format_args!("{subject}: {}", warning.reason));
        }
        let undone = match &proposal.watch {
            Some(watch) => self.raised(watch).await,
            None => None,
        };
        let lost = data::lost(&self.aws, &change_set.changes, &self.settings.domain.id).await;
        for table in &lost {
            self.printer.warn(table);
        }
        let outputs = start.existing().map_or(&[][..], |state| &state.outputs);
        let waiting = match failures::lost(&self.aws, None, outputs, &change_set.changes).await {
            Ok(waiting) => waiting,
            Err(failure) => return self.refused(&change_set, failure).await,
        };
        if let Some(waiting) = &waiting {
            self.printer.warn(waiting);
        }
        if self.args.plan {
            if let Some(undone) = &undone {
                self.printer.warn(undone);
            }
            self.stacks
                .discard(&change_set.id, &change_set.stack_id)
                .await?;
            return self.planned(&change_set.changes, &differences, cost);
        }
        self.printer.note(format_args!("\n{preview}"));
        if let Some(cost) = cost {
            self.printer.note(cost);
            for assumption in cost.assumptions() {
                self.printer.detail(assumption);
            }
        }
        self.printer.note("");
        let refusal = match (waiting, undone) {
            _ if !lost.is_empty() && !self.args.replace_data => Some(data::refusal(&lost)),
            (Some(waiting), _) => Some(failures::refusal(&waiting)),
            (None, Some(undone)) => Some(Failure::new(Kind::Failed, undone).hint(watch::WAY_OUT)),
            (None, None) => None,
        };
        if let Some(refusal) = refusal {
            return self.refused(&change_set, refusal).await;
        }
        if self.args.change_set_only {
            self.upload(&store, &artifacts, &start, &change_set).await?;
            return self.left(Some(&change_set), &differences, cost);
        }
        if !self.args.yes {
            self.agree(&change_set).await?;
        }
        self.upload(&store, &artifacts, &start, &change_set).await?;
        if let Some(watch) = proposal.watch.as_ref().filter(|watch| watch.minutes > 0) {
            self.printer.note(format_args!(
                "CloudFormation watches {} for {} minutes after all is in place, and undoes the update where one \
                 is raised",
                counted(watch.alarms.len() as u64, "alarm"),
                watch.minutes,
            ));
        }
        let (ended, since) = self.execute(&change_set).await?;
        drop(hold);
        let state = self
            .executed(&store, &artifacts, &change_set, &ended, since)
            .await?;
        let done = if start.existing().is_some() {
            Done::Updated
        } else {
            Done::Created
        };
        let changes = change_set.changes;
        self.report(done, state, changes, !lost.is_empty(), Said::default())
            .await
    }

    /// Takes the change set back, and says why.
    async fn refused(&self, change_set: &ChangeSet, why: Failure) -> Result<(), Failure> {
        self.stacks
            .discard(&change_set.id, &change_set.stack_id)
            .await?;
        Err(why)
    }

    /// The artifacts that the stack does not run yet.
    fn not_running<'a>(&self, artifacts: &'a [Artifact], start: &Start) -> Vec<&'a Artifact> {
        let stack = self.settings.stack.as_str();
        let is_new = |artifact: &&Artifact| {
            let runs = start.parameters().get(artifact.handler.code_parameter());
            runs != Some(&artifacts::key(stack, artifact))
        };
        artifacts.iter().filter(is_new).collect()
    }

    /// Asks the functions of an existing stack, which may `stay` as they are.
    async fn ask(&self, start: &Start, stay: bool) -> Said {
        if start.existing().is_none() {
            return Said::default();
        }
        Said::ask(&self.functions(), stay, &self.settings, self.printer).await
    }

    fn functions(&self) -> Functions {
        Functions::new(&self.aws, self.settings.stack.clone(), false)
    }

    fn planned(
        &self,
        changes: &[ResourceChanged],
        domain: &[Difference],
        cost: Option<&Cost>,
    ) -> Result<(), Failure> {
        self.printer.data(&Planned {
            stack: self.settings.stack.as_str(),
            account: &self.identity.account,
            region: self.aws.region(),
            changes,
            domain,
            cost,
            style: self.printer.data_style(),
        })
    }

    /// Leaves a change set to others, if there is one.
    fn left(
        &self,
        made: Option<&ChangeSet>,
        domain: &[Difference],
        cost: Option<&Cost>,
    ) -> Result<(), Failure> {
        self.printer.data(&InReview {
            stack: self.settings.stack.as_str(),
            account: &self.identity.account,
            region: self.aws.region(),
            change_set: made.map(|made| made.id.as_str()),
            changes: made.map_or(&[][..], |made| made.changes.as_slice()),
            domain,
            cost,
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

    /// Makes the change set. Ctrl-C waits for it, so that it can be taken back.
    async fn propose(&self, proposal: &Proposal) -> Result<Proposed, Failure> {
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

    async fn agree(&self, change_set: &ChangeSet) -> Result<(), Failure> {
        let said = || Failure::interrupted("interrupted; nothing was changed");
        let asked = self.printer.confirm("Deploy these changes?");
        let failure = match self.interrupt.unless(asked, said).await.flatten() {
            Ok(true) => return Ok(()),
            Ok(false) => Failure::new(Kind::Failed, "not deployed; nothing was changed"),
            Err(failure) => failure,
        };
        self.stacks
            .discard(&change_set.id, &change_set.stack_id)
            .await?;
        Err(failure)
    }

    async fn upload(
        &self,
        store: &ArtifactStore,
        artifacts: &[Artifact],
        start: &Start,
        change_set: &ChangeSet,
    ) -> Result<(), Failure> {
        let uploading = self.bring(store, artifacts, start);
        let said = || Failure::interrupted("interrupted; the stack was not changed");
        let failure = match self.interrupt.unless(uploading, said).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.into(),
            Err(failure) => failure,
        };
        // The upload's failure is the one to report, also when the change set stays behind.
        let _ = self
            .stacks
            .discard(&change_set.id, &change_set.stack_id)
            .await;
        Err(failure)
    }

    /// Packs and uploads what the bucket lacks.
    async fn bring(
        &self,
        store: &ArtifactStore,
        artifacts: &[Artifact],
        start: &Start,
    ) -> Result<(), ArtifactError> {
        store.prepare().await?;
        let stack = self.settings.stack.as_str();
        let missing = store.missing(stack, artifacts, start.parameters()).await?;
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

    /// Gives how the operation ended, and after which moment it began.
    async fn execute(&self, change_set: &ChangeSet) -> Result<(Ended, i64), Failure> {
        let mark = match self.stacks.execute(change_set).await {
            Ok(mark) => mark,
            Err(error) => {
                // The first failure is the one to report.
                let _ = self
                    .stacks
                    .discard(&change_set.id, &change_set.stack_id)
                    .await;
                return Err(error.into());
            }
        };
        let since = mark.newest_ms();
        Ok((self.operations().follow(mark).await?, since))
    }

    /// What is left to do when the operation has ended; gives the stack as it is then.
    async fn executed(
        &self,
        store: &ArtifactStore,
        artifacts: &[Artifact],
        change_set: &ChangeSet,
        ended: &Ended,
        since: i64,
    ) -> Result<Option<StackState>, Failure> {
        let stack_id = &change_set.stack_id;
        if !ended.succeeded() {
            return Err(self.operations().failure(stack_id, since, ended).await);
        }
        self.protect(stack_id).await?;
        let retiring = store.retire(self.settings.stack.as_str(), artifacts);
        let (retired, state) = future::join(retiring, self.stacks.describe(stack_id)).await;
        if let Err(error) = retired {
            // The deployment stands; only old code is kept longer than it needs to be.
            self.printer
                .warn(format_args!("old artifacts were not marked: {error}"));
        }
        Ok(state?)
    }

    async fn unchanged(&self, start: Start, said: Said) -> Result<(), Failure> {
        let state = start.into_existing();
        if let Some(stack) = &state {
            self.protect(&stack.id).await?;
        }
        self.report(Done::Unchanged, state, Vec::new(), false, said)
            .await
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

    /// Says what was done, and sees to the read model.
    async fn report(
        &self,
        done: Done,
        state: Option<StackState>,
        changes: Vec<ResourceChanged>,
        replaced: bool,
        said: Said,
    ) -> Result<(), Failure> {
        let style = self.printer.style();
        let stack = &self.settings.stack;
        self.printer
            .note(format_args!("\n{} {}", style.green("✓"), done.says(stack)));
        let completion = Completion {
            aws: &self.aws,
            settings: &self.settings,
            table: state.as_ref().and_then(|state| state.output("TableName")),
            done,
            replaced,
            said,
            agreed: self.args.yes,
            interrupt: self.interrupt,
            printer: self.printer,
        };
        let (rebuild, failed) = parted(completion.complete().await);
        if self.printer.stdout_is_terminal() {
            self.printer.note("");
        }
        self.printer.data(&Deployed {
            stack: stack.as_str(),
            account: &self.identity.account,
            region: self.aws.region(),
            done,
            changes,
            outputs: Outputs(state.map(|state| state.outputs).unwrap_or_default()),
            rebuild,
        })?;
        failed?;
        self.printer.next(format_args!(
            "cqrs {} create{}{}",
            self.settings.domain.entity,
            self.settings.domain.example(),
            stack_flag(stack),
        ));
        Ok(())
    }
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
