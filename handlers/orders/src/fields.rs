//! Reads a JSON object field by field, so that every error names the field and the rule.
//!
//! Serde's own errors name Rust types and byte offsets, which tell a caller nothing. `null` counts
//! as absent. Whoever reads ends with [`Fields::finish`], which refuses what was not asked for: a
//! misspelt optional field must not be dropped in silence.

use serde_json::{Map, Value};

use crate::error::Invalid;

/// The fields of one object that are still to be read.
#[derive(Debug)]
pub(crate) struct Fields {
    map: Map<String, Value>,
    path: String,
    known: Vec<&'static str>,
}

impl Fields {
    /// Takes the fields of `value`, which the errors call `name`.
    pub(crate) fn of(value: Value, name: &str) -> Result<Self, Invalid> {
        match value {
            Value::Object(map) => Ok(Self {
                map,
                path: String::new(),
                known: Vec::new(),
            }),
            other => Err(Invalid::new(
                name,
                format_args!("must be a JSON object, not {}", kind(&other)),
            )),
        }
    }

    /// The same, for an object that is itself a field, whose path then leads the names.
    pub(crate) fn within(value: Value, path: &str) -> Result<Self, Invalid> {
        Ok(Self {
            path: format!("{path}."),
            ..Self::of(value, path)?
        })
    }

    /// The full name of `field` in this object.
    pub(crate) fn name(&self, field: &str) -> String {
        format!("{}{field}", self.path)
    }

    /// The error that `field` breaks `rule`.
    pub(crate) fn invalid(&self, field: &str, rule: impl std::fmt::Display) -> Invalid {
        Invalid::new(self.name(field), rule)
    }

    pub(crate) fn take(&mut self, field: &'static str) -> Option<Value> {
        self.known.push(field);
        self.map.remove(field).filter(|value| !value.is_null())
    }

    /// An optional text, made into `T`.
    pub(crate) fn text<T>(&mut self, field: &'static str) -> Result<Option<T>, Invalid>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => text
                .parse()
                .map(Some)
                .map_err(|rule| self.invalid(field, rule)),
            Some(other) => Err(self.invalid(
                field,
                format_args!("must be a string, not {}", kind(&other)),
            )),
        }
    }

    /// A text that must be there.
    pub(crate) fn required<T>(&mut self, field: &'static str) -> Result<T, Invalid>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        self.text(field)?
            .ok_or_else(|| self.invalid(field, "is required"))
    }

    /// An optional whole number from `min` to `max`.
    pub(crate) fn whole(
        &mut self,
        field: &'static str,
        min: u64,
        max: u64,
    ) -> Result<Option<u64>, Invalid> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        match value.as_u64() {
            Some(number) if (min..=max).contains(&number) => Ok(Some(number)),
            _ => {
                let range = if max == u64::MAX {
                    format!("of at least {min}")
                } else {
                    format!("from {min} to {max}")
                };
                let got = match &value {
                    Value::Number(number) => number.to_string(),
                    other => kind(other).to_owned(),
                };
                Err(self.invalid(
                    field,
                    format_args!("must be a whole number {range}, not {got}"),
                ))
            }
        }
    }

    /// Ends the reading.
    pub(crate) fn finish(self) -> Result<(), Invalid> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(unknown) => {
                // A name from outside: quoted, so that it cannot pass for part of the message.
                let name = format!("{}{}", self.path, unknown.escape_debug());
                Err(Invalid::new(
                    name,
                    format_args!("is not a field of this; known: {}", self.known.join(", ")),
                ))
            }
        }
    }
}

/// What a JSON value is, with its article.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Parses the payload itself.
pub(crate) fn json(payload: &str, name: &str) -> Result<Value, Invalid> {
    crate::json::read(payload)
        .map_err(|error| Invalid::new(name, format_args!("must be JSON: {error}")))
}
