//! The present, which nothing else in this crate asks the system for, and its forms in text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

const DAY: &[FormatItem<'_>] = format_description!("[year]/[month]/[day]");
const SECONDS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const MILLISECONDS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Since 1970; none where the clock is set to before it.
#[allow(clippy::disallowed_methods, reason = "the one place that asks")]
pub(crate) fn since_1970() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX)
}

/// `2026/11/27`
pub(crate) fn day(ms: i64) -> String {
    formatted(ms, DAY)
}

/// `2026-11-27T06:30:00Z`
pub(crate) fn in_seconds(ms: i64) -> String {
    formatted(ms, SECONDS)
}

/// `2026-11-27T06:30:00.123Z`
pub(crate) fn in_milliseconds(ms: i64) -> String {
    formatted(ms, MILLISECONDS)
}

fn formatted(ms: i64, form: &[FormatItem<'_>]) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|time| time.format(form).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_three_forms() {
        let ms = 1_700_000_000_025;
        assert_eq!(day(ms), "2023/11/14");
        assert_eq!(in_seconds(ms), "2023-11-14T22:13:20Z");
        assert_eq!(in_milliseconds(ms), "2023-11-14T22:13:20.025Z");
    }
}
