//! The hops of the stack's parts, each as its service tells it.

use host::mapping;

use super::hop::{Checked, Finding, Status};
use super::stack::Found;
use crate::aws::AwsError;
use crate::error::{Explain, Failure};
use crate::failures::queue::FailuresQueue;
use crate::package::Handler;
use crate::settings::Target;
use crate::stack::health;

/// What the subscriber needs of a change.
const VIEW: &str = "NEW_AND_OLD_IMAGES";

/// A finding, whichever way a check comes to it.
fn settled(outcome: Result<Finding, Finding>) -> Result<Checked<()>, Failure> {
    let (Ok(finding) | Err(finding)) = outcome;
    Ok(finding.into())
}

/// The three functions; gives those that can be invoked.
pub(super) async fn functions(found: &Found) -> Result<Checked<Vec<Handler>>, Failure> {
    let [publisher, subscriber, query] = Handler::ALL.map(|handler| function(found, handler));
    let (publisher, subscriber, query) = tokio::join!(publisher, subscriber, query);
    let looked = [publisher, subscriber, query];
    let there = Handler::ALL.into_iter().zip(&looked);
    let there = there.filter(|(_, finding)| finding.status != Status::Failed);
    let there: Vec<Handler> = there.map(|(handler, _)| handler).collect();
    let bad: Vec<&Finding> = looked.iter().filter(|f| f.status != Status::Ok).collect();
    let details: Vec<&str> = bad.iter().map(|finding| finding.detail.as_str()).collect();
    let mut finding = if there.len() < looked.len() {
        Finding::failed(details.join("; "))
    } else if bad.is_empty() {
        Finding::ok("publisher, subscriber and query are there and may be invoked")
    } else {
        Finding::warning(details.join("; "))
    };
    finding.hint = bad.iter().find_map(|finding| finding.hint.clone());
    Ok(Checked::found(there, finding))
}

async fn function(found: &Found, handler: Handler) -> Finding {
    let name = format!("{}-{handler}", found.stack);
    let (state, invocable) = tokio::join!(
        health::function(&found.aws, &name),
        health::may_invoke(&found.aws, &name),
    );
    let deploy = found.deploy();
    let missing = |error: &AwsError| error.code() == Some("ResourceNotFoundException");
    match (state, invocable) {
        (Ok(Some(state)), Ok(())) => judge_function(&name, &state, &deploy),
        // Whoever may invoke a function needs no right to look at it.
        (Err(error @ AwsError::Denied { .. }), Ok(())) => {
            let mut finding = Finding::of_look(error);
            finding.detail = format!("{name}: {}", finding.detail);
            finding
        }
        (Ok(None), _) => gone(&name, &deploy),
        (_, Err(error)) if missing(&error) => gone(&name, &deploy),
        (_, Err(error)) | (Err(error), Ok(())) => Finding::from(Failure::from(error)),
    }
}

fn gone(name: &str, deploy: &str) -> Finding {
    Finding::failed(format!("{name} is not there")).hint(format!(
        "somebody else has deleted it: `cqrs destroy`, which deletes the orders, and `{deploy}` \
         make the stack anew; CloudFormation's drift detection shows what else is missing"
    ))
}

fn judge_function(name: &str, state: &health::FunctionState, deploy: &str) -> Finding {
    let because = |reason: &Option<String>| {
        let reason = reason.as_ref().map(|reason| format!(": {reason}"));
        reason.unwrap_or_default()
    };
    let why = because(&state.state_reason);
    match (state.state.as_deref(), state.last_update.as_deref()) {
        (Some("Failed"), _) => Finding::failed(format!("{name} is Failed{why}"))
            .hint(format!("settle what the reason says, then `{deploy}`")),
        (Some(idle @ ("Inactive" | "Pending")), _) => {
            Finding::warning(format!("{name} is {idle}{why}"))
                .hint("repeat the command in a minute: Lambda prepares it when it is invoked")
        }
        (_, Some("Failed")) => {
            let why = because(&state.last_update_reason);
            Finding::warning(format!("the last update of {name} failed{why}"))
                .hint(format!("settle what the reason says, then `{deploy}`"))
        }
        (_, Some("InProgress")) => Finding::warning(format!("{name} is being updated"))
            .hint("repeat the command in a minute"),
        _ => Finding::ok(format!("{name} is there")),
    }
}

/// The table and its stream.
pub(super) async fn table(found: &Found) -> Result<Checked<()>, Failure> {
    settled(look_at_table(found).await)
}

