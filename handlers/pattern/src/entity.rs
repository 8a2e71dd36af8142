//! What a domain says of itself.

use std::fmt::Debug;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The thing that a stack holds.
///
/// A struct with named fields, each written once: its name by serde, its rule by its type or by
/// `#[schemars(range(…))]`, its help by its doc comment, its default by `#[serde(default)]`, and
/// examples by `#[schemars(example = …)]`. `#[schemars(extend("aliases" = […]))]` are further names
/// under which a create may give it, and `#[schemars(extend("readOnly" = true))]` is for a field
/// that no create may give and only commands change, as they do with `status`.
///
/// The library adds id, version and times. [`Description::of`](crate::description::Description::of)
/// says what is wrong with an entity that breaks these rules.
pub trait Entity:
    Clone + PartialEq + Debug + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// What it is called, in lower case: `account`. Its id is then `accountId`.
    const NAME: &'static str;
    /// What several are called: `accounts`.
    const PLURAL: &'static str;
    /// Fields by whose value there are lists. By `status` there always is one.
    const LISTS: &'static [&'static str] = &[];
    /// The field whose value an idempotency key belongs to: two clients may choose the same key.
    const KEY_SCOPE: Option<&'static str> = None;
    /// The commands that move the status and do nothing else.
    const MOVES: &'static [Move<Self::Status>] = &[];

    /// How far it has come: the type of the field `status`, an enum of names.
    type Status: Copy + Debug + Serialize + Send + Sync + 'static;
    /// The commands with a rule over the state, an enum tagged by `command`; [`NoCommand`] where
    /// there are none.
    type Command: DeserializeOwned + JsonSchema + Clone + Debug + Send + Sync;

    /// What it becomes by `command`: a pure function, which may be asked again when somebody else
    /// was faster.
    ///
    /// # Errors
    /// Why the command is refused, in words for whoever sent it.
    fn decide(&self, command: Self::Command) -> Result<Self, Refusal>;
}

/// A command that moves the status.
#[derive(Debug, Clone, Copy)]
pub struct Move<S: 'static> {
    /// Its name: `close`.
    pub command: &'static str,
    /// The statuses that it starts from.
    pub from: &'static [S],
    /// The status that it leads to.
    pub to: S,
    /// What it does, in a few words.
    pub help: &'static str,
}

/// Why a rule refuses a command: `the account is closed`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl<T: Into<String>> From<T> for Refusal {
    fn from(reason: T) -> Self {
        Self(reason.into())
    }
}

/// The commands of an entity whose commands are all moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum NoCommand {}

impl JsonSchema for NoCommand {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NoCommand".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"oneOf": []})
    }
}
