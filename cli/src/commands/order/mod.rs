//! `cqrs order`: commands go to the publisher, questions to the query function.

mod cancel;
mod change;
mod create;
mod create_from;
mod get;
mod ids;
mod items;
mod list;
mod several;
mod ship;
mod shown;
mod tally;
mod wait;

use std::time::Instant;

use orders::error::{ErrorType, Invalid};
use orders::order::Order;
use serde::Serialize;

use crate::app::interrupt::Interrupt;
use crate::aws::Aws;
use crate::cli::{OrderCommand, WaitArgs};
use crate::commands::local;
use crate::commands::order::shown::Shown;
use crate::error::{Explain, Failure, Kind};
use crate::printer::Printer;
use crate::settings::{Settings, Target};
use crate::stack::functions::{Answer, FunctionError, Functions};

pub(crate) async fn run(
    command: OrderCommand,
    settings: Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    // What breaks a rule of the domain is said before anything is connected.
    match command {
        OrderCommand::Create(args) => match args.bulk.from.clone() {
            Some(file) => create_from::run(&file, &args.bulk, &settings, interrupt, printer).await,
            None => create::run(args, &settings, printer).await,
        },
        OrderCommand::Get(args) => get::run(args, &settings, interrupt, printer).await,
        OrderCommand::List(args) => list::run(args, &settings, printer).await,
        OrderCommand::Ship(args) => ship::run(args, &settings, interrupt, printer).await,
        OrderCommand::Cancel(args) => cancel::run(args, &settings, interrupt, printer).await,
    }
}

pub(super) async fn functions(
    settings: &Settings,
    printer: &Printer,
) -> Result<Functions, Failure> {
    let aws = match settings.target {
        Target::Aws => Aws::connect(&settings.aws).await?,
        Target::Local => local::connect(settings, printer).await?,
    };
    Ok(Functions::new(
        &aws,
        settings.stack.clone(),
        printer.is_verbose(),
    ))
}

/// An order that was written.
struct Written {
    shown: Shown,
    /// What became of the waiting, whatever which the order is written.
    waited: Result<(), Failure>,
}

/// Sends a command to the publisher and waits as `wait` says.
async fn write(
    functions: &Functions,
    command: &impl Serialize,
    wait: WaitArgs,
    printer: &Printer,
) -> Result<Written, Failure> {
    let sent = Instant::now();
    let order: Order = unwrap_logged(functions.publish(command).await, printer)?;
    let (shown, waited) = wait::after_write(functions, order, sent.elapsed(), wait, printer).await;
    Ok(Written { shown, waited })
}

/// Takes an answer's value; with `--verbose` its log lines go to stderr, a failed call's too.
pub(super) fn unwrap_logged<T>(
    answer: Result<Answer<T>, FunctionError>,
    printer: &Printer,
) -> Result<T, Failure> {
    let log = match &answer {
        Ok(answer) => answer.log.as_deref(),
        Err(FunctionError::Function { log, .. } | FunctionError::Crashed { log, .. }) => {
            log.as_deref()
        }
        Err(_) => None,
    };
    for line in log.unwrap_or_default().lines() {
        printer.detail(line);
    }
    Ok(answer?.value)
}

/// An argument that the domain would refuse: the same class and name as if it had been sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct InvalidArgument(String);

impl InvalidArgument {
    fn of(argument: &str, rule: impl std::fmt::Display) -> Self {
        Self(format!("{argument} {rule}"))
    }
}

impl From<Invalid> for InvalidArgument {
    fn from(invalid: Invalid) -> Self {
        Self(invalid.to_string())
    }
}

impl Explain for InvalidArgument {
    fn kind(&self) -> Kind {
        Kind::Refused
    }

    fn name(&self) -> String {
        ErrorType::InvalidCommand.as_str().to_owned()
    }
}