async fn look_at_table(found: &Found) -> Result<Finding, Finding> {
    let name = found.needed("TableName")?;
    let table = health::table(&found.aws, name).await;
    let Some(table) = table.map_err(Finding::of_look)? else {
        return Err(gone(name, &found.deploy()));
    };
    let detail = format!("{name} is {}, about {} orders", table.status, table.items);
    if !matches!(table.status.as_str(), "ACTIVE" | "UPDATING") {
        return Err(Finding::failed(detail).hint("wait until DynamoDB has settled it"));
    }
    let view = table.stream_view.as_deref();
    if view != Some(VIEW) {
        let detail = format!("{detail}, its stream records {}", view.unwrap_or("nothing"));
        return Err(Finding::failed(detail).hint(format!(
            "set StreamViewType to {VIEW} in the template, `{}`, then `cqrs rebuild`",
            found.deploy()
        )));
    }
    Ok(Finding::ok(detail))
}

/// From the stream to the subscriber.
pub(super) async fn mapping(found: &Found) -> Result<Checked<()>, Failure> {
    settled(look_at_mapping(found).await)
}

async fn look_at_mapping(found: &Found) -> Result<Finding, Finding> {
    let id = found.needed("EventSourceMappingId")?;
    let mapping = match &found.mappings {
        Some(mappings) => mappings.iter().find(|mapping| mapping.id == id).map(here),
        None => health::mapping(&found.aws, id)
            .await
            .map_err(Finding::of_look)?,
    };
    let Some(mapping) = mapping else {
        return Err(gone(&format!("mapping {id}"), &found.deploy()));
    };
    let last = mapping.last_result.as_deref();
    let last = last.unwrap_or("nothing is known");
    let detail = format!("{}, last result: {last}", mapping.state);
    match mapping.state.as_str() {
        // The word of emulators follows that of AWS.
        "Enabled" | "Updating" if last.contains("PROBLEM") || last.contains("FAILED") => {
            Err(Finding::warning(detail).hint(
                "it tries again; `subscriber` says whether the cache is the reason, and `cqrs \
                 failures list` what was given up",
            ))
        }
        "Enabled" | "Updating" => Ok(Finding::ok(detail)),
        "Enabling" | "Creating" => {
            Err(Finding::warning(detail).hint("repeat the command in a minute"))
        }
        _ => Err(disabled(found, id, &mapping)),
    }
}

fn disabled(found: &Found, id: &str, mapping: &health::MappingState) -> Finding {
    let reason = mapping.reason.as_ref();
    let reason = reason.map(|reason| format!(" ({reason})"));
    let detail = format!(
        "{}{}: changes of the table do not reach the subscriber",
        mapping.state,
        reason.unwrap_or_default()
    );
    Finding::failed(detail).hint(match found.target {
        Target::Aws => {
            format!("`aws lambda update-event-source-mapping --uuid {id} --enabled` enables it")
        }
        Target::Local => format!(
            "the template says `Enabled: false`; without that, `{}` enables it",
            found.deploy()
        ),
    })
}

/// What the process on this machine says, in Lambda's words.
fn here(status: &mapping::Status) -> health::MappingState {
    let state = if status.enabled {
        "Enabled"
    } else {
        "Disabled"
    };
    health::MappingState {
        state: state.to_owned(),
        reason: None,
        last_result: Some(status.last_processing_result.clone()),
    }
}

/// What could not be projected.
pub(super) async fn queue(found: &Found) -> Result<Checked<()>, Failure> {
    settled(look_at_queue(found).await)
}

async fn look_at_queue(found: &Found) -> Result<Finding, Finding> {
    let url = found.needed("FailuresQueueUrl")?;
    let stream = found.needed("StreamArn")?;
    let depth = FailuresQueue::new(&found.aws, url, stream).depth().await;
    let depth = depth.map_err(|error| {
        if error.name().contains("NonExistentQueue") {
            gone(url, &found.deploy())
        } else {
            Finding::of_look(error)
        }
    })?;
    let wait = |text: String, them: &str| {
        Finding::warning(text).hint(format!(
            "`cqrs failures list` shows {them}, `cqrs failures retry --all` settles {them}"
        ))
    };
    match depth.visible + depth.hidden {
        0 => Ok(Finding::ok("no failures wait")),
        1 => Err(wait("about 1 failure waits".to_owned(), "it")),
        waiting => Err(wait(format!("about {waiting} failures wait"), "them")),
    }
}
