//! The checks of AWS itself: its region, the credentials, what they allow.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::check::{Checked, Finding};
use crate::app::duration::shown;
use crate::aws::query::{Answer, Form};
use crate::aws::{Aws, AwsError, Identity};
use crate::error::Failure;
use crate::permissions::simulate::{Decision, Principal, role_arn, simulate};
use crate::permissions::{self, Kind, Place};
use crate::settings::Settings;
use crate::stack::artifacts::ArtifactStore;

/// From here on AWS refuses signatures. (IAM user guide, "Troubleshoot Signature Version 4")
const CLOCK_LIMIT: Duration = Duration::from_secs(5 * 60);
/// From here on it is worth a word.
const CLOCK_DRIFT: Duration = Duration::from_secs(30);
/// Credentials that end sooner than this may end amid a deployment.
const SOON: Duration = Duration::from_secs(10 * 60);
/// Actions that are named of a command's missing ones; JSON has all.
const NAMED: usize = 4;
/// IAM takes few requests a second.
const AT_ONCE: usize = 3;

/// Whether the region's own endpoint answers, asked without credentials; and by its clock, whether
/// this machine's is right.
pub(super) async fn region(aws: &Aws) -> Result<Checked<()>, Failure> {
    let url = match aws.endpoint("STS") {
        Some(url) => url,
        None => aws.regional("sts").await?,
    };
    let host = url.split("://").last().unwrap_or(&url).to_owned();
    let form = Form::new("GetCallerIdentity", "2011-06-15");
    let asked = SystemTime::now();
    let answer = aws
        .ask_unsigned(&url, &form, "sts:GetCallerIdentity")
        .await?;
    if answer.status >= 500 {
        let detail = format!("{host} answers with HTTP status {}", answer.status);
        let hint = "wait a minute and repeat the command; or choose another `--region`";
        return Ok(Finding::failed(detail).hint(hint).into());
    }
    Ok(clock(&host, &answer, asked, SystemTime::now()))
}

/// Compares the clocks. An answer's time has no parts of a second and was taken at some moment of
/// the exchange, which leaves some play.
fn clock(host: &str, answer: &Answer, asked: SystemTime, got: SystemTime) -> Checked<()> {
    let Some(date) = answer.date else {
        return Checked::found((), Finding::ok(format!("{host} answers")));
    };
    let ahead = asked.duration_since(date + Duration::from_secs(1));
    let behind = date.duration_since(got);
    let (off, word) = match (ahead, behind) {
        (Ok(off), _) => (off, "ahead"),
        (_, Ok(off)) => (off, "behind"),
        _ => (Duration::ZERO, "right"),
    };
    if off < CLOCK_DRIFT {
        let detail = format!("{host} answers, this machine's clock is right");
        return Checked::found((), Finding::ok(detail));
    }
    let off_by = shown(off);
    let detail = format!("{host} answers, this machine's clock is {off_by} {word}");
    let hint = "set the clock, for example with `timedatectl set-ntp true`";
    if off < CLOCK_LIMIT {
        Checked::found((), Finding::warning(detail).hint(hint))
    } else {
        Finding::failed(format!("{detail}, and AWS refuses signatures"))
            .hint(hint)
            .into()
    }
}

/// Whose the credentials are, and for how long.
pub(super) async fn credentials(
    aws: &Aws,
    loaded: Result<Credentials, AwsError>,
) -> Result<Checked<Identity>, Failure> {
    let expiry = loaded?.expiry();
    let identity = aws.identity().await?;
    let detail = format!("{} in account {}", identity.arn, identity.account);
    let left = expiry.map(|expiry| expiry.duration_since(SystemTime::now()).unwrap_or_default());
    let finding = match left {
        None => Finding::ok(detail),
        Some(left) if left < SOON => {
            Finding::warning(format!("{detail}, for {} more", shown(left)))
                .hint("sign in again before a deployment, for example with `aws sso login`")
        }
        Some(left) => Finding::ok(format!("{detail}, for {} more", shown(left))),
    };
    Ok(Checked::found(identity, finding))
}

/// What the caller's policies say of all that the commands do.
pub(super) async fn permissions(
    aws: &Aws,
    identity: &Identity,
    settings: &Settings,
) -> Result<Checked<()>, Failure> {
    let (partition, arn, role) = match Principal::of(identity) {
        Principal::Policies {
            partition,
            arn,
            role,
        } => (partition, arn, role),
        Principal::Root => {
            let detail = "the account's root user may do everything";
            return Ok(Finding::ok(detail).into());
        }
        Principal::Other => {
            let detail = format!("not checked: IAM knows no policies of {}", identity.arn);
            return Ok(Finding::skipped(detail).into());
        }
    };
    let store = ArtifactStore::new(aws, &identity.account, settings.artifact_bucket.clone());
    let place = Place {
        partition: &partition,
        region: aws.region(),
        account: &identity.account,
        stack: settings.stack.as_str(),
        bucket: store.bucket(),
    };
    let decided = match (decide(aws, &arn, &place).await, role) {
        (Err(error), Some(role)) if error.code() == Some("NoSuchEntity") => {
            match role_arn(aws, &partition, &role).await {
                Ok(arn) => decide(aws, &arn, &place).await,
                Err(error) => Err(error),
            }
        }
        (decided, _) => decided,
    };
    Ok(match decided {
        Ok(decided) => judge(&decided),
        Err(error) => {
            let failure = Failure::from(error);
            let detail = format!("not checked: {}", failure.with_causes());
            Finding::skipped(detail)
        }
    }
    .into())
}

