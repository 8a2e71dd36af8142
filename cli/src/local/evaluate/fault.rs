//! What is wrong with the template, before the file's name is added.

use std::path::Path;

use crate::stack::template::{Position, TemplateError, nearest};

/// What is wrong, where, and with which part of the template.
#[derive(Debug)]
pub(super) struct Fault {
    at: Position,
    owner: Option<String>,
    what: String,
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    pub(super) fn new(at: Position, what: impl Into<String>) -> Self {
        Self {
            at,
            owner: None,
            what: what.into(),
        }
    }

    /// Says that it is in this part, such as the resource `Table`, unless a part within it has been
    /// named before.
    pub(super) fn within(mut self, section: &str, name: &str) -> Self {
        self.owner
            .get_or_insert_with(|| format!("{section} `{name}`"));
        self
    }

    pub(super) fn in_file(self, path: &Path) -> TemplateError {
        TemplateError::Invalid {
            path: path.to_owned(),
            at: self.at,
            what: match self.owner {
                Some(owner) => format!("{owner}: {}", self.what),
                None => self.what,
            },
        }
    }
}

/// The end of a message about an unknown name: what may have been meant.
pub(super) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known)
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default()
}

/// The end of a message about a value that could be one of a few.
pub(super) fn choices<'a>(known: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = known.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "there is none".to_owned()
    } else {
        names.join(", ")
    }
}
