//! The template, evaluated for this machine: parameters, conditions and intrinsic functions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use host::cache::Address;
use host::definition::Definition;

use crate::local::protocol::{LeftOut, OutputValue};
use crate::stack::template::{Template, TemplateError};

/// What the template's functions are answered from.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) stack: String,
    pub(crate) region: String,
    /// The values that the user gave; the template's defaults hold for the others.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Each handler's program, by the handler's name.
    pub(crate) programs: BTreeMap<String, PathBuf>,
    /// The address of all AWS services, without a `/` at the end.
    pub(crate) endpoint: String,
    /// The local cache, which takes the place of replication groups.
    pub(crate) cache: Address,
    /// The stream ARNs of the tables that are there, by the tables' logical ids.
    pub(crate) streams: BTreeMap<String, String>,
}

/// The stack that the template describes.
#[derive(Clone, Debug)]
pub(crate) struct Evaluated {
    pub(crate) definition: Definition,
    /// In the template's order.
    pub(crate) outputs: Vec<OutputValue>,
    /// In the template's order.
    pub(crate) left_out: Vec<LeftOut>,
}

/// Evaluates the whole template.
pub(crate) fn evaluate(template: &Template, context: &Context) -> Result<Evaluated, TemplateError> {
    let _ = (template, context);
    todo!()
}
