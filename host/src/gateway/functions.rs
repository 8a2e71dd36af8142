//! Lambda's API: `Invoke`, and what clients read of functions.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use hyper::body::Incoming;
use serde_json::{Value, json};
use uuid::Uuid;

use super::event::Attempt;
use super::function_name::FunctionName;
use super::respond::{self, Answer, JSON, REQUEST_ID, Refusal, Shape};
use super::route::unavailable;
use super::{Gateway, payload};
use crate::body::{self, BodyError};
use crate::definition::Function;
use crate::lambda::{InvokeError, InvokeOptions, Invoked, VERSION};

/// The paths of functions begin with this.
pub(super) const PREFIX: &str = "/2015-03-31/functions";

const INVOCATION_TYPE: HeaderName = HeaderName::from_static("x-amz-invocation-type");
const LOG_TYPE: HeaderName = HeaderName::from_static("x-amz-log-type");
const LOG_RESULT: HeaderName = HeaderName::from_static("x-amz-log-result");
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const CLIENT_CONTEXT: HeaderName = HeaderName::from_static("x-amz-client-context");
const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");

/// The largest payload of a synchronous invocation, in bytes. (Lambda guide, "Lambda quotas")
const SYNCHRONOUS_LIMIT: usize = 6 * 1024 * 1024;
/// The same for asynchronous ones: 1 MB since October 2025.
const ASYNCHRONOUS_LIMIT: usize = 1024 * 1024;

/// Answers a request below [`PREFIX`].
pub(super) async fn answer(gateway: &Gateway, head: &Parts, body: Incoming) -> Answer {
    let path = head.uri.path();
    let rest = path.strip_prefix(PREFIX).unwrap_or(path);
    let parts: Vec<&str> = rest.split('/').collect();
    let outcome = match (&head.method, parts.as_slice()) {
        (&Method::POST, ["", name, "invocations"]) => invoke(gateway, name, head, body).await,
        (&Method::GET, ["", name]) if !name.is_empty() => find(gateway, name, head)
            .map(|(name, function)| function_answer(gateway, &name, &function)),
        (&Method::GET, ["", name, "configuration"]) => find(gateway, name, head)
            .map(|(name, function)| success(&qualified(gateway, &name, &function))),
        (&Method::GET, [""] | ["", ""]) => Ok(list(gateway, head)),
        (method, _) => {
            let operation = [method.as_str(), " ", path].concat();
            return unavailable(Shape::Rest, Some("lambda"), &operation);
        }
    };
    outcome.unwrap_or_else(|refusal| refusal.answer(Shape::Rest))
}

async fn invoke(
    gateway: &Gateway,
    name: &str,
    head: &Parts,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let kind = InvocationType::read(&head.headers)?;
    let name = name_of(gateway, name, head)?;
    if !name.can_be_here() {
        return Err(not_found_to_invoke(gateway, name));
    }
    let limit = match kind {
        InvocationType::Event => ASYNCHRONOUS_LIMIT,
        InvocationType::RequestResponse | InvocationType::DryRun => SYNCHRONOUS_LIMIT,
    };
    let payload = body::read(body, limit).await.map_err(|error| match error {
        BodyError::TooLarge => Refusal::new(
            413,
            "RequestTooLargeException",
            format!("Request must be smaller than {limit} bytes for the InvokeFunction operation"),
        ),
        BodyError::Broken => unreadable("The request broke off"),
    })?;
    let payload = payload::check(payload).map_err(unreadable)?;
    let with_version = name.qualifier.is_some();
    match kind {
        InvocationType::RequestResponse => {
            let tail = head
                .headers
                .get(LOG_TYPE)
                .is_some_and(|kind| kind == "Tail");
            let options = InvokeOptions {
                tail,
                with_version,
                client_context: client_context(&head.headers)?,
                ..InvokeOptions::default()
            };
            run(gateway, name, payload, options).await
        }
        InvocationType::Event => take_event(gateway, name, payload),
        InvocationType::DryRun => {
            if gateway.services.functions.get(&name.name).is_none() {
                return Err(not_found_to_invoke(gateway, name));
            }
            Ok(respond::identified(respond::answer(
                204,
                JSON,
                Bytes::new(),
            )))
        }
    }
}

