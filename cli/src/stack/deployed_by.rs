//! Which version of the tool deployed a stack: the last sentence of its template's description.
//!
//! CloudFormation does not take a changed description for a change, so that it is renewed with the next
//! one and never makes one itself; and whoever describes a stack gets it.

const BEGIN: &str = "Deployed by cqrs ";
/// CloudFormation's limit, in bytes.
const LONGEST: usize = 1024;

/// The description with that sentence; as it is, where there is no room for it.
pub(super) fn marked(description: &str, version: &str) -> String {
    let own = match description.rfind(BEGIN) {
        Some(at) if version_of(description).is_some() => &description[..at],
        _ => description,
    };
    let mark = format!("{BEGIN}{version}.");
    let marked = match own.trim_end() {
        "" => mark,
        own => format!("{own} {mark}"),
    };
    if marked.len() > LONGEST {
        return description.to_owned();
    }
    marked
}

/// The version that a description ends with.
pub(super) fn version_of(description: &str) -> Option<&str> {
    let (_, version) = description.trim_end().rsplit_once(BEGIN)?;
    let version = version.strip_suffix('.')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
    let begins = version.starts_with(|c: char| c.is_ascii_digit());
    (begins && version.chars().all(plain)).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sentence_says_the_version_and_is_written_anew() {
        let first = marked("Orders. ", "0.1.0");
        assert_eq!(first, "Orders. Deployed by cqrs 0.1.0.");
        assert_eq!(version_of(&first), Some("0.1.0"));
        let second = marked(&first, "0.10.0-rc.1");
        assert_eq!(second, "Orders. Deployed by cqrs 0.10.0-rc.1.");
        assert_eq!(version_of(&second), Some("0.10.0-rc.1"));
        assert_eq!(marked("", "1.0.0"), "Deployed by cqrs 1.0.0.");
    }

    #[test]
    fn what_only_looks_like_it_is_left_alone() {
        for description in [
            "",
            "Orders",
            "Deployed by cqrs fans.",
            "Deployed by cqrs 1.0",
        ] {
            assert_eq!(version_of(description), None, "{description}");
        }
        let long = "x".repeat(LONGEST);
        assert_eq!(marked(&long, "0.1.0"), long);
    }
}
