//! Replaces what differs from run to run, so that the rest can be compared word for word.

use regex_lite::Regex;

/// Patterns and what stands in for them, applied in order.
#[derive(Clone, Debug)]
pub(crate) struct Filters(Vec<(Regex, String)>);

impl Filters {
    pub(crate) fn new() -> Self {
        let mut filters = Self(Vec::new());
        for (pattern, name) in [
            (r"\b[0-9a-f]{64}\b", "[HASH]"),
            (
                r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
                "[ID]",
            ),
            (r"\b[0-9a-f]{32}\b", "[UNIQUE]"),
            (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?", "[TIME]"),
            (r"\b\d\d:\d\d:\d\dZ", "[CLOCK]"),
            (r"\b(127\.0\.0\.1|localhost):\d+", "[ADDRESS]"),
            (r"\bvpc-[0-9a-f]+", "[VPC]"),
            (r"-[0-9A-F]{13}\b", "-[SUFFIX]"),
            (r"\b\d+(\.\d+)? ms\b", "[N] ms"),
            (r#"(?<name>"\w+Ms":)\d+(\.\d+)?"#, "${name}[N]"),
        ] {
            filters.add(pattern, name);
        }
        filters
    }

    /// Adds a pattern, before those there are: it is more particular.
    pub(crate) fn add(&mut self, pattern: &str, name: &str) {
        self.0
            .insert(0, (Regex::new(pattern).unwrap(), name.to_owned()));
    }

    /// Adds a text that is replaced as it stands.
    pub(crate) fn add_text(&mut self, text: &str, name: &str) {
        self.add(&regex_lite::escape(text), name);
    }

    pub(crate) fn apply(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, (pattern, name)| {
                pattern.replace_all(&text, name.as_str()).into_owned()
            })
    }
}
