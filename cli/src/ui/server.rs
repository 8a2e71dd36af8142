//! The page's server: HTTP on 127.0.0.1, below a path that only this user knows.
//!
//! Everything lies below `/<token>/`; what is not asked for there is not found. [`host::guard`] refuses
//! other names for this machine and every page of another origin; nothing is said that would let one
//! read an answer, and what is sent along keeps the page from loading anything else.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

use super::{Shared, about, entity, page, run};
use crate::error::{Failure, Kind};

type Body = UnsyncBoxBody<Bytes, Infallible>;
type Answer = Response<Body>;

const JSON: &str = "application/json";
/// The most that a page sends.
const LIMIT: usize = 256 * 1024;
/// How long to wait where no connection can be taken.
const PAUSE: Duration = Duration::from_millis(100);
/// A page that hears nothing for this long hears that the server is there.
const SILENCE: Duration = Duration::from_secs(10);

/// What a browser holds the page to.
const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// Serves until this is dropped.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn_local(connection(stream, Arc::clone(&shared)));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Only speed is lost without it.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move {
            let mut answer = answer(&shared, request).await;
            for (name, value) in HEADERS {
                answer
                    .headers_mut()
                    .insert(name, HeaderValue::from_static(value));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    http.header_read_timeout(None);
    // The page that went away is the only error, and has nobody to tell.
    let _ = pin!(http.serve_connection(TokioIo::new(stream), service)).await;
}

async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    if let Err(reason) = host::guard::check(&head.uri, &head.headers) {
        return text(StatusCode::FORBIDDEN, "text/plain", reason);
    }
    let path = head.uri.path().trim_start_matches('/');
    let inside = path.split_once('/');
    let Some((_, path)) = inside.filter(|(token, _)| is_same(token, &shared.token)) else {
        let why = "Nothing is here. `cqrs ui` prints the address of its page.";
        return text(StatusCode::NOT_FOUND, "text/plain", why);
    };
    let query: Vec<(String, String)> = head
        .uri
        .query()
        .map(|query| {
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect()
        })
        .unwrap_or_default();
    let asked = |name: &str| {
        let found = query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    match (&head.method, path) {
        (&Method::GET, "") => asset("index.html"),
        (&Method::GET, "api/about") => text(StatusCode::OK, JSON, &about::json(shared)),
        (&Method::GET, "api/now") => text(StatusCode::OK, JSON, &shared.feed.now()),
        (&Method::GET, "api/live") => live(shared),
        (&Method::GET, "api/entity") => {
            answered(entity::both(shared, asked("id").unwrap_or_default()).await)
        }
        (&Method::GET, "api/list") => {
            let filter = asked("field").zip(asked("value"));
            answered(entity::list(shared, filter, asked("cursor")).await)
        }
        (&Method::POST, "api/run") => started(shared, body).await,
        (&Method::GET, name) => asset(name),
        _ => text(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "There is no such question.",
        ),
    }
}

fn asset(name: &str) -> Answer {
    match page::file(name) {
        Some((kind, content)) => text(StatusCode::OK, kind, content),
        None => text(
            StatusCode::NOT_FOUND,
            "text/plain",
            "There is no such file.",
        ),
    }
}

fn answered(answer: Result<String, Failure>) -> Answer {
    match answer {
        Ok(json) => text(StatusCode::OK, JSON, &json),
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> Answer {
    let status = match failure.kind() {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Usage | Kind::Refused => StatusCode::BAD_REQUEST,
        _ => StatusCode::BAD_GATEWAY,
    };
    text(status, JSON, &failure.to_json())
}

/// Runs a command, and answers with what it says, one document a line.
async fn started(shared: &Arc<Shared>, body: Incoming) -> Answer {
    let read = Limited::new(body, LIMIT).collect().await;
    let asked = read
        .map_err(|error| error.to_string())
        .and_then(|body| serde_json::from_slice(&body.to_bytes()).map_err(|e| e.to_string()));
    let heard = asked
        .map_err(|error| Failure::new(Kind::Usage, "the request cannot be read").caused_by(error))
        .and_then(|asked| run::start(shared, asked));
    let heard = match heard {
        Ok(heard) => heard,
        Err(failure) => return failed(&failure),
    };
    let lines = unfold(heard, |mut heard| async move {
        let line = heard.recv().await?;
        let line = serde_json::to_string(&line).unwrap_or_default() + "\n";
        Some((line, heard))
    });
    streamed("application/x-ndjson", lines)
}

/// Tells what goes on for as long as the page listens.
fn live(shared: &Arc<Shared>) -> Answer {
    let events = unfold(shared.feed.listen(), |mut listening| async move {
        let received = tokio::time::timeout(SILENCE, listening.recv()).await;
        let text = match received {
            Ok(Ok(text)) => text.to_string(),
            // It was asleep, and begins anew with what is so now.
            Ok(Err(RecvError::Lagged(_))) => "event: anew\ndata: {}\n\n".to_owned(),
            Ok(Err(RecvError::Closed)) => return None,
            Err(_) => ": still here\n\n".to_owned(),
        };
        Some((text, listening))
    });
    streamed("text/event-stream", events)
}

fn streamed(
    kind: &'static str,
    texts: impl futures_util::Stream<Item = String> + Send + 'static,
) -> Answer {
    let frames = texts.map(|text| Ok(Frame::data(Bytes::from(text))));
    typed(StatusCode::OK, kind, StreamBody::new(frames).boxed_unsync())
}

fn text(status: StatusCode, kind: &'static str, text: &str) -> Answer {
    let body = Full::new(Bytes::copy_from_slice(text.as_bytes()));
    typed(status, kind, body.boxed_unsync())
}

fn typed(status: StatusCode, kind: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// Whether it is the token, in a time that does not say how far it is right.
fn is_same(given: &str, token: &str) -> bool {
    let given = given.as_bytes();
    let differ = given.iter().zip(token.as_bytes());
    let differ = differ.fold(0, |differ, (one, other)| differ | (one ^ other));
    given.len() == token.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_as_a_whole_or_not_at_all() {
        assert!(is_same("abc", "abc"));
        for other in ["", "ab", "abd", "abcd", "ABC"] {
            assert!(!is_same(other, "abc"), "{other}");
        }
    }
}
