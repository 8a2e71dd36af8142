//! Values with nothing left to resolve. Each keeps its place in the file, for messages.

use super::fault::{Fault, Result};
use crate::stack::template::Position;

#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) at: Position,
    pub(super) data: Data,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    pub(super) fn text(at: Position, text: impl Into<String>) -> Self {
        let data = Data::Text(text.into());
        Self { at, data }
    }

    pub(super) fn list<I>(at: Position, texts: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let items = texts.into_iter().map(|text| Self::text(at, text)).collect();
        let data = Data::List(items);
        Self { at, data }
    }

    /// The same value, standing where a function was that gave it.
    pub(super) fn moved_to(mut self, at: Position) -> Self {
        self.at = at;
        self
    }

    /// What it is, for messages.
    pub(super) fn shape(&self) -> &'static str {
        match self.data {
            Data::Text(_) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
        }
    }

    /// The text, where `who` cannot take anything else.
    pub(super) fn into_text(self, who: &str) -> Result<String> {
        match self.data {
            Data::Text(text) => Ok(text),
            Data::List(_) | Data::Map(_) => Err(self.unfit(who, "a text")),
        }
    }

    /// The items, where `who` cannot take anything else.
    pub(super) fn into_list(self, who: &str) -> Result<Vec<Self>> {
        match self.data {
            Data::List(items) => Ok(items),
            Data::Text(_) | Data::Map(_) => Err(self.unfit(who, "a list")),
        }
    }

    fn unfit(&self, who: &str, needed: &str) -> Fault {
        let what = format!("{who} takes {needed} here, and this is {}", self.shape());
        Fault::new(self.at, what)
    }

    /// As JSON, in which numbers and booleans are texts.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.data {
            Data::Text(text) => text.as_str().into(),
            Data::List(items) => items.iter().map(Self::to_json).collect(),
            Data::Map(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), value.to_json()))
                .collect(),
        }
    }
}
