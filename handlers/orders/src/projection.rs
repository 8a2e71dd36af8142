//! What the subscriber is given to project: changes of a DynamoDB stream, or orders by hand.
//!
//! The payload is read here, and each record of a stream by [`Record::read`]. Applying them is the
//! read model's part.

use std::cmp::Ordering;
use std::fmt;

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
    /// The same records given by hand, so that each that fails is answered.
    Records(Vec<&'a RawValue>),
    /// Orders to project now, without the stream.
    Project(Vec<Change>),
    /// Orders to put in the place of what the rules would keep.
    Replace(Vec<Replacement>),
    /// The read model is going to be made complete.
    Begin(Token),
    /// It was made so.
    Complete(Token),
}

/// Names one making of the read model, from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token(String);

impl Token {
    /// A new one.
    #[must_use]
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string())
    }
}

impl TryFrom<String> for Token {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text))
        } else {
            Err("a token has 1 to 64 letters, digits and hyphens")
        }
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
    /// Nothing yet: from now on all orders will be projected.
    #[serde(rename = "begin")]
    Begin(Token),
    /// Nothing more: all orders were projected since it began.
    #[serde(rename = "complete")]
    Complete(Token),
}

/// The subscriber's payload that asks for `project`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectPayload {
    /// What to project.
    pub project: Project,
}

/// What the subscriber answers to what is projected by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projected {
    /// Changes that the read model took.
    pub applied: u64,
    /// Changes that it held already, or newer ones.
    pub stale: u64,
    /// Changes that could not be projected, each with its reason.
    #[serde(default)]
    pub failed: Vec<Failed>,
}

/// A change that could not be projected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The record's name, as AWS wrote it; of a record only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
    /// The order, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Why.
    pub reason: String,
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

fn by_hand<'a>(project: &'a RawValue) -> Result<Event<'a>, Invalid> {
    #[derive(Deserialize)]
    struct Parts<'a> {
        #[serde(borrow)]
        records: Option<Vec<&'a RawValue>>,
        #[serde(borrow)]
        orders: Option<Vec<&'a RawValue>>,
        #[serde(borrow)]
        removed: Option<Vec<&'a RawValue>>,
        #[serde(borrow)]
        replaced: Option<Vec<&'a RawValue>>,
        begin: Option<Token>,
        complete: Option<Token>,
    }
    const RULE: &str = "must have one of the arrays records, orders, removed and replaced, or one \
                        of the tokens begin and complete";
    let is_object = project.get().starts_with('{');
    let parts = serde_json::from_str(project.get())
        .ok()
        .filter(|_| is_object);
    let Some(Parts {
        records,
        orders,
        removed,
        replaced,
        begin,
        complete,
    }) = parts
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
    match (records, orders, removed, replaced, begin, complete) {
        (Some(records), None, None, None, None, None) => Ok(Event::Records(records)),
        (None, Some(orders), None, None, None, None) => {
            changes(each(&orders, "orders", |raw, name| {
                order_by_hand(raw, name).map(State::Present)
            }))
        }
        (None, None, Some(removed), None, None, None) => {
            changes(each(&removed, "removed", removed_by_hand))
        }
        (None, None, None, Some(replaced), None, None) => {
            each(&replaced, "replaced", replacement_by_hand).map(Event::Replace)
        }
        (None, None, None, None, Some(token), None) => Ok(Event::Begin(token)),
        (None, None, None, None, None, Some(token)) => Ok(Event::Complete(token)),
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
