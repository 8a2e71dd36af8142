//! Lambda's API: `Invoke`, and what clients read of functions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use hyper::body::Incoming;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::body::{self, BodyError};
use super::event::Attempt;
use super::function_name::FunctionName;
use super::respond::{self, Answer, JSON, REQUEST_ID, Shape};
use super::route::unavailable;
use super::{Control, Gateway};
use crate::definition::Function;
use crate::lambda::{FunctionError, InvokeError, InvokeOptions, Invoked};

/// The paths of functions begin with this.
pub(super) const PREFIX: &str = "/2015-03-31/functions";

const INVOCATION_TYPE: HeaderName = HeaderName::from_static("x-amz-invocation-type");
const LOG_TYPE: HeaderName = HeaderName::from_static("x-amz-log-type");
const LOG_RESULT: HeaderName = HeaderName::from_static("x-amz-log-result");
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");

/// The largest payload of a synchronous invocation, in bytes. (Lambda guide, "Lambda quotas")
const SYNCHRONOUS_LIMIT: usize = 6 * 1024 * 1024;
/// The same for asynchronous ones: 1 MB since October 2025.
const ASYNCHRONOUS_LIMIT: usize = 1024 * 1024;

/// Answers a request below [`PREFIX`].
pub(super) async fn answer<C: Control>(
    gateway: &Gateway<C>,
    head: &Parts,
    body: Incoming,
) -> Answer {
    let path = head.uri.path();
    let rest = path.strip_prefix(PREFIX).unwrap_or(path);
    let parts: Vec<&str> = rest.split('/').collect();
    let outcome = match (&head.method, parts.as_slice()) {
        (&Method::POST, ["", name, "invocations"]) => invoke(gateway, name, head, body).await,
        (&Method::GET, ["", name]) if !name.is_empty() => {
            find(gateway, name, head).map(|function| function_answer(gateway, &function))
        }
        (&Method::GET, ["", name, "configuration"]) => find(gateway, name, head)
            .map(|function| success(&configuration(&function, &gateway.services.region))),
        (&Method::GET, [""] | ["", ""]) => Ok(list(gateway)),
        (method, _) => {
            let operation = [method.as_str(), " ", path].concat();
            return unavailable(Shape::Rest, Some("lambda"), &operation);
        }
    };
    outcome.unwrap_or_else(Refusal::answer)
}

async fn invoke<C: Control>(
    gateway: &Gateway<C>,
    name: &str,
    head: &Parts,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let kind = InvocationType::read(&head.headers)?;
    let name = named(gateway, name, head)?;
    let limit = match kind {
        InvocationType::Event => ASYNCHRONOUS_LIMIT,
        InvocationType::RequestResponse | InvocationType::DryRun => SYNCHRONOUS_LIMIT,
    };
    let payload = body::read(body, limit).await.map_err(|error| match error {
        BodyError::TooLarge => Refusal::TooLarge(limit),
        BodyError::Broken => Refusal::Unreadable("the request broke off".to_owned()),
    })?;
    let payload = check_payload(payload)?;
    match kind {
        InvocationType::RequestResponse => {
            let tail = head
                .headers
                .get(LOG_TYPE)
                .is_some_and(|kind| kind == "Tail");
            run(gateway, &name, payload, InvokeOptions { tail }).await
        }
        InvocationType::Event => take_event(gateway, &name, payload),
        InvocationType::DryRun => {
            known(gateway, &name)?;
            Ok(respond::identified(respond::answer(
                204,
                JSON,
                Bytes::new(),
            )))
        }
    }
}

/// The invocation ends as it would even where the client goes away.
async fn run<C: Control>(
    gateway: &Gateway<C>,
    name: &FunctionName,
    payload: Bytes,
    options: InvokeOptions,
) -> Result<Answer, Refusal> {
    let functions = &gateway.services.functions;
    match functions.invoke(&name.name, payload, options).await {
        Ok(invoked) => Ok(invoked_answer(invoked)),
        Err(InvokeError::NotFound(_)) => Err(not_found(gateway, name)),
        Err(InvokeError::Throttled) => {
            let function = functions.get(&name.name);
            let reserved = function.is_some_and(|found| found.reserved_concurrency.is_some());
            Err(Refusal::Throttled(if reserved {
                "ReservedFunctionConcurrentInvocationLimitExceeded"
            } else {
                "ConcurrentInvocationLimitExceeded"
            }))
        }
        Err(error @ InvokeError::Stopping) => Err(Refusal::Service(error.to_string())),
    }
}

fn take_event<C: Control>(
    gateway: &Gateway<C>,
    name: &FunctionName,
    payload: Bytes,
) -> Result<Answer, Refusal> {
    let function = known(gateway, name)?.name;
    let functions = gateway.services.functions.clone();
    let taken = gateway.events.take(payload.len(), move || {
        let (functions, function) = (functions.clone(), function.clone());
        let payload = payload.clone();
        async move {
            match functions
                .invoke(&function, payload, InvokeOptions::default())
                .await
            {
                Ok(Invoked { error: None, .. }) => Attempt::Done,
                Ok(_) => Attempt::Failed,
                Err(InvokeError::Throttled) => Attempt::Throttled,
                Err(InvokeError::NotFound(_) | InvokeError::Stopping) => Attempt::Hopeless,
            }
        }
    });
    if taken {
        Ok(respond::identified(respond::answer(
            202,
            JSON,
            Bytes::new(),
        )))
    } else {
        Err(Refusal::Throttled("CallerRateLimitExceeded"))
    }
}

