//! The template's parameters before a deployment and after it, whoever said them.

use std::collections::BTreeMap;

use crate::stack::change_set::ParameterSource;
use crate::stack::template::Template;

/// See the module's documentation.
pub(super) struct Values<'a> {
    pub(super) template: &'a Template,
    /// Those of the stack that is there; empty where there is none.
    pub(super) existing: &'a BTreeMap<String, String>,
    pub(super) proposed: &'a BTreeMap<String, ParameterSource>,
}

impl<'a> Values<'a> {
    pub(super) fn before(&self, name: &str) -> Option<&'a str> {
        self.existing.get(name).map(String::as_str)
    }

    pub(super) fn after(&self, name: &str) -> Option<&'a str> {
        match self.proposed.get(name) {
            Some(ParameterSource::Value(value)) => Some(value),
            Some(ParameterSource::Previous) => self.before(name),
            None => self.template.parameter(name)?.default.as_deref(),
        }
    }
}

#[cfg(test)]
pub(super) mod fixture {
    use super::*;

    /// What `judge` says of a template's parameters: of a stack that has some, to which others are given.
    pub(in crate::commands::deploy) fn with_values<T>(
        template: &str,
        before: &[(&str, &str)],
        given: &[(&str, &str)],
        judge: impl FnOnce(&Values<'_>) -> T,
    ) -> T {
        let path = "template.yaml".as_ref();
        let template = Template::from_text(path, template.to_owned()).expect("a template");
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let existing: BTreeMap<_, _> = before.iter().map(owned).collect();
        let previous = existing.keys().cloned();
        let previous = previous.map(|name| (name, ParameterSource::Previous));
        let given = given.iter().map(owned);
        let given = given.map(|(name, value)| (name, ParameterSource::Value(value)));
        judge(&Values {
            template: &template,
            existing: &existing,
            proposed: &previous.chain(given).collect(),
        })
    }
}
