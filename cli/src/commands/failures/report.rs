//! What `cqrs failures retry` came to.

use std::fmt;

use serde::Serialize;

use crate::commands::{counted, summed};
use crate::error::{Failure, Kind};
use crate::failures::message::Id;
use crate::failures::redelivery::Failing;

/// What repairs orders whose records are gone. Their keys are in the records alone.
pub(super) const REPAIR: &str = "`cqrs verify --repair` compares the read model with the table and \
     repairs it; then `cqrs failures discard ID` deletes the failure";
/// How many failures are listed one by one; the rest is counted.
const SHOWN: usize = 1_000;

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Failures whose records were all projected; they are deleted.
    pub(super) retried: u64,
    /// The records that were projected, also those of failures that stay.
    pub(super) records: u64,
    pub(super) still_failing: u64,
    pub(super) records_gone: u64,
    pub(super) already_gone: u64,
    pub(super) foreign: u64,
    pub(super) not_tried: u64,
    /// Those that were not retried to their end.
    failures: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    id: Id,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub(super) enum Outcome {
    /// All records were projected, and the message is deleted.
    Retried,
    StillFailing {
        failed: u64,
        records: Vec<Failing>,
        reason: Option<String>,
    },
    /// The stream has trimmed records; those that were left are projected.
    RecordsGone {
        projected: u64,
        of: u64,
    },
    /// Somebody else deleted the message meanwhile.
    AlreadyGone,
    Foreign,
    NotTried,
}

impl Report {
    pub(super) fn add(&mut self, id: &Id, outcome: Outcome) {
        let count = match &outcome {
            Outcome::Retried => {
                self.retried += 1;
                return;
            }
            Outcome::StillFailing { .. } => &mut self.still_failing,
            Outcome::RecordsGone { .. } => &mut self.records_gone,
            Outcome::AlreadyGone => &mut self.already_gone,
            Outcome::Foreign => &mut self.foreign,
            Outcome::NotTried => &mut self.not_tried,
        };
        *count += 1;
        if self.failures.len() < SHOWN {
            let id = id.clone();
            self.failures.push(Entry { id, outcome });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts().next().is_none()
    }

    fn counts(&self) -> impl Iterator<Item = (u64, &'static str)> {
        let counts = [
            (self.retried, "retried and deleted"),
            (self.still_failing, "still failing"),
            (self.records_gone, "whose records are gone"),
            (self.already_gone, "gone already"),
            (self.foreign, "foreign"),
            (self.not_tried, "not tried"),
        ];
        counts.into_iter().filter(|(count, _)| *count > 0)
    }

    /// `2 failures retried and deleted, 1 still failing`.
    pub(super) fn summary(&self) -> String {
        let mut counts = self.counts();
        let first = counts.next();
        let first = first.map(|(count, what)| format!("{} {what}", counted(count, "failure")));
        summed(first.unwrap_or_default(), counts)
    }

    /// The command's failure, where something stays that should not. That foreign messages stay
    /// is one only where they were `named`.
    pub(super) fn verdict(&self, named: bool) -> Result<(), Failure> {
        let foreign = if named { self.foreign } else { 0 };
        let left = self.still_failing + self.records_gone + foreign;
        if left == 0 {
            return Ok(());
        }
        let waits = if left == 1 { "waits" } else { "wait" };
        let failures = counted(left, "failure");
        let hint = if self.still_failing > 0 {
            "correct what the reasons name and `cqrs failures retry` again; or \
             `cqrs failures discard ID` once the item in the table is right"
        } else if self.records_gone > 0 {
            REPAIR
        } else {
            "foreign messages cannot be retried: `cqrs failures discard ID` deletes one"
        };
        Err(Failure::new(Kind::Failed, format!("{failures} still {waits}")).hint(hint))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Entry { id, outcome } in &self.failures {
            writeln!(f, "{id}  {outcome}")?;
        }
        write!(f, "{}", self.summary())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retried => f.write_str("retried and deleted"),
            Self::StillFailing {
                failed,
                records,
                reason,
            } => {
                f.write_str("still failing")?;
                if let Some(reason) = reason {
                    write!(f, ": {reason}")?;
                }
                for record in records {
                    let event = record.event_name.as_deref().unwrap_or("record");
                    let id = record.id.as_ref().map_or("?", |id| id.value.as_str());
                    let reason = &record.reason;
                    let sequence = &record.sequence_number;
                    write!(f, "\n  {event} of {id} ({sequence}): {reason}")?;
                }
                match failed.saturating_sub(records.len() as u64) {
                    0 => Ok(()),
                    more => write!(f, "\n  and {}", counted(more, "more record")),
                }
            }
            Self::RecordsGone { projected, of } => {
                let of = counted(*of, "record");
                match projected {
                    0 => write!(f, "the stream no longer has its {of}"),
                    some => write!(f, "the stream had only {some} of its {of}, now projected"),
                }
            }
            Self::AlreadyGone => f.write_str("gone already: another command handled it"),
            Self::Foreign => f.write_str("foreign: not about this stack's stream"),
            Self::NotTried => f.write_str("not tried"),
        }
    }
}
