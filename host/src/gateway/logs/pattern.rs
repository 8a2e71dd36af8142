//! CloudWatch's filter patterns for text, as far as they are made of terms.
//!
//! A message matches that has all terms and none of those with a `-` before them. Terms with a `?`
//! before them are alternatives, and count only where there are no others. Letters count as they
//! are; what has other characters than letters, digits and `_` is in double quotes. (CloudWatch Logs
//! guide, "Filter pattern syntax") Patterns over JSON, over columns, and regular expressions are
//! refused.

/// See the module's documentation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    /// Reads a pattern, or says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pattern = Self::default();
        let mut rest = text.trim_start();
        if let Some(kind @ ('{' | '[')) = rest.chars().next() {
            let kind = if kind == '{' { "JSON" } else { "columns" };
            return Err(format!(
                "Filter patterns over {kind} are not available with --local: give terms, such as \
                 ERROR or \"two words\"."
            ));
        }
        while let Some(first) = rest.chars().next() {
            let (terms, unmarked) = match first {
                '?' => (&mut pattern.any, &rest[1..]),
                '-' => (&mut pattern.none, &rest[1..]),
                _ => (&mut pattern.all, rest),
            };
            let (term, after) = term(unmarked)?;
            terms.push(term);
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let has = |term: &String| message.contains(term.as_str());
        if self.all.is_empty() && self.none.is_empty() {
            return self.any.is_empty() || self.any.iter().any(has);
        }
        self.all.iter().all(has) && !self.none.iter().any(has)
    }
}

/// The term that `text` begins with, and what follows it.
fn term(text: &str) -> Result<(String, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (term, rest) = text.split_at(end);
        let plain = |c: char| c.is_alphanumeric() || c == '_';
        if term.is_empty() || !term.chars().all(plain) {
            return Err(format!("Invalid character(s) in term '{term}'"));
        }
        return Ok((term.to_owned(), rest));
    };
    let mut term = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((term, &quoted[at + 1..])),
            '\\' => term.extend(characters.next().map(|(_, escaped)| escaped)),
            other => term.push(other),
        }
    }
    Err("Unclosed quote in the filter pattern".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, message: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(message)
    }

    #[test]
    fn no_pattern_matches_everything() {
        assert!(matches("", "") && matches("  ", "anything"));
    }

    #[test]
    fn all_terms_must_be_in_the_message_as_they_are_written() {
        assert!(matches("ERROR code", "code 7: ERROR"));
        assert!(matches("ERROR", "ERRORCODE: -1"));
        assert!(!matches("ERROR code", "ERROR") && !matches("ERROR", "Error"));
    }

    #[test]
    fn a_quoted_term_is_one_with_any_content() {
        let order = r#"{"orderId":"0199d3c2-8d5f","n":1}"#;
        assert!(matches(r#""0199d3c2-8d5f""#, order));
        assert!(matches(r#""\"n\":1""#, order));
        assert!(!matches(r#""orderId 0199d3c2""#, order));
        assert!(matches(r#"n "?x""#, "n ?x") && !matches(r#""-x""#, "x"));
    }

    #[test]
    fn of_alternatives_one_is_enough_and_beside_other_terms_they_do_not_count() {
        assert!(matches("?ERROR ?WARN", "WARN: low") && !matches("?ERROR ?WARN", "INFO"));
        assert!(matches("?ERROR low", "WARN: low"));
    }

    #[test]
    fn what_is_excluded_must_not_be_there() {
        assert!(matches("-done", "failed") && !matches("-done", "done"));
        assert!(!matches(r#"low -"very low""#, "very low"));
    }

    #[test]
    fn what_is_no_pattern_of_terms_is_refused() {
        for pattern in [
            "{ $.level = \"ERROR\" }",
            "[ip, user]",
            "%ERR.*%",
            "a-b",
            "\"open",
            "?",
            "- x",
            &"(".repeat(100_000),
        ] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
