//! In what two models of one entity differ, looked at again before it counts: a change on its way
//! is no difference.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use pattern::id::Id;
use pattern::payload::{Compared, State};
use serde::Serialize;
use serde_dynamo::Item;

use super::Models;
use crate::domain::Named;
use crate::error::Failure;

/// The pauses before each further look.
const LOOKS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(600),
    Duration::from_millis(1200),
];

/// How an entity of the read model differs from the table's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// The read model does not have it.
    Missing,
    /// The read model has an older version.
    Stale,
    /// The versions are the same, the contents are not.
    Different,
    /// The read model has a newer version than the table.
    Ahead,
    /// The table does not have it.
    Orphaned,
    /// It is the table's, but a list lacks it, or the guard of its version is another's.
    Inconsistent,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Different => "different",
            Self::Ahead => "ahead",
            Self::Orphaned => "orphaned",
            Self::Inconsistent => "inconsistent",
        })
    }
}

/// One entity that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    #[serde(flatten)]
    pub(crate) id: Named<Id>,
    pub(crate) kind: Kind,
    /// The version in the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) written: Option<u64>,
    /// The version in the read model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shown: Option<u64>,
}

/// In what an item and the read model differ, if they do. An item that is no entity differs in
/// nothing: it is a trouble of its own.
pub(crate) fn of_item(compared: &Compared) -> Option<Kind> {
    match compared.state {
        State::Same | State::Unreadable => None,
        State::Missing | State::Tombstone => Some(Kind::Missing),
        State::Behind => Some(Kind::Stale),
        State::Ahead => Some(Kind::Ahead),
        State::Different if compared.fields.is_empty() => Some(Kind::Inconsistent),
        State::Different => Some(Kind::Different),
    }
}

/// Whether the read model shows what the table does not have.
pub(crate) fn is_shown(compared: &Compared) -> bool {
    compared.state == State::Ahead
}

/// The read model and the table as they are now.
struct Look {
    /// What the read model held before the table was read.
    before: HashMap<Id, Compared>,
    /// What the table holds.
    items: HashMap<Id, Item>,
    /// How the read model agrees with that.
    compared: HashMap<Id, Compared>,
}

impl Look {
    /// In what the two differ. What the read model has of a change that came after the table was
    /// read is no difference.
    fn difference(&self, id: &Id) -> Option<(Kind, &Compared)> {
        let before = self.before.get(id)?;
        let Some(compared) = self.compared.get(id) else {
            return is_shown(before).then_some((Kind::Orphaned, before));
        };
        let kind = of_item(compared)?;
        let came_since = kind == Kind::Ahead && before.mark != compared.mark;
        (!came_since).then_some((kind, compared))
    }
}

impl Models {
    /// Which of `ids` differ still after they were looked at several times.
    pub(crate) async fn lasting(&self, ids: Vec<Id>) -> Result<Vec<Difference>, Failure> {
        let mut ids = ids;
        let mut found = Vec::new();
        for pause in LOOKS {
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            tokio::time::sleep(pause).await;
            found = self.differences(&ids).await?;
            ids = found.iter().map(|d| d.id.value.clone()).collect();
        }
        Ok(found)
    }

    /// Which of `ids` differ at this moment.
    async fn differences(&self, ids: &[Id]) -> Result<Vec<Difference>, Failure> {
        let look = self.look(ids).await?;
        let differ = ids.iter().filter_map(|id| {
            let (kind, compared) = look.difference(id)?;
            let is_held = !matches!(compared.state, State::Missing | State::Tombstone);
            Some(Difference {
                id: Named::new(&self.domain.id, id.clone()),
                kind,
                written: compared.written,
                shown: compared.version.filter(|_| is_held),
            })
        });
        Ok(differ.collect())
    }

    async fn look(&self, ids: &[Id]) -> Result<Look, Failure> {
        let before = self.compare_ids(ids).await?;
        let before = ids.iter().cloned().zip(before).collect();
        let items = self.table.held(ids).await?;
        let compared = self.compare_items(items.values()).await?;
        let compared = items.keys().cloned().zip(compared).collect();
        Ok(Look {
            before,
            items,
            compared,
        })
    }

