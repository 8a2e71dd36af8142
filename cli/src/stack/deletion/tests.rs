//! Deleting, against recorded answers.

use crate::stack::replay::{STACK_ID, events, ok, replay, stack};
use crate::stack::state::Situation;

#[tokio::test(start_paused = true)]
async fn a_deletion_that_failed_is_taken_up_again() {
    let failed = [
        (
            3,
            "cqrs",
            "DELETE_FAILED",
            "The following resource(s) failed to delete: [Group].",
        ),
        (
            2,
            "Group",
            "DELETE_FAILED",
            "resource sg-1 has a dependent object",
        ),
        (1, "cqrs", "DELETE_IN_PROGRESS", "User Initiated"),
    ];
    let again = [
        (5, "cqrs", "DELETE_COMPLETE", ""),
        (4, "cqrs", "DELETE_IN_PROGRESS", ""),
    ];
    let (stacks, service) = replay(vec![
        stack("DELETE_FAILED"),
        events(&failed, None),
        ok("DeleteStack", ""),
        events(&[again[0], again[1], failed[0], failed[1], failed[2]], None),
    ]);
    let found = stacks
        .describe("cqrs")
        .await
        .expect("an answer")
        .expect("a stack");
    assert_eq!(found.situation(), Situation::MustBeDeleted);
    let mark = stacks.mark(&found.id).await.expect("a mark");
    stacks.delete(&found.id, false).await.expect("accepted");
    let ended = stacks.follow(mark, |_| {}).await.expect("followed");
    assert_eq!(ended.status, "DELETE_COMPLETE");
    assert!(ended.failures.is_empty());
    assert!(service.requests()[2].contains("ClientRequestToken=cqrs-delete-"));
}

#[tokio::test]
async fn a_role_goes_with_all_that_changes_the_stack() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
    let operations = || vec![ok("DeleteStack", ""), ok("ContinueUpdateRollback", "")];
    for (role, sent) in [(Some(ROLE), 2), (None, 0)] {
        let (stacks, service) = replay(operations());
        let stacks = stacks.working_as(role.map(str::to_owned));
        stacks.delete(STACK_ID, false).await.expect("accepted");
        stacks.continue_rollback(STACK_ID).await.expect("accepted");
        let requests = service.requests();
        let named = requests.iter().filter(|request| {
            request.contains("RoleARN=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeploy")
        });
        assert_eq!(named.count(), sent, "{requests:?}");
    }
}

#[tokio::test]
async fn resources_are_read_from_all_pages_without_those_that_are_gone() {
    let resource = |id: &str, status: &str| {
        format!(
            "<member><LogicalResourceId>{id}</LogicalResourceId><ResourceType>T</ResourceType>\
             <ResourceStatus>{status}</ResourceStatus></member>"
        )
    };
    let summaries =
        |members: &str| format!("<StackResourceSummaries>{members}</StackResourceSummaries>");
    let first = resource("B", "CREATE_COMPLETE") + &resource("Gone", "DELETE_COMPLETE");
    let (stacks, _) = replay(vec![
        ok(
            "ListStackResources",
            &(summaries(&first) + "<NextToken>t</NextToken>"),
        ),
        ok(
            "ListStackResources",
            &summaries(&resource("A", "UPDATE_COMPLETE")),
        ),
    ]);
    let found = stacks.resources(STACK_ID).await.expect("resources");
    let ids: Vec<_> = found
        .iter()
        .map(|resource| resource.logical_id.as_str())
        .collect();
    assert_eq!(ids, ["A", "B"]);
}
