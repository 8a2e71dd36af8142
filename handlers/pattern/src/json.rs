//! Reads a JSON object field by field, so that every error names the field and the rule.
//!
//! Serde's own errors name Rust types and byte offsets, which tell a caller nothing. `null` counts
//! as absent. Whoever reads ends with [`Fields::finish`], which refuses what was not asked for: a
//! misspelt optional field must not be dropped in silence.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::Invalid;

#[cfg(feature = "read-model")]
mod object;
mod unique;

#[cfg(feature = "read-model")]
pub(crate) use object::Object;
pub use unique::read;

/// The fields of one object that are still to be read.
#[derive(Debug)]
pub struct Fields<'n> {
    map: Map<String, Value>,
    path: String,
    /// The names that were asked for.
    known: Vec<&'n str>,
}

impl<'n> Fields<'n> {
    /// Takes the fields of `value`, which the errors call `name`.
    ///
    /// # Errors
    /// When it is no object.
    pub fn of(value: Value, name: &str) -> Result<Self, Invalid> {
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
    ///
    /// # Errors
    /// When it is no object.
    pub fn within(value: Value, path: &str) -> Result<Self, Invalid> {
        Ok(Self {
            path: format!("{path}."),
            ..Self::of(value, path)?
        })
    }

    /// The error that `field` breaks `rule`.
    #[must_use]
    pub fn invalid(&self, field: &str, rule: impl Display) -> Invalid {
        Invalid::new(format!("{}{field}", self.path), rule)
    }

    /// The value of `field`, if there is one.
    pub fn take(&mut self, field: &'n str) -> Option<Value> {
        self.known.push(field);
        self.map.remove(field).filter(|value| !value.is_null())
    }

    /// An optional text, made into `T`.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn text<T: FromStr<Err: Display>>(&mut self, field: &'n str) -> Result<Option<T>, Invalid> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => text
                .parse()
                .map(Some)
                .map_err(|rule| self.invalid(field, rule)),
            Some(other) => {
                let rule = format_args!("must be a string, not {}", kind(&other)).to_string();
                Err(self.invalid(field, rule))
            }
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn required<T: FromStr<Err: Display>>(&mut self, field: &'n str) -> Result<T, Invalid> {
        self.text(field)?
            .ok_or_else(|| self.invalid(field, "is required"))
    }

    /// An optional whole number from `min` to `max`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn whole(&mut self, field: &'n str, min: u64, max: u64) -> Result<Option<u64>, Invalid> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        match value.as_u64() {
            Some(number) if (min..=max).contains(&number) => Ok(Some(number)),
            _ => Err(self.invalid(field, not_whole(min.into(), max.into(), &value))),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Names a field that was not asked for.
    pub fn finish(self) -> Result<(), Invalid> {
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

/// The rule that a whole number keeps, and what `value` is instead.
pub(crate) fn not_whole(min: i128, max: i128, value: &Value) -> String {
    let range = match (min > i64::MIN.into(), max < i64::MAX.into()) {
        (true, true) => format!(" from {min} to {max}"),
        (true, false) => format!(" of at least {min}"),
        (false, true) => format!(" of at most {max}"),
        (false, false) => String::new(),
    };
    format!("must be a whole number{range}, not {}", shown(value))
}

/// A number itself; of what is none, what it is.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        other => kind(other).to_owned(),
    }
}

/// What a JSON value is, with its article.
#[must_use]
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Parses a payload, which the error calls `name`.
///
/// # Errors
/// When it is no JSON.
pub fn parse(payload: &str, name: &str) -> Result<Value, Invalid> {
    read(payload).map_err(|error| Invalid::new(name, format_args!("must be JSON: {error}")))
}
