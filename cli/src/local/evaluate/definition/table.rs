//! `AWS::DynamoDB::Table`, turned into what `CreateTable` takes.

use std::ops::RangeInclusive;

use host::definition::Table;
use serde_json::{Map, Value, json};

use super::check_name;
use crate::local::evaluate::fault::Result;
use crate::local::evaluate::property::Properties;
use crate::local::evaluate::resource::Resource;

const PROPERTIES: [&str; 20] = [
    "AttributeDefinitions",
    "BillingMode",
    "ContributorInsightsSpecification",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "ImportSourceSpecification",
    "KeySchema",
    "KinesisStreamSpecification",
    "LocalSecondaryIndexes",
    "OnDemandThroughput",
    "PointInTimeRecoverySpecification",
    "ProvisionedThroughput",
    "ResourcePolicy",
    "SSESpecification",
    "StreamSpecification",
    "TableClass",
    "TableName",
    "Tags",
    "TimeToLiveSpecification",
    "WarmThroughput",
];
const STREAM_VIEWS: [&str; 4] = ["KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE"];
const CAPACITY: RangeInclusive<i64> = 1..=1_000_000_000;
const ON_DEMAND: &str = "PAY_PER_REQUEST";
const PROTECTION: &str = "DeletionProtectionEnabled";

pub(super) fn read(resource: &Resource<'_>) -> Result<Table> {
    // Amazon DynamoDB Developer Guide, "Naming rules".
    check_name(resource, 3..=255, "_.-")?;
    let given = Properties::of(&resource.properties)?;
    given.refuse_mistyped(&PROPERTIES)?;
    if given.get("ImportSourceSpecification").is_some() {
        return Err(given.fault("ImportSourceSpecification", "is not there with `--local`"));
    }
    let mut properties = Map::new();
    let attributes = given.sections("AttributeDefinitions")?;
    let attributes: Vec<_> = given
        .required("AttributeDefinitions", attributes)?
        .iter()
        .map(attribute_definition)
        .collect::<Result<_>>()?;
    properties.insert("AttributeDefinitions".to_owned(), attributes.into());
    properties.insert("KeySchema".to_owned(), key_schema(&given)?);
    let mode = given.choice("BillingMode", &["PROVISIONED", ON_DEMAND])?;
    let mode = mode.unwrap_or("PROVISIONED");
    properties.insert("BillingMode".to_owned(), mode.into());
    if mode != ON_DEMAND {
        properties.insert("ProvisionedThroughput".to_owned(), throughput(&given)?);
    }
    if let Some(stream) = given.section("StreamSpecification")? {
        let view = stream.choice("StreamViewType", &STREAM_VIEWS)?;
        let view = stream.required("StreamViewType", view)?;
        // CloudFormation has no `StreamEnabled`: to name the view is to ask for the stream.
        let stream = json!({"StreamEnabled": true, "StreamViewType": view});
        properties.insert("StreamSpecification".to_owned(), stream);
    }
    if let Some(protected) = given.flag(PROTECTION)? {
        properties.insert(PROTECTION.to_owned(), protected.into());
    }
    for name in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        if let Some(indexes) = given.sections(name)? {
            let with_throughput = name == "GlobalSecondaryIndexes" && mode != ON_DEMAND;
            let indexes: Vec<_> = indexes
                .iter()
                .map(|given| index(given, with_throughput))
                .collect::<Result<_>>()?;
            properties.insert(name.to_owned(), indexes.into());
        }
    }
    Ok(Table {
        logical_id: resource.id.to_owned(),
        name: resource.name.clone(),
        properties,
        time_to_live: time_to_live(&given)?,
    })
}

fn attribute_definition(given: &Properties<'_, '_>) -> Result<Value> {
    let name = given.required_text("AttributeName")?;
    let kind = given.choice("AttributeType", &["S", "N", "B"])?;
    let kind = given.required("AttributeType", kind)?;
    Ok(json!({"AttributeName": name, "AttributeType": kind}))
}

fn key_schema(given: &Properties<'_, '_>) -> Result<Value> {
    let keys = given.sections("KeySchema")?;
    let keys = given.required("KeySchema", keys)?;
    let key = |given: &Properties<'_, '_>| {
        let name = given.required_text("AttributeName")?;
        let kind = given.choice("KeyType", &["HASH", "RANGE"])?;
        let kind = given.required("KeyType", kind)?;
        Ok(json!({"AttributeName": name, "KeyType": kind}))
    };
    keys.iter().map(key).collect()
}

fn throughput(given: &Properties<'_, '_>) -> Result<Value> {
    let section = given.section("ProvisionedThroughput")?;
    let section = given.required("ProvisionedThroughput", section)?;
    let units = |name: &str| {
        let units = section.number::<u64>(name, CAPACITY)?;
        section.required(name, units)
    };
    Ok(json!({
        "ReadCapacityUnits": units("ReadCapacityUnits")?,
        "WriteCapacityUnits": units("WriteCapacityUnits")?,
    }))
}

fn index(given: &Properties<'_, '_>, with_throughput: bool) -> Result<Value> {
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
        index["ProvisionedThroughput"] = throughput(given)?;
    }
    Ok(index)
}

fn time_to_live(given: &Properties<'_, '_>) -> Result<Option<String>> {
    let Some(section) = given.section("TimeToLiveSpecification")? else {
        return Ok(None);
    };
    let enabled = section.flag("Enabled")?;
    if !section.required("Enabled", enabled)? {
        return Ok(None);
    }
    section
        .required_text("AttributeName")
        .map(|name| Some(name.to_owned()))
}
