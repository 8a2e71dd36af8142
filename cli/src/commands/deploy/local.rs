//! `cqrs deploy --local`: the stack on this machine becomes what the template and the handlers say.
//!
//! Nothing is asked, for nothing costs; what a table holds stays. All that can be wrong with the
//! template is said before the handlers are built.

pub(super) mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures_util::future;
use host::cache::Choice;
use host::definition::{ACCOUNT, Definition};
use pattern::description::Description;

use self::report::Here;
use super::{confirmed, data, domain, failures, warn_of_newer};
use crate::app::handler::Handler;
use crate::app::interrupt::Interrupt;
use crate::app::version::VERSION;
use crate::commands::deploy::complete::Completion;
use crate::commands::deploy::forecast::Forecast;
use crate::commands::deploy::options::DeployArgs;
use crate::commands::deploy::report::{Done, Location, Planned};
use crate::commands::deploy::said::Said;
use crate::commands::deploy::source::Source;
use crate::commands::local::deployed::{self, cache_address, endpoint};
use crate::commands::local::{folder, note_port, only_on_aws};
use crate::commands::outputs::Outputs;
use crate::commands::preview::Preview;
use crate::domain::Difference;
use crate::error::Failure;
use crate::local::cache_program::{self, CacheProgramError};
use crate::local::client::{Came, Client, Folder, Held, LocalError, StartOptions};
use crate::local::difference;
use crate::local::evaluate::{Context, Evaluated, evaluate};
use crate::local::programs;
use crate::local::protocol::{self, Deployment};
use crate::package::{Builder, Program};
use crate::printer::Printer;
use crate::settings::{Settings, stack_flag};
use crate::stack::change_set::ResourceChanged;
use crate::stack::functions::Functions;
use crate::stack::template::Template;

pub(super) async fn run(
    args: DeployArgs,
    settings: Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    refuse_what_is_for_aws(&args)?;
    LocalDeployment::new(args, settings, interrupt, printer)?
        .run()
        .await
}

/// What a renewal came to.
pub(in crate::commands) struct Renewed {
    pub(in crate::commands) changes: Vec<ResourceChanged>,
    /// What the functions say of themselves now, where they do.
    pub(in crate::commands) description: Option<Description>,
}

/// Brings the deployed stack to what the project says now, and reports nothing of it: for who does so
/// again and again. The compiler's complaints go to stderr.
pub(in crate::commands) async fn renew(
    settings: &Settings,
    builder: Builder,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<Renewed, Failure> {
    let args = DeployArgs {
        yes: true,
        builder,
        ..DeployArgs::default()
    };
    LocalDeployment::new(args, settings.clone(), interrupt, printer)?
        .renew()
        .await
}

/// Options that would promise what does not happen here.
fn refuse_what_is_for_aws(args: &DeployArgs) -> Result<(), Failure> {
    only_on_aws(&[
        (args.guided, "--guided"),
        (args.preset.is_some(), "--preset"),
        (args.code_only, "--code-only"),
        (!args.tags.is_empty(), "--tag"),
        (!args.removed_tags.is_empty(), "--remove-tag"),
        (args.arch.is_some(), "--arch"),
        (args.artifact_bucket.is_some(), "--artifact-bucket"),
        (args.role_arn.is_some(), "--role-arn"),
        (args.change_set_only, "--change-set-only"),
        (args.express, "--express"),
        (args.no_rollback, "--no-rollback"),
        (
            args.termination_protection.is_some(),
            "--termination-protection",
        ),
        (args.rollback_alarms.is_some(), "--rollback-alarms"),
    ])
}

/// A stack that was brought to what is described.
struct Brought {
    existed: bool,
    client: Client,
    deployed: protocol::Deployed,
    /// Whether a table with items went.
    replaced: bool,
}

/// What the stack's process and its files say to each other is text.
fn refuse_other_names(path: &Path) -> Result<(), LocalError> {
    match path.to_str() {
        Some(_) => Ok(()),
        None => Err(LocalError::NotUtf8(path.to_owned())),
    }
}

/// One run of `cqrs deploy --local`.
struct LocalDeployment<'a> {
    args: DeployArgs,
    settings: Settings,
    source: Source,
    template: Template,
    folder: Folder,
    interrupt: &'a Interrupt,
    printer: &'a Printer,
}

