//! Payloads that every handler answers, whatever else it does: `{"diagnose":true}`.

use std::collections::BTreeMap;

/// Longer than any of these payloads, however it is spaced.
const LONGEST: usize = 64;

/// Whether `payload` asks for `what` and nothing else. Any other payload is recognised without
/// parsing it.
#[must_use]
pub fn is_asked(payload: &str, what: &str) -> bool {
    payload.len() <= LONGEST
        && payload
            .trim_end_matches(|end: char| end == '}' || end.is_ascii_whitespace())
            .ends_with("true")
        && serde_json::from_str::<BTreeMap<String, bool>>(payload)
            .is_ok_and(|asked| asked.len() == 1 && asked.get(what) == Some(&true))
}
