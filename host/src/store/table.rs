//! Making a table what its definition says.

use std::collections::BTreeMap;

use dynoxide::{Database, DynoxideError};
use serde_json::{Map, Value, json};

use super::api::{self, Api};
use super::{StoreError, TableChange, wire};
use crate::definition::Table;

/// One table, and the calls that are made for it.
struct Calls<'a> {
    api: &'a Api,
    database: &'a Database,
    table: &'a str,
}

/// See [`super::Store::apply`].
pub(super) fn apply(
    api: &Api,
    database: &Database,
    table: &Table,
) -> Result<TableChange, StoreError> {
    let calls = Calls {
        api,
        database,
        table: &table.name,
    };
    let wanted = wanted(&table.properties);
    let change = match calls.describe()? {
        None => {
            calls.call("CreateTable", wanted)?;
            TableChange::Created
        }
        Some(found) => {
            calls.refuse_replacement(&wanted, &found)?;
            let updates = updates(&wanted, &found);
            let change = if updates.is_empty() {
                TableChange::Unchanged
            } else {
                TableChange::Updated
            };
            for update in updates {
                calls.call("UpdateTable", update)?;
            }
            change
        }
    };
    let kept = calls.time_to_live(table.time_to_live.as_deref())?;
    Ok(match change {
        TableChange::Unchanged if !kept => TableChange::Updated,
        change => change,
    })
}

/// See [`super::Store::remove`].
pub(super) fn remove(api: &Api, database: &Database, table: &str) -> Result<(), StoreError> {
    let calls = Calls {
        api,
        database,
        table,
    };
    let Some(found) = calls.describe()? else {
        return Ok(());
    };
    // Whether to remove is the stack's business, which has asked already.
    if found["DeletionProtectionEnabled"] == true {
        let off = json!({"DeletionProtectionEnabled": false});
        calls.call("UpdateTable", members(off))?;
    }
    calls.call("DeleteTable", Map::new())?;
    api.bump();
    Ok(())
}

impl Calls<'_> {
    /// Makes a call about the table.
    fn call(&self, operation: &str, request: Map<String, Value>) -> Result<Value, StoreError> {
        self.answer(operation, request)
            .map_err(|error| match wire::store_error(error) {
                StoreError::Unusable(message) => StoreError::Refused {
                    table: self.table.to_owned(),
                    message,
                },
                error => error,
            })
    }

    fn answer(
        &self,
        operation: &str,
        mut request: Map<String, Value>,
    ) -> Result<Value, DynoxideError> {
        request.insert("TableName".to_owned(), self.table.into());
        let internal = |error: serde_json::Error| {
            DynoxideError::InternalServerError(format!("{operation}: {error}"))
        };
        let handler = api::handler(operation)
            .ok_or_else(|| DynoxideError::InternalServerError(operation.to_owned()))?;
        let body = serde_json::to_vec(&request).map_err(internal)?;
        let answer = handler(self.api, self.database, &body)?;
        serde_json::from_slice(&answer).map_err(internal)
    }

    fn describe(&self) -> Result<Option<Value>, StoreError> {
        match self.answer("DescribeTable", Map::new()) {
            Ok(mut answer) => Ok(Some(answer["Table"].take())),
            Err(DynoxideError::ResourceNotFoundException(_)) => Ok(None),
            Err(error) => Err(wire::store_error(error)),
        }
    }

    /// What `UpdateTable` cannot change.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html>
    fn refuse_replacement(
        &self,
        wanted: &Map<String, Value>,
        found: &Value,
    ) -> Result<(), StoreError> {
        let differs = |property: &'static str| {
            Err(StoreError::Replacement {
                table: self.table.to_owned(),
                property,
            })
        };
        let keys = key_schema(wanted.get("KeySchema"));
        if keys != key_schema(found.get("KeySchema")) {
            return differs("KeySchema");
        }
        let types = attribute_types(wanted.get("AttributeDefinitions"));
        let old_types = attribute_types(found.get("AttributeDefinitions"));
        if keys.keys().any(|key| types.get(key) != old_types.get(key)) {
            return differs("AttributeDefinitions");
        }
        let property = "LocalSecondaryIndexes";
        if indexes(wanted.get(property)) != indexes(found.get(property)) {
            return differs(property);
        }
        Ok(())
    }

    /// Whether the time to live was as it is to be already.
    fn time_to_live(&self, wanted: Option<&str>) -> Result<bool, StoreError> {
        let found = self.call("DescribeTimeToLive", Map::new())?;
        let found = &found["TimeToLiveDescription"];
        let enabled = found["TimeToLiveStatus"] == "ENABLED";
        let attribute = found["AttributeName"].as_str().filter(|_| enabled);
        if attribute == wanted {
            return Ok(true);
        }
        let steps = [
            attribute.map(|name| (name, false)),
            wanted.map(|name| (name, true)),
        ];
        for (name, enable) in steps.into_iter().flatten() {
            let specification =
                json!({"TimeToLiveSpecification": {"AttributeName": name, "Enabled": enable}});
            self.call("UpdateTimeToLive", members(specification))?;
        }
        Ok(false)
    }
}

