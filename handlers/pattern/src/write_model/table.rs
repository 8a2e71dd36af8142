//! What the command side needs of a table: conditional writes of one item. DynamoDB has them, and
//! so has the model in memory that the tests play histories on.

use std::future::Future;

use serde_dynamo::{AttributeValue, Item};

use crate::applied::Use;
use crate::error::CommandError;
use crate::id::Id;
use crate::timestamp::Timestamp;

/// A table of items.
pub trait Table {
    /// The item of `id` as the last write left it.
    fn get(&self, id: &Id) -> impl Future<Output = Result<Option<Item>, CommandError>>;

    /// Puts `item` where there is none of its id; else answers the one that there is.
    fn create(&self, item: Item) -> impl Future<Output = Result<Option<Item>, CommandError>>;

    /// Moves the status of an item, and answers the whole of it.
    fn move_status(
        &self,
        write: MoveStatus<'_>,
    ) -> impl Future<Output = Result<Outcome<Item>, CommandError>>;

    /// Changes an item that is still at the version that was read.
    fn replace(
        &self,
        write: Replace<'_>,
    ) -> impl Future<Output = Result<Outcome<()>, CommandError>>;
}

/// What became of a conditional write.
#[derive(Debug)]
pub enum Outcome<T> {
    /// It is written.
    Written(T),
    /// Its condition did not hold of this item, or there is none.
    Refused(Option<Item>),
}

/// Moves the status and raises the version by one, on condition that the item is there and in one
/// of the statuses to start from, at the expected version if there is one, not at the last version
/// there is, and, if there is a key, does not know it and has room for it.
#[derive(Debug)]
pub struct MoveStatus<'a> {
    /// Of which item.
    pub id: &'a Id,
    /// The statuses to start from.
    pub from: Vec<String>,
    /// The status of an item that does not say.
    pub default: Option<&'a str>,
    /// The status to lead to.
    pub to: String,
    /// The version to start from.
    pub expected_version: Option<u64>,
    /// The time of the change.
    pub now: Timestamp,
    /// The idempotency key to remember.
    pub key: Option<(&'a str, Use)>,
}

impl MoveStatus<'_> {
    /// Whether it starts from an item that does not say its status.
    #[must_use]
    pub fn from_default(&self) -> bool {
        let default = self.default.map(str::to_owned);
        default.is_some_and(|default| self.from.contains(&default))
    }

    /// Whether the next version could be a number that nobody reads.
    #[must_use]
    pub fn may_be_at_last_version(&self) -> bool {
        self.expected_version
            .is_none_or(|version| version == u64::MAX)
    }
}

/// Sets and removes attributes, on condition that the version is still the one that was read.
#[derive(Debug)]
pub struct Replace<'a> {
    /// Of which item.
    pub id: &'a Id,
    /// The version that was read; an item without one is at 1.
    pub version: u64,
    /// What attributes become, among them the next version.
    pub set: Vec<(String, AttributeValue)>,
    /// What is there no more.
    pub remove: Vec<String>,
}
