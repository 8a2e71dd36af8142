//! In what two models of one order differ, looked at again before it counts: a change on its way
//! is no difference.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use orders::ids::OrderId;
use orders::order::Order;
use orders::projection::{Project, Removed, Replacement};
use serde::Serialize;

use super::table::Held;
use super::{Inspected, Models};
use crate::error::Failure;

/// The pauses before each further look.
const LOOKS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(600),
    Duration::from_millis(1200),
];

/// How an order of the read model differs from the table's.
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

/// One order that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Difference {
    pub(crate) order_id: OrderId,
    pub(crate) kind: Kind,
    /// The version in the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) written: Option<u64>,
    /// The version in the read model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shown: Option<u64>,
}

/// In what the two differ, if they do.
pub(crate) fn difference(
    id: &OrderId,
    written: Option<&Order>,
    held: Option<&Inspected>,
) -> Option<Difference> {
    let shown = held.and_then(|held| held.order.as_ref());
    let kind = match (written, shown) {
        (None, None) => return None,
        (Some(_), None) => Kind::Missing,
        (None, Some(_)) => Kind::Orphaned,
        (Some(written), Some(shown)) if written == shown => match held {
            Some(held) if !held.consistent => Kind::Inconsistent,
            _ => return None,
        },
        (Some(written), Some(shown)) => match shown.version.cmp(&written.version) {
            std::cmp::Ordering::Less => Kind::Stale,
            std::cmp::Ordering::Equal => Kind::Different,
            std::cmp::Ordering::Greater => Kind::Ahead,
        },
    };
    Some(Difference {
        order_id: id.clone(),
        kind,
        written: written.map(|order| order.version),
        shown: shown.map(|order| order.version),
    })
}

impl Models {
    /// Which of `ids` differ still after they were looked at several times.
    pub(crate) async fn settled(&self, ids: Vec<OrderId>) -> Result<Vec<Difference>, Failure> {
        let mut ids = ids;
        let mut found = Vec::new();
        for pause in LOOKS {
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            tokio::time::sleep(pause).await;
            found = self.differences(&ids).await?;
            ids = found.iter().map(|d| d.order_id.clone()).collect();
        }
        Ok(found)
    }

    /// Which of `ids` differ at this moment.
    async fn differences(&self, ids: &[OrderId]) -> Result<Vec<Difference>, Failure> {
        let (inspected, held) = self.both(ids).await?;
        let orders = ids.iter().filter(|id| !held.malformed.contains(*id));
        Ok(orders
            .filter_map(|id| difference(id, held.orders.get(id), inspected.get(id)))
            .collect())
    }

    /// What the read model holds, and after that what the table holds: what is newer in the first
    /// is then no change on its way.
    async fn both(&self, ids: &[OrderId]) -> Result<(HashMap<OrderId, Inspected>, Held), Failure> {
        let inspected = self.inspected(ids).await?;
        Ok((inspected, self.table.held(ids).await?))
    }

    /// Gives the read model the table's state of what differs, and gives what differs after that.
    pub(crate) async fn repair(&self, found: &[Difference]) -> Result<Vec<Difference>, Failure> {
        self.reproject(found).await?;
        let ids: Vec<OrderId> = found.iter().map(|d| d.order_id.clone()).collect();
        self.replace(&ids).await?;
        self.settled(ids).await
    }

    /// Projects it as the stream would: a newer version stays.
    async fn reproject(&self, found: &[Difference]) -> Result<(), Failure> {
        let held = self.table.held(found.iter().map(|d| &d.order_id)).await?;
        let gone = found.iter().filter(|d| !held.has(&d.order_id));
        let removed: Vec<Removed> = gone
            .filter_map(|d| {
                let order_id = d.order_id.clone();
                d.shown.map(|version| Removed { order_id, version })
            })
            .collect();
        let orders: Vec<Order> = held.orders.into_values().collect();
        if !orders.is_empty() {
            self.project(Project::Orders(orders)).await?;
        }
        if !removed.is_empty() {
            self.project(Project::Removed(removed)).await?;
        }
        Ok(())
    }

    /// Puts the table's orders in the place of what was not to be repaired so: what is ahead of the
    /// table, tombstones of orders that are there, orders that a list lacks. Each only where the
    /// read model still holds what was looked at before the table was.
    async fn replace(&self, ids: &[OrderId]) -> Result<(), Failure> {
        let (mut inspected, held) = self.both(ids).await?;
        let differ = held.orders.into_iter().filter_map(|(id, order)| {
            difference(&id, Some(&order), inspected.get(&id))?;
            let mark = inspected.remove(&id)?.mark;
            Some(Replacement { order, mark })
        });
        let replaced: Vec<Replacement> = differ.collect();
        if !replaced.is_empty() {
            self.project(Project::Replaced(replaced)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(version: u64, product: &str) -> Order {
        let text = format!(
            r#"{{"orderId":"o","clientId":"c","productId":"{product}","version":{version}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn held(order: &Order) -> Inspected {
        Inspected {
            mark: String::new(),
            order: Some(order.clone()),
            consistent: true,
        }
    }

    #[test]
    fn each_kind_of_difference_is_told_from_the_others() {
        let (older, newer, other) = (order(1, "p"), order(2, "p"), order(1, "q"));
        let id = OrderId::new("o").unwrap();
        let kind = |w: Option<&Order>, s: Option<&Order>| {
            difference(&id, w, s.map(held).as_ref()).map(|d| d.kind)
        };
        assert_eq!(kind(None, None), None);
        assert_eq!(kind(Some(&older), Some(&older)), None);
        assert_eq!(kind(Some(&older), None), Some(Kind::Missing));
        assert_eq!(kind(None, Some(&older)), Some(Kind::Orphaned));
        assert_eq!(kind(Some(&newer), Some(&older)), Some(Kind::Stale));
        assert_eq!(kind(Some(&older), Some(&newer)), Some(Kind::Ahead));
        assert_eq!(kind(Some(&older), Some(&other)), Some(Kind::Different));

        let unlisted = Inspected {
            consistent: false,
            ..held(&older)
        };
        let found = difference(&id, Some(&older), Some(&unlisted)).unwrap();
        assert_eq!(found.kind, Kind::Inconsistent);
        let tombstone = Inspected {
            order: None,
            ..unlisted
        };
        assert_eq!(difference(&id, None, Some(&tombstone)), None);
        let found = difference(&id, Some(&older), Some(&tombstone)).unwrap();
        assert_eq!(found.kind, Kind::Missing);
    }
}
