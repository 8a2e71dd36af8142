//! No deployment takes failures away that wait: a queue or a bucket of failures that is to go must be
//! empty.

use host::bucket::Buckets;

use crate::aws::Aws;
use crate::commands::counted;
use crate::error::{Failure, Kind};
use crate::failures::destination::Destination;
use crate::stack::change_set::{Action, ResourceChanged};
use crate::stack::state::{self, Output};

/// What the template calls them.
const DESTINATIONS: [&str; 2] = ["FailuresQueue", "FailuresBucket"];

/// Says what waits in a destination that `changes` would take away; none where nothing does. `here`
/// are the buckets of a stack on this machine.
pub(super) async fn lost(
    aws: &Aws,
    here: Option<&Buckets>,
    outputs: &[Output],
    changes: &[ResourceChanged],
) -> Result<Option<String>, Failure> {
    let goes = |change: &ResourceChanged| {
        let is_one = DESTINATIONS.contains(&change.logical_id.as_str());
        is_one && matches!(change.action, Action::Remove | Action::Replace)
    };
    if !changes.iter().any(goes) {
        return Ok(None);
    }
    let output = |name: &'static str| state::output(outputs, name);
    let stream = output("StreamArn").unwrap_or_default();
    let Some(destination) = Destination::of(aws, here, stream, output) else {
        return Ok(None);
    };
    let depth = destination.depth().await?;
    let waiting = depth.visible + depth.hidden;
    let noun = destination.noun();
    Ok((waiting > 0).then(|| {
        let failures = counted(waiting, "failure");
        format!("{failures} in the {noun} would go with it")
    }))
}

/// What to say instead of deploying.
pub(super) fn refusal(lost: &str) -> Failure {
    Failure::new(Kind::Failed, format!("not deployed: {lost}"))
        .hint("`cqrs failures retry --all`, or `cqrs failures discard --all`, and deploy again")
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use serde_json::json;

    use super::*;

    fn change(action: Action, logical_id: &str) -> ResourceChanged {
        ResourceChanged::new(action, logical_id, "")
    }

    fn outputs() -> Vec<Output> {
        let output = |name: &str, value: &str| Output {
            name: name.to_owned(),
            value: value.to_owned(),
            description: None,
        };
        vec![
            output("FailuresQueueUrl", "https://sqs.example/1/failures"),
            output("StreamArn", "arn:aws:dynamodb:eu-west-1:1:table/t/stream/s"),
        ]
    }

    /// What is lost where so many messages can be received, and so many are hidden.
    async fn lost_of(counts: [&'static str; 2], changes: &[ResourceChanged]) -> Option<String> {
        let http = infallible_client_fn(move |_| {
            let attributes = json!({"Attributes": {
                "ApproximateNumberOfMessages": counts[0],
                "ApproximateNumberOfMessagesNotVisible": counts[1],
            }});
            let answer = http::Response::builder().status(200);
            answer.body(attributes.to_string()).unwrap()
        });
        let aws = Aws::replay(http);
        lost(&aws, None, &outputs(), changes).await.unwrap()
    }

    #[tokio::test]
    async fn only_a_destination_that_goes_and_holds_failures_is_lost() {
        let goes = [change(Action::Remove, "FailuresQueue")];
        let said = lost_of(["2", "1"], &goes).await.unwrap();
        assert_eq!(said, "3 failures in the failures queue would go with it");
        assert_eq!(lost_of(["0", "0"], &goes).await, None);
        let stays = [
            change(Action::Modify, "FailuresQueue"),
            change(Action::Add, "FailuresBucket"),
            change(Action::Remove, "FailuresQueuePolicy"),
        ];
        assert_eq!(lost_of(["2", "0"], &stays).await, None);
    }
}
