//! What the host is told to make, from resources with nothing left to resolve.

mod function;
mod mapping;
mod queue;
mod table;

use std::rc::Rc;

use host::definition::Definition;

use super::Context;
use super::fault::{Fault, Result};
use super::resource::{Kind, Resource};

/// Makes the definition. Mappings come last, since they name the others.
pub(super) fn define(resources: &[Rc<Resource<'_>>], context: &Context) -> Result<Definition> {
    let mut definition = Definition {
        region: context.region.clone(),
        ..Definition::default()
    };
    for resource in resources {
        add(&mut definition, resource, context).map_err(|fault| owned(fault, resource))?;
    }
    for resource in resources {
        if let Kind::Mapping = resource.kind {
            let mapping = mapping::read(resource, &definition, context)
                .map_err(|fault| owned(fault, resource))?;
            definition.mappings.push(mapping);
        }
    }
    Ok(definition)
}

fn owned(fault: Fault, resource: &Resource<'_>) -> Fault {
    fault.within("resource", resource.id)
}

fn add(definition: &mut Definition, resource: &Resource<'_>, context: &Context) -> Result<()> {
    match resource.kind {
        Kind::Table => {
            let table = table::read(resource)?;
            let mut others = definition.tables.iter();
            unique(
                resource,
                others
                    .find(|other| other.name == table.name)
                    .map(|t| &t.logical_id),
            )?;
            definition.tables.push(table);
        }
        Kind::Function => {
            let function = function::read(resource, context)?;
            let mut others = definition.functions.iter();
            unique(
                resource,
                others
                    .find(|other| other.name == function.name)
                    .map(|f| &f.logical_id),
            )?;
            definition.functions.push(function);
        }
        Kind::Queue => {
            let queue = queue::read(resource)?;
            let mut others = definition.queues.iter();
            unique(
                resource,
                others
                    .find(|other| other.name == queue.name)
                    .map(|q| &q.logical_id),
            )?;
            definition.queues.push(queue);
        }
        Kind::Mapping | Kind::ReplicationGroup | Kind::LeftOut(_) => {}
    }
    Ok(())
}

fn unique(resource: &Resource<'_>, other: Option<&String>) -> Result<()> {
    match other {
        None => Ok(()),
        Some(other) => {
            let what = format!("the name `{}` is that of `{other}` already", resource.name);
            Err(Fault::new(resource.at, what))
        }
    }
}

/// Whether the resource's name has a length and letters that its service takes.
fn check_name(
    resource: &Resource<'_>,
    lengths: std::ops::RangeInclusive<usize>,
    marks: &str,
) -> Result<()> {
    let name = &resource.name;
    let length = name.chars().count();
    if !lengths.contains(&length) {
        let (min, max) = (lengths.start(), lengths.end());
        let what = format!("the name `{name}` has {length} characters, and takes {min} to {max}");
        return Err(Fault::new(resource.at, what));
    }
    match name
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !marks.contains(*c))
    {
        None => Ok(()),
        Some(wrong) => {
            let what = format!("the name `{name}` has a `{wrong}`, which it does not take");
            Err(Fault::new(resource.at, what))
        }
    }
}
