//! In what two models of one order differ, looked at again before it counts: a change on its way
//! is no difference.

use std::fmt;
use std::time::Duration;

use orders::ids::OrderId;
use orders::order::Order;
use orders::projection::{Project, Removed};
use serde::Serialize;

use super::Models;
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
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Different => "different",
            Self::Ahead => "ahead",
            Self::Orphaned => "orphaned",
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
    shown: Option<&Order>,
) -> Option<Difference> {
    let kind = match (written, shown) {
        (None, None) => return None,
        (Some(_), None) => Kind::Missing,
        (None, Some(_)) => Kind::Orphaned,
        (Some(written), Some(shown)) if written == shown => return None,
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
        let shown = self.shown(ids.to_vec()).await?;
        let held = self.table.held(ids).await?;
        let orders = ids.iter().filter(|id| !held.malformed.contains(*id));
        Ok(orders
            .filter_map(|id| difference(id, held.orders.get(id), shown.get(id)))
            .collect())
    }

    /// Projects the table's state of what differs, and gives what differs after that.
    pub(crate) async fn repair(&self, found: &[Difference]) -> Result<Vec<Difference>, Failure> {
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
        self.settled(found.iter().map(|d| d.order_id.clone()).collect())
            .await
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

    #[test]
    fn each_kind_of_difference_is_told_from_the_others() {
        let (older, newer, other) = (order(1, "p"), order(2, "p"), order(1, "q"));
        let id = OrderId::new("o").unwrap();
        let kind = |w: Option<&Order>, s: Option<&Order>| difference(&id, w, s).map(|d| d.kind);
        assert_eq!(kind(None, None), None);
        assert_eq!(kind(Some(&older), Some(&older)), None);
        assert_eq!(kind(Some(&older), None), Some(Kind::Missing));
        assert_eq!(kind(None, Some(&older)), Some(Kind::Orphaned));
        assert_eq!(kind(Some(&newer), Some(&older)), Some(Kind::Stale));
        assert_eq!(kind(Some(&older), Some(&newer)), Some(Kind::Ahead));
        assert_eq!(kind(Some(&older), Some(&other)), Some(Kind::Different));
    }
}
