//! Whole numbers that are checked where they are made.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A whole number from `MIN` to `MAX`. Unless said it is the one nearest to zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Whole<const MIN: i64, const MAX: i64>(i64);

/// A number that is too small or too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from {min} to {max}")]
pub struct OutOfRange {
    min: i64,
    max: i64,
}

impl<const MIN: i64, const MAX: i64> Whole<MIN, MAX> {
    /// Takes `number`.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn new(number: i64) -> Result<Self, OutOfRange> {
        let (min, max) = (MIN, MAX);
        let known = (min..=max).contains(&number);
        known.then_some(Self(number)).ok_or(OutOfRange { min, max })
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl<const MIN: i64, const MAX: i64> Default for Whole<MIN, MAX> {
    fn default() -> Self {
        Self(0.clamp(MIN, MAX))
    }
}

impl<const MIN: i64, const MAX: i64> TryFrom<i64> for Whole<MIN, MAX> {
    type Error = OutOfRange;
    fn try_from(number: i64) -> Result<Self, OutOfRange> {
        Self::new(number)
    }
}

impl<const MIN: i64, const MAX: i64> From<Whole<MIN, MAX>> for i64 {
    fn from(number: Whole<MIN, MAX>) -> i64 {
        number.0
    }
}

impl<const MIN: i64, const MAX: i64> fmt::Display for Whole<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<const MIN: i64, const MAX: i64> JsonSchema for Whole<MIN, MAX> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Whole{MIN}To{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": MIN, "maximum": MAX})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pieces = Whole<1, 1_000_000>;

    #[test]
    fn a_number_is_in_the_range_of_its_type_also_when_it_is_read() {
        assert!(Pieces::new(0).is_err());
        assert_eq!(Pieces::new(1_000_000).map(Pieces::get), Ok(1_000_000));
        assert!(serde_json::from_str::<Pieces>("1000001").is_err());
        assert!(serde_json::from_str::<Pieces>("18446744073709551615").is_err());
        assert_eq!(serde_json::to_string(&Pieces::default()).unwrap(), "1");
        assert_eq!(Whole::<-9, -3>::default().get(), -3);
        assert_eq!(Whole::<-9, 3>::default().get(), 0);
    }
}
