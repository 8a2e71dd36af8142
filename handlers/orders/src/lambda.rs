//! What the mains of the three handlers share: running on Lambda, logging, failing well.
//!
//! A handler is polled on one thread: an environment handles one event at a time, and a function
//! of this size has at most part of one CPU.

use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use lambda_runtime::tracing::subscriber;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{BoxError, ErrorType, Named, chain};

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
        invocation: &Invocation,
    ) -> impl Future<Output = Result<Self::Answer, Self::Error>>;
}

/// One call of a handler.
#[derive(Debug)]
pub struct Invocation {
    /// Lambda's id of it.
    pub request_id: String,
    started: Instant,
}

impl Invocation {
    /// Milliseconds since it began, to the microsecond.
    #[must_use]
    pub fn took_ms(&self) -> f64 {
        (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3
    }
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
    let handler = start().map_err(|error| {
        let message = chain(&error);
        // Without this report, whoever invokes the function learns only that it exited.
        match report_init_error(ErrorType::InvalidSetting, &message) {
            Ok(()) => message,
            Err(report) => format!("{message} (not reported to Lambda: {report})"),
        }
    })?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?
        .block_on(serve(&handler))
        .map_err(|error| {
            let error: &(dyn std::error::Error + 'static) = error.as_ref();
            chain(error)
        })
}

async fn serve<H: Handler>(handler: &H) -> Result<(), lambda_runtime::Error> {
    let service = service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let invocation = Invocation {
            request_id: event.context.request_id,
            started: Instant::now(),
        };
        handler
            .handle(event.payload.get(), &invocation)
            .await
            .map_err(|error| diagnostic(&error, &invocation))
    });
    Runtime::new(service).run().await
}

fn diagnostic(error: &(impl Named + 'static), invocation: &Invocation) -> Diagnostic {
    let error_type = error.error_type();
    tracing::error!(
        requestId = %invocation.request_id,
        errorType = %error_type,
        error = %chain(error),
        tookMs = invocation.took_ms(),
        "failed",
    );
    Diagnostic {
        error_type: error_type.as_str().to_owned(),
        error_message: error.to_string(),
    }
}

/// One JSON object a line, its fields at the top. With the time, which Lambda needs to believe a
/// line's level.
///
/// The level is Lambda's setting and nothing finer: filters by module would cost half a megabyte.
fn init_logging() {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL")
        .ok()
        .and_then(|level| match level.to_ascii_uppercase().as_str() {
            "FATAL" => Some(tracing::Level::ERROR),
            level => level.parse().ok(),
        })
        .unwrap_or(tracing::Level::INFO);
    subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level)
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
