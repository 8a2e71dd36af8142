//! What may be asked of the command side, and what becomes of it.
//!
//! Pure: a payload is read here, and [`decide`] says what a command does to what is stored.
//! Carrying it out is the write model's part.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::applied::{Use, fingerprint};
use crate::description::{CommandKind, Description, InvalidDomain};
use crate::document::id_name;
use crate::entity::{Entity, Move};
use crate::error::Invalid;
use crate::id::{Id, IdempotencyKey};
use crate::json::{self, Fields, kind};
use crate::schema::Schema;
use crate::timestamp::Timestamp;

pub mod decide;

/// The name of the command that makes an entity.
pub const CREATE: &str = "create";

/// What errors call the payload as a whole.
const NAME: &str = "the command";

/// A command to the publisher.
#[derive(Debug, Clone)]
pub enum Command<E: Entity> {
    /// Make one.
    Create(Create<E>),
    /// Change one that exists.
    Change(Change<E>),
}

/// Asks for a new entity.
#[derive(Debug, Clone)]
pub struct Create<E> {
    /// What it is to be.
    pub entity: E,
    /// Names the intention: with the same key, a retry gets what the first one made.
    pub key: Option<IdempotencyKey>,
    /// What was asked for, as the memory of keys has it.
    pub asked: String,
}

/// Asks for a change.
#[derive(Debug, Clone)]
pub struct Change<E: Entity> {
    /// Of which.
    pub id: Id,
    /// What to do.
    pub action: Action<E>,
    /// Only if it is still at this version.
    pub expected_version: Option<u64>,
    /// Names the intention: with the same key it is done once.
    pub key: Option<IdempotencyKey>,
    /// What was asked for, as the memory of keys has it.
    pub asked: String,
}

/// What a change does.
#[derive(Debug, Clone)]
pub enum Action<E: Entity> {
    /// It moves the status.
    Move(&'static Move<E::Status>),
    /// A rule decides.
    Rule(&'static str, E::Command),
}

impl<E: Entity> Command<E> {
    /// Its name in payloads and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => CREATE,
            Self::Change(change) => change.name(),
        }
    }
}

impl<E: Entity> Change<E> {
    /// Its name in payloads and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.action {
            Action::Move(row) => row.command,
            Action::Rule(name, _) => name,
        }
    }

    /// What its key is used for at `now`.
    #[must_use]
    pub fn used(&self, now: Timestamp) -> Use {
        Use {
            command: self.name().to_owned(),
            of: self.asked.clone(),
            at: now,
        }
    }
}

/// Reads the publisher's payloads for one domain.
#[derive(Debug)]
pub struct Commands<E> {
    description: Description,
    id: String,
    /// Of the commands with a rule; names live as long as the process, for its logs.
    rules: Vec<(&'static str, Schema)>,
    entity: std::marker::PhantomData<E>,
}

impl<E: Entity> Commands<E> {
    /// Reads what the domain says of itself.
    ///
    /// # Errors
    /// What in the domain cannot work.
    pub fn new() -> Result<Self, InvalidDomain> {
        let description = Description::of::<E>()?;
        let rules = description.commands.iter();
        let rules = rules.filter_map(|command| match &command.kind {
            CommandKind::Rule { payload } => Some((&*command.name.clone().leak(), payload.clone())),
            CommandKind::Move { .. } => None,
        });
        Ok(Self {
            rules: rules.collect(),
            id: id_name(E::NAME),
            entity: std::marker::PhantomData,
            description,
        })
    }

    /// What the domain says of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(&self, payload: &str) -> Result<Command<E>, Invalid> {
        let mut fields = Fields::of(json::parse(payload, NAME)?, NAME)?;
        let name = match fields.take("command") {
            None => return self.create(fields),
            Some(Value::String(name)) => name,
            Some(other) => {
                let rule = format!("must be a string, not {}", kind(&other));
                return Err(fields.invalid("command", rule));
            }
        };
        if name == CREATE {
            return self.create(fields);
        }
        if let Some(row) = E::MOVES.iter().find(|row| row.command == name) {
            let change = self.change(fields, &Schema::default(), row.command, |_| {
                Ok(Action::Move(row))
            });
            return change.map(Command::Change);
        }
        if let Some((name, payload)) = self.rules.iter().find(|(rule, _)| *rule == name) {
            let change = self.change(fields, payload, name, |mut payload| {
                payload.insert("command".to_owned(), (*name).into());
                Ok(Action::Rule(name, typed(payload)?))
            });
            return change.map(Command::Change);
        }
        let commands = self.description.commands.iter().map(|c| c.name.as_str());
        let names: Vec<&str> = std::iter::once(CREATE).chain(commands).collect();
        Err(fields.invalid(
            "command",
            format_args!("must be one of {}", names.join(", ")),
        ))
    }

    fn create<'n>(&'n self, mut fields: Fields<'n>) -> Result<Command<E>, Invalid> {
        let draft = self.description.draft.take(&mut fields)?;
        let key = fields.text("idempotencyKey")?;
        fields.finish()?;
        Ok(Command::Create(Create {
            asked: fingerprint(&draft),
            entity: typed(draft)?,
            key,
        }))
    }

    fn change<'n>(
        &'n self,
        mut fields: Fields<'n>,
        payload: &'n Schema,
        name: &str,
        action: impl FnOnce(Map<String, Value>) -> Result<Action<E>, Invalid>,
    ) -> Result<Change<E>, Invalid> {
        let id = fields.required(&self.id)?;
        let expected_version = fields.whole("expectedVersion", 1, u64::MAX)?;
        let payload = payload.take(&mut fields)?;
        let key = fields.text("idempotencyKey")?;
        fields.finish()?;
        Ok(Change {
            id,
            asked: format!("{name} {}", fingerprint(&payload)),
            action: action(payload)?,
            expected_version,
            key,
        })
    }
}

/// Reads what the schema took for right by the domain's own type, which also judges what is inside
/// objects.
fn typed<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Invalid> {
    let refused = |error: &dyn Display| Invalid::new(NAME, format_args!("cannot be read: {error}"));
    serde_json::from_value(Value::Object(fields)).map_err(|error| refused(&error))
}

#[cfg(test)]
mod tests;
