//! Lists that are checked where they are made: of a known length.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// `MIN` to `MAX` values, each with the rule of its own type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<T>", bound(deserialize = "T: Deserialize<'de>"))]
pub struct List<T, const MIN: usize, const MAX: usize>(Vec<T>);

/// Too few values, or too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongLength {
    /// Too few.
    #[error("must have at least {min} values, not {count}")]
    TooShort {
        /// The fewest it may have.
        min: usize,
        /// How many it has.
        count: usize,
    },
    /// Too many.
    #[error("must have at most {max} values, not {count}")]
    TooLong {
        /// The most it may have.
        max: usize,
        /// How many it has.
        count: usize,
    },
}

/// Checks how many values a list has.
///
/// # Errors
/// When they are too few or too many.
pub fn check_length(count: usize, min: usize, max: usize) -> Result<(), WrongLength> {
    if count < min {
        Err(WrongLength::TooShort { min, count })
    } else if count > max {
        Err(WrongLength::TooLong { max, count })
    } else {
        Ok(())
    }
}

impl<T, const MIN: usize, const MAX: usize> TryFrom<Vec<T>> for List<T, MIN, MAX> {
    type Error = WrongLength;
    fn try_from(values: Vec<T>) -> Result<Self, WrongLength> {
        check_length(values.len(), MIN, MAX)?;
        Ok(Self(values))
    }
}

impl<T, const MAX: usize> Default for List<T, 0, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MIN: usize, const MAX: usize> Deref for List<T, MIN, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: JsonSchema, const MIN: usize, const MAX: usize> JsonSchema for List<T, MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("List{MIN}To{MAX}Of{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let each = generator.subschema_for::<T>();
        json_schema!({"type": "array", "items": each, "minItems": MIN, "maxItems": MAX})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    type Names = List<Text<1, 3>, 0, 2>;

    #[test]
    fn a_list_has_as_many_values_as_its_type_says_also_when_it_is_read() {
        let names: Names = serde_json::from_str(r#"["a","b"]"#).unwrap();
        assert_eq!(&*names[1], "b");
        assert_eq!(serde_json::to_string(&names).unwrap(), r#"["a","b"]"#);
        assert_eq!(serde_json::to_string(&Names::default()).unwrap(), "[]");
        for wrong in [r#"["a","b","c"]"#, r#"["long"]"#, r#""a""#] {
            assert!(serde_json::from_str::<Names>(wrong).is_err(), "{wrong}");
        }
        let few = List::<u8, 1, 2>::try_from(Vec::new()).unwrap_err();
        assert_eq!(few.to_string(), "must have at least 1 values, not 0");
    }
}