/// The invocation ends as it would even where the client goes away.
async fn run(
    gateway: &Gateway,
    name: FunctionName,
    payload: Bytes,
    options: InvokeOptions,
) -> Result<Answer, Refusal> {
    let functions = &gateway.services.functions;
    match functions.invoke(&name.name, payload, options).await {
        Ok(invoked) => Ok(invoked_answer(invoked)),
        Err(InvokeError::NotFound(_)) => Err(not_found_to_invoke(gateway, name)),
        Err(InvokeError::Throttled) => {
            let function = functions.get(&name.name);
            let reserved = function.is_some_and(|found| found.reserved_concurrency.is_some());
            Err(throttled(if reserved {
                "ReservedFunctionConcurrentInvocationLimitExceeded"
            } else {
                "ConcurrentInvocationLimitExceeded"
            }))
        }
        Err(error @ InvokeError::Stopping) => {
            Err(Refusal::new(500, "ServiceException", error.to_string()))
        }
    }
}

fn take_event(gateway: &Gateway, name: FunctionName, payload: Bytes) -> Result<Answer, Refusal> {
    let functions = gateway.services.functions.clone();
    if functions.get(&name.name).is_none() {
        return Err(not_found_to_invoke(gateway, name));
    }
    // One id through the answer and all attempts.
    let request_id = Uuid::new_v4().to_string();
    let options = InvokeOptions {
        request_id: Some(request_id.as_str().into()),
        with_version: name.qualifier.is_some(),
        ..InvokeOptions::default()
    };
    let taken = gateway.events.take(payload.len(), move || {
        let (functions, function) = (functions.clone(), name.name.clone());
        let (payload, options) = (payload.clone(), options.clone());
        async move {
            match functions.invoke(&function, payload, options).await {
                Ok(Invoked { failed: false, .. }) => Attempt::Done,
                Ok(_) => Attempt::Failed,
                Err(InvokeError::Throttled) => Attempt::Throttled,
                Err(InvokeError::NotFound(_) | InvokeError::Stopping) => Attempt::Hopeless,
            }
        }
    });
    if taken {
        let mut answer = respond::answer(202, JSON, Bytes::new());
        respond::set(&mut answer, REQUEST_ID, &request_id);
        Ok(answer)
    } else {
        Err(throttled("CallerRateLimitExceeded"))
    }
}

fn invoked_answer(invoked: Invoked) -> Answer {
    let mut answer = respond::answer(200, JSON, invoked.payload);
    respond::set(&mut answer, REQUEST_ID, &invoked.request_id);
    respond::set(&mut answer, EXECUTED_VERSION, VERSION);
    if invoked.failed {
        // Lambda says so of all errors of today's runtimes, also of those that the function reports.
        respond::set(&mut answer, FUNCTION_ERROR, "Unhandled");
    }
    if let Some(tail) = invoked.log_tail {
        respond::set(&mut answer, LOG_RESULT, &STANDARD.encode(tail));
    }
    answer
}

/// What the caller says of itself; functions hear it of synchronous invocations only.
fn client_context(headers: &HeaderMap) -> Result<Option<Arc<str>>, Refusal> {
    let Some(header) = headers.get(CLIENT_CONTEXT) else {
        return Ok(None);
    };
    match payload::client_context(header.as_bytes()) {
        Some(context) => Ok(Some(context.into())),
        None => Err(unreadable(
            "Client context must be a valid Base64-encoded JSON object.",
        )),
    }
}

/// The header `X-Amz-Invocation-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InvocationType {
    RequestResponse,
    Event,
    DryRun,
}

