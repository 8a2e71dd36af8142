//! The query handler: a Lambda function that answers from the read model.

use std::process::ExitCode;
use std::time::Instant;

use orders::diagnosis::Diagnosis;
use orders::error::QueryError;
use orders::few::FewOrders;
use orders::lambda::{self, Handler, Invocation, Level};
use orders::query::Query;
use orders::read_model::{Answer, CacheSettings, ReadModel};
use orders::settings;

struct Queries(ReadModel);

impl Handler for Queries {
    type Answer = Answer;
    type Error = QueryError;

    async fn handle(
        &self,
        payload: &str,
        invocation: &Invocation<'_>,
    ) -> Result<Answer, QueryError> {
        let query = Query::parse(payload)?;
        let asked = Instant::now();
        let answer = self.0.answer(&query).await?;
        invocation
            .line(Level::INFO, "done")
            .field("query", query.name())
            .field_if(
                "orderIds",
                query.order_ids().iter().collect::<FewOrders>().text(),
            )
            .field("found", answer.count())
            .milliseconds("cacheMs", asked.elapsed())
            .write();
        Ok(answer)
    }

    async fn diagnose(&self) -> Diagnosis {
        self.0.diagnose_contents().await
    }
}

fn main() -> ExitCode {
    lambda::run(|| {
        CacheSettings::from_env(&settings::process)
            .and_then(ReadModel::new)
            .map(Queries)
    })
}
