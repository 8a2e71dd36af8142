//! What may be asked of the query side, and how its pages follow one another.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::error::Invalid;
use crate::fields::{self, Fields};
use crate::ids::{ClientId, OrderId, ProductId};
use crate::order::Status;
use crate::timestamp::{self, Timestamp};

/// The most orders that one query may ask for, by ids or as a page.
pub const MAX_ORDERS: usize = 500;
/// The orders of a page, unless said.
pub const DEFAULT_LIMIT: usize = 20;

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// One order.
    Get(OrderId),
    /// Several orders, answered in the order of their ids; at most [`MAX_ORDERS`].
    Batch(Vec<OrderId>),
    /// A page of orders, newest first.
    List(ListOrders),
    /// All that the read model holds of several orders, to be compared with the write model; at
    /// most [`MAX_ORDERS`].
    Inspect(Vec<OrderId>),
    /// Whether the query side is alive, and how far away the cache is.
    Ping,
}

/// Asks for a page of orders, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOrders {
    /// Which orders.
    pub filter: Filter,
    /// How many at most, 1 to [`MAX_ORDERS`]; [`DEFAULT_LIMIT`] unless said.
    pub limit: Option<usize>,
    /// Where the page before ended; the newest order unless said.
    pub cursor: Option<Cursor>,
}

/// Which orders a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those of one client.
    Client(ClientId),
    /// Those of one product.
    Product(ProductId),
    /// Those of one status.
    Status(Status),
}

/// The place in a list right after one order. Opaque to clients: they hand back what they got.
///
/// It names the order by what the lists are sorted by, so a page starts where the one before it
/// ended however many orders arrived or left in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When the order was created.
    pub created_at: Timestamp,
    /// The order, to tell apart those of the same millisecond.
    pub order_id: OrderId,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a cursor from the page before")]
pub struct NotACursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.created_at, self.order_id)
    }
}

impl std::str::FromStr for Cursor {
    type Err = NotACursor;
    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (time, rest) = text
            .split_at_checked(timestamp::TEXT_LENGTH)
            .ok_or(NotACursor)?;
        let id = rest.strip_prefix('_').ok_or(NotACursor)?;
        let created_at = Timestamp::parse(time).map_err(|_| NotACursor)?;
        let order_id = OrderId::try_from(id.to_owned()).map_err(|_| NotACursor)?;
        Ok(Self {
            created_at,
            order_id,
        })
    }
}

impl Query {
    /// Reads the query handler's payload.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(payload: &str) -> Result<Self, Invalid> {
        let mut fields = Fields::of(fields::json(payload, "the query")?, "the query")?;
        let id = fields.text("orderId")?;
        let ids = fields.take("orderIds");
        let list = fields.take("list");
        let inspect = fields.take("inspect");
        let ping = fields.take("ping");
        let query = match (id, ids, list, inspect, ping) {
            (Some(id), None, None, None, None) => Self::Get(id),
            (None, Some(ids), None, None, None) => Self::Batch(batch(ids, "orderIds")?),
            (None, None, Some(list), None, None) => Self::List(page(list)?),
            (None, None, None, Some(ids), None) => Self::Inspect(batch(ids, "inspect")?),
            (None, None, None, None, Some(Value::Bool(true))) => Self::Ping,
            (None, None, None, None, Some(_)) => return Err(Invalid::new("ping", "must be true")),
            _ => {
                return Err(Invalid::new(
                    "the query",
                    "must have one of orderId, orderIds, list, inspect, ping, and only one",
                ));
            }
        };
        fields.finish()?;
        Ok(query)
    }

    /// The orders that it asks for by their ids.
    #[must_use]
    pub fn order_ids(&self) -> &[OrderId] {
        match self {
            Self::Get(id) => std::slice::from_ref(id),
            Self::Batch(ids) | Self::Inspect(ids) => ids,
            Self::List(_) | Self::Ping => &[],
        }
    }

    /// Its name in logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Batch(_) => "batch",
            Self::List(_) => "list",
            Self::Inspect(_) => "inspect",
            Self::Ping => "ping",
        }
    }
}

/// Serialises to the query handler's payload.
impl Serialize for Query {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, value) = match self {
            Self::Get(id) => ("orderId", serde_json::json!(id)),
            Self::Batch(ids) => ("orderIds", serde_json::json!(ids)),
            Self::List(list) => ("list", list.payload()),
            Self::Inspect(ids) => ("inspect", serde_json::json!(ids)),
            Self::Ping => ("ping", Value::Bool(true)),
        };
        serializer.collect_map([(name, value)])
    }
}

impl ListOrders {
    fn payload(&self) -> Value {
        let mut map = serde_json::Map::new();
        let filter = match &self.filter {
            Filter::All => None,
            Filter::Client(id) => Some(("clientId", id.as_str())),
            Filter::Product(id) => Some(("productId", id.as_str())),
            Filter::Status(status) => Some(("status", status.as_str())),
        };
        if let Some((field, value)) = filter {
            map.insert(field.into(), value.into());
        }
        if let Some(limit) = self.limit {
            map.insert("limit".into(), limit.into());
        }
        if let Some(cursor) = &self.cursor {
            map.insert("cursor".into(), cursor.to_string().into());
        }
        Value::Object(map)
    }
}

