//! `cqrs local`: the stack's process on this machine.

pub(super) mod deployed;
mod env;
mod fault;
pub(crate) mod options;
mod run;
mod stop;

use std::process::ExitCode;

use crate::app::interrupt::Interrupt;
use crate::aws::Aws;
use crate::cli::Global;
use crate::commands::local::options::HostArgs;
use crate::commands::local::options::LocalCommand;
use crate::commands::no_project;
use crate::error::{Failure, Kind};
use crate::local::client::{Came, Client, Folder, LocalError, StartOptions};
use crate::local::serve;
use crate::printer::Printer;
use crate::settings::{LOCAL_REGION, Settings};

pub(super) async fn run(
    command: LocalCommand,
    settings: Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    match command {
        LocalCommand::Run(args) => run::run(&args, settings, interrupt, printer).await,
        LocalCommand::Stop => stop::run(&settings, printer).await,
        LocalCommand::Fault(command) => fault::run(command, &settings, printer).await,
        LocalCommand::Env { shell } => env::run(shell, &settings, printer).await,
        // `main` has taken these: they are no commands.
        LocalCommand::Host(_) | LocalCommand::Watch => Ok(()),
    }
}

/// `cqrs local host`: becomes the stack's process.
pub(crate) fn host(args: &HostArgs, global: &Global) -> ExitCode {
    // A session of its own: the terminal's end and its Ctrl-C are not this process's business.
    // It has one already where it is a session's leader.
    let _ = rustix::process::setsid();
    let region = global.region.as_deref().unwrap_or(LOCAL_REGION);
    serve::host(&serve::Start {
        state: args.state.clone(),
        region: region.to_owned(),
        port: args.port,
    })
}

/// The stack's folder; there must be a project, or what came with the tool.
pub(super) fn folder(settings: &Settings) -> Result<Folder, Failure> {
    let places = settings.places().ok_or_else(no_project)?;
    Ok(Folder::of(&places, &settings.stack)?)
}

/// Refuses the options that were typed of these, which promise what only AWS does.
pub(super) fn only_on_aws(options: &[(bool, &str)]) -> Result<(), Failure> {
    let typed = options.iter().filter(|(typed, _)| *typed);
    let names: Vec<_> = typed.map(|(_, name)| format!("`{name}`")).collect();
    let verb = match names.as_slice() {
        [] => return Ok(()),
        [_] => "is",
        _ => "are",
    };
    let names = names.join(", ");
    let message = format!("{names} {verb} for AWS and cannot be used with `--local`");
    Err(Failure::new(Kind::Usage, message))
}

/// The deployed stack's process, started where it does not run.
pub(super) async fn attach(settings: &Settings, printer: &Printer) -> Result<Client, Failure> {
    let folder = folder(settings)?;
    // Where it does not listen any more it ends, and is started again below.
    if let Some(client) = Client::listening(&folder).await? {
        if let Some(version) = client.other_version() {
            printer.detail(format_args!(
                "the stack's process is cqrs {version}; `cqrs deploy --local` brings it to this \
                 version"
            ));
        }
        return Ok(client);
    }
    if !folder.is_deployed() {
        return Err(LocalError::NotDeployed(settings.stack.clone()).into());
    }
    let last = folder.deployment()?.map(|deployment| deployment.port);
    let step = printer.step(format!("Starting stack {} on this machine", settings.stack));
    let options = StartOptions {
        region: settings.local_region().to_owned(),
        port: settings.machine.port,
    };
    let (client, came) = Client::ensure_running(&folder, &options).await?;
    drop(step);
    if came == Came::Started {
        note_port(last, &client, printer);
    }
    Ok(client)
}

/// What stands in for AWS.
pub(super) async fn connect(settings: &Settings, printer: &Printer) -> Result<Aws, Failure> {
    let client = attach(settings, printer).await?;
    Ok(client.aws())
}

/// Says so when the stack is not where it was.
pub(super) fn note_port(last: Option<u16>, client: &Client, printer: &Printer) {
    let now = client.port();
    if let Some(last) = last.filter(|last| *last != now) {
        printer.note(format_args!(
            "The stack is at port {now} now, not at {last}"
        ));
    }
}
