//! The fields of an object of JSON, each with its rule: a JSON Schema of which nothing is ignored.
//!
//! A [`Schema`] is made from a domain's types or read from `domain.json`, and is the one judge of
//! JSON against it, in the publisher and in the tool. A keyword that it would not check is refused
//! when it is read, so that no rule is written that nobody keeps. What is inside objects is left to the
//! domain's own types.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::Invalid;
use crate::json::Fields;

mod field;
mod kind;
mod ordered;

pub use field::Field;
pub use kind::{Characters, Choice, Kind};
pub use ordered::Ordered;

/// The fields of an object, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    /// The fields.
    pub fields: Vec<Field>,
}

impl Schema {
    /// The field called `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Checks `object`, which the errors call `name`, and answers it with the fields' own names.
    ///
    /// # Errors
    /// Names the first field that breaks its rule, or that is none.
    pub fn check(&self, object: Value, name: &str) -> Result<Map<String, Value>, Invalid> {
        let mut fields = Fields::of(object, name)?;
        let checked = self.take(&mut fields)?;
        fields.finish()?;
        Ok(checked)
    }

    /// Takes these fields from an object that may have others, which the caller reads.
    ///
    /// # Errors
    /// Names the first field that breaks its rule.
    pub fn take<'n>(&'n self, fields: &mut Fields<'n>) -> Result<Map<String, Value>, Invalid> {
        let mut checked = Map::new();
        for field in &self.fields {
            if let Some(value) = field.take(fields)? {
                checked.insert(field.name.clone(), value);
            }
        }
        Ok(checked)
    }

    /// Reads an object of a JSON Schema.
    ///
    /// # Errors
    /// What is not understood in it.
    pub fn parse(schema: &Value) -> Result<Self, String> {
        let properties = match schema.get("properties") {
            None => &Map::new(),
            Some(Value::Object(properties)) => properties,
            Some(_) => return Err("properties must be an object".to_owned()),
        };
        let required: Vec<&str> = match schema.get("required") {
            None => Vec::new(),
            Some(names) => Vec::deserialize(names).map_err(|error| format!("required: {error}"))?,
        };
        let fields = properties
            .iter()
            .map(|(name, schema)| Field::parse(name, schema, required.contains(&name.as_str())));
        Ok(Self {
            fields: fields.collect::<Result<_, _>>()?,
        })
    }

    /// Puts the fields into the order of `names`; what is not among them comes last.
    pub(crate) fn sort(&mut self, names: &[&str]) {
        let place = |field: &Field| names.iter().position(|name| *name == field.name);
        self.fields
            .sort_by_key(|field| place(field).unwrap_or(usize::MAX));
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let properties = self.fields.iter();
        let properties = properties.map(|field| (field.name.clone(), field.schema().clone()));
        let required = self.fields.iter().filter(|field| field.required);
        let required: Vec<&str> = required.map(|field| field.name.as_str()).collect();
        let mut schema = serializer.serialize_map(None)?;
        schema.serialize_entry("type", "object")?;
        schema.serialize_entry("properties", &Ordered(properties.collect()))?;
        if !required.is_empty() {
            schema.serialize_entry("required", &required)?;
        }
        schema.serialize_entry("additionalProperties", &false)?;
        schema.end()
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Object {
            properties: Ordered,
            #[serde(default)]
            required: Vec<String>,
        }
        let Object {
            properties: Ordered(properties),
            required,
        } = Object::deserialize(deserializer)?;
        let fields = properties
            .iter()
            .map(|(name, schema)| Field::parse(name, schema, required.contains(name)));
        Ok(Self {
            fields: fields
                .collect::<Result<_, _>>()
                .map_err(serde::de::Error::custom)?,
        })
    }
}

#[cfg(test)]
mod tests;
