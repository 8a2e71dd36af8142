//! The query handler: a Lambda function that answers from the read model.

use std::process::ExitCode;
use std::time::Instant;

use crate::description::Description;
use crate::diagnosis::Diagnosis;
use crate::document::id_name;
use crate::entity::Entity;
use crate::error::QueryError;
use crate::few::FewIds;
use crate::lambda::{self, Handler, Invocation, Level};
use crate::query::Queries;
use crate::read_model::{Answer, CacheSettings, ReadModel};
use crate::settings::{self, CannotStart};

struct QueryHandler<E> {
    model: ReadModel<E>,
    queries: Queries,
    /// What the ids are called in log lines.
    ids: String,
}

impl<E: Entity> Handler for QueryHandler<E> {
    type Answer = Answer;
    type Error = QueryError;

    async fn handle(
        &self,
        payload: &str,
        invocation: &Invocation<'_>,
    ) -> Result<Answer, QueryError> {
        let query = self.queries.parse(payload)?;
        let asked = Instant::now();
        let answer = self.model.answer(&query).await?;
        invocation
            .line(Level::INFO, "done")
            .field("query", query.name())
            .field_if(&self.ids, query.ids().iter().collect::<FewIds>().text())
            .field("found", answer.count())
            .milliseconds("cacheMs", asked.elapsed())
            .write();
        Ok(answer)
    }

    fn describe(&self) -> Result<Description, QueryError> {
        Ok(self.model.description().clone())
    }

    async fn diagnose(&self) -> Diagnosis {
        self.model.diagnose_contents().await
    }
}

/// Runs the query handler of `E` until Lambda ends it.
pub fn run<E: Entity>() -> ExitCode {
    lambda::run(|| -> Result<QueryHandler<E>, CannotStart> {
        let model = ReadModel::new(CacheSettings::from_env(&settings::process)?)?;
        let queries = Queries::of(model.description());
        let ids = format!("{}s", id_name(E::NAME));
        Ok(QueryHandler {
            model,
            queries,
            ids,
        })
    })
}
