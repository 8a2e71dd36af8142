//! What `cqrs deploy` makes of CloudFormation's answer to its preview: causes, warnings, names that
//! are taken; and what it refuses before it asks for one.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{AwsStage, Reply, Request, Scripted, Stage};

const VALIDATION: &str = "The following hook(s)/validation failed: \
     [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early Validation errors, use \
     the DescribeEvents API for detailed failure information.";

/// One event of a validation: logical id, type, failure mode, reason, path.
fn event((logical, kind, mode, reason, path): (&str, &str, &str, &str, &str)) -> String {
    format!(
        "<member><EventId>{logical}</EventId><EventType>VALIDATION_ERROR</EventType>\
         <LogicalResourceId>{logical}</LogicalResourceId><ResourceType>{kind}</ResourceType>\
         <Timestamp>2026-11-01T08:00:01Z</Timestamp><ValidationFailureMode>{mode}</ValidationFailureMode>\
         <ValidationStatus>FAILED</ValidationStatus><ValidationStatusReason>{reason}</ValidationStatusReason>\
         <ValidationPath>{path}</ValidationPath></member>"
    )
}

/// CloudFormation with no stack yet, whose change set is in `status` and has these events as long as
/// it is there.
fn server(
    status: &'static str,
    events: &'static [(
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
    )],
    other: impl Fn(&Request) -> Option<Reply> + Send + 'static,
) -> Scripted {
    let mut discarded = false;
    Scripted::new(move |request| {
        if let Some(reply) = other(request) {
            return reply;
        }
        match request.action().as_str() {
            "GetCallerIdentity" => Reply::identity(),
            "DescribeAvailabilityZones" => Reply::zones(),
            "CreateChangeSet" => Reply::change_set_begun(),
            "DescribeChangeSet" => {
                let reason = format!("<StatusReason>{VALIDATION}</StatusReason>");
                Reply::change_set(status, &reason)
            }
            "DescribeEvents" if discarded || !request.body().contains("ChangeSetName=") => {
                Reply::xml("DescribeEvents", "")
            }
            "DescribeEvents" => {
                let events: String = events.iter().copied().map(event).collect();
                let events = format!("<OperationEvents>{events}</OperationEvents>");
                Reply::xml("DescribeEvents", &events)
            }
            "DeleteChangeSet" => {
                discarded = true;
                Reply::xml("DeleteChangeSet", "")
            }
            _ => Reply::xml_error(400, "ValidationError", "Stack with id cqrs does not exist"),
        }
    })
}

const TAKEN: (&str, &str, &str, &str, &str) = (
    "PublisherLogs",
    "AWS::Logs::LogGroup",
    "FAIL",
    "Resource of type 'AWS::Logs::LogGroup' with identifier '/aws/lambda/cqrs-publisher' already exists.",
    "/Resources/PublisherLogs",
);

