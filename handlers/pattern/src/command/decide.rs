//! What a command does to what is stored: pure functions, so that every order of arrival can be
//! thought through, and tried.

use serde::Serialize;
use serde_json::Value;

use super::{Action, CREATE, Change, Create};
use crate::applied::{Applied, Use};
use crate::description::{Description, STATUS};
use crate::document::Document;
use crate::entity::Entity;
use crate::error::{CommandError, Invalid};
use crate::id::Id;
use crate::item::Stored;
use crate::timestamp::Timestamp;

/// What becomes of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision<E> {
    /// It is done already: this is what there is.
    Done(Document<E>),
    /// This is to be written in the place of what it was decided on, and of nothing else.
    Write(Stored<E>),
}

/// What a create writes, if its id is still free.
pub fn create<E: Entity>(create: Create<E>, now: Timestamp) -> Result<Stored<E>, CommandError> {
    let id = match &create.key {
        None => Id::fresh(),
        Some(key) => Id::for_key(&scope(&create.entity)?, key),
    };
    let applied = match &create.key {
        None => Applied::default(),
        Some(key) => Applied::default().with(
            key,
            Use {
                command: CREATE.to_owned(),
                of: create.asked,
                at: now,
            },
        ),
    };
    let document = Document {
        id,
        entity: create.entity,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    Ok(Stored { document, applied })
}

/// What a create answers when `existing` holds the id of `wanted` already: what an earlier attempt
/// of the same intention made, whatever has become of it since. That is so without an idempotency
/// key too: a fresh id can only be taken by an attempt whose answer got lost.
///
/// # Errors
/// [`CommandError::IdempotencyConflict`] when something else was asked for.
pub fn already_created<E: Entity>(
    wanted: &Stored<E>,
    existing: Stored<E>,
    description: &Description,
) -> Result<Document<E>, CommandError> {
    let asked = |stored: &Stored<E>| stored.applied.creation().map(|used| used.of.clone());
    if asked(wanted).is_some() && asked(wanted) == asked(&existing) {
        return Ok(existing.document);
    }
    // What others wrote, or an older version of this, has no memory of what was asked for; and
    // a field that has come since has its default in both.
    let (wanted, found) = (json(&wanted.document)?, json(&existing.document)?);
    let draft = description.draft.fields.iter();
    let differs = draft.filter(|field| wanted.get(&field.name) != found.get(&field.name));
    let differs: Vec<&str> = differs.map(|field| field.name.as_str()).collect();
    if differs.is_empty() {
        return Ok(existing.document);
    }
    Err(CommandError::IdempotencyConflict {
        entity: E::NAME,
        id: existing.document.id,
        difference: differs.join(", "),
    })
}

/// What `change` does to `stored`.
///
/// What is done already is answered as it is, whatever version was expected: the command may be a
/// retry of one whose answer got lost, and then the version has moved by its own doing. A
/// conflict of versions comes before what the domain says: who is out of date should read again.
///
/// # Errors
/// Why it is refused.
pub fn change<E: Entity>(
    change: &Change<E>,
    stored: &Stored<E>,
    description: &Description,
    now: Timestamp,
) -> Result<Decision<E>, CommandError> {
    let document = &stored.document;
    let id = || document.id.clone();
    if let Some(used) = change.key.as_ref().and_then(|key| stored.applied.get(key)) {
        return if used.of == change.asked {
            Ok(Decision::Done(document.clone()))
        } else {
            Err(CommandError::IdempotencyConflict {
                entity: E::NAME,
                id: id(),
                difference: "the command".to_owned(),
            })
        };
    }
    let status = status(&document.entity)?;
    let target = match &change.action {
        Action::Move(row) => Some((row, name(&row.to)?)),
        Action::Rule(..) => None,
    };
    if let Some((_, target)) = &target
        && *target == status
    {
        return Ok(Decision::Done(document.clone()));
    }
    if let Some(expected) = change.expected_version
        && expected != document.version
    {
        return Err(CommandError::VersionConflict {
            entity: E::NAME,
            id: id(),
            expected,
            actual: document.version,
        });
    }
    let entity = match (target, &change.action) {
        (Some((row, to)), _) => {
            let from: Result<Vec<String>, _> = row.from.iter().map(name).collect();
            if !from?.contains(&status) {
                return Err(CommandError::IllegalTransition {
                    entity: E::NAME,
                    id: id(),
                    from: status,
                    to,
                });
            }
            moved(&document.entity, to)?
        }
        (None, Action::Rule(_, command)) => decided(&document.entity, command, description)
            .map_err(|reason| CommandError::Refused {
                entity: E::NAME,
                id: id(),
                reason,
            })?,
        (None, Action::Move(_)) => return Err(CommandError::fault("a move without a target")),
    };
    let version = document.version.checked_add(1).ok_or_else(|| {
        let (entity, id) = (E::NAME, id());
        CommandError::fault(format!(
            "{entity} {id} is at version {}, the last there is",
            u64::MAX
        ))
    })?;
    let applied = match &change.key {
        None => stored.applied.clone(),
        Some(key) => stored.applied.with(key, change.used(now)),
    };
    Ok(Decision::Write(Stored {
        document: Document {
            id: id(),
            entity,
            version,
            created_at: document.created_at,
            updated_at: now,
        },
        applied,
    }))
}

/// What the domain's rule makes of `entity`, or why it refuses; in both cases by its own rules for
/// the fields too.
fn decided<E: Entity>(
    entity: &E,
    command: &E::Command,
    description: &Description,
) -> Result<E, String> {
    let next = entity
        .decide(command.clone())
        .map_err(|refusal| refusal.to_string())?;
    let fields = serde_json::to_value(&next).map_err(|error| error.to_string())?;
    for field in &description.document.fields {
        if let Some(value) = fields.get(&field.name).filter(|value| !value.is_null()) {
            field
                .check(value)
                .map_err(|rule: Invalid| rule.to_string())?;
        }
    }
    Ok(next)
}

/// `entity` with another status.
fn moved<E: Entity>(entity: &E, to: String) -> Result<E, CommandError> {
    let mut fields = json(entity)?;
    if let Value::Object(fields) = &mut fields {
        fields.insert(STATUS.to_owned(), to.into());
    }
    serde_json::from_value(fields).map_err(|error| CommandError::fault(error.to_string()))
}

/// The name of the status of `entity`.
fn status<E: Entity>(entity: &E) -> Result<String, CommandError> {
    match json(entity)?.get(STATUS) {
        Some(Value::String(status)) => Ok(status.clone()),
        _ => Err(CommandError::fault("it has no status")),
    }
}

/// The name of a status.
pub(crate) fn name(status: &impl Serialize) -> Result<String, CommandError> {
    match json(status)? {
        Value::String(name) => Ok(name),
        _ => Err(CommandError::fault("a status has no name")),
    }
}

fn scope<E: Entity>(entity: &E) -> Result<String, CommandError> {
    let Some(field) = E::KEY_SCOPE else {
        return Ok(String::new());
    };
    match json(entity)?.get(field) {
        Some(Value::String(scope)) => Ok(scope.clone()),
        _ => Err(CommandError::fault(
            "the field that keys belong to is no text",
        )),
    }
}

fn json(value: &impl Serialize) -> Result<Value, CommandError> {
    serde_json::to_value(value).map_err(|error| CommandError::fault(error.to_string()))
}
