//! Both models of one stack, read side by side: the table, which is the truth, and what the query
//! function shows of it.

pub(crate) mod compare;
pub(crate) mod table;

use std::collections::{BTreeMap, HashMap};

use orders::ids::OrderId;
use orders::order::Order;
use orders::projection::{Failed, Project, ProjectPayload, Projected};
use orders::query::{Cursor, Filter, ListOrders, MAX_ORDERS, Query};
use serde::Deserialize;

use self::table::OrdersTable;
use crate::error::{Explain, Kind};
use crate::stack::functions::{FunctionError, Functions};

/// The two models of a stack. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Models {
    pub(crate) table: OrdersTable,
    pub(crate) functions: Functions,
}

/// What the read model holds of an order.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Inspected {
    /// Names the state that it holds.
    pub(crate) mark: String,
    /// `None` where it holds a tombstone, or what is no order.
    #[serde(deserialize_with = "order")]
    pub(crate) order: Option<Order>,
    /// Whether its guard and its lists are those of the order.
    pub(crate) consistent: bool,
}

/// One document that is no order must not keep the others from being read.
fn order<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Order>, D::Error> {
    let held = Option::<serde_json::Value>::deserialize(d)?;
    Ok(held.and_then(|held| serde_json::from_value(held).ok()))
}

/// A page of the read model's list of all orders.
#[derive(Debug, Deserialize)]
pub(crate) struct ReadPage {
    pub(crate) orders: Vec<Order>,
    /// Where the list goes on; `None` at its end.
    #[serde(default, deserialize_with = "cursor")]
    pub(crate) cursor: Option<Cursor>,
}

/// A place that cannot be read is no end: what comes after it would be missed.
fn cursor<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Cursor>, D::Error> {
    let text = Option::<String>::deserialize(d)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom))
        .transpose()
}

impl Models {
    /// All that the read model holds of these orders, tombstones too; of what it does not hold
    /// nothing.
    pub(crate) async fn inspected(
        &self,
        ids: &[OrderId],
    ) -> Result<HashMap<OrderId, Inspected>, FunctionError> {
        #[derive(Deserialize)]
        struct Batch {
            inspected: Vec<Option<Inspected>>,
        }
        let mut inspected = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(MAX_ORDERS) {
            let question = Query::Inspect(ids.to_vec());
            let held = self.functions.query::<Batch>(&question).await?.value;
            let held = ids.iter().zip(held.inspected);
            inspected.extend(held.filter_map(|(id, held)| Some((id.clone(), held?))));
        }
        Ok(inspected)
    }

    /// The read model's list, from `cursor` on.
    pub(crate) async fn list(&self, cursor: Option<Cursor>) -> Result<ReadPage, FunctionError> {
        let list = ListOrders {
            filter: Filter::All,
            limit: Some(MAX_ORDERS),
            cursor,
        };
        Ok(self.functions.query(&Query::List(list)).await?.value)
    }

    /// Gives the read model changes, which it takes unless it holds newer ones.
    pub(crate) async fn project(&self, project: Project) -> Result<Projected, ProjectError> {
        let payload = ProjectPayload { project };
        let projected: Projected = self.functions.deliver(&payload).await?.value;
        match projected.failed.as_slice() {
            [] => Ok(projected),
            failed => Err(ProjectError::Failed(reasons(failed))),
        }
    }
}

/// Why not all that was given was projected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    #[error(transparent)]
    Function(#[from] FunctionError),
    /// The read model refused some; the others are projected.
    #[error("orders could not be projected: {0}")]
    Failed(String),
}

impl Explain for ProjectError {
    fn kind(&self) -> Kind {
        match self {
            Self::Function(error) => error.kind(),
            Self::Failed(_) => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Function(error) => error.name(),
            Self::Failed(_) => Kind::Failed.name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Function(error) => error.hint(),
            Self::Failed(_) => Some(
                "correct what the reasons name, then repeat the command: this is safe at any time"
                    .to_owned(),
            ),
        }
    }
}

/// `a, b and 7 more: out of memory`, for each reason.
fn reasons(failed: &[Failed]) -> String {
    const NAMED: usize = 3;
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Failed {
        order_id, reason, ..
    } in failed
    {
        let id = order_id.as_ref().map_or("?", OrderId::as_str);
        by_reason.entry(reason).or_default().push(id);
    }
    let told = by_reason.into_iter().map(|(reason, ids)| {
        let named = ids.iter().take(NAMED).copied().collect::<Vec<_>>();
        match ids.len() - named.len() {
            0 => format!("{}: {reason}", named.join(", ")),
            more => format!("{} and {more} more: {reason}", named.join(", ")),
        }
    });
    told.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_told_by_its_reasons() {
        let failed = |id: &str, reason: &str| Failed {
            sequence_number: None,
            order_id: OrderId::new(id).ok(),
            reason: reason.to_owned(),
        };
        let all = ["a", "b", "c", "d", "e"].map(|id| failed(id, "full"));
        let mut all = all.to_vec();
        all.push(failed("f", "broken"));
        assert_eq!(reasons(&all), "f: broken; a, b, c and 2 more: full");
    }

    #[test]
    fn a_place_that_cannot_be_read_is_not_taken_for_the_end() {
        let page = |cursor: &str| {
            serde_json::from_str::<ReadPage>(&format!(r#"{{"orders":[],"cursor":{cursor}}}"#))
        };
        assert_eq!(page("null").unwrap().cursor, None);
        assert!(page(r#""nonsense""#).is_err());
    }
}
