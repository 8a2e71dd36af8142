//! One check, and what it found.

use std::fmt;

use pattern::diagnosis::Step;
use serde::Serialize;

use crate::app::handler::Handler;
use crate::aws::AwsError;
use crate::error::{Failure, Kind};
use crate::observe::judge::{Advice, Health};
use crate::printer::Style;

/// The checks that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Name {
    Tools,
    Settings,
    Region,
    Credentials,
    Stack,
    Process,
    Functions,
    Table,
    Mapping,
    Queue,
    /// How a function gets to its store.
    #[serde(untagged)]
    Way(Handler),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tools => "tools",
            Self::Settings => "settings",
            Self::Region => "region",
            Self::Credentials => "credentials",
            Self::Stack => "stack",
            Self::Process => "process",
            Self::Functions => "functions",
            Self::Table => "table",
            Self::Mapping => "mapping",
            Self::Queue => "queue",
            Self::Way(handler) => handler.name(),
        })
    }
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    /// It works, and there is something to know about it.
    Warning,
    Failed,
    /// It was not made: an earlier one failed, or there is no way to look.
    Skipped,
}

impl Status {
    fn symbol(self, style: Style) -> String {
        match self {
            Self::Ok => style.green("✓"),
            Self::Warning => style.yellow("!"),
            Self::Failed => style.red("✗"),
            Self::Skipped => style.dim("-"),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) status: Status,
    pub(super) detail: String,
    /// What to type or to change.
    pub(super) hint: Option<String>,
    /// The steps that a function took.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) steps: Vec<Step>,
    /// The class of what failed, which decides the exit code.
    #[serde(skip)]
    pub(super) kind: Kind,
}

impl Finding {
    fn new(status: Status, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: one_line(&detail.into()),
            hint: None,
            steps: Vec::new(),
            kind: Kind::Failed,
        }
    }

    pub(super) fn ok(detail: impl Into<String>) -> Self {
        Self::new(Status::Ok, detail)
    }

    pub(super) fn warning(detail: impl Into<String>) -> Self {
        Self::new(Status::Warning, detail)
    }

    pub(super) fn failed(detail: impl Into<String>) -> Self {
        Self::new(Status::Failed, detail)
    }

    pub(super) fn skipped(detail: impl Into<String>) -> Self {
        Self::new(Status::Skipped, detail)
    }

    /// Not looked at, because another check failed.
    pub(super) fn behind(name: Name) -> Self {
        Self::skipped(format!("not checked: see {name}"))
    }

    /// Of a look that is not allowed, which proves nothing broken.
    pub(super) fn denied(error: AwsError) -> Self {
        let failure = Failure::from(error);
        Self::warning(format!("not checked: {}", failure.with_causes()))
            .hint("docs/permissions.md says what each command needs")
    }

    /// What a fact means, which `detail` says.
    pub(super) fn judged(detail: impl Into<String>, advice: Option<Advice>) -> Self {
        let Some(advice) = advice else {
            return Self::ok(detail);
        };
        let status = match advice.health {
            Health::Ok => Status::Ok,
            Health::Unknown | Health::Warning => Status::Warning,
            Health::Failed => Status::Failed,
        };
        let mut finding = Self::new(status, detail);
        finding.hint = advice.next;
        finding
    }

    /// The same, of one of several that a check looks at.
    #[must_use]
    pub(super) fn of(mut self, name: &str) -> Self {
        self.detail = format!("{name}: {}", self.detail);
        self
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(super) fn hint_of(mut self, failure: &Failure) -> Self {
        self.hint = failure.next_step().map(str::to_owned);
        self
    }
}

impl From<Failure> for Finding {
    fn from(failure: Failure) -> Self {
        let mut finding = Self::failed(failure.with_causes()).hint_of(&failure);
        finding.kind = failure.kind();
        finding
    }
}

/// What comes from outside must neither break the line nor command the terminal.
fn one_line(text: &str) -> String {
    let text = text.trim().replace("\r\n", "\n").replace('\n', "; ");
    text.replace(char::is_control, " ")
}

/// What a check gives: what later checks build on, where it was found, and the finding.
pub(super) struct Checked<T> {
    pub(super) value: Option<T>,
    pub(super) finding: Finding,
}

impl<T> Checked<T> {
    pub(super) fn found(value: T, finding: Finding) -> Self {
        Self {
            value: Some(value),
            finding,
        }
    }
}

impl<T> From<Finding> for Checked<T> {
    fn from(finding: Finding) -> Self {
        Self {
            value: None,
            finding,
        }
    }
}

/// A check that was made, or left out.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: Name,
    #[serde(flatten)]
    pub(super) finding: Finding,
    /// How long it took to look, where it was looked at.
    pub(super) ms: Option<u64>,
}

impl Check {
    pub(super) fn is_failed(&self) -> bool {
        self.finding.status == Status::Failed
    }

    /// Its lines. The hint of the first that failed is said at the end, and only there.
    pub(super) fn text(&self, style: Style, with_hint: bool) -> String {
        let Finding {
            status,
            detail,
            hint,
            ..
        } = &self.finding;
        let took = self.ms.map(|ms| style.dim(format_args!("  ({ms} ms)")));
        let mut text = format!(
            "{} {:<11}  {detail}{}",
            status.symbol(style),
            self.name,
            took.unwrap_or_default()
        );
        if let Some(hint) = hint.as_ref().filter(|_| with_hint) {
            text.push_str(&format!("\n  {:<11}  {} {hint}", "", style.hint("hint:")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_stays_on_its_line() {
        let finding = Finding::failed("one\ntwo\r\nthree\u{1b}[2J\n");
        assert_eq!(finding.detail, "one; two; three [2J");
    }

    #[test]
    fn a_failure_keeps_its_causes_its_hint_and_its_class() {
        let failure = Failure::new(Kind::NotFound, "no stack")
            .caused_by("none of that name")
            .hint("make one");
        let finding = Finding::from(failure);
        assert_eq!(finding.detail, "no stack: none of that name");
        assert_eq!(finding.hint.as_deref(), Some("make one"));
        assert_eq!(finding.kind, Kind::NotFound);
    }
}
