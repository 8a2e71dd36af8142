//! The present, which nothing else in the tool asks the system for, and time as the AWS SDK has it.

use std::time::SystemTime;

use aws_smithy_types::DateTime;
use pattern::timestamp::Timestamp;

/// To the millisecond.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// As the standard library and the SDK take it.
#[allow(clippy::disallowed_methods, reason = "the one place that asks")]
pub(crate) fn system() -> SystemTime {
    SystemTime::now()
}

/// A time of the SDK, where its year has four digits.
pub(crate) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millis(at.to_millis().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_sdk_keeps_its_milliseconds() {
        let text = |at| timestamp(&at).map(|at| at.to_string());
        let expected = Some("1969-12-31T23:59:59.999Z".to_owned());
        assert_eq!(text(DateTime::from_millis(-1)), expected);
        let expected = Some("2023-11-14T22:13:20.250Z".to_owned());
        assert_eq!(text(DateTime::from_secs_f64(1_700_000_000.25)), expected);
        assert_eq!(text(DateTime::from_secs(i64::MAX)), None);
    }
}
