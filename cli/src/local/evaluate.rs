//! The template, evaluated for this machine: parameters, conditions and intrinsic functions.
//!
//! Everything is evaluated, also what is not made here, so that a mistake is said on this machine
//! and not only on AWS. Macros, transforms, dynamic references and what other stacks export need
//! AWS's own services; they are refused.

mod call;
mod catalogue;
mod cidr;
mod condition;
mod definition;
mod effect;
mod evaluator;
mod fault;
mod intrinsics;
mod outputs;
mod parameters;
mod property;
mod reference;
mod resource;
mod substitution;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;

use host::cache::Address;
use host::definition::Definition;

use self::evaluator::{Evaluator, Section, section};
use self::fault::Fault;
use self::parameters::Values;
use self::resource::{Kind, Resource};
use crate::local::protocol::{LeftOut, OutputValue, WithoutEffect};
use crate::stack::template::{Node, Template, TemplateError};

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
    /// What the template sets of what is made here, and nothing comes of.
    pub(crate) without_effect: Vec<WithoutEffect>,
    /// What is not here as the user has it, each in one sentence.
    pub(crate) notes: Vec<String>,
}

/// Evaluates the whole template.
pub(crate) fn evaluate(template: &Template, context: &Context) -> Result<Evaluated, TemplateError> {
    let Values { by_name, notes } = parameters::values(template, context)?;
    let mut evaluated = Evaluator::new(template, context, by_name)
        .and_then(|evaluator| evaluate_stack(evaluator, template.root()))
        .map_err(|fault| fault.in_file(template.path()))?;
    evaluated.notes = notes;
    Ok(evaluated)
}

/// In CloudFormation's order: the values must keep the rules, then conditions choose what is there.
fn evaluate_stack<'t>(mut evaluator: Evaluator<'t>, root: &'t Node) -> Result<Evaluated, Fault> {
    for entry in section(root, "Rules")? {
        evaluator.rule(entry)?;
    }
    evaluator.section = Section::Conditions;
    for entry in section(root, "Conditions")? {
        evaluator.condition(&entry.key, entry.at)?;
    }
    evaluator.section = Section::Stack;
    let entries = section(root, "Resources")?;
    evaluator.find_resources(entries)?;
    let mut resources = Vec::with_capacity(entries.len());
    for entry in entries {
        if evaluator.is_in_stack(&entry.key) {
            resources.push(evaluator.resource(&entry.key, entry.at)?);
        }
    }
    let outputs = outputs::read(&mut evaluator, section(root, "Outputs")?)?;
    let definition = definition::define(&resources, evaluator.context)?;
    let mut without_effect = Vec::new();
    for resource in &resources {
        without_effect.append(&mut effect::without(resource)?);
    }
    Ok(Evaluated {
        definition,
        outputs,
        without_effect,
        left_out: resources
            .iter()
            .filter_map(|resource| left_out(resource))
            .collect(),
        notes: Vec::new(),
    })
}

fn left_out(resource: &Resource<'_>) -> Option<LeftOut> {
    matches!(resource.kind, Kind::LeftOut(_)).then(|| LeftOut {
        logical_id: resource.id.to_owned(),
        resource_type: resource.resource_type.to_owned(),
        needless: catalogue::is_needless(resource.resource_type),
    })
}

#[cfg(test)]
mod tests;
