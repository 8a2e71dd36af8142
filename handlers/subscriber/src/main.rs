//! The subscriber: a Lambda function that projects the write model's changes onto the read model.

use std::process::ExitCode;

use orders::error::ProjectionError;
use orders::lambda::{self, Handler, Invocation};
use orders::projection::{Event, Projected};
use orders::read_model::{CacheSettings, ReadModel, StreamOutcome};
use orders::settings;
use serde::Serialize;

struct Subscriber(ReadModel);

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Stream(StreamOutcome),
    Projected(Projected),
}

impl Handler for Subscriber {
    type Answer = Answer;
    type Error = ProjectionError;

    async fn handle(
        &self,
        payload: &str,
        invocation: &Invocation,
    ) -> Result<Answer, ProjectionError> {
        match Event::parse(payload)? {
            Event::Stream(records) => {
                let outcome = self.0.project_stream(&records).await?;
                log_stream(records.len(), &outcome, invocation);
                Ok(Answer::Stream(outcome))
            }
            Event::Project(changes) => {
                let projected = self.0.project(&changes).await?;
                tracing::info!(
                    requestId = %invocation.request_id,
                    records = changes.len(),
                    applied = projected.applied,
                    stale = projected.stale,
                    tookMs = invocation.took_ms(),
                    "projected by hand",
                );
                Ok(Answer::Projected(projected))
            }
        }
    }
}

fn log_stream(records: usize, outcome: &StreamOutcome, invocation: &Invocation) {
    match outcome.first_failure() {
        None => tracing::info!(
            requestId = %invocation.request_id,
            records,
            applied = outcome.projected.applied,
            stale = outcome.projected.stale,
            failed = 0,
            lagMs = outcome.lag_ms,
            tookMs = invocation.took_ms(),
            "projected",
        ),
        Some(first) => tracing::error!(
            requestId = %invocation.request_id,
            records,
            applied = outcome.projected.applied,
            stale = outcome.projected.stale,
            failed = outcome.failures.len(),
            firstFailed = %first.identifier,
            error = %first.reason,
            lagMs = outcome.lag_ms,
            tookMs = invocation.took_ms(),
            "projected in part",
        ),
    }
}

fn main() -> ExitCode {
    lambda::run(|| {
        CacheSettings::from_env(&settings::process)
            .and_then(ReadModel::new)
            .map(Subscriber)
    })
}
