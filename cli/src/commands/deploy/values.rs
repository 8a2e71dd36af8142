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
