//! An entity as the functions answer it.

use std::collections::BTreeMap;
use std::fmt;

use pattern::id::Id;
use pattern::schema::Ordered;
use pattern::timestamp::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A document: its members in their order, of which the first is the id.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Document {
    members: Ordered,
    #[serde(skip)]
    pub(crate) id: Id,
    #[serde(skip)]
    pub(crate) version: u64,
    #[serde(skip)]
    pub(crate) created_at: Timestamp,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Ordered::deserialize(deserializer)?;
        let first = members.0.first().map(|(_, value)| value);
        let read = |name: &str| get(&members, name).cloned().unwrap_or_default();
        Ok(Self {
            id: Id::deserialize(first.unwrap_or(&Value::Null)).map_err(D::Error::custom)?,
            version: u64::deserialize(read("version")).map_err(D::Error::custom)?,
            created_at: Timestamp::deserialize(read("createdAt")).map_err(D::Error::custom)?,
            members,
        })
    }
}

impl Document {
    /// The value of a field; none where it is absent or null.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        get(&self.members, name).filter(|value| !value.is_null())
    }

    /// Its members, in their order.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        let members = self.members.0.iter();
        members.map(|(name, value)| (name.as_str(), value))
    }
}

fn get<'a>(members: &'a Ordered, name: &str) -> Option<&'a Value> {
    members
        .0
        .iter()
        .find_map(|(member, value)| (member == name).then_some(value))
}

/// A page of a list: `{"orders":[…],"cursor":…}`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) documents: Vec<Document>,
    /// Where the list goes on; absent at its end.
    pub(crate) cursor: Option<String>,
}

/// A document for each id, or none: `{"orders":[…]}`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch(pub(crate) Vec<Option<Document>>);

impl<'de> Deserialize<'de> for Page {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (documents, cursor) = Named::deserialize(deserializer)?.list()?;
        Ok(Self { documents, cursor })
    }
}

impl<'de> Deserialize<'de> for Batch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (list, _) = Named::deserialize(deserializer)?.list()?;
        Ok(Self(list))
    }
}

/// An answer in which a list is named after the entity.
#[derive(Deserialize)]
struct Named<T> {
    cursor: Option<String>,
    #[serde(flatten)]
    list: BTreeMap<String, Vec<T>>,
}

impl<T> Named<T> {
    fn list<E: Error>(self) -> Result<(Vec<T>, Option<String>), E> {
        let list = self.list.into_values().next();
        let list = list.ok_or_else(|| E::custom("a list is missing"))?;
        Ok((list, self.cursor))
    }
}

/// A value as a person reads it: a text by itself, nothing for null, the elements of an array one
/// after the other, anything else as JSON.
pub(crate) struct Plain<'a>(pub(crate) &'a Value);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => Ok(()),
            Value::String(text) => f.write_str(text),
            Value::Array(elements) => {
                let elements = elements.iter().map(|element| Plain(element).to_string());
                f.write_str(&elements.collect::<Vec<_>>().join(", "))
            }
            other => write!(f, "{other}"),
        }
    }
}