/// The properties as `CreateTable` takes them: CloudFormation's say of a stream only its view.
fn wanted(properties: &Map<String, Value>) -> Map<String, Value> {
    let mut wanted = properties.clone();
    if let Some(Value::Object(stream)) = wanted.get_mut("StreamSpecification") {
        let enabled = stream.contains_key("StreamViewType");
        stream
            .entry("StreamEnabled")
            .or_insert_with(|| enabled.into());
    }
    wanted
}

/// The calls of `UpdateTable` that make the one the other, one change at a time as DynamoDB wants
/// it.
fn updates(wanted: &Map<String, Value>, found: &Value) -> Vec<Map<String, Value>> {
    let mut updates = Vec::new();
    let mut update = |request: Value| updates.push(members(request));

    let mode = |value: Option<&Value>| {
        value
            .and_then(Value::as_str)
            .unwrap_or("PROVISIONED")
            .to_owned()
    };
    let (new, old) = (
        mode(wanted.get("BillingMode")),
        mode(found.pointer("/BillingModeSummary/BillingMode")),
    );
    let throughput = wanted.get("ProvisionedThroughput");
    let provisioned = new == "PROVISIONED";
    if new != old {
        let mut request = json!({"BillingMode": new});
        if let (true, Some(throughput)) = (provisioned, throughput) {
            request["ProvisionedThroughput"] = throughput.clone();
        }
        update(request);
    } else if let (true, Some(throughput)) = (provisioned, throughput) {
        let units = ["ReadCapacityUnits", "WriteCapacityUnits"];
        let same = |name: &&str| throughput[*name] == found["ProvisionedThroughput"][*name];
        if !units.iter().all(same) {
            update(json!({"ProvisionedThroughput": throughput}));
        }
    }

    let view = |stream: Option<&Value>| {
        let stream = stream.filter(|stream| stream["StreamEnabled"] == true)?;
        let view = stream["StreamViewType"].as_str();
        Some(view.unwrap_or("NEW_AND_OLD_IMAGES").to_owned())
    };
    let (new, old) = (
        view(wanted.get("StreamSpecification")),
        view(found.get("StreamSpecification")),
    );
    if new != old {
        if old.is_some() {
            update(json!({"StreamSpecification": {"StreamEnabled": false}}));
        }
        if let Some(view) = new {
            let stream = json!({"StreamEnabled": true, "StreamViewType": view});
            update(json!({"StreamSpecification": stream}));
        }
    }

    let property = "DeletionProtectionEnabled";
    let protected = |table: Option<&Value>| table.and_then(Value::as_bool).unwrap_or(false);
    let (new, old) = (wanted.get(property), found.get(property));
    if protected(new) != protected(old) {
        update(json!({property: protected(new)}));
    }

    let property = "GlobalSecondaryIndexes";
    let (new, old) = (indexes(wanted.get(property)), indexes(found.get(property)));
    for name in old.keys().filter(|name| new.get(*name) != old.get(*name)) {
        let delete = json!({"Delete": {"IndexName": name}});
        update(json!({"GlobalSecondaryIndexUpdates": [delete]}));
    }
    for index in list(wanted.get(property)) {
        let name = index["IndexName"].as_str().unwrap_or_default();
        if new.get(name) != old.get(name) {
            update(json!({
                "AttributeDefinitions": wanted.get("AttributeDefinitions"),
                "GlobalSecondaryIndexUpdates": [{"Create": index}],
            }));
        }
    }
    updates
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value
        .and_then(Value::as_array)
        .map_or(&[], |list| list.as_slice())
}

fn texts<'a>(value: Option<&'a Value>, key: &str, of: &str) -> BTreeMap<&'a str, &'a str> {
    list(value)
        .iter()
        .filter_map(|entry| Some((entry[key].as_str()?, entry[of].as_str()?)))
        .collect()
}

fn key_schema(value: Option<&Value>) -> BTreeMap<&str, &str> {
    texts(value, "AttributeName", "KeyType")
}

fn attribute_types(value: Option<&Value>) -> BTreeMap<&str, &str> {
    texts(value, "AttributeName", "AttributeType")
}

/// What makes an index this one: its keys, and what it holds of an item.
type Index<'a> = (BTreeMap<&'a str, &'a str>, &'a str, Vec<&'a str>);

fn indexes(value: Option<&Value>) -> BTreeMap<&str, Index<'_>> {
    list(value).iter().filter_map(index).collect()
}

fn index(entry: &Value) -> Option<(&str, Index<'_>)> {
    let projection = &entry["Projection"];
    let mut held: Vec<&str> = list(projection.get("NonKeyAttributes"))
        .iter()
        .filter_map(Value::as_str)
        .collect();
    held.sort_unstable();
    let kind = projection["ProjectionType"].as_str().unwrap_or("ALL");
    Some((
        entry["IndexName"].as_str()?,
        (key_schema(entry.get("KeySchema")), kind, held),
    ))
}