impl<'a> LocalDeployment<'a> {
    fn new(
        args: DeployArgs,
        mut settings: Settings,
        interrupt: &'a Interrupt,
        printer: &'a Printer,
    ) -> Result<Self, Failure> {
        let source = Source::of(&mut settings, &args)?;
        let template = source.template()?;
        settings.parameters.extend(args.parameters.iter().cloned());
        settings.machine = settings.machine(&args.on_this_machine);
        let folder = folder(&settings)?;
        Ok(Self {
            args,
            settings,
            source,
            template,
            folder,
            interrupt,
            printer,
        })
    }

    async fn run(&self) -> Result<(), Failure> {
        let previous = self.folder.deployment()?;
        // For its errors, which are not to wait for the compiler.
        self.evaluate(&provisional_programs(), previous.as_ref())?;
        refuse_other_names(self.folder.path())?;
        self.source.introduce(&self.settings, self.printer);
        self.printer.note(format_args!(
            "Stack {} on this machine",
            self.printer.style().bold(&self.settings.stack)
        ));
        let deployed_by = previous.as_ref().and_then(|it| it.version.as_deref());
        warn_of_newer(&self.settings.stack, deployed_by, self.printer);
        let region = self.region(previous.as_ref());
        if self.settings.aws.region.is_some() && self.settings.local_region() != region {
            self.printer.detail(format_args!(
                "the stack keeps the region that it was made with, {region}"
            ));
        }
        if self.args.plan {
            return self.plan(previous.as_ref()).await;
        }
        let cache = self.cache().await?;
        let (cache, built) = future::try_join(self.ready(cache), self.build()).await?;
        let brought = self.bring(cache, &built, true).await?;
        self.report(brought).await
    }

    async fn renew(&self) -> Result<Renewed, Failure> {
        let previous = self.folder.deployment()?;
        self.evaluate(&provisional_programs(), previous.as_ref())?;
        let cache = match &previous {
            Some(previous) => previous.cache.clone(),
            None => self.ready(self.cache().await?).await?,
        };
        let built = self.build().await?;
        // What the functions are about they say themselves, once they are there.
        let brought = self.bring(cache, &built, false).await?;
        let functions = self.functions(&brought.client);
        Ok(Renewed {
            changes: brought.deployed.changes,
            description: domain::description(&functions, self.printer).await,
        })
    }

    /// The one that the stack was made with: it is in the names of everything that is there.
    fn region<'b>(&'b self, previous: Option<&'b Deployment>) -> &'b str {
        previous.map_or(self.settings.local_region(), |previous| &previous.region)
    }

    /// Those that are given; others keep the value that the stack has, as on AWS.
    fn parameters(&self, previous: Option<&Deployment>) -> BTreeMap<String, String> {
        let mut parameters = previous
            .map(|previous| previous.parameters.clone())
            .unwrap_or_default();
        parameters.retain(|name, _| self.template.parameter(name).is_some());
        parameters.extend(self.settings.parameters.clone());
        parameters
    }

    /// The stack as the project describes it, at the ports that it has.
    fn evaluate(
        &self,
        programs: &BTreeMap<String, PathBuf>,
        previous: Option<&Deployment>,
    ) -> Result<Evaluated, Failure> {
        let context = Context {
            stack: self.settings.stack.to_string(),
            region: self.region(previous).to_owned(),
            parameters: self.parameters(previous),
            programs: programs.clone(),
            endpoint: endpoint(previous),
            cache: cache_address(previous),
            streams: BTreeMap::new(),
        };
        Ok(evaluate(&self.template, &context)?)
    }

    async fn build(&self) -> Result<Vec<Program>, Failure> {
        self.source.programs(&self.args, self.printer).await
    }

    /// The server that was named, else the one that came with the tool, else one that is installed, else
    /// the tool's own; none where that is to be installed.
    async fn cache(&self) -> Result<Option<Choice>, Failure> {
        if let Some(url) = &self.settings.machine.cache_url {
            return Ok(Some(Choice::Url(url.clone())));
        }
        if let Some(found) = cache_program::find().await? {
            if let Choice::Program(program) = &found {
                refuse_other_names(program)?;
            }
            return Ok(Some(found));
        }
        let missing = || Failure::from(CacheProgramError::Missing);
        if !self.args.yes {
            if !self.printer.can_ask() {
                return Err(missing());
            }
            let question = format!(
                "There is no Valkey and no Redis on this machine. Install meebis {}, a small \
                 compatible server, into {}? It takes a minute or two.",
                cache_program::VERSION,
                cache_program::own_folder()?.display(),
            );
            if !confirmed(&question, self.interrupt, self.printer).await? {
                return Err(missing());
            }
        }
        Ok(None)
    }

