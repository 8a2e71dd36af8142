//! The hops of the stack's parts, each as its service tells it.

use super::hop::{Checked, Finding, Status};
use super::stack::Found;
use crate::aws::AwsError;
use crate::error::{Explain, Failure};
use crate::failures::queue::FailuresQueue;
use crate::health::{Function, Mapping, WriteModel, here_lag, here_mapping};
use crate::package::Handler;
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
        (Ok(Some(state)), Ok(())) => judge_function(found, handler, &name, state),
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

fn judge_function(
    found: &Found,
    handler: Handler,
    name: &str,
    state: health::FunctionState,
) -> Finding {
    let function = Function {
        state: state.state.unwrap_or_else(|| "Active".to_owned()),
        reason: state.reason,
        last_update: state.last_update,
        memory_mb: None,
        code: None,
        changed_at: None,
        processes: None,
    };
    let advice = found.judge().function(handler.name(), &function, None);
    let said = advice.as_ref().map(|advice| advice.message.as_str());
    let detail = format!("{name}: {}", said.unwrap_or("it is there"));
    Finding::judged(detail, advice)
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
    let fact = WriteModel {
        status: table.status,
        orders: u64::try_from(table.items).unwrap_or_default(),
        is_approximate: true,
    };
    let finding = Finding::judged(&detail, found.judge().write_model(&fact));
    if finding.status != Status::Ok {
        return Err(finding);
    }
    let view = table.stream_view.as_deref();
    if view != Some(VIEW) {
        let detail = format!("{detail}, its stream records {}", view.unwrap_or("nothing"));
        return Err(Finding::failed(detail).hint(format!(
            "set StreamViewType to {VIEW} in the template, `{}`, then `cqrs rebuild`",
            found.deploy()
        )));
    }
    Ok(finding)
}

/// From the stream to the subscriber.
pub(super) async fn mapping(found: &Found) -> Result<Checked<()>, Failure> {
    settled(look_at_mapping(found).await)
}

async fn look_at_mapping(found: &Found) -> Result<Finding, Finding> {
    let id = found.needed("EventSourceMappingId")?;
    let mut reason = None;
    let (mapping, lag) = match &found.mappings {
        Some(mappings) => {
            let here = mappings.iter().find(|mapping| mapping.id == id);
            (here.map(here_mapping), here.map(here_lag))
        }
        None => {
            let mapping = health::mapping(&found.aws, id)
                .await
                .map_err(Finding::of_look)?;
            reason = mapping.as_ref().and_then(|mapping| mapping.reason.clone());
            (mapping.map(|state| of_aws(id, state)), None)
        }
    };
    let Some(mapping) = mapping else {
        return Err(gone(&format!("mapping {id}"), &found.deploy()));
    };
    let last = mapping.last_processing_result.as_deref();
    let last = last.filter(|last| !last.is_empty());
    let last = last.unwrap_or("nothing is known");
    let reason = reason.map(|reason| format!(" ({reason})"));
    let (state, reason) = (&mapping.state, reason.unwrap_or_default());
    let advice = found.judge().mapping(&mapping, lag.as_ref());
    let detail = match &advice {
        Some(advice) => format!("{state}{reason}, last result: {last}: {}", advice.message),
        None => format!("{state}, last result: {last}"),
    };
    Ok(Finding::judged(detail, advice))
}

fn of_aws(id: &str, state: health::MappingState) -> Mapping {
    Mapping {
        id: id.to_owned(),
        state: state.state,
        last_processing_result: state.last_result,
        given_up: None,
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
    let detail = match depth.visible + depth.hidden {
        0 => "no failures wait".to_owned(),
        1 => "about 1 failure waits".to_owned(),
        waiting => format!("about {waiting} failures wait"),
    };
    Ok(Finding::judged(detail, found.judge().failures(&depth)))
}
