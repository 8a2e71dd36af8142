//! Texts that are checked where they are made: of a known length, and of characters that can be
//! seen.
//!
//! Every text of a domain ends in a log line, in a terminal or in a key of the read model, so none
//! may hold what could forge a line there or turn the writing around.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A text of `MIN` to `MAX` printable characters, in one line unless `LINES`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Text<const MIN: usize, const MAX: usize, const LINES: bool = false>(String);

/// A [`Text`] that may have several lines.
pub type Lines<const MIN: usize, const MAX: usize> = Text<MIN, MAX, true>;

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAText {
    /// It has no characters.
    #[error("must not be empty")]
    Empty,
    /// It has too few.
    #[error("must have at least {min} characters, not {count}")]
    TooShort {
        /// The fewest it may have.
        min: usize,
        /// How many it has.
        count: usize,
    },
    /// It has too many.
    #[error("must have at most {max} characters, not {count}")]
    TooLong {
        /// The most it may have.
        max: usize,
        /// How many it has.
        count: usize,
    },
    /// It holds a character that has no shape of its own, so that two equal-looking texts could
    /// differ, or a log line could be forged.
    #[error("must have printable characters only, not U+{0:04X}")]
    Unprintable(u32),
}

/// Checks the characters of `text`, which somebody gives, then how many there are: none may be
/// [`invisible`].
///
/// # Errors
/// The first rule that is broken.
pub fn check(text: &str, min: usize, max: usize, lines: bool) -> Result<(), NotAText> {
    check_characters(text, min, max, lines, invisible)
}

fn check_characters(
    text: &str,
    min: usize,
    max: usize,
    lines: bool,
    refused: impl Fn(char) -> bool,
) -> Result<(), NotAText> {
    let allowed = |c: char| lines && matches!(c, '\n' | '\t');
    let refused = text.chars().find(|c| refused(*c) && !allowed(*c));
    match refused {
        Some(character) => Err(NotAText::Unprintable(character.into())),
        None => check_length(text, min, max),
    }
}

/// Checks how many characters `text` has.
///
/// # Errors
/// When they are too few or too many.
pub fn check_length(text: &str, min: usize, max: usize) -> Result<(), NotAText> {
    match text.chars().count() {
        0 if min > 0 => Err(NotAText::Empty),
        count if count < min => Err(NotAText::TooShort { min, count }),
        count if count > max => Err(NotAText::TooLong { max, count }),
        _ => Ok(()),
    }
}

/// Whether `c` cannot be seen: a control character, a space that is not the common one, or what
/// Unicode calls ignorable by default.
#[must_use]
pub fn invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether `c` could forge a line or turn the writing around, which no stored text may.
#[must_use]
pub fn unprintable(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c,
            '\u{2028}' | '\u{2029}'     // line and paragraph separator
            | '\u{061C}' | '\u{200E}' | '\u{200F}' // direction marks
            | '\u{202A}'..='\u{202E}'   // direction embeddings and overrides
            | '\u{2066}'..='\u{2069}'   // direction isolates
            | '\u{FEFF}') // byte order mark
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> Text<MIN, MAX, LINES> {
    /// Takes `text` as it stands.
    ///
    /// # Errors
    /// The first rule of [`check`] that it breaks.
    pub fn new(text: impl Into<String>) -> Result<Self, NotAText> {
        let text = text.into();
        check(&text, MIN, MAX, LINES)?;
        Ok(Self(text))
    }

    /// Takes a text that keeps the rules by the way it was made.
    pub(crate) fn of_printable(text: String) -> Self {
        debug_assert_eq!(check(&text, MIN, MAX, LINES), Ok(()));
        Self(text)
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> Deref for Text<MIN, MAX, LINES> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> fmt::Display for Text<MIN, MAX, LINES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> FromStr for Text<MIN, MAX, LINES> {
    type Err = NotAText;
    fn from_str(text: &str) -> Result<Self, NotAText> {
        Self::new(text)
    }
}

/// Of what is stored: it may bear an invisible character that others wrote, and must be read all
/// the same.
impl<const MIN: usize, const MAX: usize, const LINES: bool> TryFrom<String>
    for Text<MIN, MAX, LINES>
{
    type Error = NotAText;
    fn try_from(text: String) -> Result<Self, NotAText> {
        check_characters(&text, MIN, MAX, LINES, unprintable)?;
        Ok(Self(text))
    }
}

/// The formats of the schema by which [`crate::schema`] knows these texts.
pub(crate) const PRINTABLE: &str = "printable";
pub(crate) const PRINTABLE_LINES: &str = "printable-lines";

impl<const MIN: usize, const MAX: usize, const LINES: bool> JsonSchema for Text<MIN, MAX, LINES> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Text{MIN}To{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let format = if LINES { PRINTABLE_LINES } else { PRINTABLE };
        json_schema!({"type": "string", "format": format, "minLength": MIN, "maxLength": MAX})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Name = Text<1, 128>;

    #[test]
    fn a_text_has_as_many_characters_as_its_type_says_however_many_bytes_they_take() {
        assert_eq!(Name::new(""), Err(NotAText::Empty));
        assert!(Name::new("ü".repeat(128)).is_ok());
        let (max, count) = (128, 129);
        assert_eq!(
            Name::new("ü".repeat(129)),
            Err(NotAText::TooLong { max, count })
        );
        assert!(Text::<0, 2>::new("").is_ok());
        let short = Text::<2, 3>::new("a").unwrap_err();
        assert_eq!(short.to_string(), "must have at least 2 characters, not 1");
    }

    #[test]
    fn what_could_forge_a_line_or_turn_the_writing_around_is_refused() {
        for text in [
            "a\nb",
            "a\0",
            "\u{7f}",
            "\u{85}",
            "a\u{2028}b",
            "a\u{2029}b",
            "\u{202e}abc",
            "\u{2066}x",
            "\u{feff}",
        ] {
            let refused = Name::new(text);
            assert!(matches!(refused, Err(NotAText::Unprintable(_))), "{text:?}");
        }
        for text in ["abc-def", "a b", "Ünïcode 注文", "#{}[]*?"] {
            assert!(Name::new(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused_where_it_is_given_and_read_where_it_is_stored() {
        for text in [
            "\u{a0}lamp",
            "la\u{ad}mp",
            "lamp\u{200b}",
            "\u{3000}",
            "a\u{2060}b",
            "a\u{fe0f}",
            "a\u{e0041}",
            "\u{2800}",
            "\u{3164}",
            "a\u{2009}b",
        ] {
            let refused = Name::new(text);
            assert!(matches!(refused, Err(NotAText::Unprintable(_))), "{text:?}");
            assert!(Name::try_from(text.to_owned()).is_ok(), "{text:?}");
        }
        assert!(Name::try_from("a\u{202e}b".to_owned()).is_err());
    }

    #[test]
    fn lines_may_hold_line_feeds_and_nothing_else_that_is_unprintable() {
        assert!(Lines::<0, 9>::new("a\n\tb").is_ok());
        assert!(Lines::<0, 9>::new("a\rb").is_err());
    }
}
