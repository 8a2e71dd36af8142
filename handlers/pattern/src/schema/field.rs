//! One field: its name, what its values may be, and what there is to say about it.

use serde_json::Value;

use super::Kind;
use crate::error::Invalid;
use crate::json::Fields;

/// One field of a [`super::Schema`].
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name in JSON.
    pub name: String,
    /// What its values may be.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// What it has where it is not given.
    pub default: Option<Value>,
    /// What it means.
    pub help: String,
    /// Values to show.
    pub examples: Vec<Value>,
    /// Other names under which it may be given.
    pub aliases: Vec<String>,
    /// Whether only commands change it, so that a create does not take it.
    pub read_only: bool,
    schema: Value,
}

impl Field {
    /// Reads the schema of the field called `name`.
    ///
    /// # Errors
    /// What is not understood in it.
    pub(crate) fn parse(name: &str, schema: &Value, required: bool) -> Result<Self, String> {
        let Value::Object(keywords) = schema else {
            return Err(format!("{name} may be anything, which is no rule"));
        };
        let kind = Kind::parse(keywords).map_err(|reason| format!("{name} {reason}"))?;
        let strings = |keyword| match keywords.get(keyword) {
            Some(Value::Array(values)) => values.clone(),
            _ => Vec::new(),
        };
        let aliases = strings("aliases");
        Ok(Self {
            name: name.to_owned(),
            kind,
            required,
            default: keywords.get("default").filter(|v| !v.is_null()).cloned(),
            help: keywords
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            examples: strings("examples"),
            aliases: aliases
                .iter()
                .filter_map(|alias| alias.as_str().map(str::to_owned))
                .collect(),
            read_only: keywords.get("readOnly") == Some(&Value::Bool(true)),
            schema: schema.clone(),
        })
    }

    /// Its schema, as JSON Schema has it.
    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Checks `value`.
    ///
    /// # Errors
    /// Names the field and the rule.
    pub fn check(&self, value: &Value) -> Result<(), Invalid> {
        self.kind
            .check(value)
            .map_err(|rule| Invalid::new(&self.name, rule))
    }

    /// Reads what somebody typed, or a cell of a table holds, as a value of this field.
    ///
    /// # Errors
    /// Names the field and the rule.
    pub fn read(&self, text: &str) -> Result<Value, Invalid> {
        self.kind
            .read(text)
            .map_err(|rule| Invalid::new(&self.name, rule))
    }

    /// Takes this field from an object, under any of its names.
    pub(super) fn take<'n>(&'n self, fields: &mut Fields<'n>) -> Result<Option<Value>, Invalid> {
        let mut given = fields.take(&self.name).map(|value| (&self.name, value));
        for alias in &self.aliases {
            match (fields.take(alias), &given) {
                (None, _) => {}
                (Some(value), None) => given = Some((alias, value)),
                (Some(_), Some((name, _))) => {
                    let rule = format!("must not be given beside {name}");
                    return Err(fields.invalid(alias, rule));
                }
            }
        }
        match given {
            Some((name, value)) => match self.kind.check(&value) {
                Ok(()) => Ok(Some(value)),
                Err(rule) => Err(fields.invalid(name, rule)),
            },
            None if self.required => Err(fields.invalid(&self.name, "is required")),
            None => Ok(None),
        }
    }
}
