//! Both models of one stack, read side by side: the table, which is the truth, and what the
//! functions show and say of it.

pub(crate) mod compare;
pub(crate) mod payload;
pub(crate) mod table;

use std::collections::BTreeMap;

use pattern::id::Id;
use pattern::payload::{Compared, Failed, Outdated, Projected, Token};
use serde::{Deserialize, Serialize};
use serde_dynamo::Item;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use self::payload::{ByHand, Project, portions, raw_parts};
use self::table::Table;
use crate::app::handler::Handler;
use crate::domain::{Domain, Page};
use crate::error::{Explain, Kind};
use crate::stack::functions::{FunctionError, Functions, MAX_DOCUMENTS};

/// The two models of a stack. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Models {
    pub(crate) table: Table,
    pub(crate) functions: Functions,
    pub(crate) domain: Domain,
}

impl Models {
    /// How the read model agrees with these items of the table, one by one.
    pub(crate) async fn compare_items(
        &self,
        items: impl IntoIterator<Item = &Item>,
    ) -> Result<Vec<Compared>, FunctionError> {
        let items = items.into_iter();
        self.compare(items.map(|item| json!({ "item": item })))
            .await
    }

    /// What the read model holds of these ids, as if the table had nothing.
    pub(crate) async fn compare_ids(&self, ids: &[Id]) -> Result<Vec<Compared>, FunctionError> {
        let name = self.domain.id.as_str();
        self.compare(ids.iter().map(|id| json!({ (name): id })))
            .await
    }

    /// How the read model agrees with these records of the stream, and what it would do with them.
    pub(crate) async fn compare_records(
        &self,
        records: &[impl AsRef<RawValue>],
    ) -> Result<Vec<Compared>, FunctionError> {
        let records = records.iter();
        self.compare(records.map(|record| json!({ "record": record.as_ref() })))
            .await
    }

    async fn compare(
        &self,
        parts: impl Iterator<Item = Value>,
    ) -> Result<Vec<Compared>, FunctionError> {
        #[derive(Serialize)]
        struct Question<'a> {
            compare: &'a [Box<RawValue>],
        }
        #[derive(Deserialize)]
        struct Answer {
            compared: Vec<Compared>,
        }
        let parts = raw_parts(parts, Handler::Query)?;
        let mut all = Vec::with_capacity(parts.len());
        for portion in portions(&parts) {
            let question = Question { compare: portion };
            let Answer { compared } = self.functions.query(&question).await?.value;
            if compared.len() != portion.len() {
                let source = serde::de::Error::invalid_length(compared.len(), &"one for each part");
                let function = Handler::Query.to_string();
                return Err(FunctionError::Unintelligible { function, source });
            }
            all.extend(compared);
        }
        Ok(all)
    }

    /// The read model's list, from `cursor` on.
    pub(crate) async fn list(&self, cursor: Option<String>) -> Result<Page, FunctionError> {
        let question = json!({ "list": { "limit": MAX_DOCUMENTS, "cursor": cursor } });
        Ok(self.functions.query(&question).await?.value)
    }

    /// Gives the read model items of the table, which it takes unless it holds newer ones. Those
    /// that are no entities are among what is answered as failed.
    pub(crate) async fn project_items(
        &self,
        items: impl IntoIterator<Item = &Item>,
    ) -> Result<Projected, ProjectError> {
        self.project_all(items.into_iter(), |part| Project::Items(part))
            .await
    }

    /// Takes away from the read model what the table no longer has, unless it holds it at a newer
    /// version.
    pub(crate) async fn project_removed(
        &self,
        removed: impl IntoIterator<Item = (Id, u64)>,
    ) -> Result<Projected, ProjectError> {
        let name = self.domain.id.as_str();
        let parts = removed.into_iter();
        let parts = parts.map(|(id, version)| json!({ (name): id, "version": version }));
        self.project_all(parts, |part| Project::Removed(part)).await
    }

    /// Puts items in the place of states that the read model holds, named by their marks, and of no
    /// others.
    pub(crate) async fn project_replaced<'a>(
        &self,
        replaced: impl IntoIterator<Item = (&'a Item, &'a str)>,
    ) -> Result<Projected, ProjectError> {
        let parts = replaced.into_iter();
        let parts = parts.map(|(item, mark)| json!({ "item": item, "mark": mark }));
        self.project_all(parts, |part| Project::Replaced(part))
            .await
    }

    /// Begins to make the read model complete; whether the token was new to it.
    pub(crate) async fn begin(&self, token: &Token) -> Result<bool, FunctionError> {
        Ok(self.project(Project::Begin(token)).await?.applied == 1)
    }

    /// Says that the read model is complete.
    pub(crate) async fn complete(&self, token: &Token) -> Result<(), FunctionError> {
        self.project(Project::Complete(token)).await.map(drop)
    }

    /// Removes what an older layout of the read model left in the cache; gives how many keys.
    pub(crate) async fn remove_outdated(&self) -> Result<u64, FunctionError> {
        let mut removed = 0;
        let mut cursor = Some(0);
        while let Some(from) = cursor {
            let project = Project::Outdated(from);
            let outdated: Outdated = self.functions.deliver(&ByHand { project }).await?.value;
            removed += outdated.removed;
            cursor = outdated.cursor;
        }
        Ok(removed)
    }

    async fn project_all(
        &self,
        parts: impl Iterator<Item = impl Serialize>,
        project: impl for<'a> Fn(&'a [&'a RawValue]) -> Project<'a>,
    ) -> Result<Projected, ProjectError> {
        let parts = raw_parts(parts, Handler::Subscriber)?;
        let mut all = Projected::default();
        for portion in portions(&parts) {
            let portion: Vec<&RawValue> = portion.iter().map(AsRef::as_ref).collect();
            let projected = self.project(project(&portion)).await?;
            all.applied += projected.applied;
            all.stale += projected.stale;
            all.failed.extend(projected.failed);
        }
        let refused = all.failed.iter().filter(|failed| !failed.is_malformed);
        let refused: Vec<&Failed> = refused.collect();
        if refused.is_empty() {
            return Ok(all);
        }
        Err(ProjectError::Failed {
            plural: self.domain.plural.clone(),
            reasons: reasons(&refused),
        })
    }

    async fn project(&self, project: Project<'_>) -> Result<Projected, FunctionError> {
        Ok(self.functions.deliver(&ByHand { project }).await?.value)
    }
}

