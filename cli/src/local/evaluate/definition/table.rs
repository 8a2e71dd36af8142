//! `AWS::DynamoDB::Table`, turned into what `CreateTable` takes.

use host::definition::Table;
use serde_json::{Map, Value, json};

use super::check_name;
use crate::local::evaluate::fault::Result;
use crate::local::evaluate::property::Properties;
use crate::local::evaluate::resource::Resource;

const STREAM_VIEWS: [&str; 4] = ["KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE"];
const ON_DEMAND: &str = "PAY_PER_REQUEST";
const PROTECTION: &str = "DeletionProtectionEnabled";
const THROUGHPUT: &str = "ProvisionedThroughput";
const INDEXES: [&str; 2] = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"];

pub(super) fn read(resource: &Resource, given: &Properties<'_>) -> Result<Table> {
    given.text("TableName")?;
    // Amazon DynamoDB Developer Guide, "Naming rules".
    check_name(resource, 3..=255, "_.-")?;
    if given.get("ImportSourceSpecification").is_some() {
        return Err(given.fault("ImportSourceSpecification", "is not there with `--local`"));
    }
    let mut properties = Map::new();
    let mut add = |name: &str, value: Value| properties.insert(name.to_owned(), value);
    let attributes = given.sections("AttributeDefinitions")?;
    let attributes = given.required("AttributeDefinitions", attributes)?;
    let attributes: Vec<Value> = attributes
        .iter()
        .map(|given| pair(given, "AttributeType", &["S", "N", "B"]))
        .collect::<Result<_>>()?;
    add("AttributeDefinitions", attributes.into());
    add("KeySchema", key_schema(given)?);
    let mode = given.choice("BillingMode", &["PROVISIONED", ON_DEMAND])?;
    let mode = mode.unwrap_or("PROVISIONED");
    add("BillingMode", mode.into());
    if mode != ON_DEMAND {
        add(THROUGHPUT, throughput(given)?);
    }
    if let Some(stream) = given.section("StreamSpecification")? {
        let view = stream.choice("StreamViewType", &STREAM_VIEWS)?;
        let view = stream.required("StreamViewType", view)?;
        // CloudFormation has no `StreamEnabled`: to name the view is to ask for the stream.
        let stream = json!({"StreamEnabled": true, "StreamViewType": view});
        add("StreamSpecification", stream);
    }
    if let Some(protected) = given.flag(PROTECTION)? {
        add(PROTECTION, protected.into());
    }
    for name in INDEXES {
        let with_throughput = name == INDEXES[0] && mode != ON_DEMAND;
        if let Some(indexes) = given.sections(name)? {
            let indexes: Vec<Value> = indexes
                .iter()
                .map(|given| index(given, with_throughput))
                .collect::<Result<_>>()?;
            add(name, indexes.into());
        }
    }
    Ok(Table {
        logical_id: resource.id.clone(),
        name: resource.name.clone(),
        properties,
        time_to_live: time_to_live(given)?,
    })
}

/// An attribute's name, and what is said of it.
fn pair(given: &Properties<'_>, second: &str, choices: &[&str]) -> Result<Value> {
    let name = given.required_text("AttributeName")?;
    let choice = given.choice(second, choices)?;
    let choice = given.required(second, choice)?;
    Ok(json!({"AttributeName": name, second: choice}))
}

fn key_schema(given: &Properties<'_>) -> Result<Value> {
    let keys = given.sections("KeySchema")?;
    let keys = given.required("KeySchema", keys)?;
    keys.iter()
        .map(|given| pair(given, "KeyType", &["HASH", "RANGE"]))
        .collect()
}

fn throughput(given: &Properties<'_>) -> Result<Value> {
    let section = given.section(THROUGHPUT)?;
    let section = given.required(THROUGHPUT, section)?;
    let units = |name: &str| {
        let units = section.number::<u64>(name, 1..=1_000_000_000)?;
        section.required(name, units)
    };
    Ok(json!({
        "ReadCapacityUnits": units("ReadCapacityUnits")?,
        "WriteCapacityUnits": units("WriteCapacityUnits")?,
    }))
}

fn index(given: &Properties<'_>, with_throughput: bool) -> Result<Value> {
    let projection = given.section("Projection")?;
    let projection = given.required("Projection", projection)?;
    let kind = projection.choice("ProjectionType", &["ALL", "INCLUDE", "KEYS_ONLY"])?;
    let mut projected = json!({"ProjectionType": kind.unwrap_or("ALL")});
    if projection.get("NonKeyAttributes").is_some() {
        projected["NonKeyAttributes"] = projection.texts("NonKeyAttributes")?.into();
    }
    let mut index = json!({
        "IndexName": given.required_text("IndexName")?,
        "KeySchema": key_schema(given)?,
        "Projection": projected,
    });
    if with_throughput {
        index[THROUGHPUT] = throughput(given)?;
    }
    Ok(index)
}

fn time_to_live(given: &Properties<'_>) -> Result<Option<String>> {
    let Some(section) = given.section("TimeToLiveSpecification")? else {
        return Ok(None);
    };
    let enabled = section.flag("Enabled")?;
    if !section.required("Enabled", enabled)? {
        return Ok(None);
    }
    let name = section.required_text("AttributeName")?;
    Ok(Some(name.to_owned()))
}
