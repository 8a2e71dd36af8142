//! The query handler: a Lambda function that answers from the read model.

use std::process::ExitCode;

use orders::error::QueryError;
use orders::lambda::{self, Handler, Invocation};
use orders::query::Query;
use orders::read_model::{Answer, CacheSettings, ReadModel};
use orders::settings;

struct Queries(ReadModel);

impl Handler for Queries {
    type Answer = Answer;
    type Error = QueryError;

    async fn handle(&self, payload: &str, invocation: &Invocation) -> Result<Answer, QueryError> {
        let query = Query::parse(payload)?;
        let answer = self.0.answer(&query).await?;
        tracing::info!(
            requestId = %invocation.request_id,
            query = query.name(),
            found = answer.count(),
            tookMs = invocation.took_ms(),
            "done",
        );
        Ok(answer)
    }
}

fn main() -> ExitCode {
    lambda::run(|| {
        CacheSettings::from_env(&settings::process)
            .and_then(ReadModel::new)
            .map(Queries)
    })
}
