//! Durations, as they are typed and as they are shown: one grammar and one form for the whole tool.

use std::time::Duration;

const LONGEST_RUN: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `500ms`, `30s`, `5m`, `1h`, `1d`, `1w`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    let ms = number.parse::<u64>().ok()?.checked_mul(unit)?;
    Some(Duration::from_millis(ms))
}

/// Reads how long something is to go on.
pub(crate) fn parse_run(text: &str) -> Result<Duration, String> {
    match parse(text) {
        None => Err("expected a number with its unit, such as `30s`, `5m` or `1h`".to_owned()),
        Some(duration) if duration.is_zero() => Err("must be longer than nothing".to_owned()),
        Some(duration) if duration > LONGEST_RUN => Err("must be at most 24h".to_owned()),
        Some(duration) => Ok(duration),
    }
}

/// In its two largest units.
pub(crate) fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) if !duration.is_zero() => format!("{} ms", duration.as_millis()),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) if hours < 48 => format!("{hours} h {minutes} min"),
        (hours, ..) => format!("{} d {} h", hours / 24, hours % 24),
    }
}

/// A number of milliseconds: three digits are enough for people.
pub(crate) fn ms(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        let ms = |text| parse(text).map(|duration| duration.as_millis());
        assert_eq!(ms("500ms"), Some(500));
        assert_eq!((ms("30s"), ms("5m")), (Some(30_000), Some(300_000)));
        assert_eq!((ms("1d"), ms("1w")), (Some(86_400_000), Some(604_800_000)));
        for wrong in ["", "m", "30", "10 m", "+5m", "-1s", "1.5s", "10min", "5é"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse("99999999999999999w"), None);
        assert_eq!(parse_run("24h"), Ok(LONGEST_RUN));
        for wrong in ["30", "0s", "25h"] {
            assert!(parse_run(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_duration_is_shown_in_its_two_largest_units() {
        let seconds = |seconds| shown(Duration::from_secs(seconds));
        assert_eq!(shown(Duration::from_millis(999)), "999 ms");
        assert_eq!(seconds(0), "0 s");
        assert_eq!(
            (seconds(7).as_str(), seconds(61).as_str()),
            ("7 s", "1 min 1 s")
        );
        assert_eq!(seconds(120), "2 min 0 s");
        assert_eq!(seconds(90_061), "25 h 1 min");
        assert_eq!(seconds(176_400), "2 d 1 h");
    }
}