fn batch(ids: Value, name: &str) -> Result<Vec<OrderId>, Invalid> {
    let Value::Array(ids) = ids else {
        let rule = format!("must be an array, not {}", fields::kind(&ids));
        return Err(Invalid::new(name, rule));
    };
    if ids.len() > MAX_ORDERS {
        let rule = format!("must have at most {MAX_ORDERS} ids, not {}", ids.len());
        return Err(Invalid::new(name, rule));
    }
    ids.into_iter()
        .enumerate()
        .map(|(at, id)| match id {
            Value::String(id) => {
                // Also those that `cqrs verify` found in the table.
                OrderId::try_from(id).map_err(|rule| Invalid::new(format!("{name}[{at}]"), rule))
            }
            other => Err(Invalid::new(
                format!("{name}[{at}]"),
                format_args!("must be a string, not {}", fields::kind(&other)),
            )),
        })
        .collect()
}

fn page(list: Value) -> Result<ListOrders, Invalid> {
    let mut fields = Fields::within(list, "list")?;
    let client = fields.text("clientId")?;
    let product = fields.text("productId")?;
    let status = fields.text("status")?;
    let limit = fields.whole("limit", 1, MAX_ORDERS as u64)?;
    let cursor = fields.text("cursor")?;
    fields.finish()?;
    let filter = match (client, product, status) {
        (None, None, None) => Filter::All,
        (Some(id), None, None) => Filter::Client(id),
        (None, Some(id), None) => Filter::Product(id),
        (None, None, Some(status)) => Filter::Status(status),
        _ => {
            return Err(Invalid::new(
                "list",
                "must have at most one of clientId, productId, status",
            ));
        }
    };
    Ok(ListOrders {
        filter,
        limit: limit.and_then(|limit| limit.try_into().ok()),
        cursor,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_serialises_is_what_the_query_handler_reads() {
        for payload in [
            r#"{"orderId":"o"}"#,
            r#"{"orderIds":["a","b"]}"#,
            r#"{"orderIds":[]}"#,
            r#"{"list":{}}"#,
            r#"{"list":{"clientId":"c","cursor":"2026-11-23T03:00:00.000Z_o","limit":500}}"#,
            r#"{"list":{"productId":"p"}}"#,
            r#"{"list":{"status":"shipped"}}"#,
            r#"{"inspect":["a","b"]}"#,
            r#"{"ping":true}"#,
        ] {
            let query = Query::parse(payload).unwrap();
            assert_eq!(
                serde_json::to_value(&query).unwrap(),
                serde_json::from_str::<Value>(payload).unwrap()
            );
        }
    }

    #[test]
    fn every_refusal_names_the_field_and_the_rule() {
        let one = "the query must have one of orderId, orderIds, list, inspect, ping, and only one";
        for (payload, message) in [
            ("7", "the query must be a JSON object, not a number"),
            ("{}", one),
            (
                r#"{"orderId":"a","orderId":"b"}"#,
                "the query must be JSON: duplicate field `orderId` at line 1 column 24",
            ),
            (r#"{"orderId":"o","ping":true}"#, one),
            (r#"{"orderId":""}"#, "orderId must not be empty"),
            (
                r#"{"orderIds":"o"}"#,
                "orderIds must be an array, not a string",
            ),
            (
                r#"{"orderIds":["o",1]}"#,
                "orderIds[1] must be a string, not a number",
            ),
            (r#"{"inspect":[""]}"#, "inspect[0] must not be empty"),
            (r#"{"ping":1}"#, "ping must be true"),
            (r#"{"list":[]}"#, "list must be a JSON object, not an array"),
            (
                r#"{"list":{"limit":501}}"#,
                "list.limit must be a whole number from 1 to 500, not 501",
            ),
            (
                r#"{"list":{"status":"lost"}}"#,
                "list.status must be one of placed, shipped, cancelled",
            ),
            (
                r#"{"list":{"clientId":"c","status":"placed"}}"#,
                "list must have at most one of clientId, productId, status",
            ),
            (
                r#"{"list":{"cursor":"x"}}"#,
                "list.cursor must be a cursor from the page before",
            ),
            (
                r#"{"list":{"sort":"up"}}"#,
                "list.sort is not a field of this; known: clientId, productId, status, limit, cursor",
            ),
        ] {
            assert_eq!(Query::parse(payload).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_batch_has_at_most_500_ids() {
        let payload = |count| serde_json::json!({ "orderIds": vec!["o"; count] }).to_string();
        assert!(Query::parse(&payload(500)).is_ok());
        let error = Query::parse(&payload(501)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "orderIds must have at most 500 ids, not 501"
        );
    }

    #[test]
    fn a_cursor_is_read_back_also_when_the_id_looks_like_one() {
        let cursor = Cursor {
            created_at: Timestamp::EPOCH,
            order_id: OrderId::new("1970-01-01T00:00:00.000Z_a b").unwrap(),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in [
            "",
            "_",
            "1970-01-01T00:00:00.000Z",
            "1970-01-01T00:00:00.000Zo",
            "äääääääääääää_o",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}
