//! Points in time: UTC, to the millisecond, written always in the same 24 characters.
//!
//! The fixed width makes the text sort as the time does, which the read model's indexes rest on.
//! Years outside 0000 to 9999 cannot be written so and are refused.

use std::fmt;
use std::time::SystemTime;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::Error;
use serde::{Deserialize, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Characters in the text of a [`Timestamp`].
pub const TEXT_LENGTH: usize = 24;

/// Milliseconds since 1970-01-01T00:00:00.000Z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "std::borrow::Cow<'_, str>")]
pub struct Timestamp(i64);

/// A text that is no point in time, or one that has no four-digit year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a time as RFC 3339 writes it, such as 2026-11-23T03:00:00.000Z")]
pub struct NotATime;

impl Timestamp {
    /// 1970-01-01T00:00:00.000Z: the time of items that carry none.
    pub const EPOCH: Self = Self(0);

    /// The system clock's time.
    #[must_use]
    pub fn now() -> Self {
        let since_epoch = system_now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// Reads RFC 3339 of any precision and offset; what is finer than a millisecond is cut off.
    ///
    /// # Errors
    /// When `text` is something else.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let time = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| NotATime)?
            .checked_to_offset(UtcOffset::UTC)
            .filter(|time| (0..=9999).contains(&time.year()))
            .ok_or(NotATime)?;
        Ok(Self(
            time.unix_timestamp() * 1000 + i64::from(time.millisecond()),
        ))
    }

    /// This many milliseconds after the epoch, where the year then has four digits.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
        let known = time.is_ok_and(|time| (0..=9999).contains(&time.year()));
        known.then_some(Self(millis))
    }

    /// Milliseconds since the epoch; negative before it.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Its text, if its year has four digits, as that of every timestamp has.
    fn text(self) -> Option<[u8; TEXT_LENGTH]> {
        let time =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).ok()?;
        let year = u32::try_from(time.year()).ok()?;
        // By hand: a record of the stream has four of them, and `time` reads its format each time.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        write_number(&mut text[0..4], year);
        write_number(&mut text[5..7], u8::from(time.month()).into());
        write_number(&mut text[8..10], time.day().into());
        write_number(&mut text[11..13], time.hour().into());
        write_number(&mut text[14..16], time.minute().into());
        write_number(&mut text[17..19], time.second().into());
        write_number(&mut text[20..23], time.millisecond().into());
        Some(text)
    }
}

/// The present, which nothing else in this crate asks the system for.
#[allow(clippy::disallowed_methods, reason = "the one place that asks")]
pub(crate) fn system_now() -> SystemTime {
    SystemTime::now()
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text().ok_or(fmt::Error)?;
        f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text().ok_or_else(|| S::Error::custom(NotATime))?;
        serializer.serialize_str(std::str::from_utf8(&text).map_err(S::Error::custom)?)
    }
}

/// Fills `digits` with the last digits of `number`.
fn write_number(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
}

impl std::str::FromStr for Timestamp {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, NotATime> {
        Self::parse(text)
    }
}

impl TryFrom<std::borrow::Cow<'_, str>> for Timestamp {
    type Error = NotATime;
    fn try_from(text: std::borrow::Cow<'_, str>) -> Result<Self, NotATime> {
        Self::parse(&text)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_precision_and_offset_is_read_and_written_in_one_form() {
        for (text, normal) in [
            ("2026-11-23T03:00:00.000Z", "2026-11-23T03:00:00.000Z"),
            ("2026-11-23T03:00:00Z", "2026-11-23T03:00:00.000Z"),
            ("2026-11-23T03:00:00.1239999Z", "2026-11-23T03:00:00.123Z"),
            ("2026-11-23T05:30:00.5+02:30", "2026-11-23T03:00:00.500Z"),
            ("1969-12-31T23:59:59.9995Z", "1969-12-31T23:59:59.999Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            let time = Timestamp::parse(text).unwrap();
            assert_eq!(time.to_string(), normal);
            assert_eq!(normal.len(), TEXT_LENGTH);
            assert_eq!(Timestamp::parse(normal), Ok(time));
        }
    }

    #[test]
    fn what_is_no_time_or_has_no_four_digit_year_in_utc_is_refused() {
        for text in [
            "",
            "today",
            "2026-11-23",
            "2026-13-01T00:00:00Z",
            "1700000000",
            "9999-12-31T23:59:59-01:00",
            "0000-01-01T00:00:00+01:00",
        ] {
            assert_eq!(Timestamp::parse(text), Err(NotATime), "{text}");
        }
    }

    #[test]
    fn the_texts_sort_as_the_times_do() {
        let texts = [
            "0999-06-01T00:00:00.000Z",
            "1970-01-01T00:00:00.000Z",
            "2026-11-23T03:00:00.009Z",
            "2026-11-23T03:00:00.010Z",
        ];
        assert!(texts.is_sorted_by_key(|text| Timestamp::parse(text).unwrap()));
    }

    #[test]
    fn milliseconds_that_have_no_four_digit_year_are_no_time() {
        let last = Timestamp::parse("9999-12-31T23:59:59.999Z").unwrap();
        assert_eq!(Timestamp::from_millis(last.as_millis()), Some(last));
        assert_eq!(Timestamp::from_millis(last.as_millis() + 1), None);
        assert_eq!(Timestamp::from_millis(i64::MAX), None);
    }

    #[test]
    fn the_epoch_is_the_time_of_items_without_one() {
        assert_eq!(Timestamp::EPOCH.to_string(), "1970-01-01T00:00:00.000Z");
    }
}
