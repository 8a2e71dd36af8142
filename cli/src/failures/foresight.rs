//! What would become of a failure's records if they were projected now: the functions are asked, and
//! nothing is changed.

use std::collections::{BTreeSet, HashMap};

use pattern::id::Id;
use pattern::payload::{Compared, Effect, State};
use serde::Serialize;
use serde_dynamo::{AttributeValue, Item};

use crate::error::Failure;
use crate::failures::record::{About, Record};
use crate::models::Models;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Foreseen {
    #[serde(flatten)]
    pub(crate) about: About,
    /// What the table has now.
    pub(crate) write_model: Held,
    /// What the read model has now.
    pub(crate) read_model: Held,
    pub(crate) projection: Projection,
    /// Why it would fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// What a model has of an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub(crate) enum Held {
    Present {
        version: Option<String>,
    },
    /// Nothing; of the read model, nothing that it remembers.
    Absent,
    /// The read model remembers that it was removed.
    Removed {
        version: Option<String>,
    },
    /// The record does not say what it is about.
    Unknown,
}

/// What the projection would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Projection {
    Applied,
    Removed,
    Stale,
    Failing,
}

impl Models {
    /// Looks at both models for each of these records.
    pub(crate) async fn foresee(&self, records: &[Record]) -> Result<Vec<Foreseen>, Failure> {
        let compared = self.compare_records(records).await?;
        let ids: BTreeSet<Id> = records.iter().filter_map(id).collect();
        let held = self.table.held(&ids).await?;
        let both = records.iter().zip(compared);
        Ok(both
            .map(|(record, compared)| foreseen(record, compared, &held))
            .collect())
    }
}

fn id(record: &Record) -> Option<Id> {
    Id::try_from(record.about.id.as_ref()?.value.clone()).ok()
}

fn foreseen(record: &Record, compared: Compared, held: &HashMap<Id, Item>) -> Foreseen {
    let write_model = match id(record) {
        None => Held::Unknown,
        Some(id) => held.get(&id).map_or(Held::Absent, |item| Held::Present {
            version: version(item),
        }),
    };
    let shown = compared.version.map(|version| version.to_string());
    let read_model = match (compared.state, shown) {
        (State::Unreadable, _) => Held::Unknown,
        (State::Tombstone, version) => Held::Removed { version },
        (_, None) => Held::Absent,
        (_, version) => Held::Present { version },
    };
    Foreseen {
        about: record.about.clone(),
        write_model,
        read_model,
        projection: match compared.effect {
            Some(Effect::Applied) => Projection::Applied,
            Some(Effect::Removed) => Projection::Removed,
            Some(Effect::Stale) => Projection::Stale,
            None => Projection::Failing,
        },
        reason: compared.reason.filter(|_| compared.effect.is_none()),
    }
}

fn version(item: &Item) -> Option<String> {
    match item.get("version")? {
        AttributeValue::N(version) | AttributeValue::S(version) => Some(version.clone()),
        _ => None,
    }
}
