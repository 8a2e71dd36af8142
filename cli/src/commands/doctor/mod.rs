//! `cqrs doctor`: checks the way from this machine to the cache, and names the first check that fails.
//!
//! It only reads: no order is written, nothing on AWS is changed. A stack on this machine that does
//! not run is started, as by every other command.

mod account;
mod check;
mod checks;
mod inside;
mod machine;
mod parts;
mod stack;

use serde::Serialize;

use self::check::{Check, Finding, Name};
use self::checks::Checks;
use self::stack::Found;
use crate::app::handler::Handler;
use crate::cli::Global;
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::{Settings, SettingsError, Target};

/// The checks of a stack's parts, in the order in which a change passes them.
const BEHIND: [Name; 7] = [
    Name::Functions,
    Name::Way(Handler::Publisher),
    Name::Table,
    Name::Mapping,
    Name::Queue,
    Name::Way(Handler::Subscriber),
    Name::Way(Handler::Query),
];

/// All checks, in their order from this machine to the cache.
fn order(target: Target) -> Vec<Name> {
    let to_the_stack: &[Name] = match target {
        Target::Aws => &[Name::Region, Name::Credentials, Name::Stack],
        Target::Local => &[Name::Stack, Name::Process],
    };
    [&[Name::Tools, Name::Settings], to_the_stack, &BEHIND].concat()
}

pub(crate) async fn run(
    global: &Global,
    settings: Result<Settings, SettingsError>,
    printer: &Printer,
) -> Result<(), Failure> {
    let target = match &settings {
        Ok(settings) => settings.target,
        Err(_) if global.local == Some(true) => Target::Local,
        Err(_) => Target::Aws,
    };
    let order = order(target);
    let (checks, results) = checks::begin(&order);
    let checking = async move {
        match settings {
            Ok(settings) => {
                let tools = checks.check(Name::Tools, machine::tools(Some(&settings)));
                tokio::join!(tools, way(&checks, global, &settings));
            }
            Err(error) => {
                let failed = async { Err(error.into()) };
                tokio::join!(
                    checks.check(Name::Tools, machine::tools(None)),
                    checks.check::<()>(Name::Settings, failed),
                );
                checks.skip(Name::Settings);
            }
        }
    };
    let ((), made) = tokio::join!(checking, results.show(printer));
    let report = Report {
        target,
        checks: made?,
    };
    if printer.is_json() {
        printer.json(&report)?;
    }
    report.verdict()
}

async fn way(checks: &Checks<'_>, global: &Global, settings: &Settings) {
    match settings.target {
        Target::Aws => on_aws(checks, global, settings).await,
        Target::Local => on_this_machine(checks, global, settings).await,
    }
}

async fn on_aws(checks: &Checks<'_>, global: &Global, settings: &Settings) {
    let connected = checks.check(Name::Settings, machine::settings(global, settings));
    let Some(Some(aws)) = connected.await else {
        return checks.skip(Name::Settings);
    };
    let (reached, loaded) = tokio::join!(
        checks.check(Name::Region, account::region(&aws)),
        aws.credentials()
    );
    if reached.is_none() {
        return checks.skip(Name::Region);
    }
    let identified = checks.check(
        Name::Credentials,
        account::credentials(&aws, settings, loaded),
    );
    if identified.await.is_none() {
        return checks.skip(Name::Credentials);
    }
    match checks
        .check(Name::Stack, stack::on_aws(&aws, settings))
        .await
    {
        Some(found) => behind(checks, &found).await,
        None => checks.skip(Name::Stack),
    }
}

async fn on_this_machine(checks: &Checks<'_>, global: &Global, settings: &Settings) {
    checks
        .check(Name::Settings, machine::settings(global, settings))
        .await;
    let deployed = checks.check(Name::Stack, stack::deployed(settings)).await;
    let Some(folder) = deployed else {
        return checks.skip(Name::Stack);
    };
    let process = checks.check(Name::Process, stack::process(folder, settings));
    match process.await {
        Some(found) => behind(checks, &found).await,
        None => checks.skip(Name::Process),
    }
}

/// What lies behind the stack, each part by itself.
async fn behind(checks: &Checks<'_>, found: &Found) {
    let functions = async {
        let there = checks.check(Name::Functions, parts::functions(found)).await;
        inside::check(checks, found, &there.unwrap_or_default()).await;
    };
    tokio::join!(
        functions,
        checks.check(Name::Table, parts::table(found)),
        checks.check(Name::Mapping, parts::mapping(found)),
        checks.check(Name::Queue, parts::queue(found)),
    );
}

/// What JSON shows of all.
#[derive(Debug, Serialize)]
struct Report {
    target: Target,
    checks: Vec<Check>,
}

impl Report {
    /// The first check that failed, with the exit code with which any other command would meet it.
    fn verdict(self) -> Result<(), Failure> {
        let Some(check) = self.checks.into_iter().find(Check::is_failed) else {
            return Ok(());
        };
        let Finding {
            detail, hint, kind, ..
        } = check.finding;
        let failure = Failure::new(kind, format!("broken at {}: {detail}", check.name));
        Err(match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        })
    }
}
