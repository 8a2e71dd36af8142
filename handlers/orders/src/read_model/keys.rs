//! The names of the read model's keys.

use crate::ids::OrderId;
use crate::query::{Cursor, Filter};

/// What all keys start with. The access strings of the template's cache users rest on `orders:`.
pub(super) const PREFIX: &str = "orders:v1:";
/// What the key of an order starts with; its id follows.
pub(super) const ORDER: &str = "orders:v1:order:";
/// The list of all orders.
pub(super) const ALL: &str = "orders:v1:all";
/// The hash that says whether the read model is complete; see [`super::complete`].
pub(super) const COMPLETE: &str = "orders:v1:complete";

/// The hash of one order.
pub(super) fn order(id: &OrderId) -> String {
    format!("{ORDER}{id}")
}

/// The sorted set of a list.
pub(super) fn list(filter: &Filter) -> String {
    match filter {
        Filter::All => ALL.to_owned(),
        Filter::Client(id) => format!("{PREFIX}client:{id}"),
        Filter::Product(id) => format!("{PREFIX}product:{id}"),
        Filter::Status(status) => format!("{PREFIX}status:{status}"),
    }
}

/// The member of an order in every list that shows it.
pub(super) fn member(cursor: &Cursor) -> String {
    format!("{} {}", cursor.created_at, cursor.order_id)
}
