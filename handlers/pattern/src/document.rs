//! An entity's one JSON form, the same in every answer and in the read model.

use schemars::JsonSchema;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::entity::Entity;
use crate::id::Id;
use crate::timestamp::Timestamp;

/// An entity with what the library adds to it.
///
/// As JSON: the id under the entity's own name for it, the entity's fields in their order, then
/// `version`, `createdAt` and `updatedAt`.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<E> {
    /// Its id.
    pub id: Id,
    /// Its fields.
    pub entity: E,
    /// 1 when created, one more with each change.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The name of the id of an entity called `name`: `accountId`.
#[must_use]
pub fn id_name(name: &str) -> String {
    format!("{name}Id")
}

/// Whether `text` is what [`id_name`] says of `name`.
#[cfg(feature = "read-model")]
pub(crate) fn is_id_name(text: &str, name: &str) -> bool {
    text.strip_suffix("Id") == Some(name)
}

/// The names of what the library adds behind an entity's fields.
pub const ADDED: [&str; 3] = ["version", "createdAt", "updatedAt"];

/// The types of [`ADDED`], from which the description is made.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is of use")]
pub(crate) struct Added {
    /// 1 when created, one more with each change.
    #[schemars(range(min = 1))]
    version: u64,
    /// When it was created.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

impl<E: Entity> Serialize for Document<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.parts(Some(Named(&id_name(E::NAME), &self.id)), serializer)
    }
}

/// A document as the read model holds it: without its id, which the key has.
#[cfg(feature = "read-model")]
pub(crate) struct WithoutId<'a, E>(pub(crate) &'a Document<E>);

#[cfg(feature = "read-model")]
impl<E: Entity> Serialize for WithoutId<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.parts(None, serializer)
    }
}

impl<E: Entity> Document<E> {
    fn parts<S: Serializer>(
        &self,
        id: Option<Named<'_>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Parts<'a, E> {
            #[serde(flatten)]
            id: Option<Named<'a>>,
            #[serde(flatten)]
            entity: &'a E,
            version: u64,
            created_at: Timestamp,
            updated_at: Timestamp,
        }
        let parts = Parts {
            id,
            entity: &self.entity,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        parts.serialize(serializer)
    }
}

/// An object of one member, whose name is known when it is written.
struct Named<'a>(&'a str, &'a Id);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, self.1)?;
        map.end()
    }
}