type Decisions = BTreeMap<(Kind, &'static str), Decision>;

/// Asks about each kind of resource by itself: a policy may allow an action on some only.
async fn decide(aws: &Aws, arn: &str, place: &Place<'_>) -> Result<Decisions, AwsError> {
    let mut wanted: BTreeMap<Kind, BTreeSet<&'static str>> = BTreeMap::new();
    for (on, actions) in permissions::all().into_iter().flat_map(|(_, needs)| needs) {
        wanted.entry(on).or_default().extend(actions);
    }
    let asked = wanted.into_iter().map(async |(on, actions)| {
        let actions: Vec<&'static str> = actions.into_iter().collect();
        let said = simulate(aws, place.partition, arn, &on.arn(place), &actions).await?;
        let decision = |action: &'static str| Some(((on, action), *said.get(action)?));
        Ok::<_, AwsError>(actions.into_iter().filter_map(decision).collect::<Vec<_>>())
    });
    let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
    let mut decided = Decisions::new();
    while let Some(part) = answers.try_next().await? {
        decided.extend(part);
    }
    Ok(decided)
}

fn judge(decided: &Decisions) -> Finding {
    let mut missing: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
    let mut depends: BTreeSet<&'static str> = BTreeSet::new();
    for (command, needs) in permissions::all() {
        for (on, actions) in needs {
            for action in actions {
                match decided.get(&(on, action)) {
                    Some(Decision::Denied) => {
                        let missing = missing.entry(command).or_default();
                        if !missing.contains(&action) {
                            missing.push(action);
                        }
                    }
                    Some(Decision::Depends) => {
                        depends.insert(action);
                    }
                    _ => {}
                }
            }
        }
    }
    let mut conditions = String::new();
    if !depends.is_empty() {
        let depends: Vec<&str> = depends.into_iter().collect();
        conditions = format!("; under conditions: {}", some_of(&depends));
    }
    if missing.is_empty() {
        return Finding::ok(format!("every command is allowed{conditions}"));
    }
    let groups: Vec<String> = missing
        .iter()
        .map(|(command, actions)| format!("{command} lacks {}", some_of(actions)))
        .collect();
    let mut finding = Finding::warning(format!("{}{conditions}", groups.join("; ")))
        .hint("docs/permissions.md says what each command needs; `--output json` names all");
    finding.missing = missing;
    finding
}

fn some_of(actions: &[&str]) -> String {
    match actions.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!("{} and {more} more", actions[..NAMED].join(", ")),
        _ => actions.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn judged(date: u64, asked: u64, got: u64) -> (Status, String) {
        let answer = Answer {
            status: 200,
            date: Some(at(date)),
            body: String::new(),
        };
        let finding = clock("sts", &answer, at(asked), at(got)).finding;
        (finding.status, finding.detail)
    }

    #[test]
    fn a_clock_that_is_minutes_off_fails_the_check() {
        let right = "sts answers, this machine's clock is right".to_owned();
        assert_eq!(judged(1000, 1000, 1001), (Status::Ok, right.clone()));
        assert_eq!(judged(1000, 1029, 1030), (Status::Ok, right));
        let (status, said) = judged(1000, 1100, 1101);
        assert_eq!(
            (status, said.as_str()),
            (
                Status::Warning,
                "sts answers, this machine's clock is 1 min 39 s ahead"
            )
        );
        let (status, said) = judged(1000, 600, 601);
        assert_eq!(
            (status, said.as_str()),
            (
                Status::Failed,
                "sts answers, this machine's clock is 6 min 39 s behind, and AWS refuses signatures"
            )
        );
    }

    #[test]
    fn what_is_missing_is_grouped_by_command_and_conditions_are_no_denial() {
        let all: Decisions = permissions::all()
            .into_iter()
            .flat_map(|(_, needs)| needs)
            .flat_map(|(on, actions)| actions.into_iter().map(move |action| (on, action)))
            .map(|key| (key, Decision::Allowed))
            .collect();
        assert_eq!(judge(&all).status, Status::Ok);

        let mut some = all.clone();
        some.insert((Kind::Role, "iam:PassRole"), Decision::Depends);
        let finding = judge(&some);
        assert_eq!(finding.status, Status::Ok);
        assert_eq!(
            finding.detail,
            "every command is allowed; under conditions: iam:PassRole"
        );

        some.insert((Kind::Bucket, "s3:CreateBucket"), Decision::Denied);
        some.insert((Kind::Function, "lambda:InvokeFunction"), Decision::Denied);
        let finding = judge(&some);
        assert_eq!(finding.status, Status::Warning);
        assert_eq!(
            finding.missing["deploy"],
            ["s3:CreateBucket", "lambda:InvokeFunction"]
        );
        assert_eq!(finding.missing["order"], ["lambda:InvokeFunction"]);
        assert!(
            finding.detail.contains(
                "deploy lacks s3:CreateBucket, lambda:InvokeFunction; destroy lacks \
                 lambda:InvokeFunction; doctor lacks "
            ),
            "{}",
            finding.detail
        );
    }

    #[test]
    fn many_missing_actions_are_counted() {
        assert_eq!(some_of(&["a", "b"]), "a, b");
        assert_eq!(some_of(&["a", "b", "c", "d"]), "a, b, c, d");
        assert_eq!(
            some_of(&["a", "b", "c", "d", "e", "f"]),
            "a, b, c, d and 2 more"
        );
    }
}
