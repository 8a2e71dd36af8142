//! The checks of the stack's parts, each as its service answers.

use super::check::{Checked, Finding, Status};
use super::stack::Found;
use crate::app::handler::Handler;
use crate::error::Failure;
use crate::observe::{Function, Part, Unseen, here_lag, here_mapping, key, parts};

/// What the subscriber needs of a change.
const VIEW: &str = "NEW_AND_OLD_IMAGES";

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
    let name = found.stack.function(handler);
    let (state, invocable) = tokio::join!(
        parts::function(&found.aws, &name),
        parts::may_invoke(&found.aws, &name),
    );
    let finding = match (state, invocable) {
        (Ok(function), Ok(())) => judge_function(found, handler, &function),
        (Err(error), _) if error.is_gone() => found.unseen(error),
        (_, Err(error)) | (Err(error), Ok(())) => found.unseen(error),
    };
    finding.of(&name)
}

fn judge_function(found: &Found, handler: Handler, function: &Function) -> Finding {
    let advice = found.judge().function(handler, function, None);
    let detail = advice.as_ref().map(|advice| advice.message.clone());
    Finding::judged(detail.unwrap_or_else(|| "it is there".to_owned()), advice)
}

/// The table, its stream and its key.
pub(super) async fn table(found: &Found) -> Result<Checked<()>, Failure> {
    if let Some(broken) = broken_key(found).await {
        return Ok(broken.into());
    }
    let asked = async {
        let name = found.output("TableName")?;
        Ok((
            name,
            parts::write_model(&found.aws, name, &found.domain).await?,
        ))
    };
    let (name, table) = match asked.await {
        Ok(asked) => asked,
        Err(unseen) => return Ok(found.unseen(unseen).into()),
    };
    let about = if table.is_approximate { "about " } else { "" };
    let detail = format!("{name} is {}, {about}{}", table.status, table.count);
    let finding = Finding::judged(&detail, found.judge().write_model(&table));
    let view = table.stream_view.as_deref();
    if finding.status != Status::Ok || view == Some(VIEW) {
        return Ok(finding.into());
    }
    let detail = format!("{detail}, its stream records {}", view.unwrap_or("nothing"));
    let hint = format!(
        "set StreamViewType to {VIEW} in the template, `{}`, then `cqrs rebuild`",
        found.command("deploy")
    );
    Ok(Finding::failed(detail).hint(hint).into())
}

/// What is wrong with the stack's own key. Whoever may not look at keys is told by what fails.
async fn broken_key(found: &Found) -> Option<Finding> {
    let key = found.key.as_deref()?;
    let state = match key::state(&found.aws, key).await {
        Ok(state) => state,
        Err(error) if error.code() == Some("NotFoundException") => "gone".to_owned(),
        Err(_) => return None,
    };
    (state != key::USABLE).then(|| {
        Finding::failed(format!("its key {key} is {state}, and nothing that it encrypts can be read"))
            .hint("enable the key in KMS, or cancel its deletion; a key that is gone takes the data with it")
    })
}

/// From the stream to the subscriber.
pub(super) async fn mapping(found: &Found) -> Result<Checked<()>, Failure> {
    let asked: Part<_> = async {
        let id = found.output("EventSourceMappingId")?;
        Ok(match &found.mappings {
            None => (parts::mapping(&found.aws, id).await?, None),
            Some(mappings) => {
                let here = mappings.iter().find(|mapping| mapping.id == id);
                let here = here.ok_or(Unseen::Missing)?;
                (here_mapping(here), Some(here_lag(here)))
            }
        })
    }
    .await;
    let (mapping, lag) = match asked {
        Ok(asked) => asked,
        Err(unseen) => return Ok(found.unseen(unseen).into()),
    };
    let last = mapping.last_processing_result.as_deref();
    let last = last.filter(|last| !last.is_empty());
    let last = last.unwrap_or("nothing is known");
    let reason = mapping.reason.as_ref().map(|reason| format!(" ({reason})"));
    let (state, reason) = (&mapping.state, reason.unwrap_or_default());
    let advice = found.judge().mapping(&mapping, lag.as_ref());
    let detail = match &advice {
        Some(advice) => format!("{state}{reason}, last result: {last}: {}", advice.message),
        None => format!("{state}, last result: {last}"),
    };
    Ok(Finding::judged(detail, advice).into())
}

/// What could not be projected.
pub(super) async fn queue(found: &Found) -> Result<Checked<()>, Failure> {
    let output = |name| found.output(name);
    let depth = match parts::failures(&found.aws, found.buckets.as_ref(), output).await {
        Ok(depth) => depth,
        Err(unseen) => return Ok(found.unseen(unseen).into()),
    };
    let detail = match depth.visible + depth.hidden {
        0 => "no failures wait".to_owned(),
        1 => "about 1 failure waits".to_owned(),
        waiting => format!("about {waiting} failures wait"),
    };
    Ok(Finding::judged(detail, found.judge().failures(&depth)).into())
}