    /// Installs the tool's own server where there is none, while the handlers are built. What Cargo
    /// says of it comes up where it fails: two at once would write over each other.
    async fn ready(&self, cache: Option<Choice>) -> Result<Choice, Failure> {
        if let Some(cache) = cache {
            return Ok(cache);
        }
        self.printer.note(format_args!(
            "Installing meebis {}, a small cache server, into {} with cargo install",
            cache_program::VERSION,
            cache_program::own_folder()?.display(),
        ));
        Ok(cache_program::install().await?)
    }

    /// Makes the stack what the template and these programs say; what that changes in what it is about is
    /// shown before, where `tell` is set.
    async fn bring(
        &self,
        cache: Choice,
        built: &[Program],
        tell: bool,
    ) -> Result<Brought, Failure> {
        let _deploying = self.hold().await?;
        let previous = self.folder.deployment()?;
        let region = self.region(previous.as_ref());
        programs::store(&self.folder, built)?;
        let paths = programs::paths(&self.folder, built);
        let client = self.client(previous.as_ref(), region).await?;
        let mut forecast = self
            .foresee(previous.as_ref(), &paths, Some(&client))
            .await?;
        if previous.is_some() && tell {
            forecast.domain = self.differences(&client).await;
        }
        forecast.warn(self.printer);
        forecast.check(&self.args)?;
        let deployment = Deployment {
            stack: self.settings.stack.to_string(),
            version: Some(VERSION.to_owned()),
            region: region.to_owned(),
            template_path: self.template.path().to_owned(),
            template: self.template.text().to_owned(),
            parameters: self.parameters(previous.as_ref()),
            programs: paths.clone(),
            cache,
            cache_port: previous.as_ref().and_then(|previous| previous.cache_port),
            port: client.port(),
            changed_at: None,
        };
        let (client, deployed) = self.hand_over(client, &deployment).await?;
        if let Err(error) = programs::retire(&self.folder, &paths) {
            self.printer
                .warn(format_args!("old programs were not removed: {error}"));
        }
        Ok(Brought {
            existed: previous.is_some(),
            client,
            deployed,
            replaced: !forecast.lost.is_empty(),
        })
    }

    /// Lets the stack's process make the stack what is described.
    async fn hand_over(
        &self,
        client: Client,
        deployment: &Deployment,
    ) -> Result<(Client, protocol::Deployed), Failure> {
        let _step = self.printer.step("Deploying");
        let said = || {
            Failure::interrupted("interrupted; the deployment may go on in the stack's process")
                .hint(format!(
                    "`cqrs deploy --local{}` again shows whether it did",
                    stack_flag(&self.settings.stack)
                ))
        };
        let deployed = self.interrupt.unless(client.deploy(deployment), said);
        match deployed.await? {
            Ok(deployed) => Ok((client, deployed)),
            Err(error) => {
                match client.describe().await {
                    Ok(_) | Err(LocalError::Silent(_)) => {}
                    // It serves nothing and ends; that it could not be made is what to report.
                    Err(_) => drop(client.stop().await),
                }
                Err(error.into())
            }
        }
    }

    /// What this deployment would do, by the same comparison that the stack's process makes.
    async fn foresee(
        &self,
        previous: Option<&Deployment>,
        programs: &BTreeMap<String, PathBuf>,
        client: Option<&Client>,
    ) -> Result<Forecast, Failure> {
        let after = self.evaluate(programs, previous)?.definition;
        let before = previous.map(deployed::evaluated).transpose()?;
        let before = before.map(|before| before.definition);
        let changes = difference::changes(before.as_ref(), &after);
        let mut forecast = Forecast {
            changes,
            ..Forecast::default()
        };
        // What is held only a stack knows that runs.
        if let (Some(before), Some(client)) = (before, client) {
            let changes = named(&forecast.changes, &before);
            let aws = client.aws();
            let outputs = client.describe().await?.outputs;
            let here = client.buckets();
            forecast.lost = data::lost(&aws, &changes, &self.settings.domain.id).await;
            forecast.failures = failures::lost(&aws, Some(&here), &outputs, &changes).await?;
        }
        Ok(forecast)
    }

    /// What changes in what the stack is about.
    async fn differences(&self, client: &Client) -> Vec<Difference> {
        let deployed = domain::description(&self.functions(client), self.printer).await;
        domain::differences(deployed.as_ref(), &self.settings.domain)
    }

