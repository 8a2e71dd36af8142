//! What is done with a request before the engine has it: its expressions are held to DynamoDB's
//! bounds, and tables that are named by their ARNs, which DynamoDB takes too, are named as the engine
//! knows them.

use bytes::Bytes;
use dynoxide::DynoxideError;
use serde_json::{Map, Value};

use super::expression;

/// The parameter of a batch that has its tables as keys, and the parts of an answer that have them.
const TABLES: &str = "RequestItems";
const ANSWERED: [&str; 3] = ["Responses", "UnprocessedItems", "UnprocessedKeys"];

/// A request that the engine may have.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) body: Bytes,
    /// The ARNs by which a batch named its tables, with the tables' names.
    named: Vec<(String, String)>,
}

/// Refuses what is beyond the bounds. What is no JSON is left to the engine to refuse.
pub(super) fn prepare(body: Bytes) -> Result<Prepared, DynoxideError> {
    let names_arns = contains(&body, b":table/");
    let may_exceed = expression::may_exceed(&body) && contains(&body, b"Expression\"");
    let mut prepared = Prepared {
        body,
        named: Vec::new(),
    };
    if (names_arns || may_exceed)
        && let Ok(mut request) = serde_json::from_slice::<Value>(&prepared.body)
    {
        prepared.named = walk(&mut request)?;
        if names_arns {
            prepared.body = request.to_string().into_bytes().into();
        }
    }
    Ok(prepared)
}

impl Prepared {
    /// The answer with the tables as the batch named them.
    pub(super) fn answered(&self, answer: Vec<u8>) -> Vec<u8> {
        if self.named.is_empty() {
            return answer;
        }
        let Ok(mut answered) = serde_json::from_slice::<Value>(&answer) else {
            return answer;
        };
        for part in ANSWERED {
            if let Some(tables) = answered.get_mut(part).and_then(Value::as_object_mut) {
                for (arn, name) in &self.named {
                    rename(tables, name, arn);
                }
            }
        }
        answered.to_string().into_bytes()
    }
}

/// Checks expressions and renames tables at any depth; items have no member of these names that is
/// a text.
fn walk(value: &mut Value) -> Result<Vec<(String, String)>, DynoxideError> {
    let mut named = Vec::new();
    match value {
        Value::Array(items) => {
            for item in items {
                named.extend(walk(item)?);
            }
        }
        Value::Object(members) => {
            if let Some(tables) = members.get_mut(TABLES).and_then(Value::as_object_mut) {
                for arn in tables.keys().cloned().collect::<Vec<_>>() {
                    if let Some(name) = name_in_arn(&arn).map(str::to_owned) {
                        rename(tables, &arn, &name);
                        named.push((arn, name));
                    }
                }
            }
            for (key, member) in members {
                match member {
                    Value::String(text) if key == "TableName" => {
                        if let Some(name) = name_in_arn(text) {
                            *text = name.to_owned();
                        }
                    }
                    Value::String(text) => expression::check(key, text)?,
                    other => named.extend(walk(other)?),
                }
            }
        }
        _ => {}
    }
    Ok(named)
}

/// The table's name, where this is a table's ARN.
fn name_in_arn(text: &str) -> Option<&str> {
    let (place, name) = text.split_once(":table/")?;
    place.starts_with("arn:").then_some(name)
}

fn rename(tables: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = tables.remove(from) {
        tables.insert(to.to_owned(), value);
    }
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}
