//! What the subscriber is given to project: changes of a DynamoDB stream, or orders by hand.
//!
//! The payload is read here, and each record of a stream by [`Record::read`]. Applying them is the
//! read model's part.

use std::cmp::Ordering;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::Invalid;
use crate::fields::{self, Fields};
use crate::ids::OrderId;
use crate::order::Order;

mod record;
#[cfg(test)]
mod tests;

pub use record::{Record, order_of_image};

/// The payload of the subscriber.
#[derive(Debug)]
pub enum Event<'a> {
    /// Records of a DynamoDB stream, each to be read on its own by [`Record::read`].
    Stream(Vec<&'a RawValue>),
    /// Orders to project now, without the stream.
    Project(Vec<Change>),
    /// Orders to put in the place of what the rules would keep.
    Replace(Vec<Replacement>),
}

/// A change of one order, to be projected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What the order became.
    pub state: State,
    /// The stream's number of the change, where it came by the stream.
    pub sequence: Option<Sequence>,
}

impl Change {
    /// The order that is changed.
    #[must_use]
    pub fn order_id(&self) -> &OrderId {
        match &self.state {
            State::Present(order) => &order.order_id,
            State::Removed(removed) => &removed.order_id,
        }
    }
}

/// What an order became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is this now.
    Present(Order),
    /// It is no more.
    Removed(Removed),
}

/// An order that is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// The order.
    pub order_id: OrderId,
    /// Its last version.
    pub version: u64,
}

/// An order to put in the place of a state that the rules hold to be newer: one that is ahead of
/// the write model, or a tombstone of an order that is there.
///
/// It is safe beside live traffic where the state was inspected before the order was read from the
/// write model: what changed the order since has changed the mark too, or is still to come and
/// newer than the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replacement {
    /// The order as the write model holds it.
    pub order: Order,
    /// The state that is replaced, and no other, as an inspection named it.
    pub mark: String,
}

/// Orders to project by hand. Serialises to the subscriber's payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Project {
    /// Orders as the write model holds them.
    #[serde(rename = "orders")]
    Orders(Vec<Order>),
    /// Orders that the write model no longer holds.
    #[serde(rename = "removed")]
    Removed(Vec<Removed>),
    /// Orders in the place of what the rules would keep.
    #[serde(rename = "replaced")]
    Replaced(Vec<Replacement>),
}

/// The subscriber's payload that asks for `project`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectPayload {
    /// What to project.
    pub project: Project,
}

/// What the subscriber answers to a [`ProjectPayload`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projected {
    /// Changes that the read model took.
    pub applied: u64,
    /// Changes that it held already, or newer ones.
    pub stale: u64,
}

/// A stream's number of a change: decimal, of any length, without leading zeros. Within one item
/// they grow in the order of the writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence(String);

impl Sequence {
    /// Takes a text of digits, and of nothing else.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        all_digits.then(|| {
            let significant = text.trim_start_matches('0');
            Self(
                if significant.is_empty() {
                    "0"
                } else {
                    significant
                }
                .to_owned(),
            )
        })
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for Sequence {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Sequence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Event<'a> {
    /// Reads the subscriber's payload, but not yet its records.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(payload: &'a str) -> Result<Self, Invalid> {
        #[derive(Deserialize)]
        struct Envelope<'a> {
            #[serde(borrow, rename = "Records")]
            records: Option<&'a RawValue>,
            #[serde(borrow)]
            project: Option<&'a RawValue>,
        }
        /// What comes nearly always, read without a pass of its own over the envelope.
        #[derive(Deserialize)]
        struct Batch<'a> {
            #[serde(borrow, rename = "Records")]
            records: Vec<&'a RawValue>,
            project: Option<IgnoredAny>,
        }
        const NAME: &str = "the event";
        if !payload.trim_start().starts_with('{') {
            // Serde would read an array as the fields of the struct.
            Fields::of(fields::json(payload, NAME)?, NAME)?;
        }
        if let Ok(Batch {
            records,
            project: None,
        }) = serde_json::from_str(payload)
        {
            return Ok(Self::Stream(records));
        }
        let envelope: Envelope<'a> = serde_json::from_str(payload)
            .map_err(|error| Invalid::new(NAME, format_args!("must be JSON: {error}")))?;
        match (envelope.records, envelope.project) {
            (Some(records), None) => serde_json::from_str(records.get())
                .map(Self::Stream)
                .map_err(|_| Invalid::new("Records", "must be an array of stream records")),
            (None, Some(project)) => by_hand(project),
            _ => Err(Invalid::new(
                NAME,
                "must have either the Records of a DynamoDB stream or project",
            )),
        }
    }
}

