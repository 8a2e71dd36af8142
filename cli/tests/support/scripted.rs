//! A server that answers as a test says: states, errors and faults that the emulator has not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_smithy_cbor::Encoder;
use aws_smithy_types::DateTime;
use serde_json::Value;
use test_support::http;

use super::run::Outcome;
use super::sandbox::{Sandbox, handlers};

const CHANGE_SET: &str = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/cqrs-deploy-1/2";
const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/cqrs/1";

/// A request, as far as a test asks about it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    path: String,
    body: String,
}

impl Request {
    /// The form's field, in AWS's Query protocol.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.body
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    pub(crate) fn body(&self) -> &str {
        &self.body
    }

    /// What is asked for: the Query protocol's `Action`, else method and path.
    pub(crate) fn action(&self) -> String {
        match self.field("Action") {
            Some(action) => action.to_owned(),
            None => format!("{} {}", self.method, self.path),
        }
    }
}

impl From<http::Request> for Request {
    fn from(request: http::Request) -> Self {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        Self {
            method: request.method,
            path: request.path,
            body,
        }
    }
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) struct Reply(http::Reply);

impl Reply {
    /// The connection ends after the request was read.
    pub(crate) const LOST: Self = Self(http::Reply::HangUp);

    pub(crate) fn answer(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let body = body.into();
        Self(http::Reply::Answer {
            status,
            headers,
            body,
        })
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        if let http::Reply::Answer { headers, .. } = &mut self.0 {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// A function's own error, which Lambda answers with status 200.
    pub(crate) fn function(body: Value) -> Self {
        Self::json(200, body).with("x-amz-function-error", "Unhandled")
    }

    /// An answer of the Query protocol, given the inside of its result.
    pub(crate) fn xml(action: &str, result: &str) -> Self {
        let body = format!(
            "<{action}Response><{action}Result>{result}</{action}Result><ResponseMetadata>\
             <RequestId>r</RequestId></ResponseMetadata></{action}Response>"
        );
        Self::answer(200, "text/xml", body)
    }

    /// An error of the Query protocol.
    pub(crate) fn xml_error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>\
             </Error><RequestId>r</RequestId></ErrorResponse>"
        );
        Self::answer(status, "text/xml", body)
    }

    pub(crate) fn json(status: u16, body: impl ToString) -> Self {
        Self::answer(status, "application/json", body.to_string())
    }

    /// An answer of CloudWatch, whose protocol is CBOR. `{"seconds": N}` stands for a time.
    pub(crate) fn cbor(status: u16, body: &Value) -> Self {
        let mut encoder = Encoder::new(Vec::new());
        encode(&mut encoder, body);
        let body = encoder.into_writer();
        Self::answer(status, "application/cbor", body).with("smithy-protocol", "rpc-v2-cbor")
    }

    /// The same answer, given at another time.
    pub(crate) fn dated(self, date: &str) -> Self {
        self.with("date", date)
    }

    /// Who the caller is, which every deployment asks first.
    pub(crate) fn identity() -> Self {
        Self::xml(
            "GetCallerIdentity",
            "<Arn>arn:aws:iam::123456789012:user/ann</Arn><UserId>A</UserId>\
             <Account>123456789012</Account>",
        )
    }

    /// A change set is being made.
    pub(crate) fn change_set_begun() -> Self {
        let ids = format!("<Id>{CHANGE_SET}</Id><StackId>{STACK}</StackId>");
        Self::xml("CreateChangeSet", &ids)
    }

    /// The change set, in this state and with more members, such as its changes.
    pub(crate) fn change_set(status: &str, more: &str) -> Self {
        let described = format!(
            "<ChangeSetId>{CHANGE_SET}</ChangeSetId><StackId>{STACK}</StackId>\
             <Status>{status}</Status>{more}"
        );
        Self::xml("DescribeChangeSet", &described)
    }

    /// Three zones, of which a new stack takes two.
    pub(crate) fn zones() -> Self {
        let zones: String = ["euw1-az3", "euw1-az1", "euw1-az2"]
            .iter()
            .map(|id| format!("<item><zoneId>{id}</zoneId></item>"))
            .collect();
        let body = format!(
            "<DescribeAvailabilityZonesResponse><availabilityZoneInfo>{zones}</availabilityZoneInfo>\
             </DescribeAvailabilityZonesResponse>"
        );
        Self::answer(200, "text/xml", body)
    }

    /// One stack, in this state.
    pub(crate) fn stack(name: &str, status: &str) -> Self {
        Self::stack_with(name, status, "")
    }

