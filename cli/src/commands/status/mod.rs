//! `cqrs status`: how a stack and its parts are doing, and what to do about what is not well.

mod details;
pub(crate) mod options;
mod outside;
mod report;
mod screen;
mod watch;

use std::time::Duration;

use self::report::Report;
use crate::app::interrupt::Interrupt;
use crate::aws::Aws;
use crate::commands::status::options::StatusArgs;
use crate::commands::{local, stack_not_found};
use crate::error::{Failure, Kind};
use crate::local::client::LocalError;
use crate::observe::{Blind, OnAws, OnThisMachine, Source};
use crate::printer::Printer;
use crate::settings::{Settings, StackName, Target};

/// Between two looks, where nothing else is said: here they cost nothing.
const LOCAL_PAUSE: Duration = Duration::from_secs(2);
const AWS_PAUSE: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    args: StatusArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    if args.drift {
        return outside::run(settings, interrupt, printer).await;
    }
    let Some(pause) = args.watch else {
        return once(settings, printer).await;
    };
    let pause = match (pause, settings.target) {
        (Some(seconds), _) => Duration::from_secs(seconds),
        (None, Target::Local) => LOCAL_PAUSE,
        (None, Target::Aws) => AWS_PAUSE,
    };
    let watching = async {
        let mut watched = Watched::find(settings).await?;
        watch::run(&mut watched, pause, printer).await
    };
    let said = || Failure::silent(Kind::Interrupted);
    interrupt.unless(watching, said).await?
}

async fn once(settings: &Settings, printer: &Printer) -> Result<(), Failure> {
    let mut watched = Watched::find(settings).await?;
    let step = printer
        .is_live()
        .then(|| printer.step("Looking at the stack"));
    let report = watched.look().await?;
    drop(step);
    if printer.is_json() {
        printer.json(&report)?;
    } else {
        printer.stdout(&screen::text(
            &report,
            printer.data_style(),
            printer.columns(),
        ))?;
    }
    match report.failure() {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// The stack that is looked at.
struct Watched {
    source: Source,
    place: Place,
}

/// Which stack it is, and where.
#[derive(Clone, Debug)]
struct Place {
    stack: StackName,
    target: Target,
    region: String,
}

/// A look that shows nothing.
enum Unshown {
    /// There is no such stack of this tool's, which another look will not change.
    NoStack(Failure),
    /// Another look may succeed.
    NotNow(Failure),
}

impl From<Unshown> for Failure {
    fn from(unshown: Unshown) -> Self {
        match unshown {
            Unshown::NoStack(failure) | Unshown::NotNow(failure) => failure,
        }
    }
}

impl Watched {
    async fn find(settings: &Settings) -> Result<Self, Failure> {
        let stack = settings.stack.clone();
        let (source, region) = match settings.target {
            Target::Local => {
                let folder = local::folder(settings)?;
                // The one that the stack was made with, whatever the settings say now.
                let deployment = folder.deployment()?;
                let region = deployment.map_or_else(
                    || settings.local_region().to_owned(),
                    |deployment| deployment.region,
                );
                let source = OnThisMachine::new(folder, settings);
                (Source::Local(source), region)
            }
            Target::Aws => {
                let aws = Aws::connect(&settings.aws).await?;
                let region = aws.region().to_owned();
                (Source::Aws(Box::new(OnAws::new(aws, settings))), region)
            }
        };
        let place = Place {
            stack,
            target: settings.target,
            region,
        };
        Ok(Self { source, place })
    }

    async fn look(&mut self) -> Result<Report, Unshown> {
        let stack = &self.place.stack;
        match self.source.look().await {
            Ok(seen) => Ok(Report::new(seen, &self.place)),
            Err(Blind::NoStack) => Err(Unshown::NoStack(match self.place.target {
                Target::Aws => stack_not_found(stack, &self.place.region),
                Target::Local => LocalError::NotDeployed(stack.clone()).into(),
            })),
            Err(Blind::NotOurs(error)) => Err(Unshown::NoStack(error.into())),
            Err(Blind::Because(unseen)) => Err(Unshown::NotNow(unseen.into())),
        }
    }
}
