//! Values with nothing left to resolve. Each keeps its place in the file, for messages.

use std::borrow::Cow;

use super::fault::{Fault, Result};
use crate::stack::template::Position;

#[derive(Clone, Debug)]
pub(super) struct Value<'t> {
    pub(super) at: Position,
    pub(super) data: Data<'t>,
}

#[derive(Clone, Debug)]
pub(super) enum Data<'t> {
    /// As written; `plain` where it stood without quotes.
    Text {
        text: Cow<'t, str>,
        plain: bool,
    },
    List(Vec<Value<'t>>),
    Map(Vec<Field<'t>>),
}

/// An entry of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Field<'t> {
    pub(super) name: &'t str,
    pub(super) value: Value<'t>,
}

impl<'t> Value<'t> {
    pub(super) fn text(at: Position, text: impl Into<Cow<'t, str>>) -> Self {
        let text = text.into();
        Self {
            at,
            data: Data::Text { text, plain: false },
        }
    }

    pub(super) fn list<I>(at: Position, texts: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'t, str>>,
    {
        let items = texts.into_iter().map(|text| Self::text(at, text)).collect();
        Self {
            at,
            data: Data::List(items),
        }
    }

    /// The same value, standing where a function was that gave it.
    pub(super) fn moved_to(mut self, at: Position) -> Self {
        self.at = at;
        self
    }

    /// What it is, for messages.
    pub(super) fn shape(&self) -> &'static str {
        match self.data {
            Data::Text { .. } => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
        }
    }

    /// The text, where `who` cannot take anything else.
    pub(super) fn into_text(self, who: &str) -> Result<Cow<'t, str>> {
        match self.data {
            Data::Text { text, .. } => Ok(text),
            Data::List(_) | Data::Map(_) => Err(self.unfit(who, "a text")),
        }
    }

    /// The items, where `who` cannot take anything else.
    pub(super) fn into_list(self, who: &str) -> Result<Vec<Self>> {
        match self.data {
            Data::List(items) => Ok(items),
            Data::Text { .. } | Data::Map(_) => Err(self.unfit(who, "a list")),
        }
    }

    fn unfit(&self, who: &str, needed: &str) -> Fault {
        let what = format!("{who} takes {needed} here, and this is {}", self.shape());
        Fault::new(self.at, what)
    }

    /// Whether both are the same, wherever they stand; numbers and booleans are compared as texts.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (&self.data, &other.data) {
            (Data::Text { text: one, .. }, Data::Text { text: two, .. }) => one == two,
            (Data::List(one), Data::List(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.equals(two))
            }
            (Data::Map(one), Data::Map(two)) => {
                one.len() == two.len()
                    && one.iter().all(|field| {
                        two.iter().any(|other| {
                            field.name == other.name && field.value.equals(&other.value)
                        })
                    })
            }
            _ => false,
        }
    }
}
