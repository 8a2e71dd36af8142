//! The subscriber: a Lambda function that projects the write model's changes onto the read model.

use std::process::ExitCode;

use aws_lambda_events::event::streams::DynamoDbEventResponse;
use serde::Serialize;

use crate::description::Description;
use crate::diagnosis::Diagnosis;
use crate::document::id_name;
use crate::entity::Entity;
use crate::error::{ErrorType, ProjectionError};
use crate::few::FewIds;
use crate::lambda::{self, Handler, Invocation, Level, Line};
use crate::payload::{Outdated, Projected};
use crate::projection::Event;
use crate::read_model::{CacheSettings, ReadModel, StreamOutcome};
use crate::settings::{self, CannotStart};

struct Subscriber<E> {
    model: ReadModel<E>,
    /// What the ids are called in log lines.
    ids: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Stream(DynamoDbEventResponse),
    Projected(Projected),
    Outdated(Outdated),
}

impl<E: Entity> Handler for Subscriber<E> {
    type Answer = Answer;
    type Error = ProjectionError;

    async fn handle(
        &self,
        payload: &str,
        invocation: &Invocation<'_>,
    ) -> Result<Answer, ProjectionError> {
        match Event::parse(payload)? {
            Event::Stream(records) => {
                let count = records.len();
                let outcome = self.model.project_stream(records).await?;
                self.log_stream(count, &outcome, invocation);
                Ok(Answer::Stream((&outcome).into()))
            }
            Event::Records(records) => {
                let count = records.len();
                let outcome = self.model.project_records(records).await?;
                let line = invocation.line(Level::INFO, "records projected by hand");
                self.log_by_hand(line, count, &outcome.ids, &outcome.projected);
                Ok(Answer::Projected(outcome.projected))
            }
            Event::Project(changes) => {
                let ids = changes.iter().flatten().map(|change| change.id()).collect();
                let count = changes.len();
                let projected = self.model.project(changes).await?;
                let line = invocation.line(Level::INFO, "projected by hand");
                self.log_by_hand(line, count, &ids, &projected);
                Ok(Answer::Projected(projected))
            }
            Event::Replace(replacements) => {
                let ids = replacements
                    .iter()
                    .flatten()
                    .map(|one| &one.document.id)
                    .collect();
                let count = replacements.len();
                let projected = self.model.replace(replacements).await?;
                let line = invocation.line(Level::INFO, "replaced by hand");
                self.log_by_hand(line, count, &ids, &projected);
                Ok(Answer::Projected(projected))
            }
            Event::Begin(token) => {
                let projected = self.model.begin(&token).await?;
                invocation.line(Level::INFO, "began to complete").write();
                Ok(Answer::Projected(projected))
            }
            Event::Complete(token) => {
                let projected = self.model.complete(&token).await?;
                invocation.line(Level::INFO, "completed").write();
                Ok(Answer::Projected(projected))
            }
            Event::Outdated(cursor) => {
                let outdated = self.model.remove_outdated(cursor).await?;
                invocation
                    .line(Level::INFO, "removed what an older layout left")
                    .field("removed", outdated.removed)
                    .write();
                Ok(Answer::Outdated(outdated))
            }
        }
    }

    fn describe(&self) -> Result<Description, ProjectionError> {
        Ok(self.model.description().clone())
    }

    async fn diagnose(&self) -> Diagnosis {
        self.model.diagnose().await
    }
}

impl<E: Entity> Subscriber<E> {
    fn log_by_hand(&self, line: Line<'_>, records: usize, ids: &FewIds, projected: &Projected) {
        line.field("records", records)
            .field_if(&self.ids, ids.text())
            .field("applied", projected.applied)
            .field("stale", projected.stale)
            .field("failed", projected.failed.len())
            .write();
    }

    fn log_stream(&self, records: usize, outcome: &StreamOutcome, invocation: &Invocation<'_>) {
        if let Some(reason) = &outcome.unavailable {
            // It is answered, not thrown, so Lambda counts no error.
            return invocation
                .line(Level::ERROR, "not projected")
                .field("errorType", ErrorType::ReadModelUnavailable.as_str())
                .field("error", reason)
                .field("records", records)
                .alarm("errors", 1)
                .write();
        }
        let line = match outcome.first_failure() {
            None => invocation.line(Level::INFO, "projected"),
            Some(first) => invocation
                .line(Level::ERROR, "projected in part")
                .field_if("firstFailed", first.sequence_number.as_deref())
                .field("error", &first.reason),
        };
        line.field("records", records)
            .field_if(&self.ids, outcome.ids.text())
            .count("applied", outcome.projected.applied)
            .count("stale", outcome.projected.stale)
            .count("failed", outcome.projected.failed.len() as u64)
            .alarm("incomplete", outcome.incomplete.into())
            .field("lagMs", outcome.lag_ms)
            .distribution("recordLagMs", &outcome.lags_ms)
            .milliseconds("cacheMs", outcome.cache)
            .write();
    }
}

/// Runs the subscriber of `E` until Lambda ends it.
pub fn run<E: Entity>() -> ExitCode {
    lambda::run(|| -> Result<Subscriber<E>, CannotStart> {
        let model = ReadModel::new(CacheSettings::from_env(&settings::process)?)?;
        let ids = format!("{}s", id_name(E::NAME));
        Ok(Subscriber { model, ids })
    })
}
