//! The names that a domain gives: those of an entity's fields as the types have them, and those
//! that would meet a word of the library or of the tool.

use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use super::{Command, CommandKind, Description};
use crate::document::{ADDED, id_name};
use crate::schema::Field;

/// The commands of the tool, beside which the entity's own stand.
pub const TOOL_COMMANDS: [&str; 23] = [
    "bench",
    "bundle",
    "completions",
    "demo",
    "deploy",
    "destroy",
    "dev",
    "doctor",
    "domain",
    "failures",
    "help",
    "local",
    "logs",
    "new",
    "outputs",
    "permissions",
    "rebuild",
    "reference",
    "status",
    "ui",
    "verify",
    "version",
    "man",
];

/// The commands that every entity has.
pub const ENTITY_COMMANDS: [&str; 4] = ["create", "get", "list", "help"];

/// Members of payloads, answers and items that stand beside an entity's fields.
const MEMBERS: [&str; 6] = [
    "appliedKeys",
    "command",
    "cursor",
    "expectedVersion",
    "idempotencyKey",
    "limit",
];

/// The names of the fields of `T`, in the order that they are written in; `None` where it is no
/// struct with named fields.
pub(super) fn of_fields<'de, T: Deserialize<'de>>() -> Option<&'static [&'static str]> {
    struct Ask<'a>(&'a mut Option<&'static [&'static str]>);

    impl<'de> Deserializer<'de> for Ask<'_> {
        type Error = serde::de::value::Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(Self::Error::custom("only the names are asked for"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = Some(fields);
            self.deserialize_any(visitor)
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
            option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
            ignored_any
        }
    }

    let mut names = None;
    // It always fails; the names are known then.
    let _ = T::deserialize(Ask(&mut names));
    names
}

/// Holds the names of a description that was read to the same rules as those of the types.
pub(super) fn check(says: &Description) -> Result<(), String> {
    check_entity(&says.entity, &says.plural)?;
    let own = |name: &str| name != says.id && !ADDED.contains(&name);
    let fields = says.document.fields.iter();
    check_fields(&says.entity, fields.filter(|field| own(&field.name)))?;
    check_fields(&says.entity, &says.draft.fields)?;
    check_commands(&says.entity, &says.commands)
}

/// Checks what an entity and several of them are called.
///
/// # Errors
/// Names the rule that they break.
pub fn check_entity(name: &str, plural: &str) -> Result<(), String> {
    for word in [name, plural] {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let begins = word.starts_with(|c: char| c.is_ascii_lowercase());
        if !begins || !word.bytes().all(plain) || word.len() > 32 {
            return Err(format!(
                "the name {word:?} must be of lower-case letters and digits, at most 32"
            ));
        }
        if TOOL_COMMANDS.contains(&word) || MEMBERS.contains(&word) || ADDED.contains(&word) {
            return Err(format!(
                "the name {word} is taken by the tool or the library"
            ));
        }
    }
    if name == plural {
        return Err(format!("its plural must differ from its name {name}"));
    }
    Ok(())
}

pub(super) fn check_fields<'a>(
    entity: &str,
    fields: impl IntoIterator<Item = &'a Field>,
) -> Result<(), String> {
    let id = id_name(entity);
    let mut seen = Vec::new();
    for field in fields {
        for name in std::iter::once(&field.name).chain(&field.aliases) {
            let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
            if !begins || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(format!(
                    "the field {name:?} must be named in camelCase (`#[serde(rename_all = \"camelCase\")]`)"
                ));
            }
            let taken = MEMBERS.contains(&name.as_str()) || ADDED.contains(&name.as_str());
            if taken || *name == id {
                return Err(format!("the field {name} is one that the library adds"));
            }
            if seen.contains(&name) {
                return Err(format!("the field {name} is there twice"));
            }
            seen.push(name);
        }
    }
    Ok(())
}

pub(super) fn check_commands(entity: &str, commands: &[Command]) -> Result<(), String> {
    for (at, command) in commands.iter().enumerate() {
        let name = &command.name;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(plain) {
            return Err(format!(
                "the command {name:?} must be named in kebab-case (`#[serde(rename_all = \"kebab-case\")]`)"
            ));
        }
        if ENTITY_COMMANDS.contains(&name.as_str()) {
            return Err(format!("the command {name} is one that the library has"));
        }
        if commands.iter().take(at).any(|other| other.name == *name) {
            return Err(format!("the command {name} is there twice"));
        }
        if let CommandKind::Rule { payload } = &command.kind {
            check_fields(entity, &payload.fields)
                .map_err(|reason| format!("of {name}, {reason}"))?;
        }
    }
    Ok(())
}
