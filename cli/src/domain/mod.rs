//! What a stack is about, as its description says: all words that the tool has for it come from
//! here, so that it knows no domain itself.

mod count;
mod difference;
mod document;
mod draft;
mod faults;
mod label;
mod named;
mod option;
mod source;
mod words;

use std::ops::Deref;
use std::sync::Arc;

use pattern::description::Description;

pub(crate) use self::count::Count;
pub(crate) use self::difference::Difference;
pub(crate) use self::document::{Batch, Document, Page, Plain};
pub(crate) use self::draft::{Draft, KEY};
pub(crate) use self::faults::faults;
pub(crate) use self::named::Named;
pub(crate) use self::option::{FieldOption, InvalidArgument};
pub(crate) use self::source::{DomainError, FILE};

/// A description, shared by all who speak of the entity.
#[derive(Clone, Debug)]
pub(crate) struct Domain(Arc<Description>);

impl Deref for Domain {
    type Target = Description;
    fn deref(&self) -> &Description {
        &self.0
    }
}

impl Domain {
    fn new(description: Description) -> Self {
        Self(Arc::new(description))
    }

    /// `1 order`, `2 orders`.
    pub(crate) fn counted(&self, count: u64) -> String {
        format!("{count} {}", self.noun(count))
    }

    /// The entity's name for so many of it.
    pub(crate) fn noun(&self, count: u64) -> &str {
        if count == 1 {
            &self.entity
        } else {
            &self.plural
        }
    }

    /// `an order`, `a ticket`.
    pub(crate) fn one(&self) -> String {
        let vowel = self.entity.starts_with(['a', 'e', 'i', 'o', 'u']);
        format!("{} {}", if vowel { "an" } else { "a" }, self.entity)
    }

    /// The name of ids in payloads: `orderIds`.
    pub(crate) fn ids(&self) -> String {
        format!("{}s", self.id)
    }

    /// The `errorType` of an entity that is not there: `OrderNotFound`.
    pub(crate) fn not_found(&self) -> String {
        let mut letters = self.entity.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first
            .into_iter()
            .chain(letters)
            .chain("NotFound".chars())
            .collect()
    }
}
