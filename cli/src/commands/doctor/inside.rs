//! The checks inside the functions: what each of them finds on the way to its store.

use pattern::diagnosis::{Diagnosis, Step, StepName};
use pattern::error::ErrorType;

use super::check::{Checked, Finding, Name};
use super::checks::Checks;
use super::stack::Found;
use crate::app::handler::Handler;
use crate::error::Failure;
use crate::settings::{Target, stack_flag};

/// What a function says to a payload that it does not know.
const UNKNOWN: [ErrorType; 3] = [
    ErrorType::InvalidCommand,
    ErrorType::InvalidEvent,
    ErrorType::InvalidQuery,
];

/// Lets the functions that are there check, side by side.
pub(super) async fn check(checks: &Checks<'_>, found: &Found, there: &[Handler]) {
    let [publisher, subscriber, query] = Handler::ALL.map(|handler| {
        let present = there.contains(&handler);
        checks.check(Name::Way(handler), diagnosed(found, handler, present))
    });
    tokio::join!(publisher, subscriber, query);
}

async fn diagnosed(found: &Found, handler: Handler, present: bool) -> Result<Checked<()>, Failure> {
    if !present {
        return Ok(Finding::behind(Name::Functions).into());
    }
    let deploy = found.command("deploy");
    let diagnosis = match found.functions().diagnose(handler).await {
        Ok(answer) => answer.value,
        Err(error) if UNKNOWN.into_iter().any(|kind| error.is(kind)) => {
            let detail = "not checked: the function is too old to say how it gets to its store";
            return Ok(Finding::warning(detail)
                .hint(format!("`{deploy}` brings it to this version"))
                .into());
        }
        Err(error) => return Err(error.into()),
    };
    let version = &diagnosis.version;
    let mut finding = match diagnosis.failed() {
        Some(step) => Finding::failed(format!("{}: {}", step.step, step.detail))
            .hint(hint(found, handler, step.step)),
        None => {
            let way = way(handler, &diagnosis);
            match found.judge().version(version) {
                None => Finding::ok(way),
                old => Finding::judged(format!("{way}, is version {version}"), old),
            }
        }
    };
    finding.steps = diagnosis.steps;
    Ok(finding.into())
}

/// `to 10.0.1.5:6379: resolve 0.2, connect 0.4, ping 0.3 ms`
fn way(handler: Handler, diagnosis: &Diagnosis) -> String {
    let steps = diagnosis.steps.iter();
    let times: Vec<String> = steps.map(|s| format!("{} {:.1}", s.step, s.ms)).collect();
    let ends = |step: &&Step| matches!(step.step, StepName::Connect | StepName::Table);
    let end = diagnosis.steps.iter().find(ends);
    let end = end.map_or("its store", |step| step.detail.as_str());
    let times = times.join(", ");
    match handler {
        Handler::Publisher => format!("to {end}: {times} ms"),
        Handler::Subscriber | Handler::Query => format!("to the cache at {end}: {times} ms"),
    }
}

fn hint(found: &Found, handler: Handler, step: StepName) -> String {
    let deploy = found.command("deploy");
    let function = found.stack.function(handler);
    if found.target == Target::Local && !matches!(step, StepName::Table | StepName::Contents) {
        return match &found.cache_url {
            Some(url) => format!(
                "start the cache at {url} again, or name another with `{deploy} --cache-url \
                 redis://HOST:PORT`"
            ),
            None => format!(
                "`cqrs local stop{}` ends the cache with the stack, and the next command starts \
                 both again",
                stack_flag(&found.stack)
            ),
        };
    }
    let group = found.output("ReplicationGroupId").unwrap_or("ID");
    match step {
        StepName::Resolve => format!(
            "look at CACHE_URL of `aws lambda get-function-configuration --function-name \
             {function}`; where the cache was replaced, `{deploy}` sets it"
        ),
        StepName::Connect => format!(
            "look whether the cache is available with `aws elasticache \
             describe-replication-groups --replication-group-id {group}`, and at the security \
             groups of the functions and the cache"
        ),
        StepName::Tls => format!(
            "look whether the cache encrypts (`aws elasticache describe-replication-groups \
             --replication-group-id {group}`, TransitEncryptionEnabled) as CACHE_URL says"
        ),
        StepName::Auth => format!(
            "look whether the cache has the user {function} in its user group, and whether the \
             function's role allows elasticache:Connect; `{deploy}` sets both as the template says"
        ),
        StepName::Ping => "the cache takes connections and does not answer: look at its CPU and \
                           memory in CloudWatch"
            .to_owned(),
        StepName::Contents => format!("`{}` completes it", found.command("rebuild")),
        StepName::Table => format!(
            "look whether the table is there and whether the function's role allows \
             dynamodb:UpdateItem; `{deploy}` sets the role as the template says"
        ),
    }
}
