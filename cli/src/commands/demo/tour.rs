//! What the tour leaves: its steps for programs, and what to type next for people.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::app::installed;
use crate::printer::Style;
use crate::settings::{Settings, Target, stack_flag};

/// The whole tour as one document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tour<'a> {
    pub(super) stack: &'a str,
    pub(super) target: Target,
    /// With the deployment, where there was one.
    #[serde(rename = "tookMs", serialize_with = "millis")]
    pub(super) took: Duration,
    pub(super) steps: Vec<Step>,
}

/// One command of the tour.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    command: String,
    #[serde(rename = "tookMs", serialize_with = "millis")]
    took: Duration,
    /// What the command prints with `--output json`.
    result: Value,
}

impl Step {
    pub(super) fn new(title: String, command: String, took: Duration, result: Value) -> Self {
        Self {
            title,
            command,
            took,
            result,
        }
    }
}

/// To a tenth: more would be noise.
fn millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 10_000.0).round() / 10.0)
}

/// What to try next.
pub(super) fn hints(settings: &Settings, flags: &str, style: Style) -> String {
    let stack = stack_flag(&settings.stack);
    let mut hints = vec![(
        format!("cqrs {} list{flags}", settings.domain.entity),
        "all of them, also of earlier tours",
    )];
    match settings.target {
        Target::Local => {
            let env = format!("eval \"$(cqrs local env{stack})\"");
            hints.push((env, "points the AWS CLI and SDKs at this stack"));
        }
        Target::Aws => hints.push((format!("cqrs outputs{flags}"), "names, ARNs, endpoints")),
    }
    hints.push((
        format!("cqrs destroy{flags}"),
        "takes the stack away, with all that is in it",
    ));
    let width = hints.iter().map(|(command, _)| command.len()).max();
    let mut text = format!("\n{}\n", style.bold("What to try next"));
    for (command, what) in hints {
        let gap = " ".repeat(width.unwrap_or_default() - command.len());
        text.push_str(&format!("  {command}{gap}  {}\n", style.dim(what)));
    }
    if let Some(folder) = folder_off_the_path() {
        let folder = folder.display();
        text.push_str(&format!(
            "\n{}\n  export PATH=\"{folder}:$PATH\"\n",
            style.bold("To have this cqrs at hand")
        ));
    }
    text
}

/// This program's folder, where a shell would not find it or would find another.
fn folder_off_the_path() -> Option<PathBuf> {
    let this = installed::program().ok()?;
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("cqrs"))
        .find(|program| program.is_file());
    let same = |one: &Path| one.canonicalize().ok() == this.canonicalize().ok();
    match found {
        Some(program) if same(&program) => None,
        _ => this.parent().map(Path::to_owned),
    }
}
