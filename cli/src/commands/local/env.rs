//! `cqrs local env`: what points AWS's own tools and SDKs at the stack on this machine.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::aws::LOCAL_KEY;
use crate::commands::local::options::EnvShell;
use crate::commands::local::{attach, folder};
use crate::error::Failure;
use crate::printer::Printer;
use crate::settings::Settings;

/// These would lead elsewhere: a profile's endpoint or keys, a real session's token, an address
/// for one service alone.
const UNSET: [&str; 5] = [
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_LAMBDA",
    "AWS_ENDPOINT_URL_SQS",
];

pub(super) async fn run(
    shell: Option<EnvShell>,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let client = attach(settings, printer).await?;
    let deployed = folder(settings)?.deployment()?;
    let region = deployed
        .map(|deployment| deployment.region)
        .unwrap_or_else(|| settings.local_region().to_owned());
    let variables = BTreeMap::from([
        ("AWS_ENDPOINT_URL", client.endpoint()),
        ("AWS_ACCESS_KEY_ID", LOCAL_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", LOCAL_KEY.to_owned()),
        // Version 1 of the AWS CLI, and boto3, read this one alone.
        ("AWS_DEFAULT_REGION", region.clone()),
        ("AWS_REGION", region),
    ]);
    if printer.is_json() {
        return printer.json(&variables);
    }
    let shell = shell.unwrap_or_else(|| of_user(std::env::var("SHELL").ok().as_deref()));
    printer.stdout(&script(shell, &variables))
}

fn of_user(shell: Option<&str>) -> EnvShell {
    match shell.and_then(|path| path.rsplit('/').next()) {
        Some("fish") => EnvShell::Fish,
        Some("pwsh") => EnvShell::Powershell,
        _ => EnvShell::Posix,
    }
}

/// The values are addresses and words, in which no shell sees anything to expand.
fn script(shell: EnvShell, variables: &BTreeMap<&str, String>) -> String {
    let mut text = String::new();
    for (name, value) in variables {
        // Writing to a string cannot fail.
        let _ = match shell {
            EnvShell::Posix => writeln!(text, "export {name}={value}"),
            EnvShell::Fish => writeln!(text, "set -gx {name} {value}"),
            EnvShell::Powershell => writeln!(text, "$Env:{name} = '{value}'"),
        };
    }
    for name in UNSET {
        let _ = match shell {
            EnvShell::Posix => writeln!(text, "unset {name}"),
            EnvShell::Fish => writeln!(text, "set -e {name}"),
            EnvShell::Powershell => {
                writeln!(text, "Remove-Item Env:{name} -ErrorAction SilentlyContinue")
            }
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_is_spoken_to_in_its_language() {
        let variables = BTreeMap::from([("AWS_REGION", "eu-west-1".to_owned())]);
        let first_and_last = |shell| {
            let text = script(shell, &variables);
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            format!("{}\n{}", lines[0], lines[lines.len() - 1])
        };
        insta::assert_snapshot!(first_and_last(EnvShell::Posix), @"
        export AWS_REGION=eu-west-1
        unset AWS_ENDPOINT_URL_SQS
        ");
        insta::assert_snapshot!(first_and_last(EnvShell::Fish), @"
        set -gx AWS_REGION eu-west-1
        set -e AWS_ENDPOINT_URL_SQS
        ");
        insta::assert_snapshot!(first_and_last(EnvShell::Powershell), @"
        $Env:AWS_REGION = 'eu-west-1'
        Remove-Item Env:AWS_ENDPOINT_URL_SQS -ErrorAction SilentlyContinue
        ");
    }

    #[test]
    fn the_users_shell_is_known_by_its_name() {
        assert_eq!(of_user(Some("/usr/bin/fish")), EnvShell::Fish);
        assert_eq!(of_user(Some("/bin/zsh")), EnvShell::Posix);
        assert_eq!(of_user(None), EnvShell::Posix);
    }
}
