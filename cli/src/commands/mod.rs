//! The commands: one file each, whose path is the command's.
//!
//! A command resolves what it needs, asks the modules below to do it, and formats what they
//! report. It returns its failure; `main` renders it.

pub(crate) mod bench;
pub(crate) mod bundle;
pub(crate) mod completions;
mod connected;
mod consent;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod described;
pub(crate) mod destroy;
pub(crate) mod dev;
mod doctor;
pub(crate) mod domain;
pub(crate) mod entity;
pub(crate) mod failures;
pub(crate) mod local;
pub(crate) mod logs;
pub(crate) mod new;
mod operation;
mod outputs;
pub(crate) mod permissions;
mod preview;
mod progress;
mod rate;
pub(crate) mod rebuild;
pub(crate) mod reference;
pub(crate) mod status;
mod table;
pub(crate) mod ui;
pub(crate) mod verify;
mod version;

use std::path::PathBuf;

pub(crate) use self::local::host;
use crate::app::interrupt::Interrupt;
use crate::aws::{Aws, Identity};
use crate::cli::{Cli, Command};
use crate::domain::Domain;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::{FILE, Settings, StackName, TEMPLATE};

/// Runs what was typed. `printer` is replaced by one with the settings file's options.
pub(crate) async fn run(
    cli: Cli,
    domain: &Domain,
    interrupt: &Interrupt,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let mut settings = |guided: bool| -> Result<Settings, Failure> {
        let settings = if guided {
            Settings::resolve_for_guide(&cli.global, domain)?
        } else {
            Settings::resolve(&cli.global, domain)?
        };
        *printer = Printer::new(settings.printer.clone());
        Ok(settings)
    };
    match cli.command {
        Command::Bench(args) => bench::run(args, &settings(false)?, interrupt, printer).await,
        Command::Bundle(command) => bundle::run(command, printer).await,
        Command::Demo(args) => demo::run(args, settings(false)?, interrupt, printer).await,
        Command::Deploy(args) => {
            let settings = settings(args.guided)?;
            deploy::run(args, settings, interrupt, printer).await
        }
        Command::Destroy(args) => destroy::run(args, settings(false)?, interrupt, printer).await,
        Command::Dev(args) => {
            dev::run(args, &cli.global, settings(false)?, interrupt, printer).await
        }
        Command::Doctor => {
            let settings = Settings::resolve(&cli.global, domain);
            if let Ok(settings) = &settings {
                *printer = Printer::new(settings.printer.clone());
            }
            doctor::run(&cli.global, settings, printer).await
        }
        Command::Domain(command) => domain::run(command, &settings(false)?, printer).await,
        Command::Entity(typed) => entity::run(&typed, &settings(false)?, interrupt, printer).await,
        Command::Failures(command) => {
            failures::run(command, settings(false)?, interrupt, printer).await
        }
        Command::Outputs => outputs::run(settings(false)?, printer).await,
        Command::Local(command) => local::run(command, settings(false)?, interrupt, printer).await,
        Command::Logs(args) => logs::run(args, &settings(false)?, interrupt, printer).await,
        Command::New(args) => new::run(args, &cli.global, domain, interrupt, printer).await,
        Command::Permissions(args) => permissions::run(args, settings(false)?, printer).await,
        Command::Rebuild(args) => rebuild::run(args, &settings(false)?, interrupt, printer).await,
        Command::Status(args) => status::run(args, &settings(false)?, interrupt, printer).await,
        Command::Ui(args) => {
            ui::run(args, &cli.global, &settings(false)?, interrupt, printer).await
        }
        Command::Verify(args) => verify::run(args, &settings(false)?, printer).await,
        Command::Version => version::run(printer),
        Command::Completions { shell } => completions::run(shell, printer),
        Command::Reference { man: Some(folder) } => reference::man(&folder, domain),
        Command::Reference { man: None } => reference::run(domain, printer),
    }
}

/// The project's folder, for the commands that need one.
fn project(settings: &Settings) -> Result<PathBuf, Failure> {
    settings.project.clone().ok_or_else(no_project)
}

fn no_project() -> Failure {
    Failure::new(
        Kind::Usage,
        format!("there is no {TEMPLATE} here or in a folder above"),
    )
    .hint(
        "go to the project's folder, give it with `--project DIR`, or make one with `cqrs new NAME`",
    )
}

/// Connects and says who and where.
async fn connect(settings: &Settings, printer: &Printer) -> Result<(Aws, Identity), Failure> {
    let aws = Aws::connect(&settings.aws).await?;
    let identity = introduce(&aws, settings, printer).await?;
    Ok((aws, identity))
}

/// Says who and where, which comes before anything that changes something.
async fn introduce(aws: &Aws, settings: &Settings, printer: &Printer) -> Result<Identity, Failure> {
    let identity = aws.identity().await?;
    let style = printer.style();
    printer.note(format_args!(
        "Stack {} in account {}, {}, as {}",
        style.bold(&settings.stack),
        style.bold(&identity.account),
        style.bold(aws.region()),
        identity.arn,
    ));
    match other_account(settings, &identity) {
        Some(failure) => Err(failure),
        None => Ok(identity),
    }
}

/// The failure of credentials that are of another account than the settings say.
fn other_account(settings: &Settings, identity: &Identity) -> Option<Failure> {
    let account = settings.account.as_ref()?;
    let said = match &settings.env {
        Some(env) => format!("{FILE} says for the environment {env}"),
        None => format!("{FILE} says"),
    };
    (*account != identity.account).then(|| {
        let message = format!(
            "the credentials are of account {}, and the stack belongs into {account}, as {said}",
            identity.account
        );
        Failure::new(Kind::Usage, message).hint(format!(
            "sign in to that account, for example with `--profile NAME`; or correct `account` in {FILE}"
        ))
    })
}

/// `1 failure`, `2 failures`.
fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// `12 orders shipped, 1 failed`: what came first, and of the rest what there is any of.
fn summed(first: String, rest: impl IntoIterator<Item = (u64, &'static str)>) -> String {
    let rest = rest.into_iter().filter(|(count, _)| *count > 0);
    rest.fold(first, |sum, (count, what)| format!("{sum}, {count} {what}"))
}

/// The failure of commands that need a deployed stack.
fn stack_not_found(stack: &StackName, region: &str) -> Failure {
    Failure::new(
        Kind::NotFound,
        format!("there is no stack `{stack}` in {region}"),
    )
    .hint(format!(
        "`cqrs deploy --stack {stack}` creates it; or check `--stack` and `--region`"
    ))
}
