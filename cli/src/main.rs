//! `cqrs`: deploys and drives CQRS on AWS, or on this machine.
//!
//! Parses, dispatches, renders the failure, answers with the exit code; nothing else.

mod app;
mod aws;
mod bulk;
mod bundle;
mod cli;
mod commands;
mod domain;
mod environment;
mod error;
mod failures;
mod loadtest;
mod local;
mod logs;
mod models;
mod observe;
mod package;
mod permissions;
mod prices;
mod printer;
mod project;
mod settings;
mod stack;
mod text;
mod ui;

use std::io::Write;
use std::process::ExitCode;

use crate::app::interrupt::Interrupt;
use crate::cli::{Cli, Command};
use crate::commands::local::options::LocalCommand;
use crate::error::{Failure, Kind};
use crate::printer::{Output, Printer, PrinterOptions};

fn main() -> ExitCode {
    local::private::keep_own_rights();
    environment::normalize();
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(version) = Cli::version(&arguments) {
        return usage(&version);
    }
    let (mut domain, origin) = match commands::described::choose(&arguments) {
        Ok(chosen) => chosen,
        Err(error) => return fails(&error.into()),
    };
    match commands::completions::answer(&arguments, &domain) {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => return usage(&error),
    }
    let mut parsed = Cli::from_arguments(&arguments, &domain);
    if let Err(error) = &parsed
        && let Some(answered) = commands::described::by_stack(&arguments, &domain, origin, error)
    {
        domain = answered;
        parsed = Cli::from_arguments(&arguments, &domain);
    }
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    // Two that are processes of their own rather than commands.
    match &cli.command {
        Command::Local(LocalCommand::Watch) => {
            host::offspring::watch();
            return ExitCode::SUCCESS;
        }
        Command::Local(LocalCommand::Host(args)) => return commands::host(args, &cli.global),
        _ => {}
    }
    let mut printer = Printer::new(settings::printer_options(&cli.global));
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => {
            let failure = Failure::new(Kind::Failed, "cannot start").caused_by(e.to_string());
            return fails(&failure);
        }
    };
    let result = runtime.block_on(async {
        let interrupt = Interrupt::listen();
        let command = Box::pin(commands::run(cli, &domain, &interrupt, &mut printer));
        interrupt.ends(command).await
    });
    // A question left open by Ctrl-C still blocks a thread on stdin; nobody waits for it.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// The end of a program that did not come to a command.
fn fails(failure: &Failure) -> ExitCode {
    let options = PrinterOptions {
        output: output_asked_for(),
        ..PrinterOptions::default()
    };
    Printer::new(options).failure(failure);
    ExitCode::from(failure.exit_code())
}

/// How results shall be written, as far as arguments tell that are not parsed.
fn output_asked_for() -> Output {
    let mut previous = std::ffi::OsString::new();
    let mut json = std::env::var("CQRS_OUTPUT").is_ok_and(|output| output == "json");
    for argument in std::env::args_os() {
        json |= argument == "--output=json" || (previous == "--output" && argument == "json");
        previous = argument;
    }
    if json { Output::Json } else { Output::Text }
}

/// Help and version as clap prints them; a usage error as one JSON document where JSON is asked
/// for.
fn usage(error: &clap::Error) -> ExitCode {
    if output_asked_for() == Output::Json && error.use_stderr() {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default();
        let failure = Failure::new(Kind::Usage, message.trim_start_matches("error: "))
            .hint("`cqrs --help` shows what can be typed");
        fails(&failure);
    } else {
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        if let Err(cause) = printed
            && !error.use_stderr()
            && cause.kind() != std::io::ErrorKind::BrokenPipe
        {
            let failure = crate::printer::unwritable(&cause);
            Printer::new(PrinterOptions::default()).failure(&failure);
            return ExitCode::from(failure.exit_code());
        }
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