    /// Gives the read model the table's state of what differs, and gives what differs after that.
    pub(crate) async fn repair(&self, found: &[Difference]) -> Result<Vec<Difference>, Failure> {
        let ids: Vec<Id> = found.iter().map(|d| d.id.value.clone()).collect();
        self.project_again(found, &ids).await?;
        self.replace(&ids).await?;
        self.lasting(ids).await
    }

    /// Projects it as the stream would: a newer version stays.
    async fn project_again(&self, found: &[Difference], ids: &[Id]) -> Result<(), Failure> {
        let held = self.table.held(ids).await?;
        let gone = found.iter().filter(|d| !held.contains_key(&d.id.value));
        let removed = gone.filter_map(|d| Some((d.id.value.clone(), d.shown?)));
        self.project_items(held.values()).await?;
        self.project_removed(removed).await?;
        Ok(())
    }

    /// Puts the table's items in the place of what was not to be repaired so: what is ahead of the
    /// table, tombstones of entities that are there, entities that a list lacks. Each only where
    /// the read model still holds what was looked at before the table was.
    async fn replace(&self, ids: &[Id]) -> Result<(), Failure> {
        let look = self.look(ids).await?;
        let differ = look.items.iter().filter_map(|(id, item)| {
            look.difference(id)?;
            Some((item, look.before.get(id)?.mark.as_str()))
        });
        self.project_replaced(differ).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(state: State, version: Option<u64>, written: Option<u64>) -> Compared {
        Compared {
            state,
            mark: version.map_or_else(String::new, |version| format!("{version}  ")),
            version,
            written,
            fields: Vec::new(),
            reason: None,
            effect: None,
        }
    }

    fn kind(before: Compared, now: Option<Compared>) -> Option<Kind> {
        let id = Id::new("o").unwrap();
        let look = Look {
            before: HashMap::from([(id.clone(), before)]),
            items: HashMap::new(),
            compared: now.map(|now| (id.clone(), now)).into_iter().collect(),
        };
        look.difference(&id).map(|(kind, _)| kind)
    }

    #[test]
    fn each_kind_of_difference_is_known_from_the_others() {
        let nothing = || compared(State::Same, None, None);
        let shown = |version| compared(State::Ahead, Some(version), None);
        let with = |state, version| Some(compared(state, Some(version), Some(2)));
        assert_eq!(kind(nothing(), None), None);
        assert_eq!(kind(compared(State::Tombstone, Some(1), None), None), None);
        assert_eq!(kind(shown(1), None), Some(Kind::Orphaned));
        assert_eq!(kind(shown(2), with(State::Same, 2)), None);
        assert_eq!(kind(shown(1), with(State::Unreadable, 1)), None);
        assert_eq!(kind(shown(1), with(State::Behind, 1)), Some(Kind::Stale));
        assert_eq!(kind(shown(3), with(State::Ahead, 3)), Some(Kind::Ahead));
        let missing = Some(compared(State::Missing, None, Some(1)));
        assert_eq!(kind(nothing(), missing), Some(Kind::Missing));
        let tombstone = with(State::Tombstone, 1);
        assert_eq!(kind(nothing(), tombstone), Some(Kind::Missing));
        let unlisted = with(State::Different, 2);
        assert_eq!(kind(shown(2), unlisted), Some(Kind::Inconsistent));
        let mut other = compared(State::Different, Some(2), Some(2));
        other.fields.push(pattern::payload::Difference {
            field: "f".to_owned(),
            read_model: 1.into(),
            write_model: 2.into(),
        });
        assert_eq!(kind(shown(2), Some(other)), Some(Kind::Different));
    }

    #[test]
    fn a_change_that_came_after_the_table_was_read_is_no_difference() {
        let shown = compared(State::Ahead, Some(2), None);
        let ahead = compared(State::Ahead, Some(3), Some(2));
        assert_eq!(kind(shown, Some(ahead)), None);
    }
}
