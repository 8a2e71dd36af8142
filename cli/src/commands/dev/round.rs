//! What became of one change of the sources.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::Swapped;
use crate::error::Failure;
use crate::printer::Style;

/// See the module's documentation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Round {
    /// In the project; none for what was there at the start.
    changed: Vec<PathBuf>,
    status: Status,
    /// The resources that are others now, by their names in the template.
    resources: Vec<String>,
    /// From the sight of the change.
    took_ms: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Failure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Updated,
    Unchanged,
    Failed,
}

impl Round {
    pub(super) fn new(changed: Vec<PathBuf>, swapped: Swapped, took: Duration) -> Self {
        let (resources, error) = match swapped {
            Ok(changes) => {
                let names = changes.into_iter().map(|change| change.logical_id);
                (names.collect::<Vec<_>>(), None)
            }
            Err(failure) => (Vec::new(), Some(failure)),
        };
        let status = match (&error, resources.is_empty()) {
            (Some(_), _) => Status::Failed,
            (None, true) => Status::Unchanged,
            (None, false) => Status::Updated,
        };
        Self {
            changed,
            status,
            resources,
            took_ms: took.as_millis(),
            error,
        }
    }

    /// `✓ handlers/domain/src/lib.rs: Publisher, Query, Subscriber updated in 1.8 s`
    pub(super) fn line(&self, style: Style) -> String {
        let what = match self.changed.as_slice() {
            [] => String::new(),
            [path] => format!("{}: ", path.display()),
            [path, others @ ..] => format!("{} and {} more: ", path.display(), others.len()),
        };
        let seconds = Duration::from_millis(u64::try_from(self.took_ms).unwrap_or(u64::MAX));
        let took = format!("{:.1} s", seconds.as_secs_f64());
        match self.status {
            Status::Updated => {
                let names = self.resources.join(", ");
                format!("{} {what}{names} updated in {took}", style.green("✓"))
            }
            Status::Unchanged => {
                format!("{} {what}nothing to change ({took})", style.green("✓"))
            }
            Status::Failed => {
                let serves = "not deployed; what ran before runs on";
                format!("{} {what}{serves}", style.red("✗"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::stack::change_set::{Action, ResourceChanged};

    fn line(changed: &[&str], swapped: Swapped) -> String {
        let changed = changed.iter().map(PathBuf::from).collect();
        let round = Round::new(changed, swapped, Duration::from_millis(1840));
        round.line(Style::plain())
    }

    #[test]
    fn a_round_is_one_line() {
        let publisher = ResourceChanged::new(Action::Modify, "Publisher", "AWS::Lambda::Function");
        assert_eq!(
            line(&["template.yaml"], Ok(vec![publisher])),
            "✓ template.yaml: Publisher updated in 1.8 s"
        );
        assert_eq!(line(&[], Ok(Vec::new())), "✓ nothing to change (1.8 s)");
        let failure = Failure::new(Kind::Failed, "no");
        assert_eq!(
            line(&["a.rs", "b.rs", "c.rs"], Err(failure)),
            "✗ a.rs and 2 more: not deployed; what ran before runs on"
        );
    }
}
