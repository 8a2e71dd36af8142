//! The idempotency keys that an item remembers, each with what it was used for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::command::CREATE;
use crate::timestamp::Timestamp;

/// The changes whose keys an item remembers, beside its creation. A key takes some 80 bytes.
pub const REMEMBERED: usize = 16;

/// The keys that were applied to an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Applied(BTreeMap<String, Use>);

/// What a key was used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// The command.
    pub command: String,
    /// What was asked for, see [`fingerprint`].
    pub of: String,
    /// When.
    pub at: Timestamp,
}

impl Applied {
    /// What `key` was used for, if that is remembered.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Use> {
        self.0.get(key)
    }

    /// What the creation was asked for, if it had a key.
    #[must_use]
    pub fn creation(&self) -> Option<&Use> {
        self.0.values().find(|used| used.command == CREATE)
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Remembers `key`, and forgets the oldest changes above [`REMEMBERED`].
    #[must_use]
    pub fn with(&self, key: &str, used: Use) -> Self {
        let mut keys = self.0.clone();
        keys.insert(key.to_owned(), used);
        let changes = keys.iter().filter(|(_, used)| used.command != CREATE);
        let mut by_age: Vec<_> = changes.map(|(key, used)| (used.at, key.clone())).collect();
        by_age.sort_unstable();
        let surplus = by_age.len().saturating_sub(REMEMBERED);
        for (_, key) in by_age.drain(..surplus) {
            keys.remove(&key);
        }
        Self(keys)
    }
}

/// A short name of what a command asks for, the same for the same fields and values.
#[must_use]
pub(crate) fn fingerprint(fields: &Map<String, Value>) -> String {
    // Text by text, in the order of the names, whatever order the map keeps.
    let mut fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    fields.sort_unstable();
    let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, fields.join("\n").as_bytes());
    let text = digest.simple().to_string();
    text.get(..16).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(command: &str, at: i64) -> Use {
        Use {
            command: command.to_owned(),
            of: String::new(),
            at: Timestamp::from_millis(at).unwrap(),
        }
    }

    #[test]
    fn the_last_sixteen_changes_are_remembered_and_the_creation_for_ever() {
        let mut applied = Applied::default().with("k1", used(CREATE, 1));
        for at in 2..=40 {
            applied = applied.with(&format!("k{at}"), used("deposit", at));
        }
        assert_eq!(applied.len(), REMEMBERED + 1);
        assert!(applied.get("k1").is_some());
        assert!(applied.get("k24").is_none());
        assert!(applied.get("k25").is_some());
    }

    #[test]
    fn a_fingerprint_is_of_what_was_asked_for_in_any_order() {
        let of = |text: &str| fingerprint(&serde_json::from_str(text).unwrap());
        assert_eq!(of(r#"{"a":1,"b":"x"}"#), of(r#"{"b":"x","a":1}"#));
        assert_ne!(of(r#"{"a":1}"#), of(r#"{"a":"1"}"#));
        assert_ne!(of(r#"{"a":"1\nb:2"}"#), of(r#"{"a":"1","b":2}"#));
    }
}
