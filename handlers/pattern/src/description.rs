//! The domain as data: what the tool makes its commands, options, columns and checks of.
//!
//! It is made from the types by [`Description::of`], which also says what a domain does that
//! cannot work. `handlers/domain/domain.json` is one, and the functions answer theirs to
//! `{"describe":true}`.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::{ADDED, Added, id_name};
use crate::entity::Entity;
use crate::id::Id;
use crate::schema::{Field, Kind, Schema};

mod names;

pub use names::{ENTITY_COMMANDS, TOOL_COMMANDS, check_entity};

/// The format of [`Description`]: another number is another meaning.
pub const FORMAT: u32 = 1;

/// What a domain says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the library that made it.
    pub pattern: String,
    /// What the entity is called.
    pub entity: String,
    /// What several are called.
    pub plural: String,
    /// What it is.
    pub about: String,
    /// The name of its id.
    pub id: String,
    /// What it takes to create one.
    pub draft: Schema,
    /// The whole of one.
    pub document: Schema,
    /// What changes one that exists.
    pub commands: Vec<Command>,
    /// The statuses that there are.
    pub statuses: Vec<String>,
    /// The fields by whose value there are lists.
    pub lists: Vec<String>,
    /// Drafts to show.
    pub examples: Vec<Map<String, Value>>,
}

/// What changes an entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Its name.
    pub name: String,
    /// What it does.
    pub help: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: CommandKind,
}

/// A command by row, or by rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CommandKind {
    /// It moves the status and does nothing else.
    Move {
        /// The statuses that it starts from.
        from: Vec<String>,
        /// The status that it leads to.
        to: String,
    },
    /// A rule over the state decides.
    Rule {
        /// What it takes beside the id.
        payload: Schema,
    },
}

/// What a domain does that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the domain cannot be used: {0}")]
pub struct InvalidDomain(String);

impl Description {
    /// The description of `E`.
    ///
    /// # Errors
    /// What in `E` cannot work, such as a name that the library uses itself.
    pub fn of<E: Entity>() -> Result<Self, InvalidDomain> {
        build::<E>().map_err(InvalidDomain)
    }

    /// Reads a description.
    ///
    /// # Errors
    /// When it is none, one of another format, or one whose names cannot be.
    pub fn parse(json: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Known {
            format: u32,
        }
        let says = serde_json::from_str::<Self>(json);
        let format = match &says {
            Ok(says) => says.format,
            // One of another format need not have the rest as it is here.
            Err(_) => {
                serde_json::from_str::<Known>(json)
                    .map_err(Unreadable::Json)?
                    .format
            }
        };
        if format != FORMAT {
            return Err(Unreadable::Format(format));
        }
        let says = says.map_err(Unreadable::Json)?;
        names::check(&says).map_err(InvalidDomain)?;
        Ok(says)
    }

    /// The command called `name`.
    #[must_use]
    pub fn command(&self, name: &str) -> Option<&Command> {
        self.commands.iter().find(|command| command.name == name)
    }

    /// The text of `domain.json`.
    #[must_use]
    pub fn pretty(&self) -> String {
        // Nothing in it has a key that is no string.
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{text}\n")
    }
}

/// Why a text is no description.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It says something that is not understood.
    #[error("it is no description of a domain")]
    Json(#[source] serde_json::Error),
    /// It gives names that are taken, or none.
    #[error(transparent)]
    Names(#[from] InvalidDomain),
    /// It is of another time.
    #[error("it is of format {0}, and only format {FORMAT} is known")]
    Format(u32),
}

fn build<E: Entity>() -> Result<Description, String> {
    names::check_entity(E::NAME, E::PLURAL)?;
    let order = names::of_fields::<E>()
        .ok_or_else(|| format!("{} must be a struct with named fields", E::NAME))?;
    let root = schema_of::<E>();
    let mut entity = Schema::parse(&root)?;
    entity.sort(order);
    names::check_fields(E::NAME, &entity.fields)?;
    let statuses = statuses(&entity)?;
    let lists = lists::<E>(&entity)?;
    key_scope::<E>(&entity)?;
    let taken = |field: &&Field| field.name != STATUS && !field.read_only;
    if let Some(field) = entity.fields.iter().find(|f| !taken(f) && f.required) {
        return Err(format!(
            "{} needs a default (`#[serde(default)]`), since no create gives it",
            field.name
        ));
    }
    let draft = Schema {
        fields: entity.fields.iter().filter(taken).cloned().collect(),
    };
    let mut commands = moves::<E>()?;
    commands.extend(rules::<E>()?);
    names::check_commands(E::NAME, &commands)?;
    Ok(Description {
        format: FORMAT,
        pattern: crate::VERSION.to_owned(),
        entity: E::NAME.to_owned(),
        plural: E::PLURAL.to_owned(),
        about: text(&root, "description"),
        id: id_name(E::NAME),
        examples: examples(&draft)?,
        draft,
        document: document::<E>(entity)?,
        commands,
        statuses,
        lists,
    })
}

/// The field that every entity has.
pub const STATUS: &str = "status";

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The name of the Rust type.
    schema.remove("title");
    schema.into()
}

