//! Proposing, executing and discarding, against recorded answers.

use super::*;
use crate::stack::replay::{Answer, STACK_ID, error, events, no_stack, ok, replay, stack};

fn proposal() -> Proposal {
    Proposal {
        stack: "cqrs".to_owned(),
        create: false,
        template: Some("Resources: {}".to_owned()),
        parameters: BTreeMap::from([
            ("Kept".to_owned(), ParameterSource::Previous),
            ("Given".to_owned(), ParameterSource::Value("1".to_owned())),
        ]),
        tags: None,
        express: false,
        keep_on_failure: false,
        watch: None,
    }
}

fn created() -> Answer {
    ok(
        "CreateChangeSet",
        &format!("<Id>change-set</Id><StackId>{STACK_ID}</StackId>"),
    )
}

fn described(status: &str, rest: &str) -> Answer {
    ok(
        "DescribeChangeSet",
        &format!("<Status>{status}</Status>{rest}"),
    )
}

fn failed(reason: &str) -> Answer {
    described("FAILED", &format!("<StatusReason>{reason}</StatusReason>"))
}

fn change(action: &str, id: &str, rest: &str) -> String {
    format!(
        "<member><Type>Resource</Type><ResourceChange><Action>{action}</Action>\
         <LogicalResourceId>{id}</LogicalResourceId><ResourceType>AWS::Test::Thing</ResourceType>\
         {rest}</ResourceChange></member>"
    )
}

