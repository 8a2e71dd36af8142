//! What names an entity, for ever, and what names one intention of a client.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::text::{NotAText, Text};

/// Names one intention of a client: a command that is sent twice with one key is applied once.
pub type IdempotencyKey = Text<1, 128>;

/// Names an entity. A UUID in what this library writes; any printable text in what others wrote.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Id(Text<1, 128>);

/// Namespace of the ids that derive from an idempotency key. Changing it would let a retry that
/// spans the change make a second entity.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f7a_2c5e_90d1_5b3b_8a44_1d0e_c4b7_35f2);

impl Id {
    /// Takes `text` as it stands.
    ///
    /// # Errors
    /// When it is empty, too long or not printable.
    pub fn new(text: impl Into<String>) -> Result<Self, NotAText> {
        Text::new(text).map(Self)
    }

    /// A fresh id, which sorts after those made before it (UUIDv7).
    #[must_use]
    pub fn fresh() -> Self {
        Self::of_uuid(Uuid::now_v7())
    }

    /// The id that belongs to `key` within `scope`, always the same one (UUIDv5).
    ///
    /// A line feed parts the two; as neither can hold one, no two pairs share a name.
    #[must_use]
    pub fn for_key(scope: &str, key: &IdempotencyKey) -> Self {
        let name = format!("{scope}\n{key}");
        Self::of_uuid(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }

    fn of_uuid(uuid: Uuid) -> Self {
        Self(Text::of_printable(uuid.to_string()))
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Of what is stored, and of what is asked for by its name: see [`Text`].
impl TryFrom<String> for Id {
    type Error = NotAText;
    fn try_from(text: String) -> Result<Self, NotAText> {
        Text::try_from(text).map(Self)
    }
}

/// A key that no client chose.
impl From<Id> for IdempotencyKey {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl Deref for Id {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Id {
    type Err = NotAText;
    fn from_str(text: &str) -> Result<Self, NotAText> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_within_one_scope_always_gives_the_same_id() {
        let id = |scope: &str, key: &str| Id::for_key(scope, &key.parse().unwrap());
        // Written out: a change of it would break the retries of clients in flight.
        assert_eq!(
            id("123456789", "k1").as_str(),
            "517589b6-369e-56b2-a990-2a1db75979ea"
        );
        assert_ne!(id("ab", "c"), id("a", "bc"));
        assert_ne!(id("a", "k"), id("b", "k"));
    }

    #[test]
    fn fresh_ids_differ_and_sort_by_the_time_they_were_made() {
        let ids: Vec<_> = (0..100).map(|_| Id::fresh()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
