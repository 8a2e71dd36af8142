//! CloudFormation made of recorded answers, for the states that no emulator produces.
//!
//! The shapes are those of the CloudFormation API reference. Answers are given in order; a test
//! ends with [`Replay::requests`], which also shows that none was left over.

use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;

use crate::aws::Aws;
use crate::stack::Stacks;

pub(super) const STACK_ID: &str =
    "arn:aws:cloudformation:eu-west-1:123456789012:stack/cqrs/0e1f2a3b-0000-0000-0000-000000000000";

/// One answer of the service.
pub(super) struct Answer {
    status: u16,
    body: String,
}

/// A successful answer to `operation` with this result.
pub(super) fn ok(operation: &str, result: &str) -> Answer {
    let body = format!(
        "<{operation}Response xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <{operation}Result>{result}</{operation}Result>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
    );
    Answer { status: 200, body }
}

/// An error of the service.
pub(super) fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    );
    Answer { status, body }
}

/// `DescribeStacks` with one stack in `status`.
pub(super) fn stack(status: &str) -> Answer {
    ok(
        "DescribeStacks",
        &format!(
            "<Stacks><member><StackId>{STACK_ID}</StackId><StackName>cqrs</StackName>\
             <CreationTime>2026-11-23T08:00:00.000Z</CreationTime>\
             <StackStatus>{status}</StackStatus></member></Stacks>"
        ),
    )
}

/// `DescribeStacks` of a name that nothing has.
pub(super) fn no_stack() -> Answer {
    error(400, "ValidationError", "Stack with id cqrs does not exist")
}

/// One event of [`events`]: number, logical id, status, reason.
pub(super) type Event<'a> = (u32, &'a str, &'a str, &'a str);

/// `DescribeStackEvents`; events newest first, as the service gives them. An event's number is
/// its id and its second; the logical id `cqrs` is the stack itself.
pub(super) fn events(newest_first: &[Event<'_>], next: Option<&str>) -> Answer {
    let members: String = newest_first
        .iter()
        .map(|(number, logical, status, reason)| {
            let (kind, physical) = if *logical == "cqrs" {
                ("AWS::CloudFormation::Stack", STACK_ID)
            } else {
                ("AWS::Test::Thing", "physical")
            };
            let reason = if reason.is_empty() {
                String::new()
            } else {
                format!("<ResourceStatusReason>{reason}</ResourceStatusReason>")
            };
            format!(
                "<member><StackId>{STACK_ID}</StackId><EventId>e{number}</EventId>\
                 <StackName>cqrs</StackName><LogicalResourceId>{logical}</LogicalResourceId>\
                 <PhysicalResourceId>{physical}</PhysicalResourceId>\
                 <ResourceType>{kind}</ResourceType>\
                 <Timestamp>2026-11-23T08:00:{number:02}.000Z</Timestamp>\
                 <ResourceStatus>{status}</ResourceStatus>{reason}</member>"
            )
        })
        .collect();
    let next = next
        .map(|token| format!("<NextToken>{token}</NextToken>"))
        .unwrap_or_default();
    ok(
        "DescribeStackEvents",
        &format!("<StackEvents>{members}</StackEvents>{next}"),
    )
}

/// The service, and what it was asked.
pub(super) struct Replay {
    client: StaticReplayClient,
    given: usize,
}

impl Replay {
    /// The operations asked for, in order, each with its parameters as they were sent.
    pub(super) fn requests(&self) -> Vec<String> {
        let requests: Vec<String> = self
            .client
            .actual_requests()
            .map(|request| {
                let body = request.body().bytes().unwrap_or_default();
                String::from_utf8_lossy(body).into_owned()
            })
            .collect();
        assert_eq!(
            requests.len(),
            self.given,
            "an answer was left over: {requests:#?}"
        );
        requests
    }

    /// The names of the operations asked for, in order.
    pub(super) fn operations(&self) -> Vec<String> {
        let name = |request: &String| {
            let action = request
                .split('&')
                .find_map(|pair| pair.strip_prefix("Action="));
            action.unwrap_or_default().to_owned()
        };
        self.requests().iter().map(name).collect()
    }
}

/// Stacks on a service that gives these answers.
pub(super) fn replay(answers: Vec<Answer>) -> (Stacks, Replay) {
    let given = answers.len();
    let events = answers
        .into_iter()
        .map(|answer| {
            let request = http::Request::builder()
                .body(SdkBody::empty())
                .expect("a request");
            let response = http::Response::builder()
                .status(answer.status)
                .body(SdkBody::from(answer.body))
                .expect("a response");
            ReplayEvent::new(request, response)
        })
        .collect();
    let client = StaticReplayClient::new(events);
    (
        Stacks::new(&Aws::replay(client.clone())),
        Replay { client, given },
    )
}