impl InvocationType {
    fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        match headers.get(INVOCATION_TYPE).map(HeaderValue::as_bytes) {
            None | Some(b"RequestResponse") => Ok(Self::RequestResponse),
            Some(b"Event") => Ok(Self::Event),
            Some(b"DryRun") => Ok(Self::DryRun),
            Some(other) => {
                let message = format!(
                    "1 validation error detected: Value '{}' at 'invocationType' failed to \
                     satisfy constraint: Member must satisfy enum value set: [RequestResponse, \
                     Event, DryRun]",
                    String::from_utf8_lossy(other)
                );
                Err(Refusal::new(400, "InvalidParameterValueException", message))
            }
        }
    }
}

/// The function that a request names, which may not be there.
fn name_of(gateway: &Gateway, name: &str, head: &Parts) -> Result<FunctionName, Refusal> {
    let qualifier = respond::query(head, "Qualifier");
    FunctionName::parse(name, qualifier, &gateway.services.region)
}

fn find(gateway: &Gateway, name: &str, head: &Parts) -> Result<(FunctionName, Function), Refusal> {
    let name = name_of(gateway, name, head)?;
    let function = gateway.services.functions.get(&name.name);
    match function.filter(|_| name.can_be_here()) {
        Some(function) => Ok((name, function)),
        None => Err(not_found(gateway, &name)),
    }
}

fn not_found(gateway: &Gateway, name: &FunctionName) -> Refusal {
    let arn = name.arn(&gateway.services.region);
    let message = format!("Function not found: {arn}");
    Refusal::new(404, "ResourceNotFoundException", message)
}

/// `Invoke` says which version it would have called.
fn not_found_to_invoke(gateway: &Gateway, mut name: FunctionName) -> Refusal {
    name.qualifier.get_or_insert_with(|| VERSION.to_owned());
    not_found(gateway, &name)
}

fn function_answer(gateway: &Gateway, name: &FunctionName, function: &Function) -> Answer {
    let mut found = json!({
        "Configuration": qualified(gateway, name, function),
        // What runs is the file itself.
        "Code": {"RepositoryType": "Local", "Location": function.program},
    });
    if let Some(reserved) = function.reserved_concurrency {
        found["Concurrency"] = json!({"ReservedConcurrentExecutions": reserved});
    }
    success(&found)
}

/// The settings, with the ARN as it was asked for.
fn qualified(gateway: &Gateway, name: &FunctionName, function: &Function) -> Value {
    let mut configuration = configuration(function, &gateway.services.region);
    configuration["FunctionArn"] = name.arn(&gateway.services.region).into();
    configuration
}

fn list(gateway: &Gateway, head: &Parts) -> Answer {
    let region = &gateway.services.region;
    let functions = gateway.services.functions.list();
    let functions = functions
        .iter()
        .map(|function| configuration(function, region));
    success(&respond::page(head, "Functions", functions.collect(), 50))
}

/// A function's settings, as far as they exist here.
fn configuration(function: &Function, region: &str) -> Value {
    let mut logging = json!({
        "LogFormat": if function.log_json { "JSON" } else { "Text" },
        "LogGroup": function.log_group,
    });
    if let Some(level) = &function.log_level {
        logging["ApplicationLogLevel"] = level.as_str().into();
    }
    json!({
        "FunctionName": function.name,
        "FunctionArn": function.arn(region),
        "Runtime": "provided.al2023",
        "Handler": function.handler,
        "Timeout": function.timeout_seconds,
        "MemorySize": function.memory_mb,
        "Version": VERSION,
        "PackageType": "Zip",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Environment": {"Variables": function.environment},
        "LoggingConfig": logging,
    })
}

fn success(body: &Value) -> Answer {
    respond::success(JSON, body.to_string())
}

// What is refused. (Lambda API reference, `Invoke`)

fn unreadable(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidRequestContentException", message)
}

fn throttled(reason: &'static str) -> Refusal {
    Refusal::new(429, "TooManyRequestsException", "Rate Exceeded.").because(reason)
}
