//! How long ago something was, for people.

/// The two largest units.
pub(crate) fn age(seconds: i64) -> String {
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) if hours < 48 => format!("{hours} h {minutes} min"),
        (hours, ..) => format!("{} d {} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_its_two_largest_units() {
        assert_eq!(age(7), "7 s");
        assert_eq!(age(61), "1 min 1 s");
        assert_eq!(age(90_061), "25 h 1 min");
        assert_eq!(age(176_400), "2 d 1 h");
    }
}