/// Why not all that was given was projected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    #[error(transparent)]
    Function(#[from] FunctionError),
    /// The read model refused some; the others are projected.
    #[error("{plural} could not be projected: {reasons}")]
    Failed { plural: String, reasons: String },
}

impl Explain for ProjectError {
    fn kind(&self) -> Kind {
        match self {
            Self::Function(error) => error.kind(),
            Self::Failed { .. } => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Function(error) => error.name(),
            Self::Failed { .. } => Kind::Failed.name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Function(error) => error.hint(),
            Self::Failed { .. } => Some(
                "correct what the reasons name, then repeat the command: this is safe at any time"
                    .to_owned(),
            ),
        }
    }
}

/// `a, b and 7 more: out of memory`, for each reason.
fn reasons(failed: &[&Failed]) -> String {
    const NAMED: usize = 3;
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Failed { id, reason, .. } in failed {
        let id = id.as_ref().map_or("?", |(_, id)| id.as_str());
        by_reason.entry(reason).or_default().push(id);
    }
    let all = by_reason.into_iter().map(|(reason, ids)| {
        let named = ids.iter().take(NAMED).copied().collect::<Vec<_>>();
        match ids.len() - named.len() {
            0 => format!("{}: {reason}", named.join(", ")),
            more => format!("{} and {more} more: {reason}", named.join(", ")),
        }
    });
    all.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_said_by_its_reasons() {
        let failed = |id: &str, reason: &str| Failed {
            id: Some(("id".to_owned(), Id::new(id).unwrap())),
            reason: reason.to_owned(),
            ..Failed::default()
        };
        let mut all = ["a", "b", "c", "d", "e"]
            .map(|id| failed(id, "full"))
            .to_vec();
        all.push(failed("f", "broken"));
        let all: Vec<&Failed> = all.iter().collect();
        assert_eq!(reasons(&all), "f: broken; a, b, c and 2 more: full");
    }
}
