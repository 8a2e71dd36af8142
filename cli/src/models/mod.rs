//! Both models of one stack, read side by side: the table, which is the truth, and what the query
//! function shows of it.

pub(crate) mod compare;
pub(crate) mod table;

use std::collections::HashMap;

use orders::ids::OrderId;
use orders::order::Order;
use orders::projection::{Project, ProjectPayload, Projected};
use orders::query::{Cursor, Filter, ListOrders, MAX_ORDERS, Query};
use serde::Deserialize;

use self::table::OrdersTable;
use crate::stack::functions::{FunctionError, Functions};

/// The two models of a stack. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Models {
    pub(crate) table: OrdersTable,
    pub(crate) functions: Functions,
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
    /// What the read model shows of these orders; what it does not have is left out.
    pub(crate) async fn shown(
        &self,
        ids: Vec<OrderId>,
    ) -> Result<HashMap<OrderId, Order>, FunctionError> {
        let mut shown = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(MAX_ORDERS) {
            let orders = self.functions.orders(ids).await?.value;
            let orders = orders.into_iter().flatten();
            shown.extend(orders.map(|order| (order.order_id.clone(), order)));
        }
        Ok(shown)
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
    pub(crate) async fn project(&self, project: Project) -> Result<Projected, FunctionError> {
        let answer = self.functions.deliver(&ProjectPayload { project }).await?;
        Ok(answer.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_cannot_be_read_is_not_taken_for_the_end() {
        let page = |cursor: &str| {
            serde_json::from_str::<ReadPage>(&format!(r#"{{"orders":[],"cursor":{cursor}}}"#))
        };
        assert_eq!(page("null").unwrap().cursor, None);
        assert!(page(r#""nonsense""#).is_err());
    }
}
