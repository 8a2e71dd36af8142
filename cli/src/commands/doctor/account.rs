//! The checks of AWS itself: its region and the credentials.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;

use super::check::{Checked, Finding};
use crate::app::clock;
use crate::app::duration::shown;
use crate::aws::query::{Answer, Form};
use crate::aws::{Aws, AwsError, Identity};
use crate::commands::other_account;
use crate::error::Failure;
use crate::settings::Settings;

/// From here on AWS refuses signatures. (IAM user guide, "Troubleshoot Signature Version 4")
const CLOCK_LIMIT: Duration = Duration::from_secs(5 * 60);
/// From here on it is worth a word.
const CLOCK_DRIFT: Duration = Duration::from_secs(30);
/// Credentials that end sooner than this may end amid a deployment.
const SOON: Duration = Duration::from_secs(10 * 60);

/// Whether the region's own endpoint answers, asked without credentials; and by its clock, whether
/// this machine's is right.
pub(super) async fn region(aws: &Aws) -> Result<Checked<()>, Failure> {
    let url = match aws.endpoint("STS") {
        Some(url) => url,
        None => aws.regional("sts").await?,
    };
    let host = url.split("://").last().unwrap_or(&url).to_owned();
    let form = Form::new("GetCallerIdentity", "2011-06-15");
    let asked = clock::system();
    let answer = aws
        .ask_unsigned(&url, &form, "sts:GetCallerIdentity")
        .await?;
    if answer.status >= 500 {
        let detail = format!("{host} answers with HTTP status {}", answer.status);
        let hint = "wait a minute and repeat the command; or choose another `--region`";
        return Ok(Finding::failed(detail).hint(hint).into());
    }
    Ok(clock(&host, &answer, asked, clock::system()))
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
    settings: &Settings,
    loaded: Result<Credentials, AwsError>,
) -> Result<Checked<Identity>, Failure> {
    let expiry = loaded?.expiry();
    let identity = aws.identity().await?;
    if let Some(failure) = other_account(settings, &identity) {
        return Err(failure);
    }
    let detail = format!("{} in account {}", identity.arn, identity.account);
    let left = expiry.map(|expiry| expiry.duration_since(clock::system()).unwrap_or_default());
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

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_clock_that_is_minutes_off_fails_the_check() {
        for (date, asked, got, status, said) in [
            (1000, 1000, 1001, Status::Ok, "right"),
            (1000, 1029, 1030, Status::Ok, "right"),
            (1000, 1100, 1101, Status::Warning, "1 min 39 s ahead"),
            (
                1000,
                600,
                601,
                Status::Failed,
                "6 min 39 s behind, and AWS refuses signatures",
            ),
        ] {
            let answer = Answer {
                status: 200,
                date: Some(at(date)),
                body: String::new(),
            };
            let finding = clock("sts", &answer, at(asked), at(got)).finding;
            let detail = format!("sts answers, this machine's clock is {said}");
            assert_eq!((finding.status, finding.detail), (status, detail));
        }
    }
}
