//! `cqrs local stop`: the stack's process ends, and its data stays.

use serde::Serialize;

use crate::commands::local::folder;
use crate::error::Failure;
use crate::local::client::Client;
use crate::printer::Printer;
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings, printer: &Printer) -> Result<(), Failure> {
    let status = match Client::attach(&folder(settings)?)? {
        Some(client) => {
            let step = printer.step("Stopping");
            client.stop().await?;
            drop(step);
            Status::Stopped
        }
        None => Status::NotRunning,
    };
    let stack = settings.stack.as_str();
    if printer.is_json() {
        return printer.json(&Stopped { stack, status });
    }
    match status {
        Status::Stopped => printer.note(format_args!(
            "{} Stack {stack} has stopped; its data is kept",
            printer.style().green("✓")
        )),
        Status::NotRunning => printer.note(format_args!("Stack {stack} does not run")),
    }
    Ok(())
}

/// The result as JSON.
#[derive(Serialize)]
struct Stopped<'a> {
    stack: &'a str,
    status: Status,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Stopped,
    NotRunning,
}
