//! The template, evaluated for this machine: parameters, conditions and intrinsic functions.
//!
//! Everything is evaluated, also what is not made here, so that a mistake is said on this machine
//! and not only on AWS. Macros, transforms, dynamic references and what other stacks export need
//! AWS's own services; they are refused.

mod call;
mod condition;
mod definition;
mod evaluator;
mod fault;
mod functions;
mod names;
mod parameters;
mod property;
mod resource;
mod stand_in;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use host::cache::Address;
use host::definition::Definition;

use self::call::View;
use self::evaluator::{Evaluator, section};
use self::fault::Fault;
use self::parameters::Values;
use self::resource::{Kind, Resource};
use crate::local::protocol::{LeftOut, WithoutEffect};
use crate::stack::state::Output;
use crate::stack::template::{Entry, Node, Template, TemplateError};

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
    pub(crate) outputs: Vec<Output>,
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
    let evaluated =
        evaluate_stack(template, context, by_name).map_err(|fault| fault.in_file(template.path()));
    Ok(Evaluated {
        notes,
        ..evaluated?
    })
}

fn evaluate_stack(
    template: &Template,
    context: &Context,
    parameters: parameters::ByName<'_>,
) -> fault::Result<Evaluated> {
    let (mut evaluator, resources) = evaluate_resources(template, context, parameters)?;
    let mut outputs = Vec::new();
    for entry in section(template.root(), "Outputs")? {
        let output = output(&mut evaluator, entry);
        outputs.extend(output.map_err(|fault| fault.within("output", &entry.key))?);
    }
    let (definition, without_effect) = definition::define(&resources, context)?;
    let left_out = resources
        .iter()
        .filter(|resource| resource.kind == Kind::NotMade)
        .map(|resource| LeftOut {
            logical_id: resource.id.clone(),
            resource_type: resource.resource_type.clone(),
            needless: stand_in::is_needless(&resource.resource_type),
        });
    Ok(Evaluated {
        definition,
        outputs,
        without_effect,
        left_out: left_out.collect(),
        notes: Vec::new(),
    })
}

/// In CloudFormation's order: the values must keep the rules, then conditions choose what is there.
fn evaluate_resources<'t>(
    template: &'t Template,
    context: &'t Context,
    parameters: parameters::ByName<'t>,
) -> fault::Result<(Evaluator<'t>, Vec<Rc<Resource>>)> {
    let root = template.root();
    let mut evaluator = Evaluator::new(root, context, parameters)?;
    evaluator.check_names(root)?;
    for entry in section(root, "Rules")? {
        evaluator.rule(entry)?;
    }
    for entry in section(root, "Conditions")? {
        evaluator.condition(&entry.key, entry.at)?;
    }
    let entries = section(root, "Resources")?;
    evaluator.find_resources(entries)?;
    let mut resources = Vec::with_capacity(entries.len());
    for entry in entries {
        if evaluator.is_in_stack(&entry.key) {
            resources.push(evaluator.resource(&entry.key, entry.at)?);
        }
    }
    Ok((evaluator, resources))
}

/// An output's value, where its condition holds.
fn output<'t>(evaluator: &mut Evaluator<'t>, entry: &'t Entry) -> fault::Result<Option<Output>> {
    let node = &entry.value;
    if View::from(node).mapping().is_none() {
        return Err(Fault::new(node.at, "an output is a mapping with a `Value`"));
    }
    let value = node
        .get("Value")
        .ok_or_else(|| Fault::new(entry.at, "there is no `Value`"))?;
    if !evaluator.condition_of(node)? {
        return Ok(None);
    }
    let description = node.get("Description").and_then(Node::text);
    Ok(Some(Output {
        name: entry.key.clone(),
        value: evaluator
            .value(value, "an output")?
            .into_text("an output")?,
        description: description.map(str::to_owned),
    }))
}

#[cfg(test)]
mod tests;
