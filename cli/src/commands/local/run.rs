//! `cqrs local run`: the deployed stack in the foreground, with what its functions log.

use host::cache::Choice;
use host::lambda::LogLine;
use serde::Serialize;

use crate::app::interrupt::Interrupt;
use crate::cli::MachineArgs;
use crate::commands::local::folder;
use crate::commands::logs::coloured;
use crate::error::Failure;
use crate::local::client::{Client, LocalError};
use crate::local::serve::{self, Start};
use crate::printer::Printer;
use crate::settings::Settings;

pub(super) async fn run(
    args: &MachineArgs,
    settings: Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let machine = settings.machine(args);
    let folder = folder(&settings)?;
    if !folder.is_deployed() {
        return Err(LocalError::NotDeployed(settings.stack.clone()).into());
    }
    let deploying = folder.hold_deploying(|| ()).await?;
    if let Some(client) = Client::attach(&folder)? {
        printer.note(format_args!(
            "Stack {} runs in the background: it is stopped there",
            settings.stack
        ));
        client.stop().await?;
    }
    if let (Some(url), Some(mut deployment)) = (machine.cache_url, folder.deployment()?) {
        deployment.cache = Choice::Url(url);
        folder.set_deployment(&deployment)?;
    }
    let starting = folder.hold_starting().await?;
    let start = Start {
        state: folder.path().to_owned(),
        region: settings.local_region().to_owned(),
        port: machine.port,
    };
    let step = printer.step(format!("Starting stack {} on this machine", settings.stack));
    let said = (printer.clone(), settings.stack.clone());
    let ready = move |host: &crate::local::protocol::HostFile| {
        let (printer, stack) = said;
        drop(step);
        drop((starting, deploying));
        printer.note(format_args!(
            "{} Stack {stack} serves at {}; Ctrl-C stops it",
            printer.style().green("✓"),
            host.process().endpoint()
        ));
    };
    let shown = (printer.clone(), format!("{}-", settings.stack));
    let show = move |line: &LogLine| {
        let (printer, prefix) = &shown;
        // Whoever read it is gone; the stack runs on.
        let _ = if printer.is_json() {
            printer.json(&Logged::of(line))
        } else {
            let function = line.function.strip_prefix(prefix.as_str());
            let function = function.unwrap_or(&line.function);
            let name = coloured(function, printer.data_style());
            printer.stdout(&format!("{name} | {}", line.text))
        };
    };
    // It ends in order, with all that it runs.
    let _hold = interrupt.hold();
    serve::run(start, interrupt.clone(), ready, show).await?;
    printer.note(format_args!(
        "Stack {} has stopped; its data is kept",
        settings.stack
    ));
    Ok(())
}

/// A line as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logged<'a> {
    function: &'a str,
    at_ms: i64,
    text: &'a str,
}

impl<'a> Logged<'a> {
    fn of(line: &'a LogLine) -> Self {
        Self {
            function: &line.function,
            at_ms: line.at_ms,
            text: &line.text,
        }
    }
}
