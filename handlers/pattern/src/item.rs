//! An entity as an item of the table, and back, also from one that others wrote.
//!
//! What an item lacks has its default, so that every reader of one item sees one entity: the
//! original sample's items have three ids and no more. What is there must be right. Beside the
//! document an item holds the idempotency keys that were applied to it; what else it holds is kept
//! as it is.

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_dynamo::{AttributeValue, Deserializer, Item, from_attribute_value};
use serde_json::Value;

use crate::applied::Applied;
use crate::description::Description;
use crate::document::{Document, id_name};
use crate::entity::Entity;
use crate::error::Invalid;
use crate::id::Id;
use crate::json::not_whole;

#[cfg(feature = "read-model")]
pub(crate) mod image;

/// Names of the attributes that the library adds.
pub mod attribute {
    /// Counts the changes; 1 where it is absent.
    pub const VERSION: &str = "version";
    /// When it was created; the epoch where it is absent.
    pub const CREATED_AT: &str = "createdAt";
    /// When it last changed; the epoch where it is absent.
    pub const UPDATED_AT: &str = "updatedAt";
    /// The idempotency keys that were applied.
    pub const APPLIED_KEYS: &str = "appliedKeys";
}

/// An entity as the table holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<E> {
    /// What is shown of it.
    pub document: Document<E>,
    /// The idempotency keys that were applied to it.
    pub applied: Applied,
}

/// Reads an item that comes as DynamoDB's JSON: `{"status":{"S":"open"},…}`.
///
/// # Errors
/// When it is none.
pub fn parse(json: &str) -> Result<Item, Invalid> {
    serde_json::from_str(json)
        .map_err(|error| Invalid::new("the item", format_args!("cannot be read: {error}")))
}

/// The document that `item` is.
///
/// # Errors
/// Names the attribute and the rule that it breaks.
pub fn document<E: Entity>(item: &Item) -> Result<Document<E>, Invalid> {
    let (id, version) = identity::<E>(item)?;
    Ok(Document {
        id,
        version,
        created_at: optional(item, attribute::CREATED_AT)?.unwrap_or_default(),
        updated_at: optional(item, attribute::UPDATED_AT)?.unwrap_or_default(),
        entity: entity(item)?,
    })
}

/// All that the table holds in `item`.
///
/// # Errors
/// Names the attribute and the rule that it breaks.
pub fn stored<E: Entity>(item: &Item) -> Result<Stored<E>, Invalid> {
    Ok(Stored {
        document: document(item)?,
        applied: optional(item, attribute::APPLIED_KEYS)?.unwrap_or_default(),
    })
}

/// The id and the version of `item`, whatever else it holds: enough to remove it.
///
/// # Errors
/// Names the attribute and the rule that it breaks.
pub fn identity<E: Entity>(item: &Item) -> Result<(Id, u64), Invalid> {
    let name = id_name(E::NAME);
    let id = optional(item, &name)?.ok_or_else(|| missing(&name))?;
    let version = match present(item, attribute::VERSION) {
        None => 1,
        Some(value) => match from_attribute_value(value.clone()) {
            Ok(version @ 1..) => version,
            _ => {
                let rule = not_whole(1, u64::MAX.into(), &json(value));
                return Err(Invalid::new(attribute::VERSION, rule));
            }
        },
    };
    Ok((id, version))
}

/// The item that holds `stored`. An absent optional field is an absent attribute.
///
/// # Errors
/// When the entity cannot be written as an item.
pub fn of<E: Entity>(stored: &Stored<E>) -> Result<Item, serde_dynamo::Error> {
    let mut item: Item = serde_dynamo::to_item(&stored.document)?;
    item.retain(|_, value| !is_null(value));
    let keys = serde_dynamo::to_attribute_value(&stored.applied)?;
    item.insert(attribute::APPLIED_KEYS.to_owned(), keys);
    Ok(item)
}

/// Reads the entity's own fields, in one pass over the item.
fn entity<E: Entity>(item: &Item) -> Result<E, Invalid> {
    let fields = item.iter().filter(|(_, value)| !is_null(value));
    let fields = fields.map(|(name, value)| (name.as_str(), Attribute(value)));
    E::deserialize(MapDeserializer::new(fields)).map_err(|error| explain::<E>(item, &error))
}

/// An attribute's value, to be read where it stands.
struct Attribute<'a>(&'a AttributeValue);

impl<'de> IntoDeserializer<'de, serde_dynamo::Error> for Attribute<'_> {
    type Deserializer = Deserializer;
    fn into_deserializer(self) -> Deserializer {
        Deserializer::from_attribute_value(self.0.clone())
    }
}

/// Which field of an item that is no entity breaks which rule. Serde's `error` names neither.
fn explain<E: Entity>(item: &Item, error: &serde_dynamo::Error) -> Invalid {
    let fields = Description::of::<E>().map(|description| description.document.fields);
    let draft = Description::of::<E>().map(|description| description.draft);
    for field in fields.unwrap_or_default() {
        match present(item, &field.name) {
            Some(value) => {
                if let Err(invalid) = field.check(&json(value)) {
                    return invalid;
                }
            }
            None => {
                let required = draft
                    .as_ref()
                    .ok()
                    .and_then(|draft| draft.field(&field.name));
                if required.is_some_and(|field| field.required) {
                    return missing(&field.name);
                }
            }
        }
    }
    Invalid::new("the item", format_args!("cannot be read: {error}"))
}

fn missing(name: &str) -> Invalid {
    Invalid::new(name, "is missing from the item")
}

fn is_null(value: &AttributeValue) -> bool {
    matches!(value, AttributeValue::Null(_))
}

fn present<'a>(item: &'a Item, name: &str) -> Option<&'a AttributeValue> {
    item.get(name).filter(|value| !is_null(value))
}

/// The value of an attribute that the library adds.
fn optional<T: DeserializeOwned>(item: &Item, name: &str) -> Result<Option<T>, Invalid> {
    let Some(value) = present(item, name) else {
        return Ok(None);
    };
    let read = from_attribute_value(value.clone());
    read.map(Some).map_err(|error| Invalid::new(name, error))
}

/// `value` as JSON, to be judged and shown.
fn json(value: &AttributeValue) -> Value {
    from_attribute_value(value.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
