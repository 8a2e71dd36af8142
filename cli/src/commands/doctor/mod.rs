//! `cqrs doctor`: walks from this machine to the cache and names the hop at which the way breaks.
//!
//! It only reads: no order is written, nothing on AWS is changed. A stack on this machine that does
//! not run is started, as by every other command.

mod account;
mod hop;
mod inside;
mod machine;
mod parts;
mod stack;
mod walk;

use serde::Serialize;

use self::hop::{Finding, Hop, Name};
use self::stack::Found;
use self::walk::Walk;
use crate::cli::Global;
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::{Settings, SettingsError, Target};

/// The hops on AWS, from this machine to the cache.
const ON_AWS: [Name; 13] = [
    Name::Tools,
    Name::Settings,
    Name::Region,
    Name::Credentials,
    Name::Permissions,
    Name::Stack,
    Name::Functions,
    Name::Publisher,
    Name::Table,
    Name::Mapping,
    Name::Queue,
    Name::Subscriber,
    Name::Query,
];

/// Those of a stack on this machine.
const ON_THIS_MACHINE: [Name; 11] = [
    Name::Tools,
    Name::Settings,
    Name::Stack,
    Name::Process,
    Name::Functions,
    Name::Publisher,
    Name::Table,
    Name::Mapping,
    Name::Queue,
    Name::Subscriber,
    Name::Query,
];

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
    let order: &[Name] = match target {
        Target::Aws => &ON_AWS,
        Target::Local => &ON_THIS_MACHINE,
    };
    let (walk, told) = walk::begin();
    let walking = async move {
        match settings {
            Ok(settings) => {
                let tools = walk.hop(Name::Tools, machine::tools(Some(&settings)));
                tokio::join!(tools, way(&walk, global, &settings));
            }
            Err(error) => {
                let failed = async { Err(error.into()) };
                tokio::join!(
                    walk.hop(Name::Tools, machine::tools(None)),
                    walk.hop::<()>(Name::Settings, failed),
                );
                walk.skip(order, Name::Settings);
            }
        }
    };
    let ((), hops) = tokio::join!(walking, told.show(order, printer));
    let report = Report {
        target,
        hops: hops?,
    };
    if printer.is_json() {
        printer.json(&report)?;
    }
    report.verdict()
}

async fn way(walk: &Walk, global: &Global, settings: &Settings) {
    match settings.target {
        Target::Aws => on_aws(walk, global, settings).await,
        Target::Local => on_this_machine(walk, global, settings).await,
    }
}

async fn on_aws(walk: &Walk, global: &Global, settings: &Settings) {
    let connected = walk.hop(Name::Settings, machine::settings(global, settings));
    let Some(Some(aws)) = connected.await else {
        return walk.skip(&ON_AWS, Name::Settings);
    };
    let (reached, loaded) = tokio::join!(
        walk.hop(Name::Region, account::region(&aws)),
        aws.credentials()
    );
    if reached.is_none() {
        return walk.skip(&ON_AWS, Name::Region);
    }
    let identified = walk.hop(Name::Credentials, account::credentials(&aws, loaded));
    let Some(identity) = identified.await else {
        return walk.skip(&ON_AWS, Name::Credentials);
    };
    let permissions = account::permissions(&aws, &identity, settings);
    let behind_it = async {
        match walk.hop(Name::Stack, stack::on_aws(&aws, settings)).await {
            Some(found) => behind(walk, &found).await,
            None => walk.skip(&ON_AWS, Name::Stack),
        }
    };
    tokio::join!(walk.hop(Name::Permissions, permissions), behind_it);
}

async fn on_this_machine(walk: &Walk, global: &Global, settings: &Settings) {
    walk.hop(Name::Settings, machine::settings(global, settings))
        .await;
    let deployed = walk.hop(Name::Stack, stack::deployed(settings)).await;
    let Some(folder) = deployed else {
        return walk.skip(&ON_THIS_MACHINE, Name::Stack);
    };
    let process = walk.hop(Name::Process, stack::process(folder, settings));
    match process.await {
        Some(found) => behind(walk, &found).await,
        None => walk.skip(&ON_THIS_MACHINE, Name::Process),
    }
}

/// What lies behind the stack, each part by itself.
async fn behind(walk: &Walk, found: &Found) {
    let functions = async {
        let there = walk.hop(Name::Functions, parts::functions(found)).await;
        inside::walk(walk, found, &there.unwrap_or_default()).await;
    };
    tokio::join!(
        functions,
        walk.hop(Name::Table, parts::table(found)),
        walk.hop(Name::Mapping, parts::mapping(found)),
        walk.hop(Name::Queue, parts::queue(found)),
    );
}

/// What JSON shows of the whole walk.
#[derive(Debug, Serialize)]
struct Report {
    target: Target,
    hops: Vec<Hop>,
}

impl Report {
    /// The first hop that failed, with the exit code with which any other command would meet it.
    fn verdict(self) -> Result<(), Failure> {
        let Some(hop) = self.hops.into_iter().find(Hop::is_failed) else {
            return Ok(());
        };
        let Finding {
            detail, hint, kind, ..
        } = hop.finding;
        let failure = Failure::new(kind, format!("broken at {}: {detail}", hop.name));
        Err(match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        })
    }
}
