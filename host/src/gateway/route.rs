//! Finds the service that a request is for, reads the body that the service takes, and shapes the
//! answer as the service's clients read it.

use std::time::Instant;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Method, Request};
use hyper::body::Incoming;
use subtle::ConstantTimeEq as _;

use super::respond::{self, AWS_JSON, Answer, JSON, Shape};
use super::{Gateway, Services, functions, identity, logs, mappings};
use crate::body::{self, BodyError};
use crate::{guard, queue};

// What the target of a service's operations begins with.
const TABLES: &str = "DynamoDB_20120810";
const STREAMS: &str = "DynamoDBStreams_20120810";
const QUEUES: &str = "AmazonSQS";

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// The largest request of DynamoDB, in bytes. (DynamoDB guide, "Quotas": a `BatchWriteItem` has up to
/// 16 MB) Escapes in JSON come on top.
const STORE_LIMIT: usize = 24 * 1024 * 1024;
/// Messages of 1 MiB in all, with room for escapes.
const QUEUE_LIMIT: usize = 8 * 1024 * 1024;
/// What asks for log events is small.
const LOGS_LIMIT: usize = 1024 * 1024;
/// Of what is answered as a form, which is small too.
const FORM_LIMIT: usize = 1024 * 1024;
/// A template has up to 1 MB.
const CONTROL_LIMIT: usize = 16 * 1024 * 1024;

/// Answers any request.
pub(super) async fn answer(gateway: &Gateway, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let host = match guard::check(&head.uri, &head.headers) {
        Ok(host) => host,
        Err(reason) => return respond::refused(403, reason),
    };
    let path = head.uri.path();
    if let Some(path) = path.strip_prefix("/_cqrs/") {
        return own(gateway, &head.method, &head.headers, path, body).await;
    }
    if path.starts_with(functions::PREFIX) {
        return functions::answer(gateway, &head, body).await;
    }
    if path.starts_with(mappings::PREFIX) {
        return mappings::answer(gateway, &head).await;
    }
    if head.method == Method::POST {
        if let Some(target) = head.headers.get(TARGET) {
            let target = target.to_str().unwrap_or_default();
            return targeted(gateway, host, target, &head.headers, body).await;
        }
        if is_form(&head.headers) {
            return form(&head.headers, body).await;
        }
    }
    let service = service(&head.headers);
    let shape = match service {
        Some("lambda") => Shape::Rest,
        _ => Shape::RestXml,
    };
    unavailable(shape, service, &[head.method.as_str(), " ", path].concat())
}

/// Answers the tool's own requests.
async fn own(
    gateway: &Gateway,
    method: &Method,
    headers: &HeaderMap,
    path: &str,
    body: Incoming,
) -> Answer {
    if path == "health" && method == Method::GET {
        let health = concat!(
            r#"{"status":"ok","version":""#,
            env!("CARGO_PKG_VERSION"),
            r#""}"#
        );
        return respond::answer(200, JSON, Bytes::from_static(health.as_bytes()));
    }
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let token = gateway.services.token.as_bytes();
    if !given.is_some_and(|given| bool::from(given.ct_eq(token))) {
        return respond::refused(403, "The request must carry the token of this server.");
    }
    if method != Method::POST {
        return respond::refused(405, "The request must be a POST.");
    }
    match body::read(body, CONTROL_LIMIT).await {
        Ok(body) => {
            let reply = gateway.services.control.call(path, body).await;
            respond::answer(reply.status, JSON, reply.body)
        }
        Err(BodyError::TooLarge) => respond::refused(413, "The request is too large."),
        Err(BodyError::Broken) => respond::refused(400, "The request could not be read."),
    }
}

