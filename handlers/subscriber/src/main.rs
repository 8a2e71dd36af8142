//! The subscriber: a Lambda function that projects the write model's changes onto the read model.

use std::process::ExitCode;

use orders::diagnosis::Diagnosis;
use orders::error::{ErrorType, ProjectionError};
use orders::few::FewOrders;
use orders::lambda::{self, Handler, Invocation, Level, Line};
use orders::projection::{Change, Event, Projected};
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
        invocation: &Invocation<'_>,
    ) -> Result<Answer, ProjectionError> {
        match Event::parse(payload)? {
            Event::Stream(records) => {
                let outcome = self.0.project_stream(&records).await?;
                log_stream(records.len(), &outcome, invocation);
                Ok(Answer::Stream(outcome))
            }
            Event::Records(records) => {
                let outcome = self.0.project_records(&records).await?;
                let line = invocation.line(Level::INFO, "records projected by hand");
                log_by_hand(line, records.len(), &outcome.orders, &outcome.projected);
                Ok(Answer::Projected(outcome.projected))
            }
            Event::Project(changes) => {
                let projected = self.0.project(&changes).await?;
                let orders = changes.iter().map(Change::order_id).collect();
                let line = invocation.line(Level::INFO, "projected by hand");
                log_by_hand(line, changes.len(), &orders, &projected);
                Ok(Answer::Projected(projected))
            }
            Event::Replace(replacements) => {
                let projected = self.0.replace(&replacements).await?;
                let orders = replacements.iter().map(|r| &r.order.order_id).collect();
                let line = invocation.line(Level::INFO, "replaced by hand");
                log_by_hand(line, replacements.len(), &orders, &projected);
                Ok(Answer::Projected(projected))
            }
            Event::Begin(token) => {
                let projected = self.0.begin(&token).await?;
                invocation.line(Level::INFO, "began to complete").write();
                Ok(Answer::Projected(projected))
            }
            Event::Complete(token) => {
                let projected = self.0.complete(&token).await?;
                invocation.line(Level::INFO, "completed").write();
                Ok(Answer::Projected(projected))
            }
        }
    }

    async fn diagnose(&self) -> Diagnosis {
        self.0.diagnose().await
    }
}

fn log_by_hand(line: Line<'_>, records: usize, orders: &FewOrders, projected: &Projected) {
    line.field("records", records)
        .field_if("orderIds", orders.text())
        .field("applied", projected.applied)
        .field("stale", projected.stale)
        .field("failed", projected.failed.len())
        .write();
}

fn log_stream(records: usize, outcome: &StreamOutcome, invocation: &Invocation<'_>) {
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
        .field_if("orderIds", outcome.orders.text())
        .count("applied", outcome.projected.applied)
        .count("stale", outcome.projected.stale)
        .count("failed", outcome.projected.failed.len() as u64)
        .alarm("incomplete", outcome.incomplete.into())
        .field("lagMs", outcome.lag_ms)
        .distribution("recordLagMs", &outcome.lags_ms)
        .milliseconds("cacheMs", outcome.cache)
        .write();
}

fn main() -> ExitCode {
    lambda::run(|| {
        CacheSettings::from_env(&settings::process)
            .and_then(ReadModel::new)
            .map(Subscriber)
    })
}
