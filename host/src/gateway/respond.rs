//! Answers in the shapes of AWS's protocols.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use uuid::Uuid;

/// What every answer is.
pub(super) type Answer = Response<Full<Bytes>>;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The media type of AWS's JSON protocol, version 1.0.
pub(super) const AWS_JSON: &str = "application/x-amz-json-1.0";
pub(super) const JSON: &str = "application/json";
pub(super) const XML: &str = "text/xml";

/// An answer with a body; a status that is none becomes 500.
pub(super) fn answer(status: u16, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let value = HeaderValue::from_static(content_type);
    answer.headers_mut().insert(CONTENT_TYPE, value);
    answer
}

/// Sets a header, where the text can be one.
pub(super) fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// The answer of what was done.
pub(super) fn success(content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    identified(answer(200, content_type, body.into()))
}

/// An answer with a request id of its own.
pub(super) fn identified(mut answer: Answer) -> Answer {
    let mut buffer = Uuid::encode_buffer();
    let id = Uuid::new_v4();
    set(
        &mut answer,
        REQUEST_ID,
        id.hyphenated().encode_lower(&mut buffer),
    );
    answer
}

/// A parameter of the query string.
pub(super) fn query(head: &Parts, name: &str) -> Option<String> {
    let query = head.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A page of one of Lambda's lists: what follows the request's `Marker`, which is a place, up to its
/// `MaxItems` or to `most`.
pub(super) fn page(head: &Parts, name: &str, all: Vec<Value>, most: usize) -> Value {
    let number = |name| query(head, name).and_then(|text| text.parse::<usize>().ok());
    let begin = number("Marker").unwrap_or(0).min(all.len());
    let length = number("MaxItems").unwrap_or(most).clamp(1, most);
    let end = (begin + length).min(all.len());
    let mut page = json!({ name: all[begin..end] });
    if end < all.len() {
        page["NextMarker"] = end.to_string().into();
    }
    page
}

/// A refusal before any service was found.
pub(super) fn refused(status: u16, message: &str) -> Answer {
    answer(status, JSON, json!({"message": message}).to_string().into())
}

/// The ways in which services answer an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// DynamoDB, SQS and all that come with `X-Amz-Target`.
    Json,
    /// STS, CloudFormation and all that come as forms.
    Query,
    /// Lambda.
    Rest,
    /// S3.
    RestXml,
}

/// A request that was not done, as its service says it.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    /// Lambda's reason for having no room.
    reason: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            reason: None,
        }
    }

    pub(super) fn because(self, reason: &'static str) -> Self {
        let reason = Some(reason);
        Self { reason, ..self }
    }

    pub(super) fn answer(self, shape: Shape) -> Answer {
        let Self {
            status,
            code,
            message,
            reason,
        } = self;
        match reason {
            None => error(shape, status, code, &message),
            Some(reason) => {
                let body = json!({"Reason": reason, "Type": "User", "message": message});
                let mut answer = identified(answer(status, JSON, body.to_string().into()));
                set(&mut answer, ERROR_TYPE, code);
                answer
            }
        }
    }
}

/// An error of a service.
pub(super) fn error(shape: Shape, status: u16, code: &str, message: &str) -> Answer {
    match shape {
        Shape::Json => {
            let code = ["com.amazon.coral.service#", code].concat();
            let body = json!({"__type": code, "message": message});
            identified(answer(status, AWS_JSON, body.to_string().into()))
        }
        Shape::Rest => {
            // The service's model spells the member in both ways, by the error.
            let body = json!({
                "Type": fault(status, "User"),
                "message": message,
                "Message": message,
            });
            let mut answer = identified(answer(status, JSON, body.to_string().into()));
            set(&mut answer, ERROR_TYPE, code);
            answer
        }
        Shape::Query => {
            let id = Uuid::new_v4().to_string();
            let (fault, message) = (fault(status, "Sender"), escape(message));
            let body = format!(
                "<?xml version=\"1.0\"?>\n<ErrorResponse><Error><Type>{fault}</Type>\
                 <Code>{code}</Code><Message>{message}</Message></Error>\
                 <RequestId>{id}</RequestId></ErrorResponse>"
            );
            let mut answer = answer(status, XML, body.into());
            set(&mut answer, REQUEST_ID, &id);
            answer
        }
        Shape::RestXml => {
            let message = escape(message);
            let body = format!(
                "<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code>\
                 <Message>{message}</Message></Error>"
            );
            identified(answer(status, XML, body.into()))
        }
    }
}

/// The text of an element of XML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn fault(status: u16, callers: &'static str) -> &'static str {
    match (status, callers) {
        (..500, callers) => callers,
        (_, "User") => "Service",
        _ => "Receiver",
    }
}