    fn functions(&self, client: &Client) -> Functions {
        Functions::new(&client.aws(), self.settings.stack.clone(), false)
    }

    /// Makes the folder where it is missing and waits until nobody else deploys or destroys.
    async fn hold(&self) -> Result<Held, Failure> {
        loop {
            self.folder.create()?;
            let waiting = || {
                self.printer
                    .note("Another cqrs deploys or destroys this stack: waiting until it is done");
            };
            match self.folder.hold_deploying(waiting).await {
                // It was destroyed, and is now made anew.
                Err(LocalError::NotDeployed(_)) => {}
                held => return Ok(held?),
            }
        }
    }

    /// The stack's process, in this version and at the port that was asked for.
    async fn client(&self, previous: Option<&Deployment>, region: &str) -> Result<Client, Failure> {
        let port = self.settings.machine.port;
        if let Some(running) = Client::attach(&self.folder)? {
            let elsewhere = port.is_some_and(|port| port != running.port());
            if running.other_version().is_none() && !elsewhere {
                return Ok(running);
            }
            let step = self.printer.step("Stopping the stack to start it anew");
            running.stop().await?;
            drop(step);
        }
        let options = StartOptions {
            region: region.to_owned(),
            port,
        };
        let step = self.printer.step("Starting the stack");
        let (client, came) = match Client::ensure_running(&self.folder, &options).await {
            // What was deployed last cannot start, as when its cache was uninstalled: what is
            // deployed now takes its place.
            Err(LocalError::Refused {
                usage: false,
                message,
                ..
            }) if previous.is_some() => {
                self.printer.detail(format_args!(
                    "the stack does not start as it was deployed last: {message}"
                ));
                let aside = self.folder.set_deployment_aside()?;
                let client = Client::ensure_running(&self.folder, &options).await;
                aside.put_back()?;
                client?
            }
            other => other?,
        };
        drop(step);
        if came == Came::Started && port.is_none() {
            note_port(previous.map(|p| p.port), &client, self.printer);
        }
        Ok(client)
    }

    /// Shows what would change.
    async fn plan(&self, previous: Option<&Deployment>) -> Result<(), Failure> {
        let built = self.build().await?;
        let paths = programs::paths(&self.folder, &built);
        let running = Client::attach(&self.folder)?;
        let mut forecast = self.foresee(previous, &paths, running.as_ref()).await?;
        if let Some(running) = &running {
            forecast.domain = self.differences(running).await;
        }
        forecast.warn(self.printer);
        self.printer.data(&Planned {
            location: Location {
                stack: self.settings.stack.as_str(),
                account: ACCOUNT,
                region: self.region(previous),
            },
            forecast: &forecast,
            style: self.printer.data_style(),
        })
    }

    async fn report(&self, brought: Brought) -> Result<(), Failure> {
        let Brought {
            existed,
            client,
            deployed,
            replaced,
        } = brought;
        let mut description = deployed.description;
        let outputs = std::mem::take(&mut description.outputs);
        let changes = deployed.changes;
        let done = match (existed, changes.is_empty()) {
            (false, _) => Done::Created,
            (true, true) => Done::Unchanged,
            (true, false) => Done::Updated,
        };
        if done == Done::Updated {
            let (changes, style) = (&changes, self.printer.style());
            self.printer
                .note(format_args!("\n{}", Preview { changes, style }));
        }
        let completion = Completion {
            aws: &client.aws(),
            settings: &self.settings,
            location: Location {
                stack: self.settings.stack.as_str(),
                account: ACCOUNT,
                region: client.region(),
            },
            done,
            changes,
            outputs: Outputs(outputs),
            replaced,
            said: Said::default(),
            agreed: self.args.yes,
            here: Some(Here::new(client.endpoint(), description)),
            interrupt: self.interrupt,
            printer: self.printer,
        };
        completion.finish().await
    }
}

/// For a look at the template before there are any.
fn provisional_programs() -> BTreeMap<String, PathBuf> {
    let path = |handler: Handler| (handler.name().to_owned(), handler.name().into());
    Handler::ALL.map(path).into()
}

/// The changes with the names that the tables have now.
fn named(changes: &[ResourceChanged], before: &Definition) -> Vec<ResourceChanged> {
    let mut changes = changes.to_vec();
    for change in &mut changes {
        let mut tables = before.tables.iter();
        let table = tables.find(|table| table.logical_id == change.logical_id);
        change.physical_id = table.map(|table| table.name.clone());
    }
    changes
}
