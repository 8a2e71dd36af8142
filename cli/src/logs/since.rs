//! From when on: a time, or how long ago.

use std::str::FromStr;
use std::time::Duration;

use pattern::timestamp::Timestamp;

use crate::app::duration;

/// What can be typed.
const FORMS: &str = "expected how long ago (30s, 10m, 2h, 1d, 1w), a date (2026-11-24, in UTC) or \
     a time (2026-11-24T03:00:00Z)";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    Ago(Duration),
    At(Timestamp),
}

impl Since {
    /// In milliseconds since 1970, and not before.
    pub(crate) fn begin_ms(self, now: Timestamp) -> i64 {
        match self {
            Self::Ago(ago) => {
                let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
                now.as_millis().saturating_sub(ago).max(0)
            }
            Self::At(time) => time.as_millis().max(0),
        }
    }
}

impl FromStr for Since {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let date = || Timestamp::parse(&format!("{text}T00:00:00Z"));
        let time = Timestamp::parse(text).or_else(|_| date());
        let time = time.ok().map(Self::At);
        time.or_else(|| duration::parse(text).map(Self::Ago))
            .ok_or(FORMS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-24T03:00:00.000Z";

    #[test]
    fn a_time_is_given_as_such_or_by_how_long_ago_it_was() {
        let time = |text| Timestamp::parse(text).unwrap();
        for (text, begin) in [
            ("30s", "2026-11-24T02:59:30.000Z"),
            ("10m", "2026-11-24T02:50:00.000Z"),
            ("2h", "2026-11-24T01:00:00.000Z"),
            ("1d", "2026-11-23T03:00:00.000Z"),
            ("1w", "2026-11-17T03:00:00.000Z"),
            ("0s", NOW),
            ("2026-11-24", "2026-11-24T00:00:00.000Z"),
            ("2026-11-24T03:00:00Z", NOW),
            ("2026-11-24T04:00:00+01:00", NOW),
            ("9999w", "1970-01-01T00:00:00.000Z"),
            ("0001-01-01", "1970-01-01T00:00:00.000Z"),
        ] {
            let since: Since = text.parse().unwrap();
            let begin = time(begin).as_millis();
            assert_eq!(since.begin_ms(time(NOW)), begin, "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            "",
            "10",
            "-5m",
            "yesterday",
            "2026-11-31",
            "2026-11-24T03:00:00",
        ] {
            assert_eq!(text.parse::<Since>(), Err(FORMS), "{text}");
        }
    }
}
