//! Versions, and which of two is the newer one.

/// This tool's.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether `one` is newer than `other`.
pub(crate) fn is_newer(one: &str, other: &str) -> bool {
    numbers(one) > numbers(other)
}

/// A version as numbers, which compare.
fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split(['.', '-', '+']);
    parts.map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(is_newer("0.10.0", "0.9.9"));
        assert!(is_newer("1.0.0-rc.1", "0.9.9"));
        assert!(!is_newer("0.9.9", "0.10.0"));
        assert!(!is_newer("0.1.0", "0.1.0"));
    }
}
