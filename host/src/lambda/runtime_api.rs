//! The Runtime API of one environment, version 2018-06-01, as the guide documents it under "Using
//! the Lambda runtime API for custom runtimes".
//!
//! An environment is its process: requests of others are refused and change nothing. See [`peer`].

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::VERSION;
use super::environment::Environment;
use super::failure::{Failure, LARGEST_ANSWER};
use super::peer;
use super::pool::{Accepted, Delivery, Next};
use crate::body::{self, BodyError};
use crate::guard;

const PREFIX: &str = "/2018-06-01/runtime/";

const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const DEADLINE: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
const FUNCTION_ARN: HeaderName = HeaderName::from_static("lambda-runtime-invoked-function-arn");
const TRACE_ID: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");
const CLIENT_CONTEXT: HeaderName = HeaderName::from_static("lambda-runtime-client-context");

type Reply = Response<Full<Bytes>>;

/// Serves the process `pid` until the environment closes, and then closes every connection.
pub(super) async fn serve(listener: TcpListener, environment: Arc<Environment>, pid: u32) {
    let mut closing = environment.closing();
    let arn = environment
        .function
        .arn(&environment.pool.services.settings.region);
    let arn = HeaderValue::from_str(&arn).unwrap_or(HeaderValue::from_static(""));
    loop {
        let accepted = tokio::select! {
            _ = closing.wait_for(|&closed| closed) => return,
            accepted = listener.accept() => accepted,
        };
        if let Ok((stream, _)) = accepted {
            tokio::spawn(connection(
                stream,
                Arc::clone(&environment),
                arn.clone(),
                pid,
            ));
        }
    }
}

async fn connection(stream: TcpStream, environment: Arc<Environment>, arn: HeaderValue, pid: u32) {
    // Without it, an answer in two parts waits for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let mut closing = environment.closing();
    let own = is_own(&stream, &environment, pid).await;
    let service = service_fn(|request: Request<Incoming>| {
        let (environment, arn) = (&environment, &arn);
        async move {
            let reply = match guard::check(request.uri(), request.headers()) {
                Err(reason) => foreign(reason),
                Ok(_) if !own => foreign("Only the function's own process is served here."),
                Ok(_) => answer(request, environment, arn).await,
            };
            Ok::<_, Infallible>(reply)
        }
    });
    let connection = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = closing.wait_for(|&closed| closed) => {}
        // A connection that breaks is the process's business; its end is seen elsewhere.
        _ = connection => {}
    }
}

async fn is_own(stream: &TcpStream, environment: &Environment, pid: u32) -> bool {
    let (Ok(peer), Ok(own)) = (stream.peer_addr(), stream.local_addr()) else {
        return false;
    };
    let offspring = environment.pool.services.offspring.clone();
    let look = move || peer::is_own(&offspring, pid, peer, own);
    tokio::task::spawn_blocking(look).await.unwrap_or(false)
}

async fn answer(
    request: Request<Incoming>,
    environment: &Arc<Environment>,
    arn: &HeaderValue,
) -> Reply {
    let (head, body) = request.into_parts();
    let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    if path == "invocation/next" {
        return match head.method {
            Method::GET => next(environment, arn).await,
            _ => not_found(),
        };
    }
    if head.method != Method::POST {
        return not_found();
    }
    if path == "init/error" {
        let document = body::read(body, LARGEST_ANSWER).await.unwrap_or_default();
        return init_error(environment, document);
    }
    let id_and_kind = path
        .strip_prefix("invocation/")
        .and_then(|rest| rest.split_once('/'));
    let Some((id, kind @ ("response" | "error"))) = id_and_kind else {
        return not_found();
    };
    let answer = match (body::read(body, LARGEST_ANSWER).await, kind) {
        (Ok(document), "error") => Err(Failure::Reported(document)),
        (Ok(payload), _) => Ok(payload),
        (Err(BodyError::TooLarge), _) => Err(Failure::TooLarge),
        (Err(BodyError::Broken), _) => {
            return refusal(
                StatusCode::BAD_REQUEST,
                "InvalidRequest",
                "The body broke off",
            );
        }
    };
    match environment.pool.answer(environment, id, answer) {
        Accepted::Yes => accepted(),
        Accepted::UnknownId => refusal(
            StatusCode::BAD_REQUEST,
            "InvalidRequestID",
            "Invalid request ID",
        ),
        Accepted::TooLarge => refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            &format!("Exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."),
        ),
    }
}

async fn next(environment: &Arc<Environment>, arn: &HeaderValue) -> Reply {
    match environment.pool.next(environment).await {
        Next::Invocation(delivery) => delivered(delivery, arn),
        Next::End => {
            // The connection is closed while this waits, which ends it.
            std::future::pending().await
        }
        Next::OutOfTurn => out_of_turn("Next"),
    }
}

fn init_error(environment: &Arc<Environment>, document: Bytes) -> Reply {
    if environment.pool.is_ready(environment) {
        return out_of_turn("InitError");
    }
    let failure = Failure::Reported(document);
    environment.pool.failed_to_start(environment, &failure);
    accepted()
}

fn delivered(delivery: Delivery, arn: &HeaderValue) -> Reply {
    let Delivery {
        request_id,
        payload,
        deadline_ms,
        with_version,
        client_context,
    } = delivery;
    let mut reply = Response::new(Full::new(payload));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(DEADLINE, HeaderValue::from(deadline_ms));
    headers.insert(FUNCTION_ARN, arn.clone());
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(TRACE_ID, &trace_id(&request_id, deadline_ms));
    set(REQUEST_ID, &request_id);
    if with_version {
        let arn = arn.to_str().unwrap_or_default();
        set(FUNCTION_ARN, &[arn, ":", VERSION].concat());
    }
    if let Some(context) = client_context {
        set(CLIENT_CONTEXT, &context);
    }
    reply
}

/// A tracing header of X-Ray that is not sampled, made of the request's id, which is as random.
fn trace_id(request_id: &str, now_ms: i64) -> String {
    let digits: String = request_id.chars().filter(|&digit| digit != '-').collect();
    let root = digits.get(..24).unwrap_or_default();
    let parent = digits.get(16..).unwrap_or_default();
    let seconds = now_ms / 1_000;
    format!("Root=1-{seconds:08x}-{root};Parent={parent};Sampled=0")
}

fn accepted() -> Reply {
    const BODY: &[u8] = br#"{"status":"OK"}"#;
    reply(StatusCode::ACCEPTED, Bytes::from_static(BODY))
}

fn not_found() -> Reply {
    refusal(StatusCode::NOT_FOUND, "NotFound", "No such path")
}

fn foreign(reason: &str) -> Reply {
    refusal(StatusCode::FORBIDDEN, "AccessDenied", reason)
}

fn out_of_turn(what: &str) -> Reply {
    let message = format!(
        "State transition for runtime {what} failed. Error: State transition is not allowed"
    );
    refusal(StatusCode::FORBIDDEN, "InvalidStateTransition", &message)
}

fn refusal(status: StatusCode, error_type: &str, message: &str) -> Reply {
    let document = json!({ "errorType": error_type, "errorMessage": message });
    reply(status, document.to_string().into())
}

fn reply(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, json);
    reply
}
