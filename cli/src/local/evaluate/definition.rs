//! What the host is to make, from resources with nothing left to resolve.

mod bucket;
mod function;
mod mapping;
mod queue;
mod table;

use std::collections::HashMap;
use std::rc::Rc;

use host::definition::Definition;

use super::Context;
use super::fault::{Fault, Result, suggestion};
use super::property::Properties;
use super::resource::{Kind, Resource};
use crate::local::protocol::WithoutEffect;

/// Properties that one machine has no use for: keys, roles, backups.
const NEEDLESS: [&str; 27] = [
    "Architectures",
    "BucketEncryption",
    "CodeSigningConfigArn",
    "ContributorInsightsSpecification",
    "Description",
    "EphemeralStorage",
    "KmsDataKeyReusePeriodSeconds",
    "KmsKeyArn",
    "KmsMasterKeyId",
    "MetricsConfig",
    "OnDemandThroughput",
    "OwnershipControls",
    "PointInTimeRecoverySpecification",
    "PublicAccessBlockConfiguration",
    "RecursiveLoop",
    "RedriveAllowPolicy",
    "ResourcePolicy",
    "Role",
    "RuntimeManagementConfig",
    "SSESpecification",
    "SnapStart",
    "SqsManagedSseEnabled",
    "TableClass",
    "Tags",
    "TracingConfig",
    "VpcConfig",
    "WarmThroughput",
];
/// Is near to another property's name, and is no mistake.
const KINESIS_STREAM: &str = "KinesisStreamSpecification";

/// Makes the definition, and finds what the template sets without effect. Mappings come last, since
/// they name the others.
pub(super) fn define(
    resources: &[Rc<Resource>],
    context: &Context,
) -> Result<(Definition, Vec<WithoutEffect>)> {
    let mut definition = Definition {
        region: context.region.clone(),
        ..Definition::default()
    };
    let is_mapping = |resource: &Rc<Resource>| resource.kind == Kind::Mapping;
    let numbered = resources.iter().enumerate();
    let others = numbered
        .clone()
        .filter(|(_, resource)| !is_mapping(resource));
    let mappings = numbered.filter(|(_, resource)| is_mapping(resource));
    let mut names = HashMap::new();
    let mut without_effect = Vec::new();
    for (number, resource) in others.chain(mappings) {
        if resource.kind == Kind::NotMade {
            continue;
        }
        let owned = |fault: Fault| fault.within("resource", &resource.id);
        if let Some(other) = names.insert((resource.kind, &resource.name), &resource.id) {
            let what = format!("the name `{}` is that of `{other}` already", resource.name);
            return Err(owned(Fault::new(resource.at, what)));
        }
        let given = Properties::of(&resource.properties).map_err(owned)?;
        add(&mut definition, resource, &given, context).map_err(owned)?;
        without_effect.push((number, without(resource, &given).map_err(owned)?));
    }
    // In the template's order.
    without_effect.sort_by_key(|(number, _)| *number);
    let without_effect = without_effect.into_iter().flat_map(|(_, without)| without);
    Ok((definition, without_effect.collect()))
}

fn add(
    definition: &mut Definition,
    resource: &Resource,
    given: &Properties<'_>,
    context: &Context,
) -> Result<()> {
    match resource.kind {
        Kind::Table => definition.tables.push(table::read(resource, given)?),
        Kind::Function => {
            let function = function::read(resource, given, context)?;
            definition.functions.push(function);
        }
        Kind::Queue => definition.queues.push(queue::read(resource, given)?),
        Kind::Bucket => definition.buckets.push(bucket::read(resource, given)?),
        Kind::Mapping => {
            let mapping = mapping::read(resource, given, definition, context)?;
            definition.mappings.push(mapping);
        }
        Kind::Cache => {
            given.text("ReplicationGroupId")?;
        }
        Kind::NotMade => {}
    }
    Ok(())
}

/// The properties that come to nothing: those that nothing has asked for, also what AWS adds later.
/// One that is nearly another's name is a mistake.
fn without(resource: &Resource, given: &Properties<'_>) -> Result<Vec<WithoutEffect>> {
    let asked = given.asked();
    let mut without = Vec::new();
    for (name, value) in given.fields() {
        let is_needless = NEEDLESS.contains(&name.as_str());
        if asked.contains(name) && !is_needless {
            continue;
        }
        let needless = is_needless || resource.kind == Kind::Cache;
        if !needless && name != KINESIS_STREAM {
            let known = asked.iter().map(String::as_str).chain(NEEDLESS);
            let near = suggestion(name, known);
            if !near.is_empty() {
                let what = format!("there is no property `{name}`{near}");
                return Err(Fault::new(value.at, what));
            }
        }
        without.push(WithoutEffect {
            logical_id: resource.id.clone(),
            resource_type: resource.resource_type.clone(),
            property: name.clone(),
            needless,
        });
    }
    Ok(without)
}

/// Whether the resource's name has a length and letters that its service takes.
fn check_name(
    resource: &Resource,
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
    let wrong = |c: &char| !c.is_ascii_alphanumeric() && !marks.contains(*c);
    match name.chars().find(wrong) {
        None => Ok(()),
        Some(wrong) => {
            let what = format!("the name `{name}` has a `{wrong}`, which it does not take");
            Err(Fault::new(resource.at, what))
        }
    }
}
