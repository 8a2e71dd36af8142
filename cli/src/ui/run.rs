//! Runs a command of this tool for the page: the same words that a person would type, in a process of
//! its own, whose lines are shown as they come.
//!
//! Only what the page has a use for can be run: a page cannot read a file, reach another stack or
//! deploy anything. What is under way when the tool ends is ended with it.

use std::process::Stdio;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::{Shared, entity};
use crate::domain::Domain;
use crate::error::{Failure, Kind};

/// Lines that a page may be behind.
const LINES: usize = 256;
/// The most that is kept of what a command answers, in bytes.
const ANSWER: u64 = 4 * 1024 * 1024;

/// What a page asks to have run.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// What follows `cqrs`, less what says which stack is meant.
    words: Vec<String>,
}

/// What a page hears of it, one JSON document a line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Heard {
    /// What it says while it runs.
    Line(String),
    /// What it answered, as JSON where it is that.
    Answer(Value),
    /// How it ended.
    Exit(Option<i32>),
}

/// Options that a page may give, besides those of the entity's fields.
const OPTIONS: [&str; 16] = [
    "all",
    "dry-run",
    "expected-version",
    "for",
    "idempotency-key",
    "limit",
    "after",
    "records",
    "repair",
    "restart",
    "sample",
    "segments",
    "since",
    "wait",
    "yes",
    "function",
];

/// Starts it, and hands over what it says.
pub(super) fn start(shared: &Arc<Shared>, asked: Asked) -> Result<mpsc::Receiver<Heard>, Failure> {
    let changes = check(&asked.words, &shared.domain())?;
    if changes && shared.options.read_only {
        let why = "nothing can be changed here: the page was opened with `--read-only`";
        return Err(Failure::new(Kind::Refused, why));
    }
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(Kind::Failed, "the tool cannot be found").caused_by(error.to_string())
    })?;
    let mut command = Command::new(program);
    command.args(&asked.words);
    for option in &shared.options.place {
        // A profile's name may have spaces of its own.
        match option.split_once(' ') {
            Some((name, value)) => command.args([name, value]),
            None => command.arg(option),
        };
    }
    if let Some(project) = &shared.settings.project {
        command.arg("--project").arg(project);
    }
    if asked.words.first().is_some_and(|word| word == "failures") && changes {
        // The page has asked.
        command.arg("--yes");
    }
    let child = command
        .args(["--output", "json"])
        .env_remove("CQRS_QUIET")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            Failure::new(Kind::Failed, "the command cannot be started").caused_by(error.to_string())
        })?;
    let (tell, heard) = mpsc::channel(LINES);
    let shared = Arc::clone(shared);
    let label = label(&asked.words);
    // No other command answers documents.
    let domain = shared.domain();
    let is_of_entity = asked.words.first() == Some(&domain.entity);
    let hidden = (shared.hides_documents() && is_of_entity).then(|| domain.id.clone());
    // It goes on where the page goes away, as it would where a terminal is closed.
    tokio::task::spawn_local(async move {
        follow(child, &tell, hidden.as_deref()).await;
        if changes {
            shared.feed.ran(&label);
        }
    });
    Ok(heard)
}

/// `hidden` is the id's name where documents are not to be shown.
async fn follow(mut child: Child, tell: &mpsc::Sender<Heard>, hidden: Option<&str>) {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let lines = async {
        let Some(stderr) = stderr else { return };
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = tell.send(Heard::Line(line)).await;
        }
    };
    let answer = async {
        let mut text = String::new();
        if let Some(stdout) = stdout {
            let _ = stdout.take(ANSWER).read_to_string(&mut text).await;
        }
        text
    };
    let ((), text) = tokio::join!(lines, answer);
    let exit = child.wait().await.ok().and_then(|status| status.code());
    if !text.trim().is_empty() {
        let answer = match hidden {
            Some(id) => entity::opened(parsed(&text), id),
            None => parsed(&text),
        };
        let _ = tell.send(Heard::Answer(answer)).await;
    }
    let _ = tell.send(Heard::Exit(exit)).await;
}

/// One document, or one a line, or plain text.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| {
        let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
        lines.map_or_else(|_| Value::from(text), Value::from)
    })
}

/// Whether these words may be run, and whether they change anything.
fn check(words: &[String], domain: &Domain) -> Result<bool, Failure> {
    let refuse = |word: &str| {
        Failure::new(
            Kind::Refused,
            format!("the page cannot run `{word}`: type it in a terminal"),
        )
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_of_entity = |name: &str| domain.commands.iter().any(|command| command.name == name);
    let (taken, changes) = match words.as_slice() {
        [entity, "create", ..] if *entity == domain.entity => (2, true),
        [entity, "get", ..] if *entity == domain.entity => (2, false),
        [entity, name, ..] if *entity == domain.entity && is_of_entity(name) => (2, true),
        ["failures", "list" | "show", ..] => (2, false),
        ["failures", "retry" | "discard", ..] => (2, !words.contains(&"--dry-run")),
        ["verify", ..] => (1, words.contains(&"--repair")),
        ["rebuild", ..] => (1, true),
        ["logs", ..] => (1, false),
        ["local", "fault", "list"] => (3, false),
        ["local", "fault", _, ..] => (3, true),
        _ => return Err(refuse(&words.join(" "))),
    };
    let fields = domain.document.fields.iter().chain(&domain.draft.fields);
    let mut fields: Vec<String> = fields
        .map(|field| crate::domain::FieldOption(field).name())
        .collect();
    for command in &domain.commands {
        if let pattern::description::CommandKind::Rule { payload } = &command.kind {
            let inputs = payload.fields.iter();
            fields.extend(inputs.map(|field| crate::domain::FieldOption(field).name()));
        }
    }
    fields.push(domain.entity.clone());
    for word in words.iter().skip(taken) {
        let Some(option) = word.strip_prefix('-') else {
            continue;
        };
        let option = option.trim_start_matches('-');
        let name = option.split('=').next().unwrap_or_default();
        let is_known = OPTIONS.contains(&name) || fields.iter().any(|field| field == name);
        if !is_known || !word.starts_with("--") {
            return Err(refuse(word));
        }
    }
    Ok(changes)
}

/// The words that name the command.
fn label(words: &[String]) -> String {
    let words = words.iter().take_while(|word| !word.starts_with("--"));
    let words: Vec<&str> = words.map(String::as_str).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(line: &str) -> Option<bool> {
        let domain = Domain::built_in().unwrap();
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        check(&words, &domain).ok()
    }

    #[test]
    fn a_page_can_run_what_it_has_a_use_for_and_nothing_else() {
        for (line, changes) in [
            ("order create --client=1 --product=--local --wait=5", true),
            ("order ship 0199 --expected-version=1", true),
            ("failures list --limit=50", false),
            ("failures retry --all --dry-run", false),
            ("failures discard 0199", true),
            ("verify --sample=10", false),
            ("verify --repair", true),
            ("rebuild", true),
            ("logs --order=0199 --since=1h", false),
            ("local fault poison --records=3", true),
            ("local fault list", false),
        ] {
            assert_eq!(checked(line), Some(changes), "{line}");
        }
        for line in [
            "deploy",
            "destroy --yes",
            "order create --from=/etc/passwd",
            "order create --client=1 --stack=other",
            "order get 1 --project=/",
            "order get -q",
            "verify --endpoint-url=http://elsewhere",
            "local stop",
            "completions bash",
            "bench",
        ] {
            assert_eq!(checked(line), None, "{line}");
        }
    }
}