#[test]
fn a_change_set_that_fails_validation_names_the_resource_the_reason_and_the_place() {
    let server = server(
        "FAILED",
        &[(
            "WriteModel",
            "AWS::DynamoDB::Table",
            "FAIL",
            "Required property [KeySchema] not found",
            "/Resources/WriteModel/Properties",
        )],
        |_| None,
    );
    assert_snapshot!(server.deploy(&["--yes"]), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    Asking CloudFormation what would change…
    error: CloudFormation cannot make this change
      caused by: WriteModel (AWS::DynamoDB::Table) at /Resources/WriteModel/Properties: Required property [KeySchema] not found
    hint: correct template.yaml or the parameters, then run `cqrs deploy` again
    ");
}

#[test]
fn a_name_that_is_taken_is_shown_with_the_stack_that_has_it_or_as_a_leftover() {
    let held = server("FAILED", &[TAKEN], |request| {
        (request.action() == "DescribeStackResources").then(|| {
            Reply::xml(
                "DescribeStackResources",
                "<StackResources><member><StackName>old-shop</StackName>\
                 <LogicalResourceId>Logs</LogicalResourceId><ResourceType>AWS::Logs::LogGroup</ResourceType>\
                 <Timestamp>2026-11-01T08:00:01Z</Timestamp><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
                 </member></StackResources>",
            )
        })
    });
    assert_snapshot!(held.deploy(&["--yes"]), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    Asking CloudFormation what would change…
    error: CloudFormation cannot make this change
      caused by: PublisherLogs (AWS::Logs::LogGroup) at /Resources/PublisherLogs: Resource of type 'AWS::Logs::LogGroup' with identifier '/aws/lambda/cqrs-publisher' already exists.
    hint: `/aws/lambda/cqrs-publisher` is a part of stack `old-shop`: deploy under another `--stack`, or destroy that stack first
    ");
    let leftover = server("FAILED", &[TAKEN], |_| None);
    assert_snapshot!(leftover.deploy(&["--yes"]), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    Asking CloudFormation what would change…
    error: CloudFormation cannot make this change
      caused by: PublisherLogs (AWS::Logs::LogGroup) at /Resources/PublisherLogs: Resource of type 'AWS::Logs::LogGroup' with identifier '/aws/lambda/cqrs-publisher' already exists.
    hint: `/aws/lambda/cqrs-publisher` (AWS::Logs::LogGroup) is in no stack: a deletion with `--express` may still be at work on it, so wait some minutes; else delete it, then repeat the command
    ");
}

#[test]
fn what_validation_warns_of_is_shown_with_the_preview() {
    let server = server(
        "CREATE_COMPLETE",
        &[(
            "Vpc",
            "AWS::EC2::VPC",
            "WARN",
            "The quota of VPCs per region is nearly used up",
            "/Resources/Vpc",
        )],
        |_| None,
    );
    assert_snapshot!(server.deploy(&["--plan"]), @r"
    exit code 0
    --- stdout
    Nothing would change
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    Asking CloudFormation what would change…
    warning: Vpc (AWS::EC2::VPC) at /Resources/Vpc: The quota of VPCs per region is nearly used up
    ");
}

#[test]
fn a_region_without_room_for_a_network_is_named_before_any_question() {
    let full = |count: usize| {
        move |request: &Request| match request.action().as_str() {
            "DescribeVpcs" => {
                let networks = "<item><vpcId>vpc-1</vpcId></item>".repeat(count);
                Some(Reply::answer(
                    200,
                    "text/xml",
                    format!(
                        "<DescribeVpcsResponse><requestId>r</requestId><vpcSet>{networks}</vpcSet></DescribeVpcsResponse>"
                    ),
                ))
            }
            "POST /" if request.body().contains("L-F678F1CE") => Some(Reply::json(
                200,
                r#"{"Quota":{"QuotaCode":"L-F678F1CE","Value":5.0}}"#,
            )),
            _ => None,
        }
    };
    let server = server("CREATE_COMPLETE", &[], full(5));
    assert_snapshot!(server.deploy(&["--yes"]), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: eu-west-1 has 5 of at most 5 networks (VPCs)
    hint: take one that is there with `--parameter VpcId=ID` `--parameter SubnetIds=ID,ID`, delete one that is not needed, choose another `--region`, or ask for more in Service Quotas (`VPCs per Region`)
    ");
    assert_eq!(server.counts().get("CreateChangeSet"), None);

    let server = self::server("CREATE_COMPLETE", &[], full(4));
    assert_eq!(server.deploy(&["--plan"]).code, 0);
}

#[test]
fn tags_stay_until_they_are_taken_off_and_the_last_one_can_be_too() {
    let stage = AwsStage::empty();
    stage
        .deploy()
        .args(["--tag", "team=shop", "--tag", "cost=42"])
        .succeeds();
    let unchanged: Value = stage.deploy().json();
    assert_eq!(unchanged["status"], "unchanged", "{unchanged}");
    let deployed: Value = stage.deploy().args(["--remove-tag", "team"]).json();
    assert_eq!(deployed["status"], "updated", "{deployed}");
    let cost = ("cost".to_owned(), "42".to_owned());
    assert_eq!(stage.stack_tags("cqrs"), [cost]);
    stage.deploy().args(["--remove-tag", "cost"]).succeeds();
    assert_eq!(stage.stack_tags("cqrs"), []);
}
