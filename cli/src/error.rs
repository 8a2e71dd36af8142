//! What a failed command tells its user: one value, one renderer.
//!
//! Modules keep their own typed errors and implement [`Explain`] for them; the command layer turns
//! any of them into a [`Failure`], and `main` renders it as text or JSON and takes its exit code.

use std::error::Error;
use std::fmt;

use serde::Serialize;

use crate::printer::Style;

/// The classes of failure a script can tell apart by exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something went wrong that is none of the others.
    Failed,
    /// The command line, a setting or an input file is wrong; nothing was sent.
    Usage,
    /// The order or the stack does not exist.
    NotFound,
    /// A function refused the command by the rules of the domain.
    Refused,
    /// What was waited for did not come in time.
    TimedOut,
    /// Ctrl-C, or another signal that asks the command to end.
    Interrupted,
}

impl Kind {
    /// The process's exit code, as documented in the reference.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::TimedOut => 5,
            Self::Interrupted => 130,
        }
    }

    /// The name in JSON errors, where no more telling one is known.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Usage => "Usage",
            Self::NotFound => "NotFound",
            Self::Refused => "Refused",
            Self::TimedOut => "TimedOut",
            Self::Interrupted => "Interrupted",
        }
    }
}

/// How a module's error presents itself to the user. `Display` says what happened, `source` why;
/// these methods add what a script and a person need next.
pub(crate) trait Explain: Error {
    /// The class, which decides the exit code.
    fn kind(&self) -> Kind {
        Kind::Failed
    }

    /// The `kind` of the JSON error: a stable word to match on.
    fn name(&self) -> String {
        self.kind().name().to_owned()
    }

    /// The next command to type, or what to change.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// A command's failure, ready to be shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(skip)]
    class: FailureClass,
    kind: String,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: Option<String>,
}

#[derive(Clone, Debug)]
struct FailureClass(Kind);

impl Failure {
    /// A failure that has no typed error behind it.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            class: FailureClass(kind),
            kind: kind.name().to_owned(),
            message: message.into(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// Adds the next step.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds to the next step, after what there is.
    #[must_use]
    pub(crate) fn also_hint(mut self, more: &str) -> Self {
        self.hint = Some(match self.hint {
            Some(hint) => format!("{hint}; {more}"),
            None => more.to_owned(),
        });
        self
    }

    /// The `kind` of the JSON error.
    pub(crate) fn name(&self) -> &str {
        &self.kind
    }

    /// The next step, where there is one.
    pub(crate) fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What happened and why, in one text.
    pub(crate) fn with_causes(&self) -> String {
        let causes = self.causes.iter().map(String::as_str);
        let parts: Vec<&str> = std::iter::once(self.message.as_str())
            .chain(causes)
            .collect();
        parts.join(": ")
    }

    /// Adds a cause below those there are.
    #[must_use]
    pub(crate) fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// The same class and next step under a message that speaks of all that failed so.
    #[must_use]
    pub(crate) fn reworded(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self.causes.clear();
        self
    }

    /// The failure of a command that the user interrupted.
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Kind::Interrupted, message)
    }

    /// The failure of a command that the user ended where it has no end of its own: the exit code
    /// says it, and nothing else.
    pub(crate) fn silent(kind: Kind) -> Self {
        Self::new(kind, "")
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.class.0
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.kind().exit_code()
    }

    /// The whole error as one JSON document.
    pub(crate) fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            error: &'a Failure,
        }
        // Only text is in it, so that this cannot fail; the message alone would still tell.
        serde_json::to_string(&Document { error: self }).unwrap_or_else(|_| self.message.clone())
    }

    /// The error for people: `error:`, `caused by:`, `hint:`.
    pub(crate) fn render(&self, style: Style) -> String {
        let mut text = format!("{} {}\n", style.error("error:"), self.message);
        for cause in &self.causes {
            text.push_str(&format!(
                "  {} {}\n",
                style.dim("caused by:"),
                indent(cause)
            ));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("{} {}\n", style.hint("hint:"), hint));
        }
        text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        let kind = error.kind();
        Self {
            class: FailureClass(kind),
            kind: error.name(),
            message: error.to_string(),
            causes: causes(&error),
            hint: error.hint(),
        }
    }
}

/// The messages below `error`, each only once: many libraries repeat their source's text.
fn causes(error: &dyn Error) -> Vec<String> {
    let mut seen = error.to_string();
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        if !seen.contains(&text) {
            seen.push_str(&text);
            causes.push(text);
        }
        next = source.source();
    }
    causes
}

fn indent(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the template cannot be read")]
    struct Outer(#[source] std::io::Error);
    impl Explain for Outer {
        fn kind(&self) -> Kind {
            Kind::Usage
        }
        fn hint(&self) -> Option<String> {
            Some("run `cqrs deploy --project DIR`".to_owned())
        }
    }

    fn failure() -> Failure {
        Outer(std::io::Error::other("permission denied")).into()
    }

    #[test]
    fn text_has_the_message_its_causes_and_the_hint() {
        assert_eq!(
            failure().render(Style::plain()),
            "error: the template cannot be read\n  caused by: permission denied\nhint: run `cqrs deploy --project DIR`\n"
        );
    }

    #[test]
    fn json_is_one_document_with_the_same_parts() {
        assert_eq!(
            failure().to_json(),
            r#"{"error":{"kind":"Usage","message":"the template cannot be read","causes":["permission denied"],"hint":"run `cqrs deploy --project DIR`"}}"#
        );
    }

    #[test]
    fn a_cause_that_repeats_its_parent_is_said_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer: {0}")]
        struct Repeats(#[source] std::io::Error);
        impl Explain for Repeats {}
        let failure = Failure::from(Repeats(std::io::Error::other("inner")));
        assert!(failure.causes.is_empty());
    }
}
