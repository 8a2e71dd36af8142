//! Reads an order from an item of the table, also from one that others wrote.
//!
//! The original sample's items have an `orderId`, a `clientId` and a `productId` and no more; what
//! they lack has fixed defaults, so that every reader of one item sees one order. What is there
//! must be right: an item whose `quantity` is no number is not an order.
//!
//! An item comes in several shapes (the SDK's, a stream record's JSON), which [`Item`] hides.

use std::str::FromStr;

use crate::error::Invalid;
use crate::ids::OrderId;
use crate::order::{MAX_QUANTITY, Order, Quantity};

/// Names of an item's attributes, which are those of the order's JSON.
pub mod attribute {
    /// The table's key.
    pub const ORDER_ID: &str = "orderId";
    /// Who ordered.
    pub const CLIENT_ID: &str = "clientId";
    /// What was ordered.
    pub const PRODUCT_ID: &str = "productId";
    /// How many; 1 where it is absent.
    pub const QUANTITY: &str = "quantity";
    /// How far it has come; `placed` where it is absent.
    pub const STATUS: &str = "status";
    /// Counts the changes; 1 where it is absent.
    pub const VERSION: &str = "version";
    /// When it was created; the epoch where it is absent.
    pub const CREATED_AT: &str = "createdAt";
    /// When it last changed; the epoch where it is absent.
    pub const UPDATED_AT: &str = "updatedAt";
}

/// One attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string (`S`).
    Text(&'a str),
    /// A number (`N`), as DynamoDB writes it.
    Number(&'a str),
    /// Any other type.
    Other,
}

/// An item, in whatever shape it came.
pub trait Item {
    /// The value of the attribute called `name`; `None` when it is absent or null.
    fn value(&self, name: &str) -> Option<Value<'_>>;
}

/// The order that `item` is.
///
/// # Errors
/// Names the attribute and the rule that it breaks.
pub fn order(item: &impl Item) -> Result<Order, Invalid> {
    Ok(Order {
        order_id: id(item, attribute::ORDER_ID)?,
        client_id: id(item, attribute::CLIENT_ID)?,
        product_id: id(item, attribute::PRODUCT_ID)?,
        quantity: quantity(item)?,
        status: parsed(item, attribute::STATUS)?.unwrap_or_default(),
        version: version(item)?,
        created_at: parsed(item, attribute::CREATED_AT)?.unwrap_or_default(),
        updated_at: parsed(item, attribute::UPDATED_AT)?.unwrap_or_default(),
    })
}

/// The id and the version of `item`, whatever else it holds: enough to remove it.
///
/// # Errors
/// Names the attribute and the rule that it breaks.
pub fn identity(item: &impl Item) -> Result<(OrderId, u64), Invalid> {
    Ok((id(item, attribute::ORDER_ID)?, version(item)?))
}

fn quantity(item: &impl Item) -> Result<Quantity, Invalid> {
    match number(item, attribute::QUANTITY, MAX_QUANTITY.into())? {
        None => Ok(Quantity::default()),
        Some(pieces) => {
            Quantity::new(pieces).map_err(|rule| Invalid::new(attribute::QUANTITY, rule))
        }
    }
}

fn version(item: &impl Item) -> Result<u64, Invalid> {
    Ok(number(item, attribute::VERSION, u64::MAX)?.unwrap_or(1))
}

/// An id as it is stored, which must be there.
fn id<T: TryFrom<String, Error: std::fmt::Display>>(
    item: &impl Item,
    name: &str,
) -> Result<T, Invalid> {
    let text = text(item, name)?.ok_or_else(|| Invalid::new(name, "is missing from the item"))?;
    T::try_from(text.to_owned()).map_err(|rule| Invalid::new(name, rule))
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(
    item: &impl Item,
    name: &str,
) -> Result<Option<T>, Invalid> {
    let text = text(item, name)?;
    text.map(str::parse)
        .transpose()
        .map_err(|rule| Invalid::new(name, rule))
}

fn text<'a>(item: &'a impl Item, name: &str) -> Result<Option<&'a str>, Invalid> {
    match item.value(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(Invalid::new(name, "must be a string (S) in the item")),
    }
}

fn number(item: &impl Item, name: &str, max: u64) -> Result<Option<u64>, Invalid> {
    let rule = || {
        Invalid::new(
            name,
            format_args!("must be a whole number (N) from 1 to {max} in the item"),
        )
    };
    match item.value(name) {
        None => Ok(None),
        Some(Value::Number(text)) => match text.parse() {
            Ok(number) if (1..=max).contains(&number) => Ok(Some(number)),
            _ => Err(rule()),
        },
        Some(_) => Err(rule()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Status;
    use crate::timestamp::Timestamp;

    struct Pairs(Vec<(&'static str, Value<'static>)>);

    impl Item for Pairs {
        fn value(&self, name: &str) -> Option<Value<'_>> {
            self.0
                .iter()
                .find_map(|(key, value)| (*key == name).then_some(*value))
        }
    }

    fn legacy() -> Pairs {
        Pairs(vec![
            ("orderId", Value::Text("o")),
            ("clientId", Value::Text("c")),
            ("productId", Value::Text("p")),
        ])
    }

    #[test]
    fn an_item_of_the_original_sample_is_an_order_with_fixed_defaults() {
        let order = order(&legacy()).unwrap();
        assert_eq!(
            (order.quantity.get(), order.status, order.version),
            (1, Status::Placed, 1)
        );
        assert_eq!(
            (order.created_at, order.updated_at),
            (Timestamp::EPOCH, Timestamp::EPOCH)
        );
        assert_eq!(
            identity(&legacy()).unwrap(),
            (OrderId::new("o").unwrap(), 1)
        );
    }

    #[test]
    fn what_an_item_says_wrongly_is_named_instead_of_defaulted() {
        for (name, value, message) in [
            (
                "quantity",
                Value::Number("0"),
                "quantity must be a whole number (N) from 1 to 1000000 in the item",
            ),
            (
                "quantity",
                Value::Text("1"),
                "quantity must be a whole number (N) from 1 to 1000000 in the item",
            ),
            (
                "status",
                Value::Text("lost"),
                "status must be one of placed, shipped, cancelled",
            ),
            (
                "status",
                Value::Other,
                "status must be a string (S) in the item",
            ),
            (
                "version",
                Value::Number("1.5"),
                "version must be a whole number (N) from 1 to 18446744073709551615 in the item",
            ),
            (
                "createdAt",
                Value::Text("noon"),
                "createdAt must be a time as RFC 3339 writes it, such as 2026-11-23T03:00:00.000Z",
            ),
        ] {
            let mut item = legacy();
            item.0.push((name, value));
            assert_eq!(order(&item).unwrap_err().to_string(), message);
        }
        let nameless = Pairs(vec![]);
        assert_eq!(
            identity(&nameless).unwrap_err().to_string(),
            "orderId is missing from the item"
        );
    }

    #[test]
    fn an_item_that_is_no_order_can_still_be_removed() {
        let mut item = legacy();
        item.0.push(("quantity", Value::Other));
        item.0.push(("version", Value::Number("7")));
        assert_eq!(identity(&item).unwrap(), (OrderId::new("o").unwrap(), 7));
    }
}
