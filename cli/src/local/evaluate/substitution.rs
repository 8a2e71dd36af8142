//! The text of `Fn::Sub`, taken apart.

use super::fault::{Fault, Result};
use crate::stack::template::Position;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// A text that stays as it is.
    Literal(&'t str),
    /// What followed in `${!`, which stands for `${` and that text and `}`.
    Escaped(&'t str),
    /// A name in `${` and `}`.
    Variable(&'t str),
}

/// Takes `text` apart. A `${` that is never closed is a text.
pub(super) fn parts(text: &str, at: Position) -> Result<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (literal, opened) = rest.split_at(start);
        let Some((name, after)) = opened.get(2..).and_then(|inner| inner.split_once('}')) else {
            break;
        };
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        match name.strip_prefix('!') {
            Some(escaped) => parts.push(Part::Escaped(escaped)),
            None if is_name(name) => parts.push(Part::Variable(name)),
            None => {
                let what = format!(
                    "`${{{name}}}` in `Fn::Sub` is no name of letters, digits, `_`, `.` and `:`"
                );
                return Err(Fault::new(at, what));
            }
        }
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest));
    }
    Ok(parts)
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
    !name.is_empty() && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Position = Position { line: 1, column: 1 };

    #[test]
    fn names_and_escapes_are_told_from_text() {
        assert_eq!(
            parts("a${B.C}${!D}$e${AWS::Region}${", AT).unwrap(),
            [
                Part::Literal("a"),
                Part::Variable("B.C"),
                Part::Escaped("D"),
                Part::Literal("$e"),
                Part::Variable("AWS::Region"),
                Part::Literal("${"),
            ]
        );
        assert!(parts("", AT).unwrap().is_empty());
        assert!(parts("${}", AT).is_err());
        assert!(parts("${a b}", AT).is_err());
    }
}