    /// The same, with more members, such as its outputs.
    pub(crate) fn stack_with(name: &str, status: &str, more: &str) -> Self {
        Self::stack_of(name, status, &[("QueryCodeKey", "query.zip")], more)
    }

    /// A stack that another tool made.
    pub(crate) fn other_stack(name: &str, status: &str, more: &str) -> Self {
        Self::stack_of(name, status, &[("Size", "3")], more)
    }

    /// A stack with these parameters.
    pub(crate) fn stack_of(
        name: &str,
        status: &str,
        parameters: &[(&str, &str)],
        more: &str,
    ) -> Self {
        let parameters: String = parameters
            .iter()
            .map(|(key, value)| {
                format!(
                    "<member><ParameterKey>{key}</ParameterKey>\
                     <ParameterValue>{value}</ParameterValue></member>"
                )
            })
            .collect();
        Self::xml(
            "DescribeStacks",
            &format!(
                "<Stacks><member><StackName>{name}</StackName><StackId>{}</StackId>\
                 <CreationTime>2026-11-01T08:00:00Z</CreationTime>\
                 <StackStatus>{status}</StackStatus><Parameters>{parameters}</Parameters>{more}\
                 </member></Stacks>",
                stack_id(name)
            ),
        )
    }

    /// Events of that stack, the newest first: logical id, type, status, reason.
    pub(crate) fn events(name: &str, events: &[(&str, &str, &str, &str)]) -> Self {
        let id = stack_id(name);
        let mut members = String::new();
        for (i, (logical, kind, status, reason)) in events.iter().enumerate() {
            let age = events.len() - i;
            let physical = if *kind == "AWS::CloudFormation::Stack" {
                &id
            } else {
                *logical
            };
            members.push_str(&format!(
                "<member><EventId>e{age}</EventId><StackId>{id}</StackId><StackName>{name}</StackName>\
                 <LogicalResourceId>{logical}</LogicalResourceId>\
                 <PhysicalResourceId>{physical}</PhysicalResourceId><ResourceType>{kind}</ResourceType>\
                 <Timestamp>2026-11-01T08:00:{age:02}Z</Timestamp><ResourceStatus>{status}</ResourceStatus>\
                 <ResourceStatusReason>{reason}</ResourceStatusReason></member>"
            ));
        }
        Self::xml(
            "DescribeStackEvents",
            &format!("<StackEvents>{members}</StackEvents>"),
        )
    }
}

fn encode(encoder: &mut Encoder, value: &Value) {
    match value {
        Value::Null => encoder.null(),
        Value::Bool(value) => encoder.boolean(*value),
        Value::Number(number) => encoder.double(number.as_f64().unwrap()),
        Value::String(text) => encoder.str(text),
        Value::Array(items) => {
            encoder.array(items.len());
            items.iter().for_each(|item| encode(encoder, item));
            encoder
        }
        Value::Object(map) => match map.get("seconds").and_then(Value::as_i64) {
            Some(seconds) => encoder.timestamp(&DateTime::from_secs(seconds)),
            None => {
                encoder.map(map.len());
                for (name, value) in map {
                    encoder.str(name);
                    encode(encoder, value);
                }
                encoder
            }
        },
    };
}

/// The ARN that a stack of this name has in scripted answers.
fn stack_id(name: &str) -> String {
    format!(
        "arn:aws:cloudformation:eu-west-1:123456789012:stack/{name}/11111111-2222-3333-4444-555555555555"
    )
}

/// The server; it ends with the value.
pub(crate) struct Scripted {
    server: http::Server,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// `cqrs deploy` against it, with the handlers that were built before.
    pub(crate) fn deploy(&self, more: &[&str]) -> Outcome {
        let sandbox = Sandbox::against(&self.endpoint());
        let deploy = sandbox.cqrs(["deploy", "--prebuilt"]).arg(handlers());
        deploy.args(more).outcome()
    }

    /// Answers each request as `script` says, one after the other.
    pub(crate) fn new(script: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script = Mutex::new(script);
        let server = http::Server::start({
            let seen = Arc::clone(&seen);
            move |request| {
                let request = Request::from(request);
                seen.lock().unwrap().push(request.action());
                (script.lock().unwrap())(&request).0
            }
        });
        Self { server, seen }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.server.url()
    }

    /// What was asked for so far, in order.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Whether nothing else was asked for.
    pub(crate) fn saw_only(&self, action: &str) -> bool {
        self.actions().iter().all(|asked| asked == action)
    }

    /// How often each thing was asked for.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for action in self.actions() {
            *counts.entry(action).or_default() += 1;
        }
        counts
    }
}