/// Answers a request that names its operation in a header.
async fn targeted(
    gateway: &Gateway,
    host: &str,
    target: &str,
    headers: &HeaderMap,
    body: Incoming,
) -> Answer {
    let (service_name, operation) = target.split_once('.').unwrap_or((target, ""));
    let limit = match service_name {
        TABLES | STREAMS => STORE_LIMIT,
        QUEUES => QUEUE_LIMIT,
        logs::SERVICE => LOGS_LIMIT,
        _ => return unavailable(Shape::Json, service(headers), target),
    };
    let body = match body::read(body, limit).await {
        Ok(body) => body,
        Err(error) => return unreadable(Shape::Json, error),
    };
    match service_name {
        QUEUES => {
            let endpoint = ["http://", host].concat();
            queued(
                gateway
                    .services
                    .queues
                    .call(&endpoint, operation, body)
                    .await,
            )
        }
        logs::SERVICE => logs::answer(gateway, operation, &body).await,
        _ => stored(&gateway.services, operation, body).await,
    }
}

async fn stored(services: &Services, operation: &str, body: Bytes) -> Answer {
    let live = services.functions.live();
    let began = live.is_watched().then(Instant::now);
    let reply = services.store.call(operation, body).await;
    if let Some(began) = began {
        live.stored(operation, began.elapsed(), reply.status >= 500);
    }
    respond::identified(respond::answer(reply.status, AWS_JSON, reply.body))
}

fn queued(answer: queue::Answer) -> Answer {
    let response = respond::answer(answer.status, AWS_JSON, answer.body);
    let mut response = respond::identified(response);
    if let Some(code) = answer.query_error {
        respond::set(&mut response, QUERY_ERROR, &code);
    }
    response
}

/// Answers a request that is a form, as services without JSON have them.
async fn form(headers: &HeaderMap, body: Incoming) -> Answer {
    let body = match body::read(body, FORM_LIMIT).await {
        Ok(body) => body,
        Err(error) => return unreadable(Shape::Query, error),
    };
    let action = form_urlencoded::parse(&body).find(|(name, _)| name == "Action");
    let action = action.map_or_else(String::new, |(_, action)| action.into_owned());
    let service = service(headers);
    match service {
        Some("sts") | None if action == identity::ACTION => identity::answer(),
        Some("sqs") | None if !action.is_empty() => older_protocol(&action),
        service => unavailable(Shape::Query, service, &action),
    }
}

/// A request in SQS's query protocol, which AWS's SDKs have left.
fn older_protocol(action: &str) -> Answer {
    let message = format!(
        "sqs: {action} came in SQS's older query protocol, which is not available with --local. Use \
         a client that speaks JSON to SQS, as those released since May 2024 do: for example boto3 \
         1.34.95, AWS CLI 2.16 or 1.32.95, Java 2.21.19, JavaScript 3.447.0 and Go 1.47.7, or later."
    );
    respond::error(Shape::Query, 501, "NotImplemented", &message)
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(http::header::CONTENT_TYPE);
    content_type.is_some_and(|value| {
        value
            .as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    })
}

/// The service that the request was signed for: the scope of its credentials is
/// `<access key>/<date>/<region>/<service>/aws4_request`.
fn service(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, scope) = authorization.split_once("Credential=")?;
    scope.split(',').next()?.split('/').nth(3)
}

/// Something that AWS has and this has not.
pub(super) fn unavailable(shape: Shape, service: Option<&str>, operation: &str) -> Answer {
    let message = [
        service.unwrap_or("This service"),
        if operation.is_empty() { "" } else { ": " },
        operation,
        " is not available with --local. What is there: DynamoDB and its streams, invoking Lambda \
         functions and reading their event source mappings, reading and sending SQS messages, logs:FilterLogEvents, and \
         sts:GetCallerIdentity.",
    ]
    .concat();
    respond::error(shape, 501, "NotImplemented", &message)
}

/// A body that was too large, or did not come.
fn unreadable(shape: Shape, error: BodyError) -> Answer {
    match error {
        BodyError::TooLarge => {
            let message = "The request is larger than the service allows.";
            respond::error(shape, 413, "RequestEntityTooLarge", message)
        }
        BodyError::Broken => {
            let message = "The request could not be read.";
            respond::error(shape, 400, "SerializationException", message)
        }
    }
}