fn invoked_answer(invoked: Invoked) -> Answer {
    let mut answer = respond::answer(200, JSON, invoked.payload);
    respond::set(&mut answer, REQUEST_ID, &invoked.request_id);
    let headers = answer.headers_mut();
    let version = HeaderValue::from_static(invoked.executed_version);
    headers.insert(EXECUTED_VERSION, version);
    if let Some(error) = invoked.error {
        let error = match error {
            FunctionError::Handled => "Handled",
            FunctionError::Unhandled => "Unhandled",
        };
        headers.insert(FUNCTION_ERROR, HeaderValue::from_static(error));
    }
    if let Some(tail) = invoked.log_tail {
        respond::set(&mut answer, LOG_RESULT, &STANDARD.encode(tail));
    }
    answer
}

/// Lambda hands functions JSON only, and an empty object where there is no payload.
fn check_payload(payload: Bytes) -> Result<Bytes, Refusal> {
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    let text = std::str::from_utf8(&payload);
    let text = text.map_err(|error| Refusal::Unreadable(error.to_string()))?;
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(payload),
        Err(error) => Err(Refusal::Unreadable(error.to_string())),
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
            Some(other) => Err(Refusal::Parameter(format!(
                "1 validation error detected: Value '{}' at 'invocationType' failed to satisfy \
                 constraint: Member must satisfy enum value set: [RequestResponse, Event, DryRun]",
                String::from_utf8_lossy(other)
            ))),
        }
    }
}

/// The function that a request names, which may not be there.
fn named<C: Control>(
    gateway: &Gateway<C>,
    name: &str,
    head: &Parts,
) -> Result<FunctionName, Refusal> {
    let query = head.uri.query().unwrap_or_default();
    let qualifier = form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "Qualifier")
        .map(|(_, value)| value.into_owned());
    let Some(name) = FunctionName::parse(name, qualifier, &gateway.services.region) else {
        return Err(Refusal::Parameter(
            "The function's name, or its qualifier, is none.".to_owned(),
        ));
    };
    if name.can_be_here() {
        Ok(name)
    } else {
        Err(not_found(gateway, &name))
    }
}

fn known<C: Control>(gateway: &Gateway<C>, name: &FunctionName) -> Result<Function, Refusal> {
    let function = gateway.services.functions.get(&name.name);
    function.ok_or_else(|| not_found(gateway, name))
}

fn find<C: Control>(gateway: &Gateway<C>, name: &str, head: &Parts) -> Result<Function, Refusal> {
    known(gateway, &named(gateway, name, head)?)
}

fn not_found<C: Control>(gateway: &Gateway<C>, name: &FunctionName) -> Refusal {
    Refusal::NotFound(name.arn(&gateway.services.region))
}

fn function_answer<C: Control>(gateway: &Gateway<C>, function: &Function) -> Answer {
    let mut found = json!({
        "Configuration": configuration(function, &gateway.services.region),
        // What runs is the file itself.
        "Code": {"RepositoryType": "Local", "Location": function.program},
    });
    if let Some(reserved) = function.reserved_concurrency {
        found["Concurrency"] = json!({"ReservedConcurrentExecutions": reserved});
    }
    success(&found)
}

fn list<C: Control>(gateway: &Gateway<C>) -> Answer {
    let region = &gateway.services.region;
    let functions = gateway.services.functions.list();
    let functions: Vec<Value> = functions
        .iter()
        .map(|function| configuration(function, region))
        .collect();
    success(&json!({"Functions": functions}))
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
        "Version": "$LATEST",
        "PackageType": "Zip",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Environment": {"Variables": function.environment},
        "LoggingConfig": logging,
    })
}

fn success(body: &Value) -> Answer {
    respond::identified(respond::answer(200, JSON, body.to_string().into()))
}

/// A request that was not done. (Lambda API reference, `Invoke`)
#[derive(Debug)]
enum Refusal {
    /// No function of this ARN.
    NotFound(String),
    /// There is no room, for this reason.
    Throttled(&'static str),
    /// The payload has more bytes than this.
    TooLarge(usize),
    /// The payload is no JSON.
    Unreadable(String),
    Parameter(String),
    /// The host's own fault.
    Service(String),
}

impl Refusal {
    fn answer(self) -> Answer {
        let (status, code, message) = match self {
            Self::NotFound(arn) => {
                let message = format!("Function not found: {arn}");
                (404, "ResourceNotFoundException", message)
            }
            Self::Throttled(reason) => return throttled(reason),
            Self::TooLarge(limit) => (
                413,
                "RequestTooLargeException",
                format!(
                    "Request must be smaller than {limit} bytes for the InvokeFunction operation"
                ),
            ),
            Self::Unreadable(cause) => (
                400,
                "InvalidRequestContentException",
                format!(
                    "Could not parse request body into json: Could not parse payload into json: \
                     {cause}"
                ),
            ),
            Self::Parameter(message) => (400, "InvalidParameterValueException", message),
            Self::Service(message) => (500, "ServiceException", message),
        };
        respond::error(Shape::Rest, status, code, &message)
    }
}

fn throttled(reason: &str) -> Answer {
    let body = json!({"Reason": reason, "Type": "User", "message": "Rate Exceeded."});
    let mut answer = respond::identified(respond::answer(429, JSON, body.to_string().into()));
    respond::set(&mut answer, respond::ERROR_TYPE, "TooManyRequestsException");
    answer
}
