//! Comma-separated values of one row, read as strictly as they are written (RFC 4180).
//!
//! Where no field can hold a line break, each line is split by itself, and one with a quote that stays
//! open spoils no other. Blanks around a value do not belong to it, unlike those within its quotes.

use super::error::RowError;

const BLANKS: [char; 2] = [' ', '\t'];

/// The values of a line.
pub(super) fn split(line: &str, delimiter: char) -> Result<Vec<String>, RowError> {
    // A tab that parts values is no blank.
    let blank = |c: char| BLANKS.contains(&c) && c != delimiter;
    let mut values = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches(blank);
        let (value, after) = if rest.starts_with('"') {
            quoted(rest)?
        } else {
            let end = rest.find(delimiter).unwrap_or(rest.len());
            let (value, after) = rest.split_at(end);
            if value.contains('"') {
                return Err(RowError::StrayQuote);
            }
            (value.trim_end_matches(blank).to_owned(), after)
        };
        values.push(value);
        let after = after.trim_start_matches(blank);
        if after.is_empty() {
            return Ok(values);
        }
        rest = after.strip_prefix(delimiter).ok_or(RowError::StrayQuote)?;
    }
}

/// The value that `text` begins with, in quotes, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), RowError> {
    let mut value = String::new();
    let mut parts = text.split('"').skip(1);
    let mut length = 1;
    loop {
        let part = parts.next().ok_or(RowError::OpenQuote)?;
        value.push_str(part);
        length += part.len() + 1;
        let after = text.get(length..).ok_or(RowError::OpenQuote)?;
        if !after.starts_with('"') {
            return Ok((value, after));
        }
        // A doubled quote: the empty part between the two is passed over.
        parts.next();
        length += 1;
        value.push('"');
    }
}

/// A line of values, which [`split`] takes apart again.
pub(super) fn join<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let values = values.into_iter().map(|value| {
        let plain = value.trim() == value && !value.contains([',', '"', '\r', '\n']);
        if plain {
            value.to_owned()
        } else {
            format!("\"{}\"", value.replace('"', "\"\""))
        }
    });
    values.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str) -> Vec<String> {
        split(line, ',').unwrap()
    }

    #[test]
    fn blanks_around_a_value_go_and_those_in_its_quotes_stay() {
        assert_eq!(
            values("42,  lamp\t, \" a, b \" ,"),
            ["42", "lamp", " a, b ", ""]
        );
        assert_eq!(values(r#""","x ""y"" z","""""#), ["", r#"x "y" z"#, "\""]);
        assert_eq!(values(""), [""]);
        assert_eq!(split(" a\t b ", '\t').unwrap(), ["a", "b"]);
    }

    #[test]
    fn a_quote_that_is_out_of_place_is_refused() {
        for line in ["a\"b,c", "\"a\"b,c", "a,\"b\" c", "\"a\" \"b\""] {
            assert!(
                matches!(split(line, ','), Err(RowError::StrayQuote)),
                "{line}"
            );
        }
        for line in ["\"", "a,\"b", "\"a\"\"", "\"a,b"] {
            assert!(
                matches!(split(line, ','), Err(RowError::OpenQuote)),
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_joined_is_split_into_the_same() {
        let all = [
            "",
            " a",
            "b\t",
            "\"",
            "\"\"",
            "a,b",
            "c \"d\", e",
            "ü",
            ",",
            "f",
        ];
        assert_eq!(values(&join(all)), all);
    }
}
