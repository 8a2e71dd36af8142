//! AWS says no, says nothing, or says it too late: scripted, since the emulator cannot.

use std::net::TcpListener;

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Reply, Sandbox, Scripted, handlers};

const ORDER: &str = "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11";

fn order() -> serde_json::Value {
    json!({
        "orderId": ORDER, "clientId": "42", "productId": "abc", "quantity": 1,
        "status": "placed", "version": 1,
        "createdAt": "2026-11-23T03:00:00.000Z", "updatedAt": "2026-11-23T03:00:00.000Z",
    })
}

/// Answers the first `count` requests with `reply`, those after with `then`.
fn at_first(count: usize, reply: Reply, then: Reply) -> Scripted {
    let mut left = count;
    Scripted::new(move |_| {
        if left == 0 {
            return then.clone();
        }
        left -= 1;
        reply.clone()
    })
}

fn always(reply: Reply) -> Scripted {
    Scripted::new(move |_| reply.clone())
}

fn throttled() -> Reply {
    Reply::json(
        429,
        json!({ "__type": "TooManyRequestsException", "message": "Rate exceeded" }),
    )
}

#[test]
fn a_closed_port_is_said_to_give_no_answer() {
    let closed = test_support::ClosedPort::take();
    let port = closed.number();
    let sandbox = Sandbox::against(&format!("http://127.0.0.1:{port}"));
    assert_snapshot!(sandbox.cqrs(["outputs"]).outcome(), @r"
    exit code 1
    --- stderr
    error: no answer from AWS to cloudformation:DescribeStacks
      caused by: io error: client error (Connect): tcp connect error: Connection refused (os error 111)
    hint: check the network, `--region`, and `--endpoint-url` (or AWS_ENDPOINT_URL)
    ");
    assert_snapshot!(sandbox.cqrs(["order", "list"]).outcome(), @r"
    exit code 1
    --- stderr
    error: no answer from AWS to lambda:InvokeFunction
      caused by: io error: client error (Connect): tcp connect error: Connection refused (os error 111)
    hint: check the network, `--region`, and `--endpoint-url` (or AWS_ENDPOINT_URL)
    ");
    let error = sandbox
        .cqrs(["outputs", "--output", "json"])
        .outcome()
        .error();
    assert_eq!(error["kind"], "Unreachable");
}

#[test]
fn an_answer_that_is_not_of_aws_is_said_to_be_none() {
    let page = Reply::answer(200, "text/html", "<html><body>It works!</body></html>");
    let server = always(page);
    let sandbox = Sandbox::against(&server.endpoint());
    assert_snapshot!(sandbox.cqrs(["order", "get", ORDER]).outcome(), @r"
    exit code 1
    --- stderr
    error: `cqrs-query` answered in a form that this version does not know
      caused by: expected value at line 1 column 1
    hint: `cqrs deploy` brings the functions to this version
    ");
    for command in [&["outputs"][..], &["destroy", "--yes"]] {
        let outcome = sandbox.cqrs(command).outcome();
        assert_eq!(outcome.code, 1, "{outcome}");
        assert!(outcome.stderr.contains("HTTP status 200"), "{outcome}");
    }
    // JSON of another version is no order either.
    let server = always(Reply::json(200, json!({ "id": 7 })));
    let sandbox = Sandbox::against(&server.endpoint());
    let outcome = sandbox.cqrs(["order", "get", ORDER]).outcome();
    assert_eq!(outcome.code, 1, "{outcome}");
    let cause = "caused by: invalid type: integer `7`, expected a string";
    assert!(outcome.stderr.contains(cause), "{outcome}");
}

#[test]
fn an_endpoint_that_never_answers_is_given_up() {
    // The system accepts connections; nobody reads them.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut sandbox = Sandbox::against(&format!("http://{}", deaf.local_addr().unwrap()));
    sandbox.set("AWS_MAX_ATTEMPTS", "1");
    assert_snapshot!(sandbox.cqrs(["outputs"]).outcome(), @r"
    exit code 1
    --- stderr
    error: no answer from AWS to cloudformation:DescribeStacks
      caused by: operation attempt timeout (single attempt) occurred after 10s
    hint: check the network, `--region`, and `--endpoint-url` (or AWS_ENDPOINT_URL)
    ");
}

#[test]
fn expired_wrong_and_missing_credentials_differ() {
    let refused = |code, message, command: &[&str]| {
        let server = always(Reply::xml_error(403, code, message));
        Sandbox::against(&server.endpoint()).cqrs(command).outcome()
    };
    let expired = "The security token included in the request is expired";
    assert_snapshot!(refused("ExpiredToken", expired, &["deploy", "--yes"]), @r"
    exit code 1
    --- stderr
    error: the AWS credentials have expired
      caused by: The security token included in the request is expired
    hint: sign in again, for example with `aws sso login`, then repeat the command
    ");
    let invalid = "The security token included in the request is invalid.";
    assert_snapshot!(refused("InvalidClientTokenId", invalid, &["outputs"]), @r"
    exit code 1
    --- stderr
    error: AWS does not accept the credentials
      caused by: The security token included in the request is invalid.
    hint: check AWS_PROFILE or AWS_ACCESS_KEY_ID, and this machine's clock
    ");
}

#[test]
fn a_denied_permission_names_the_action_and_the_resource() {
    let message = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: \
                   lambda:InvokeFunction on resource: \
                   arn:aws:lambda:eu-west-1:123456789012:function:cqrs-publisher";
    let server = always(Reply::json(
        403,
        json!({ "__type": "AccessDeniedException", "Message": message }),
    ));
    let sandbox = Sandbox::against(&server.endpoint());
    let create = ["order", "create", "--client", "42", "--product", "abc"];
    assert_snapshot!(sandbox.cqrs(create).outcome(), @r"
    exit code 1
    --- stderr
    error: permission denied: lambda:InvokeFunction
      caused by: User: arn:aws:iam::123456789012:user/ann is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:123456789012:function:cqrs-publisher
    hint: allow lambda:InvokeFunction for this principal (`cqrs permissions` prints what a task needs), or use another with `--profile`
    ");
    let error = sandbox
        .cqrs(create)
        .args(["--output", "json"])
        .outcome()
        .error();
    assert_eq!(error["kind"], "AccessDenied");
}

#[test]
fn throttling_is_waited_out() {
    let server = at_first(2, throttled(), Reply::json(200, order()));
    let sandbox = Sandbox::against(&server.endpoint());
    let shown: serde_json::Value = sandbox.cqrs(["order", "get", ORDER]).json();
    assert_eq!(shown, order());
    assert_eq!(server.actions().len(), 3);
}

#[test]
fn throttling_that_does_not_end_is_said_to_be_that() {
    let server = always(throttled());
    let sandbox = Sandbox::against(&server.endpoint());
    assert_snapshot!(sandbox.cqrs(["order", "get", ORDER]).outcome(), @r"
    exit code 1
    --- stderr
    error: AWS still throttles lambda:InvokeFunction after all retries
      caused by: Rate exceeded
    hint: wait a minute and repeat the command
    ");
    assert_eq!(server.actions().len(), 3);
}

#[test]
fn a_create_whose_answer_is_lost_is_repeated_under_the_same_key() {
    let keys = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let server = Scripted::new({
        let keys = std::sync::Arc::clone(&keys);
        move |request| {
            let command: serde_json::Value = serde_json::from_str(request.body()).unwrap();
            let mut keys = keys.lock().unwrap();
            keys.push(command["idempotencyKey"].as_str().unwrap().to_owned());
            if keys.len() == 1 {
                Reply::LOST
            } else {
                Reply::json(200, order())
            }
        }
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let id = sandbox
        .cqrs(["order", "create", "--client", "42", "--product", "abc"])
        .succeeds();
    assert_eq!(id.trim(), ORDER);
    let keys = keys.lock().unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn a_create_that_never_gets_an_answer_fails_and_names_the_network() {
    let server = always(Reply::LOST);
    let sandbox = Sandbox::against(&server.endpoint());
    let outcome = sandbox
        .cqrs(["order", "create", "--client", "42", "--product", "abc"])
        .outcome();
    assert_snapshot!(outcome, @r"
    exit code 1
    --- stderr
    error: no answer from AWS to lambda:InvokeFunction
      caused by: other: client error (SendRequest): connection closed before message completed
    hint: check the network, `--region`, and `--endpoint-url` (or AWS_ENDPOINT_URL); with `--idempotency-key [ID]` a repetition makes no second order
    ");
}

#[test]
fn a_function_that_crashed_is_shown_with_lambdas_own_words() {
    let server = Scripted::new(|_| {
        Reply::function(
            json!({ "errorType": "Runtime.ExitError", "errorMessage": "RequestId: 7 Error: Runtime exited with error: exit status 1" }),
        )
    });
    let sandbox = Sandbox::against(&server.endpoint());
    assert_snapshot!(sandbox.cqrs(["order", "list"]).outcome(), @r"
    exit code 1
    --- stderr
    error: `cqrs-query` failed: RequestId: 7 Error: Runtime exited with error: exit status 1
    hint: `cqrs logs` shows what the function logged
    ");
}

#[test]
fn a_rollback_that_is_stuck_is_continued_first() {
    let mut continued = false;
    let server = Scripted::new(move |request| match request.action().as_str() {
        "GetCallerIdentity" => Reply::identity(),
        "DescribeStacks" if continued => Reply::stack("cqrs", "UPDATE_ROLLBACK_COMPLETE"),
        "DescribeStacks" => Reply::stack("cqrs", "UPDATE_ROLLBACK_FAILED"),
        "ContinueUpdateRollback" => {
            continued = true;
            Reply::xml("ContinueUpdateRollback", "")
        }
        "DescribeStackEvents" if continued => Reply::events(
            "cqrs",
            &[
                (
                    "cqrs",
                    "AWS::CloudFormation::Stack",
                    "UPDATE_ROLLBACK_COMPLETE",
                    "",
                ),
                (
                    "cqrs",
                    "AWS::CloudFormation::Stack",
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    "User Initiated",
                ),
                (
                    "cqrs",
                    "AWS::CloudFormation::Stack",
                    "UPDATE_ROLLBACK_FAILED",
                    "",
                ),
            ],
        ),
        "DescribeStackEvents" => Reply::events(
            "cqrs",
            &[(
                "cqrs",
                "AWS::CloudFormation::Stack",
                "UPDATE_ROLLBACK_FAILED",
                "",
            )],
        ),
        "DescribeAvailabilityZones" => Reply::zones(),
        // What comes after is another test's business.
        _ => Reply::xml_error(400, "ValidationError", "enough"),
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let outcome = sandbox
        .cqrs(["deploy", "--yes", "--prebuilt"])
        .arg(handlers())
        .outcome();
    assert_eq!(server.counts()["ContinueUpdateRollback"], 1);
    assert_snapshot!(outcome, @r"
    exit code 1
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    Stack cqrs is in UPDATE_ROLLBACK_FAILED: its rollback must be continued before it takes an update.
    [CLOCK] UPDATE_ROLLBACK_IN_PROGRESS AWS::CloudFormation::Stack           cqrs  User Initiated
    [CLOCK] UPDATE_ROLLBACK_COMPLETE AWS::CloudFormation::Stack           cqrs
    Asking CloudFormation what would change…
    error: CloudFormation does not accept the template
      caused by: cloudformation:CreateChangeSet failed: enough
    hint: correct template.yaml or the parameters, then run `cqrs deploy` again
    ");
}

#[test]
fn a_deletion_that_fails_names_its_cause_and_the_way_out() {
    let mut asked = false;
    let server = Scripted::new(move |request| match request.action().as_str() {
        "GetCallerIdentity" => Reply::identity(),
        "DescribeStacks" => Reply::stack("cqrs", "DELETE_FAILED"),
        "DeleteStack" => {
            asked = true;
            Reply::xml("DeleteStack", "")
        }
        "DescribeStackEvents" if asked => Reply::events(
            "cqrs",
            &[
                (
                    "cqrs",
                    "AWS::CloudFormation::Stack",
                    "DELETE_FAILED",
                    "The following resource(s) failed to delete: [FirstSubnet].",
                ),
                (
                    "FirstSubnet",
                    "AWS::EC2::Subnet",
                    "DELETE_FAILED",
                    "The subnet has dependencies and cannot be deleted.",
                ),
                ("FirstSubnet", "AWS::EC2::Subnet", "DELETE_IN_PROGRESS", ""),
                (
                    "cqrs",
                    "AWS::CloudFormation::Stack",
                    "DELETE_IN_PROGRESS",
                    "User Initiated",
                ),
            ],
        ),
        "DescribeStackEvents" => Reply::events("cqrs", &[]),
        "ListStackResources" => Reply::xml(
            "ListStackResources",
            "<StackResourceSummaries><member><LogicalResourceId>FirstSubnet</LogicalResourceId>\
             <ResourceType>AWS::EC2::Subnet</ResourceType><ResourceStatus>DELETE_FAILED</ResourceStatus>\
             <LastUpdatedTimestamp>2026-11-01T08:00:00Z</LastUpdatedTimestamp></member></StackResourceSummaries>",
        ),
        "DescribeEvents" => Reply::xml("DescribeEvents", "<OperationEvents></OperationEvents>"),
        _ => Reply::xml_error(400, "ValidationError", "enough"),
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let outcome = sandbox.cqrs(["destroy", "--yes"]).outcome();
    assert_eq!(server.counts()["DeleteStack"], 1);
    assert_snapshot!(outcome, @r"
    exit code 1
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann

    - 1  AWS::EC2::Subnet

    This deletes 1 resource and, for good, orders (how many is not known).

    [CLOCK] DELETE_IN_PROGRESS   AWS::CloudFormation::Stack           cqrs  User Initiated
    [CLOCK] DELETE_IN_PROGRESS   AWS::EC2::Subnet                     FirstSubnet
    Lambda takes 20 to 45 minutes to give back the network interfaces of functions in a private network; the functions, subnets and security group wait for that. Ctrl-C leaves AWS at it; `--express` does not wait in the first place.
    [CLOCK] DELETE_FAILED        AWS::EC2::Subnet                     FirstSubnet  The subnet has dependencies and cannot be deleted.
    [CLOCK] DELETE_FAILED        AWS::CloudFormation::Stack           cqrs  The following resource(s) failed to delete: [FirstSubnet].
    error: stack `cqrs` ended in DELETE_FAILED
      caused by: FirstSubnet (AWS::EC2::Subnet): The subnet has dependencies and cannot be deleted.
    hint: mend the cause and run `cqrs destroy --stack cqrs` again: it takes up the deletion
    ");
}