fn by_hand<'a>(project: &RawValue) -> Result<Event<'a>, Invalid> {
    #[derive(Deserialize)]
    struct Lists<'a> {
        #[serde(borrow)]
        orders: Option<Vec<&'a RawValue>>,
        #[serde(borrow)]
        removed: Option<Vec<&'a RawValue>>,
        #[serde(borrow)]
        replaced: Option<Vec<&'a RawValue>>,
    }
    const RULE: &str = "must have one array, either orders, removed or replaced";
    let is_object = project.get().starts_with('{');
    let lists = serde_json::from_str(project.get())
        .ok()
        .filter(|_| is_object);
    let Some(Lists {
        orders,
        removed,
        replaced,
    }) = lists
    else {
        return Err(Invalid::new("project", RULE));
    };
    let changes = |states: Result<Vec<State>, Invalid>| {
        let by_hand = |state| Change {
            state,
            sequence: None,
        };
        Ok(Event::Project(states?.into_iter().map(by_hand).collect()))
    };
    match (orders, removed, replaced) {
        (Some(orders), None, None) => changes(each(&orders, "orders", |raw, name| {
            order_by_hand(raw, name).map(State::Present)
        })),
        (None, Some(removed), None) => changes(each(&removed, "removed", removed_by_hand)),
        (None, None, Some(replaced)) => {
            each(&replaced, "replaced", replacement_by_hand).map(Event::Replace)
        }
        _ => Err(Invalid::new("project", RULE)),
    }
}

/// Reads each of a list; what is wrong with one is said with its place.
fn each<T>(
    list: &[&RawValue],
    name: &str,
    read: impl Fn(&RawValue, &str) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    let named = list.iter().enumerate();
    named
        .map(|(at, raw)| read(raw, &format!("project.{name}[{at}]")))
        .collect()
}

fn order_by_hand(raw: &RawValue, name: &str) -> Result<Order, Invalid> {
    let order: Order = serde_json::from_str(raw.get())
        .map_err(|error| Invalid::new(name, format_args!("must be an order: {error}")))?;
    if order.version == 0 {
        let field = format!("{name}.version");
        return Err(Invalid::new(field, "must be at least 1"));
    }
    Ok(order)
}

fn removed_by_hand(raw: &RawValue, name: &str) -> Result<State, Invalid> {
    let mut fields = Fields::within(fields::json(raw.get(), name)?, name)?;
    let order_id = fields.required("orderId")?;
    let version = fields
        .whole("version", 1, u64::MAX)?
        .ok_or_else(|| fields.invalid("version", "is required"))?;
    fields.finish()?;
    Ok(State::Removed(Removed { order_id, version }))
}

fn replacement_by_hand(raw: &RawValue, name: &str) -> Result<Replacement, Invalid> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parts<'a> {
        #[serde(borrow)]
        order: &'a RawValue,
        mark: String,
    }
    let parts: Parts<'_> = serde_json::from_str(raw.get())
        .map_err(|error| Invalid::new(name, format_args!("must have order and mark: {error}")))?;
    Ok(Replacement {
        order: order_by_hand(parts.order, &format!("{name}.order"))?,
        mark: parts.mark,
    })
}
