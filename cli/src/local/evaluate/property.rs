//! Typed reading of properties, with CloudFormation's coercions: a number or a boolean may be
//! written as a text and a text as a number.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::fault::{Fault, Result, choices};
use super::value::{Data, Value};
use crate::stack::template::Position;

/// The properties of a resource, or of a mapping within them.
#[derive(Debug)]
pub(super) struct Properties<'a> {
    /// Where it stands, such as `DestinationConfig.`; empty for the resource itself.
    path: String,
    at: Position,
    fields: &'a [(String, Value)],
    /// The names that were asked for.
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Properties<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Self> {
        Self::within(String::new(), value)
    }

    fn within(path: String, value: &'a Value) -> Result<Self> {
        match &value.data {
            Data::Map(fields) => Ok(Self {
                path,
                at: value.at,
                fields,
                asked: RefCell::default(),
            }),
            Data::Text(_) | Data::List(_) => {
                let name = path.strip_suffix('.').unwrap_or("Properties");
                let what = format!("`{name}` is {}, not a mapping", value.shape());
                Err(Fault::new(value.at, what))
            }
        }
    }

    pub(super) fn fields(&self) -> &'a [(String, Value)] {
        self.fields
    }

    /// The names that were asked for until now.
    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.asked.borrow_mut().insert(name.to_owned());
        let mut fields = self.fields.iter();
        fields
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// What a property is that must be there.
    pub(super) fn required<T>(&self, name: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| {
            let what = format!("the property `{}{name}` is missing", self.path);
            Fault::new(self.at, what)
        })
    }

    /// Says what is wrong with a property.
    pub(super) fn fault(&self, name: &str, what: &str) -> Fault {
        let at = self.get(name).map_or(self.at, |value| value.at);
        Fault::new(at, format!("`{}{name}` {what}", self.path))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match &value.data {
            Data::Text(text) if text.contains("{{resolve:") => {
                let what = "is read from another service, which is not there with `--local`";
                Err(self.fault(name, what))
            }
            Data::Text(text) => Ok(Some(text)),
            Data::List(_) | Data::Map(_) => {
                Err(self.fault(name, &format!("is {}, not a text", value.shape())))
            }
        }
    }

    pub(super) fn required_text(&self, name: &str) -> Result<&'a str> {
        let text = self.text(name)?;
        self.required(name, text)
    }

    /// One of these texts.
    pub(super) fn choice(&self, name: &str, known: &[&str]) -> Result<Option<&'a str>> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        if known.contains(&text) {
            return Ok(Some(text));
        }
        let known = choices(known.iter().copied());
        Err(self.fault(name, &format!("is `{text}`, and can be: {known}")))
    }

    /// A whole number.
    pub(super) fn number<T>(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<T>>
    where
        T: TryFrom<i64>,
    {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let Ok(number) = text.trim().parse::<i64>() else {
            return Err(self.fault(name, &format!("is `{text}`, which is no whole number")));
        };
        let fitting = range.contains(&number).then(|| T::try_from(number).ok());
        fitting.flatten().map(Some).ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            self.fault(
                name,
                &format!("is {number}, and can be from {min} to {max}"),
            )
        })
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(self.fault(
                name,
                &format!("is `{text}`, which is neither true nor false"),
            )),
        }
    }

    fn items(&self, name: &str) -> Result<Option<&'a [Value]>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value {
                data: Data::List(items),
                ..
            }) => Ok(Some(items)),
            Some(other) => Err(self.fault(name, &format!("is {}, not a list", other.shape()))),
        }
    }

    /// A list of texts; empty where it is not there.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>> {
        let items = self.items(name)?.unwrap_or_default();
        let text = |item: &'a Value| match &item.data {
            Data::Text(text) => Ok(text.as_str()),
            Data::List(_) | Data::Map(_) => {
                let what = format!("`{}{name}` has {} in it", self.path, item.shape());
                Err(Fault::new(item.at, what))
            }
        };
        items.iter().map(text).collect()
    }

    /// A list of mappings.
    pub(super) fn sections(&self, name: &str) -> Result<Option<Vec<Self>>> {
        let Some(items) = self.items(name)? else {
            return Ok(None);
        };
        let section = |(index, item)| Self::within(format!("{}{name}[{index}].", self.path), item);
        items
            .iter()
            .enumerate()
            .map(section)
            .collect::<Result<_>>()
            .map(Some)
    }

    pub(super) fn section(&self, name: &str) -> Result<Option<Self>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => Self::within(format!("{}{name}.", self.path), value).map(Some),
        }
    }
}
