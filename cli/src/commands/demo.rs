//! `cqrs demo`: a guided tour of a stack, which is deployed first where it is not there.
//!
//! Every step is what one command does, by the same functions; the command is shown as it would be
//! typed, with what it prints. A step that does not come out as it is described fails the tour.

mod steps;
mod told;

use std::time::Instant;

use serde_json::{Value, json};

use self::steps::Tour;
use self::told::{Told, hints};
use crate::app::interrupt::Interrupt;
use crate::cli::{DemoArgs, DeployArgs};
use crate::commands::{deploy, order};
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::{Settings, Target, stack_flag};
use crate::stack::functions::Functions;

pub(crate) async fn run(
    args: DemoArgs,
    settings: Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    if settings.target == Target::Aws && !args.yes && !printer.can_ask() {
        return Err(
            Failure::new(Kind::Usage, "nobody can be asked here whether to begin")
                .hint("add `--yes` to begin without asking, or `--local` to stay on this machine"),
        );
    }
    let begun = Instant::now();
    let functions = ready(args, &settings, interrupt, printer).await?;
    let mut tour = Tour::new(functions, flags(&settings), printer);
    let said = || Failure::interrupted("interrupted; the orders placed so far stay where they are");
    interrupt.unless(tour.walk(), said).await??;
    let told = Told {
        stack: settings.stack.as_str(),
        target: settings.target,
        took: begun.elapsed(),
        steps: tour.into_steps(),
    };
    if printer.is_json() {
        return printer.json(&told);
    }
    if printer.is_quiet() {
        return Ok(());
    }
    printer.stdout(&hints(&settings, &flags(&settings), printer.data_style()))
}

/// The functions of the stack, deployed where it is not there.
async fn ready(
    args: DemoArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<Functions, Failure> {
    match standing(settings, printer).await {
        Ok(functions) => {
            if settings.target == Target::Aws && !args.yes {
                agree(settings, interrupt, printer).await?;
            }
            Ok(functions)
        }
        Err(failure) if failure.kind() == Kind::NotFound => {
            let deploy_args = DeployArgs {
                yes: args.yes,
                prebuilt: args.prebuilt,
                ..DeployArgs::default()
            };
            let part = printer.of_a_part();
            deploy::run(deploy_args, settings.clone(), interrupt, &part).await?;
            printer.note("");
            order::functions(settings, printer).await
        }
        Err(failure) => Err(failure),
    }
}

/// The functions of a stack that is deployed.
async fn standing(settings: &Settings, printer: &Printer) -> Result<Functions, Failure> {
    let functions = order::functions(settings, printer).await?;
    let pong = functions.query::<Value>(&json!({ "ping": true })).await;
    order::unwrap_logged(pong, printer)?;
    Ok(functions)
}

async fn agree(
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let question = format!("Place a few orders in stack {}?", settings.stack);
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
