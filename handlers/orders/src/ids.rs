//! The identifiers of the domain, each a type of its own, checked where it is made.
//!
//! All share one rule, [`printable`], since every one of them ends in a key of the read model, in
//! a log line, or in a terminal.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest an identifier may be, in characters.
pub const MAX_CHARACTERS: usize = 128;

/// Namespace of the ids that derive from an idempotency key. Changing it would let a retry that
/// spans the change make a second order.
const IDEMPOTENCY_NAMESPACE: Uuid = Uuid::from_u128(0x6f7a_2c5e_90d1_5b3b_8a44_1d0e_c4b7_35f2);

/// Why a text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPrintable {
    /// It has no characters.
    #[error("must not be empty")]
    Empty,
    /// It has more than [`MAX_CHARACTERS`].
    #[error("must have at most {MAX_CHARACTERS} characters, not {0}")]
    TooLong(usize),
    /// It holds a character that has no shape of its own, so that two equal-looking ids could
    /// differ, or a log line could be forged.
    #[error("must have printable characters only, not U+{0:04X}")]
    Unprintable(u32),
}

/// Checks that `text` has 1 to [`MAX_CHARACTERS`] characters, and none without a shape: see
/// [`invisible`].
///
/// # Errors
/// The first rule that is broken.
pub fn printable(text: &str) -> Result<(), NotPrintable> {
    check(text, invisible)
}

fn check(text: &str, refused: impl Fn(char) -> bool) -> Result<(), NotPrintable> {
    if text.is_empty() {
        return Err(NotPrintable::Empty);
    }
    if let Some(character) = text.chars().find(|c| refused(*c)) {
        return Err(NotPrintable::Unprintable(character.into()));
    }
    match text.chars().count() {
        count if count > MAX_CHARACTERS => Err(NotPrintable::TooLong(count)),
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
    c.is_control()
        || matches!(c,
            '\u{2028}' | '\u{2029}'     // line and paragraph separator
            | '\u{061C}' | '\u{200E}' | '\u{200F}' // direction marks
            | '\u{202A}'..='\u{202E}'   // direction embeddings and overrides
            | '\u{2066}'..='\u{2069}'   // direction isolates
            | '\u{FEFF}') // byte order mark
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes `text`, which somebody gives, as it stands.
            ///
            /// # Errors
            /// When it breaks the rule of [`printable`].
            pub fn new(text: impl Into<String>) -> Result<Self, NotPrintable> {
                let text = text.into();
                printable(&text)?;
                Ok(Self(text))
            }

            /// The text of it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        /// Of what is stored: an order may bear an invisible character that others wrote, and must
        /// be read all the same.
        impl TryFrom<String> for $name {
            type Error = NotPrintable;
            fn try_from(text: String) -> Result<Self, NotPrintable> {
                check(&text, unprintable)?;
                Ok(Self(text))
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotPrintable;
            fn from_str(text: &str) -> Result<Self, NotPrintable> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

identifier! {
    /// Names an order, for ever. A UUID in what this project writes; any printable text in what
    /// others wrote.
    OrderId
}
identifier! {
    /// Names who ordered.
    ClientId
}
identifier! {
    /// Names what was ordered.
    ProductId
}
identifier! {
    /// Names one intention of a client: creating twice with one key makes one order.
    IdempotencyKey
}

impl OrderId {
    /// A fresh id, which sorts after those made before it (UUIDv7).
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    /// The id that belongs to `key` of `client`, always the same one (UUIDv5).
    ///
    /// A line feed parts the two; as neither can hold one, no two pairs share a name.
    #[must_use]
    pub fn for_key(client: &ClientId, key: &IdempotencyKey) -> Self {
        let name = format!("{client}\n{key}");
        Self(Uuid::new_v5(&IDEMPOTENCY_NAMESPACE, name.as_bytes()).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_from_1_to_128_characters_however_many_bytes_they_take() {
        assert_eq!(ClientId::new(""), Err(NotPrintable::Empty));
        assert!(ClientId::new("ü".repeat(128)).is_ok());
        assert_eq!(
            ClientId::new("ü".repeat(129)),
            Err(NotPrintable::TooLong(129))
        );
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
            assert!(
                matches!(ClientId::new(text), Err(NotPrintable::Unprintable(_))),
                "{text:?}"
            );
        }
        for text in ["abc-def", "a b", "Ünïcode 注文", "#{}[]*?"] {
            assert!(ClientId::new(text).is_ok(), "{text:?}");
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
            assert!(
                matches!(ProductId::new(text), Err(NotPrintable::Unprintable(_))),
                "{text:?}"
            );
            assert!(ProductId::try_from(text.to_owned()).is_ok(), "{text:?}");
        }
        assert!(ProductId::try_from("a\u{202e}b".to_owned()).is_err());
    }

    #[test]
    fn one_key_of_one_client_always_gives_the_same_order_id() {
        let id = |client: &str, key: &str| {
            OrderId::for_key(
                &ClientId::new(client).unwrap(),
                &IdempotencyKey::new(key).unwrap(),
            )
        };
        // Written out: a change of it would break the retries of clients in flight.
        assert_eq!(
            id("123456789", "k1").as_str(),
            "517589b6-369e-56b2-a990-2a1db75979ea"
        );
        assert_ne!(id("ab", "c"), id("a", "bc"));
        assert_ne!(id("a", "k"), id("b", "k"));
    }

    #[test]
    fn fresh_ids_differ_and_sort_by_the_time_they_were_made() {
        let ids: Vec<_> = (0..100).map(|_| OrderId::fresh()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
