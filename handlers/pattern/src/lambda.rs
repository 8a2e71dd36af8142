//! What the three handlers share: running on Lambda, logging, failing well.
//!
//! What an invocation did is one line with its metrics in it ([`Line`]); `tracing` has the rest.
//!
//! A handler is polled on one thread: an environment handles one event at a time, and a function
//! of this size has at most part of one CPU.

use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

pub use lambda_runtime::tracing::Level;
use lambda_runtime::tracing::subscriber;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::asked::is_asked;
use crate::description::Description;
use crate::diagnosis::{Diagnose, Diagnosis};
use crate::error::{BoxError, ErrorType, Named, chain};
use crate::settings;

mod line;
mod metrics;

use line::Log;
pub use line::{Invocation, Line};

const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
/// Without these the Lambda runtime would panic.
const GIVEN_BY_LAMBDA: [&str; 4] = [
    RUNTIME_API,
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];

/// A handler of events.
pub trait Handler {
    /// What it answers.
    type Answer: Serialize;
    /// Why it does not.
    type Error: Named + 'static;

    /// Handles one event. It logs one line when it succeeds; [`run`] logs the line when it fails.
    fn handle(
        &self,
        payload: &str,
        invocation: &Invocation<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Self::Error>>;

    /// What the handler's domain says of itself.
    fn describe(&self) -> Result<Description, Self::Error>;

    /// Goes the way to the handler's store, see [`crate::diagnosis`]; [`run`] logs the line.
    fn diagnose(&self) -> impl Future<Output = Diagnosis>;
}

/// What is answered: what the handler answers, or what every handler does.
#[derive(Serialize)]
#[serde(untagged)]
enum Answered<A> {
    Handled(A),
    Diagnosed(Diagnosis),
    Described(Box<Description>),
}

/// Runs the handler that `start` makes, until the Runtime API closes.
///
/// Events come as raw JSON, so that the handler's own parser words every error: the runtime's
/// would name a Rust type.
pub fn run<H: Handler, E: std::error::Error + 'static>(
    start: impl FnOnce() -> Result<H, E>,
) -> ExitCode {
    if let Some(missing) = GIVEN_BY_LAMBDA
        .into_iter()
        .find(|name| std::env::var_os(name).is_none())
    {
        complain(&format!(
            "this is a Lambda handler, to be deployed with `cqrs deploy`: it runs on Lambda, which sets {missing}"
        ));
        return ExitCode::FAILURE;
    }
    init_logging();
    match start_and_serve(start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %error, "the handler ends");
            ExitCode::FAILURE
        }
    }
}

fn start_and_serve<H: Handler, E: std::error::Error + 'static>(
    start: impl FnOnce() -> Result<H, E>,
) -> Result<(), String> {
    let log = Log::from_env(&settings::process).map_err(|error| cannot_start(&error))?;
    let handler = start().map_err(|error| cannot_start(&error))?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?
        .block_on(serve(&handler, &log))
        .map_err(|error| {
            let error: &(dyn std::error::Error + 'static) = error.as_ref();
            chain(error)
        })
}

/// Reports `error` to Lambda and answers what happened.
fn cannot_start(error: &(dyn std::error::Error + 'static)) -> String {
    let message = chain(error);
    // Without this report, whoever invokes the function learns only that it exited.
    match report_init_error(ErrorType::InvalidSetting, &message) {
        Ok(()) => message,
        Err(report) => format!("{message} (not reported to Lambda: {report})"),
    }
}

async fn serve<H: Handler>(handler: &H, log: &Log) -> Result<(), lambda_runtime::Error> {
    let service = service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let invocation = Invocation::new(event.context.request_id, log);
        let payload = event.payload.get();
        if Diagnose::is_asked(payload) {
            return Ok(Answered::Diagnosed(diagnose(handler, &invocation).await));
        }
        if is_asked(payload, "describe") {
            invocation.line(Level::INFO, "described").write();
            let description = handler.describe();
            let description = description.map_err(|error| diagnostic(&error, &invocation));
            return description.map(|description| Answered::Described(Box::new(description)));
        }
        handler
            .handle(payload, &invocation)
            .await
            .map(Answered::Handled)
            .map_err(|error| diagnostic(&error, &invocation))
    });
    Runtime::new(service).run().await
}

async fn diagnose<H: Handler>(handler: &H, invocation: &Invocation<'_>) -> Diagnosis {
    let diagnosis = handler.diagnose().await;
    let failed = diagnosis.failed();
    invocation
        .line(Level::INFO, "diagnosed")
        .field("steps", diagnosis.steps.len())
        .field_if("failed", failed.map(|step| step.step))
        .write();
    diagnosis
}

fn diagnostic(error: &(impl Named + 'static), invocation: &Invocation<'_>) -> Diagnostic {
    let name = error.wire_name();
    let mut line = invocation
        .line(Level::ERROR, "failed")
        .field("errorType", &name)
        .field("error", chain(error));
    // Lambda counts these among its errors; what is left of those is trouble.
    if error.error_type().is_refusal() {
        line = line.count("refused", 1);
    }
    if error.error_type() == ErrorType::ReadModelIncomplete {
        line = line.alarm("incomplete", 1);
    }
    line.write();
    Diagnostic {
        error_type: name.into_owned(),
        error_message: error.to_string(),
    }
}

/// One JSON object a line, its fields at the top. With the time, which Lambda needs to believe a
/// line's level.
///
/// There is one level and nothing finer: filters by module would cost half a megabyte.
fn init_logging() {
    subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(line::level(&settings::process))
        .init();
}

/// Tells Lambda why the handler cannot start. The runtime has no call for that.
fn report_init_error(kind: ErrorType, message: &str) -> Result<(), BoxError> {
    let api = std::env::var(RUNTIME_API)?;
    let body = serde_json::json!({ "errorType": kind.as_str(), "errorMessage": message });
    let body = serde_json::to_string(&body)?;
    let mut stream = TcpStream::connect(&api)?;
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(
        stream,
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {api}\r\n\
         Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: {kind}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    // The process must not end before the report is taken. The answer itself is of no use.
    match stream.read(&mut [0; 64])? {
        0 => Err("it hung up".into()),
        _ => Ok(()),
    }
}

fn complain(message: &str) {
    // Nothing is left to be done if this fails.
    let _ = writeln!(std::io::stderr(), "error: {message}");
}
