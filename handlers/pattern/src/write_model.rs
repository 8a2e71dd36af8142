//! The write model: entities in a DynamoDB table, the source of truth.
//!
//! A create and a move of the status are one conditional write, one round trip. A condition that
//! fails brings the item that stood in the way back with it, and [`decide`] says from that what the
//! failure means: no read before, so no race between reading and writing, and a retry, the SDK's
//! own or a client's, finds what its first attempt did. A command with a rule over the state is
//! read, decided, and written on condition that the version is still the one that was read; who
//! lost a race decides anew.

use serde_dynamo::Item;

use crate::command::decide::{self, Decision};
use crate::command::{Action, Change, Command, Commands, Create};
use crate::description::{InvalidDomain, STATUS};
use crate::document::Document;
use crate::entity::{Entity, Move};
use crate::error::{CommandError, Invalid};
use crate::id::Id;
use crate::item::{self, Stored};
use crate::timestamp::Timestamp;

mod diagnose;
mod dynamo;
mod table;

pub use dynamo::DynamoTable;
pub use table::{MoveStatus, Outcome, Replace, Table};

/// How often a command that lost a race decides anew.
const ATTEMPTS: usize = 32;

/// Carries commands out on a table.
#[derive(Debug)]
pub struct WriteModel<E, T> {
    commands: Commands<E>,
    table: T,
}

impl<E: Entity, T: Table> WriteModel<E, T> {
    /// A write model on `table`.
    ///
    /// # Errors
    /// What in the domain cannot work.
    pub fn new(table: T) -> Result<Self, InvalidDomain> {
        let commands = Commands::new()?;
        Ok(Self { commands, table })
    }

    /// What it reads payloads by.
    #[must_use]
    pub fn commands(&self) -> &Commands<E> {
        &self.commands
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &T {
        &self.table
    }

    /// Carries out `command` and answers the entity as it then is.
    ///
    /// # Errors
    /// Every [`CommandError`] but `InvalidCommand`.
    pub async fn execute(&self, command: Command<E>) -> Result<Document<E>, CommandError> {
        match command {
            Command::Create(create) => self.create(create).await,
            Command::Change(change) => match change.action {
                Action::Move(row) => self.move_status(row, change).await,
                Action::Rule(..) => {
                    // Each has a key, so that a retry of the SDK is known as one.
                    let key = change.key.unwrap_or_else(|| Id::fresh().into());
                    let change = Change {
                        key: Some(key),
                        ..change
                    };
                    let found = self.table.get(&change.id).await?;
                    self.decide(&change, found).await
                }
            },
        }
    }

    async fn create(&self, create: Create<E>) -> Result<Document<E>, CommandError> {
        let wanted = decide::create(create, Timestamp::now())?;
        let item = item_of(&wanted)?;
        match self.table.create(item).await? {
            None => Ok(wanted.document),
            Some(existing) => {
                let existing = item::stored(&existing).map_err(unreadable)?;
                decide::already_created(&wanted, existing, self.commands.description())
            }
        }
    }

    /// One write in the usual case. Where its condition failed and nothing stands against it (there
    /// is no room for another key, or the status has just come back), it goes on as a rule does.
    async fn move_status(
        &self,
        row: &'static Move<E::Status>,
        change: Change<E>,
    ) -> Result<Document<E>, CommandError> {
        let now = Timestamp::now();
        let from: Result<Vec<String>, _> = row.from.iter().map(decide::name).collect();
        let write = MoveStatus {
            id: &change.id,
            from: from?,
            default: self.default_status(),
            to: decide::name(&row.to)?,
            expected_version: change.expected_version,
            now,
            key: change.key.as_deref().map(|key| (key, change.used(now))),
        };
        match self.table.move_status(write).await? {
            Outcome::Written(item) => item::document(&item).map_err(unreadable),
            Outcome::Refused(found) => self.decide(&change, found).await,
        }
    }

    /// Decides on what was found, writes that, and does so again as long as others are faster.
    async fn decide(
        &self,
        change: &Change<E>,
        mut found: Option<Item>,
    ) -> Result<Document<E>, CommandError> {
        for _ in 0..ATTEMPTS {
            let Some(item) = found else {
                return Err(CommandError::NotFound {
                    entity: E::NAME,
                    id: change.id.clone(),
                });
            };
            let stored = item::stored(&item).map_err(unreadable)?;
            let description = self.commands.description();
            let next = match decide::change(change, &stored, description, Timestamp::now())? {
                Decision::Done(document) => return Ok(document),
                Decision::Write(next) => next,
            };
            let written = self.table.replace(replacement(&stored, &next)?).await?;
            match written {
                Outcome::Written(()) => return Ok(next.document),
                Outcome::Refused(faster) => found = faster,
            }
        }
        let reason = format!("others changed it {ATTEMPTS} times meanwhile");
        Err(CommandError::WriteModelUnavailable {
            source: reason.clone().into(),
            reason,
        })
    }

    /// The status of an item that does not say.
    fn default_status(&self) -> Option<&str> {
        let field = self.commands.description().document.field(STATUS)?;
        field.default.as_ref()?.as_str()
    }
}

/// What of an item changes when `to` is written in the place of `from`. What else it holds stays.
fn replacement<'a, E: Entity>(
    from: &'a Stored<E>,
    to: &Stored<E>,
) -> Result<Replace<'a>, CommandError> {
    let before = item_of(from)?;
    let after = item_of(to)?;
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    Ok(Replace {
        id: &from.document.id,
        version: from.document.version,
        remove: gone.cloned().collect(),
        set: after
            .into_inner()
            .into_iter()
            .filter(|(name, value)| before.get(name) != Some(value))
            .collect(),
    })
}

fn item_of<E: Entity>(stored: &Stored<E>) -> Result<Item, CommandError> {
    item::of(stored).map_err(|error| CommandError::fault(error.to_string()))
}

fn unreadable(error: Invalid) -> CommandError {
    CommandError::fault(format!(
        "the table holds an item that cannot be read: {error}"
    ))
}