fn text(schema: &Value, keyword: &str) -> String {
    let text = schema.get(keyword).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn document<E: Entity>(entity: Schema) -> Result<Schema, String> {
    let mut id = schema_of::<Id>();
    id["description"] = format!("Names the {}, for ever.", E::NAME).into();
    let mut fields = vec![Field::parse(&id_name(E::NAME), &id, true)?];
    fields.extend(entity.fields);
    let mut added = Schema::parse(&schema_of::<Added>())?;
    added.sort(&ADDED);
    fields.extend(added.fields);
    // A document has all its fields; those that may be null are there as null.
    for field in &mut fields {
        field.required = true;
    }
    Ok(Schema { fields })
}

fn statuses(entity: &Schema) -> Result<Vec<String>, String> {
    match entity.field(STATUS).map(|field| &field.kind) {
        Some(Kind::Choice(choices)) => {
            Ok(choices.iter().map(|choice| choice.name.clone()).collect())
        }
        _ => Err(format!("it needs a field {STATUS}, an enum of names")),
    }
}

fn lists<E: Entity>(entity: &Schema) -> Result<Vec<String>, String> {
    let mut lists: Vec<String> = Vec::new();
    for name in E::LISTS.iter().filter(|name| **name != STATUS) {
        match entity.field(name) {
            None => return Err(format!("there is no field {name} to make lists of")),
            Some(field) if !field.kind.has_lists() => {
                return Err(format!(
                    "{name} has no single, exact value to make lists of"
                ));
            }
            Some(_) => lists.push((*name).to_owned()),
        }
    }
    lists.push(STATUS.to_owned());
    Ok(lists)
}

fn key_scope<E: Entity>(entity: &Schema) -> Result<(), String> {
    let Some(name) = E::KEY_SCOPE else {
        return Ok(());
    };
    match entity.field(name) {
        Some(field) if field.required && matches!(field.kind, Kind::Text { .. }) => Ok(()),
        _ => Err(format!(
            "an idempotency key can belong to a required text only, not to {name}"
        )),
    }
}

fn moves<E: Entity>() -> Result<Vec<Command>, String> {
    let name = |status: &E::Status| match serde_json::to_value(status) {
        Ok(Value::String(name)) => Ok(name),
        _ => Err(format!("{STATUS} must be an enum of names")),
    };
    let moves = E::MOVES.iter().map(|row| {
        Ok(Command {
            name: row.command.to_owned(),
            help: row.help.to_owned(),
            kind: CommandKind::Move {
                from: row.from.iter().map(name).collect::<Result<_, _>>()?,
                to: name(&row.to)?,
            },
        })
    });
    moves.collect()
}

fn rules<E: Entity>() -> Result<Vec<Command>, String> {
    const TAG: &str = "command";
    let root = schema_of::<E::Command>();
    let variants = match root.get("oneOf") {
        Some(Value::Array(variants)) => variants.as_slice(),
        _ => std::slice::from_ref(&root),
    };
    let rules = variants.iter().map(|variant| {
        let tag = variant.pointer("/properties/command/const");
        let Some(Value::String(name)) = tag else {
            return Err(format!(
                "its commands must be an enum with `#[serde(tag = \"{TAG}\")]`"
            ));
        };
        let mut payload = Schema::parse(variant).map_err(|reason| format!("{name}: {reason}"))?;
        payload.fields.retain(|field| field.name != TAG);
        // JSON's objects have no order; the required fields at least are listed in theirs.
        let required: Vec<String> = match variant.get("required") {
            Some(names) => Vec::deserialize(names).unwrap_or_default(),
            None => Vec::new(),
        };
        let required: Vec<&str> = required.iter().map(String::as_str).collect();
        payload.sort(&required);
        Ok(Command {
            name: name.clone(),
            help: text(variant, "description"),
            kind: CommandKind::Rule { payload },
        })
    });
    rules.collect()
}

/// One draft for each round of the fields' examples; a field that has fewer repeats its last.
fn examples(draft: &Schema) -> Result<Vec<Map<String, Value>>, String> {
    for field in &draft.fields {
        if field.required && field.examples.is_empty() {
            let name = &field.name;
            return Err(format!(
                "{name} needs an example (`#[schemars(example = …)]`)"
            ));
        }
        for example in &field.examples {
            let wrong = |error| format!("an example breaks its rule: {error}");
            field.check(example).map_err(wrong)?;
        }
    }
    let rounds = draft.fields.iter().map(|field| field.examples.len()).max();
    let example = |round| {
        let fields = draft.fields.iter().filter_map(|field| {
            let example = field.examples.get(round).or(field.examples.last())?;
            Some((field.name.clone(), example.clone()))
        });
        fields.collect()
    };
    Ok((0..rounds.unwrap_or(0)).map(example).collect())
}
