//! `cqrs demo`: a guided tour of a stack, which is deployed first where it is not there.
//!
//! Every step is one command line, shown as it would be typed, with what it prints. A step that does
//! not come out as it is described fails the tour.

pub(crate) mod options;
mod story;
mod tour;

use std::time::Instant;

use serde_json::{Value, json};

use self::tour::{Tour, hints};
use crate::app::interrupt::Interrupt;
use crate::commands::demo::options::DemoArgs;
use crate::commands::deploy::options::DeployArgs;
use crate::commands::{consent, deploy, entity};
use crate::domain::Domain;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::{Settings, Target, stack_flag};

pub(crate) async fn run(
    args: DemoArgs,
    mut settings: Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    if settings.target == Target::Aws && !args.yes {
        let to = "begin without asking, or `--local` to stay on this machine";
        consent::must_be_askable("begin", to, printer)?;
    }
    let begun = Instant::now();
    ready(args, &mut settings, interrupt, printer).await?;
    let flags = flags(&settings);
    let story = story::take(&settings, &flags, interrupt, printer);
    let said = || Failure::interrupted("interrupted; what was created so far stays where it is");
    let steps = interrupt.unless(story, said).await??;
    let tour = Tour {
        stack: settings.stack.as_str(),
        target: settings.target,
        took: begun.elapsed(),
        steps,
    };
    if printer.is_json() {
        return printer.json(&tour);
    }
    if printer.is_quiet() {
        return Ok(());
    }
    printer.stdout(&hints(&settings, &flags, printer.data_style()))
}

/// Deploys the stack where it is not there, else asks whether to use it.
async fn ready(
    args: DemoArgs,
    settings: &mut Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    match standing(settings, printer).await {
        Ok(()) if settings.target == Target::Aws && !args.yes => {
            agree(settings, interrupt, printer).await
        }
        Ok(()) => Ok(()),
        Err(failure) if failure.kind() == Kind::NotFound => {
            // On this machine it sets up what it needs where nobody can be asked, and says so.
            let alone = settings.target == Target::Local && !printer.can_ask();
            let deploy_args = DeployArgs {
                yes: args.yes || alone,
                prebuilt: args.prebuilt,
                ..DeployArgs::default()
            };
            let part = printer.of_a_part();
            deploy::run(deploy_args, settings.clone(), interrupt, &part).await?;
            // Whatever a stack of this name was about before.
            if settings.bundle.is_some() {
                settings.domain = Domain::built_in()?;
            }
            printer.note("");
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}

/// Whether the stack is deployed.
async fn standing(settings: &Settings, printer: &Printer) -> Result<(), Failure> {
    let client = entity::Client::of(settings, printer).await?;
    let _pong: Value = client.query(&json!({ "ping": true })).await?;
    Ok(())
}

async fn agree(
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let (plural, stack) = (&settings.domain.plural, &settings.stack);
    let question = format!("Create a few {plural} in stack {stack}?");
    let said = || Failure::interrupted("interrupted; nothing was written");
    if interrupt.unless(printer.confirm(&question), said).await?? {
        Ok(())
    } else {
        Err(Failure::new(Kind::Failed, "not begun; nothing was written"))
    }
}

/// What leads a command to this stack, as it would be typed.
fn flags(settings: &Settings) -> String {
    let mut flags = stack_flag(&settings.stack);
    match settings.target {
        Target::Local => flags.push_str(" --local"),
        Target::Aws => {
            if let Some(region) = &settings.aws.region {
                flags.push_str(&format!(" --region {region}"));
            }
        }
    }
    flags
}