#[tokio::test(start_paused = true)]
async fn the_alarms_that_undo_an_update_are_sent_kept_or_taken_back() {
    let sent = async |watch: Option<Watch>| {
        let (stacks, service) = replay(vec![created(), described("CREATE_COMPLETE", "")]);
        let proposal = Proposal {
            watch,
            ..proposal()
        };
        stacks.propose(&proposal).await.expect("a change set");
        let sent = service.requests().remove(0);
        let about = |pair: &&str| pair.starts_with("RollbackConfiguration");
        let sent: Vec<_> = sent.split('&').filter(about).map(str::to_owned).collect();
        sent.join(" ")
    };
    let watch = Watch {
        alarms: vec!["arn:1".to_owned()],
        minutes: 10,
    };
    let list = "RollbackConfiguration.RollbackTriggers";
    let minutes = "RollbackConfiguration.MonitoringTimeInMinutes";
    assert_eq!(
        sent(Some(watch)).await,
        format!(
            "{list}.member.1.Arn=arn%3A1 {list}.member.1.Type=AWS%3A%3ACloudWatch%3A%3AAlarm {minutes}=10"
        )
    );
    assert_eq!(
        sent(Some(Watch::default())).await,
        format!("{list}= {minutes}=0")
    );
    assert_eq!(sent(None).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_change_set_carries_the_role_that_cloudformation_works_as() {
    let (stacks, service) = replay(vec![created(), described("CREATE_COMPLETE", "")]);
    let role = "arn:aws:iam::123456789012:role/deploy";
    let stacks = stacks.working_as(Some(role.to_owned()));
    stacks.propose(&proposal()).await.expect("a change set");
    let sent = &service.requests()[0];
    assert!(
        sent.contains("RoleARN=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeploy"),
        "{sent}"
    );
}

#[tokio::test(start_paused = true)]
async fn changes_are_awaited_read_from_all_pages_and_sorted_with_the_dangerous_last() {
    let replace = "<Replacement>True</Replacement><Details>\
        <member><Target><Attribute>Properties</Attribute><Name>Size</Name>\
        <RequiresRecreation>Never</RequiresRecreation></Target></member>\
        <member><Target><Attribute>Properties</Attribute><Name>Zone</Name>\
        <RequiresRecreation>Always</RequiresRecreation></Target></member>\
        <member><Target><Attribute>Tags</Attribute></Target></member></Details>";
    let first = change("Remove", "Old", "") + &change("Modify", "Cache", replace);
    let second =
        change("Add", "New", "") + &change("Modify", "Fn", "<Replacement>False</Replacement>");
    let (stacks, service) = replay(vec![
        created(),
        described("CREATE_IN_PROGRESS", ""),
        described(
            "CREATE_COMPLETE",
            &format!("<Changes>{first}</Changes><NextToken>t</NextToken>"),
        ),
        described("CREATE_COMPLETE", &format!("<Changes>{second}</Changes>")),
    ]);
    let Proposed::Changes(change_set) = stacks.propose(&proposal()).await.expect("a change set")
    else {
        panic!("there are changes");
    };
    let seen: Vec<_> = change_set
        .changes
        .iter()
        .map(|c| (c.action, c.logical_id.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (Action::Add, "New"),
            (Action::Modify, "Fn"),
            (Action::Replace, "Cache"),
            (Action::Remove, "Old"),
        ]
    );
    assert_eq!(change_set.changes[2].properties, ["Zone", "Size", "Tags"]);
    let sent = &service.requests()[0];
    assert!(sent.contains("ChangeSetType=UPDATE"), "{sent}");
    assert!(
        sent.contains("ParameterKey=Kept&Parameters.member.2.UsePreviousValue=true"),
        "{sent}"
    );
    assert!(
        !sent.contains("&Tags="),
        "an empty list would remove the stack's tags: {sent}"
    );
}

#[tokio::test(start_paused = true)]
async fn both_wordings_of_no_changes_are_success_and_leave_nothing() {
    for reason in [
        "The submitted information didn't contain changes. Submit different information.",
        "No updates are to be performed.",
    ] {
        let (stacks, service) = replay(vec![created(), failed(reason), ok("DeleteChangeSet", "")]);
        let proposed = stacks.propose(&proposal()).await.expect("an answer");
        assert!(matches!(proposed, Proposed::NoChanges), "{reason}");
        assert_eq!(service.operations()[2], "DeleteChangeSet");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_change_set_takes_its_empty_stack_along() {
    let (stacks, service) = replay(vec![
        created(),
        failed("Transform AWS::Nope failed"),
        ok("DescribeEvents", ""),
        ok("DeleteChangeSet", ""),
        stack("REVIEW_IN_PROGRESS"),
        ok("ListChangeSets", "<Summaries/>"),
        ok("DeleteStack", ""),
    ]);
    let error = stacks.propose(&proposal()).await.expect_err("it failed");
    assert_eq!(
        error.to_string(),
        "CloudFormation cannot make this change: Transform AWS::Nope failed"
    );
    assert_eq!(
        service.operations().last().map(String::as_str),
        Some("DeleteStack")
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_stack_with_the_change_set_of_another_client_stays() {
    let other = "<Summaries><member><ChangeSetId>other</ChangeSetId></member></Summaries>";
    let (stacks, service) = replay(vec![
        ok("DeleteChangeSet", ""),
        stack("REVIEW_IN_PROGRESS"),
        ok("ListChangeSets", other),
    ]);
    stacks
        .discard("change-set", STACK_ID)
        .await
        .expect("discarded");
    assert_eq!(
        service.operations().last().map(String::as_str),
        Some("ListChangeSets")
    );
}

#[tokio::test(start_paused = true)]
async fn a_stack_gone_meanwhile_is_no_failure_of_discarding() {
    let (stacks, service) = replay(vec![ok("DeleteChangeSet", ""), no_stack()]);
    stacks
        .discard("change-set", STACK_ID)
        .await
        .expect("discarded");
    assert_eq!(service.operations().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_template_that_cloudformation_rejects_is_no_denied_call() {
    let (stacks, _) = replay(vec![error(
        400,
        "ValidationError",
        "Template format error: no Type",
    )]);
    let rejected = stacks.propose(&proposal()).await.expect_err("rejected");
    assert_eq!(rejected.name(), "TemplateRejected");
    let source = std::error::Error::source(&rejected).expect("a cause");
    assert!(
        source
            .to_string()
            .contains("Template format error: no Type"),
        "{source}"
    );

    let message = "User: arn:aws:iam::123456789012:user/a is not authorized to perform: \
                   cloudformation:CreateChangeSet on resource: arn:aws:cloudformation:x";
    let (stacks, _) = replay(vec![error(403, "AccessDenied", message)]);
    let denied = stacks.propose(&proposal()).await.expect_err("denied");
    assert_eq!(denied.name(), "AccessDenied");
    assert_eq!(
        denied.to_string(),
        "permission denied: cloudformation:CreateChangeSet"
    );
}

#[tokio::test(start_paused = true)]
async fn throttling_is_retried_until_it_ends() {
    let throttled = || error(400, "Throttling", "Rate exceeded");
    let (stacks, service) = replay(vec![throttled(), throttled(), stack("CREATE_COMPLETE")]);
    let found = stacks.describe("cqrs").await.expect("an answer");
    assert!(found.is_some());
    assert_eq!(service.operations().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn throttling_without_end_is_named_as_such() {
    let (stacks, service) = replay(
        (0..3)
            .map(|_| error(400, "Throttling", "Rate exceeded"))
            .collect(),
    );
    let failed = stacks.describe("cqrs").await.expect_err("throttled");
    assert_eq!(failed.name(), "Throttled");
    assert_eq!(service.operations().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn only_a_missing_stack_is_read_as_none() {
    let (stacks, _) = replay(vec![no_stack()]);
    assert!(stacks.describe("cqrs").await.expect("an answer").is_none());
    let expired = "The security token included in the request is expired";
    let (stacks, _) = replay(vec![error(403, "ExpiredToken", expired)]);
    let failed = stacks.describe("cqrs").await.expect_err("expired");
    assert_eq!(failed.name(), "ExpiredCredentials");
    assert!(failed.hint().expect("a hint").contains("sign in again"));
}

fn previewed(keep_on_failure: bool) -> ChangeSet {
    ChangeSet {
        id: "change-set".to_owned(),
        stack_id: STACK_ID.to_owned(),
        changes: Vec::new(),
        keep_on_failure,
    }
}

const NOT_EXECUTABLE: (u16, &str, &str) = (
    400,
    "InvalidChangeSetStatus",
    "ChangeSet cannot be executed in its current status",
);

fn refused((status, code, message): (u16, &str, &str)) -> Answer {
    error(status, code, message)
}

fn execution(status: &str) -> Answer {
    described(
        "CREATE_COMPLETE",
        &format!("<ExecutionStatus>{status}</ExecutionStatus>"),
    )
}

#[tokio::test(start_paused = true)]
async fn a_change_set_that_another_deployment_made_obsolete_is_named_as_such() {
    let gone = (
        404,
        "ChangeSetNotFound",
        "ChangeSet [change-set] does not exist",
    );
    let busy = (
        400,
        "ValidationError",
        "Stack is in UPDATE_IN_PROGRESS state and can not be updated.",
    );
    for answers in [
        vec![
            events(&[], None),
            refused(NOT_EXECUTABLE),
            execution("OBSOLETE"),
        ],
        vec![events(&[], None), refused(gone)],
        vec![events(&[], None), refused(busy)],
        vec![no_stack()],
    ] {
        let (stacks, service) = replay(answers);
        let failed = stacks
            .execute(&previewed(true))
            .await
            .expect_err("overtaken");
        assert_eq!(
            failed.to_string(),
            "another deployment changed stack `cqrs` after this preview was made"
        );
        service.requests();
    }
}

#[tokio::test(start_paused = true)]
async fn rollback_is_disabled_only_where_that_was_asked_for() {
    for keep_on_failure in [true, false] {
        let (stacks, service) = replay(vec![events(&[], None), ok("ExecuteChangeSet", "")]);
        stacks
            .execute(&previewed(keep_on_failure))
            .await
            .expect("executed");
        let sent = format!("DisableRollback={keep_on_failure}");
        assert!(service.requests()[1].contains(&sent));
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_whose_answer_was_lost_is_taken_for_what_it_was() {
    for status in ["EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE"] {
        let (stacks, service) = replay(vec![
            events(&[], None),
            refused(NOT_EXECUTABLE),
            execution(status),
        ]);
        stacks.execute(&previewed(false)).await.expect("executed");
        service.requests();
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_set_whose_creation_lost_its_answer_is_found_by_its_name() {
    let ids = format!("<ChangeSetId>change-set</ChangeSetId><StackId>{STACK_ID}</StackId>");
    let change = change("Add", "New", "");
    let (stacks, service) = replay(vec![
        error(400, "AlreadyExistsException", "ChangeSet already exists"),
        described("CREATE_PENDING", &ids),
        described("CREATE_COMPLETE", &format!("<Changes>{change}</Changes>")),
    ]);
    let proposed = stacks.propose(&proposal()).await.expect("an answer");
    let Proposed::Changes(found) = proposed else {
        panic!("there is a change")
    };
    assert_eq!(
        (found.id.as_str(), found.stack_id.as_str()),
        ("change-set", STACK_ID)
    );
    assert!(service.requests()[1].contains("ChangeSetName=cqrs-deploy-"));
}
