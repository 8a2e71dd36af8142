//! What passes between the functions and whoever looks after both models: what was projected by
//! hand, and how the models compare.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Deserializer;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::document::id_name;
use crate::entity::Entity;
use crate::id::Id;

/// Names one making of the read model, from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Token(String);

impl Token {
    /// One that nobody else has.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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

/// What the subscriber answers to a look for what an older layout of the read model left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outdated {
    /// Keys that were removed.
    pub removed: u64,
    /// Where to go on; `None` when all keys were looked at.
    pub cursor: Option<u64>,
}

/// A change that could not be projected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failed {
    /// The record's name, as AWS wrote it; of a record only.
    pub sequence_number: Option<String>,
    /// The entity, where it could be read, under the name of its id.
    pub id: Option<(String, Id)>,
    /// Why.
    pub reason: String,
    /// Whether it is no entity: then it fails as long as it is what it is.
    pub is_malformed: bool,
}

impl Failed {
    /// What the cache refused of an `E`.
    #[must_use]
    pub fn refused<E: Entity>(id: Option<Id>, reason: impl fmt::Display) -> Self {
        Self {
            id: id.map(|id| (id_name(E::NAME), id)),
            reason: reason.to_string(),
            ..Self::default()
        }
    }

    /// What is no `E`.
    #[must_use]
    pub fn malformed<E: Entity>(id: Option<Id>, reason: impl fmt::Display) -> Self {
        Self {
            is_malformed: true,
            ..Self::refused::<E>(id, reason)
        }
    }
}

impl Serialize for Failed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut failed = serializer.serialize_map(None)?;
        if let Some(number) = &self.sequence_number {
            failed.serialize_entry("sequenceNumber", number)?;
        }
        if let Some((name, id)) = &self.id {
            failed.serialize_entry(name, id)?;
        }
        failed.serialize_entry("reason", &self.reason)?;
        if self.is_malformed {
            failed.serialize_entry("malformed", &true)?;
        }
        failed.end()
    }
}

impl<'de> Deserialize<'de> for Failed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Parts {
            sequence_number: Option<String>,
            reason: String,
            #[serde(default)]
            malformed: bool,
            /// The id, whatever the entity calls it.
            #[serde(flatten)]
            others: BTreeMap<String, Value>,
        }
        let parts = Parts::deserialize(deserializer)?;
        let mut ids = parts.others.into_iter().filter_map(|(name, value)| {
            let id = serde_json::from_value(value).ok()?;
            Some((name, id))
        });
        Ok(Self {
            sequence_number: parts.sequence_number,
            id: ids.next(),
            reason: parts.reason,
            is_malformed: parts.malformed,
        })
    }
}

/// How the two models agree on one entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// In one word.
    pub state: State,
    /// Names the state that the read model holds: it changes with every change that is applied.
    pub mark: String,
    /// The version that the read model holds; none where it holds nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The version of the item; none where none was given, or one that cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
    /// The fields that differ, each as the read model and as the write model has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Difference>,
    /// What is wrong beside the fields: a list that lacks it, a guard of another version, an item
    /// that cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the subscriber would do with a record of the stream; of a record only, and none where
    /// it cannot be projected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// What the projection of a record does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The read model takes what the record holds.
    Applied,
    /// The read model takes the entity away.
    Removed,
    /// Nothing: the read model holds this already, or what came after it.
    Stale,
}

/// How the two models agree, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Both hold the same; of an id alone: neither holds anything.
    Same,
    /// The read model holds nothing.
    Missing,
    /// The read model holds an older version.
    Behind,
    /// The read model holds a newer version; of an id alone: it holds one at all.
    Ahead,
    /// The read model holds a tombstone.
    Tombstone,
    /// At one version they differ.
    Different,
    /// The write model holds an item that is no entity.
    Unreadable,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Its name.
    pub field: String,
    /// What the read model has.
    pub read_model: Value,
    /// What the write model has.
    pub write_model: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::account::Account;

    #[test]
    fn a_failure_is_read_as_it_was_written_with_any_name_of_the_id() {
        let id = Some(Id::new("o").unwrap());
        let malformed = Failed::malformed::<Account>(id, "owner is missing from the item");
        let record = Failed {
            sequence_number: Some("1".to_owned()),
            ..Failed::refused::<Account>(None, "out of memory")
        };
        for failed in [malformed, record] {
            let text = serde_json::to_string(&failed).unwrap();
            assert_eq!(serde_json::from_str::<Failed>(&text).unwrap(), failed);
        }
    }

    #[test]
    fn a_token_is_short_and_plain() {
        let token = |text: &str| Token::try_from(text.to_owned());
        assert_eq!(
            token(Token::fresh().as_str()).map(|token| token.0.len()),
            Ok(36)
        );
        for text in ["", "a b", "a:b", "ä", &"x".repeat(65)] {
            assert!(token(text).is_err(), "{text}");
        }
    }
}
