//! What is done with a request before the engine has it: tables that are named by their ARNs, which
//! DynamoDB takes too, are named as the engine knows them.

use bytes::Bytes;
use serde_json::{Map, Value};

/// The parameter of a batch that has its tables as keys, and the parts of an answer that have them.
const TABLES: &str = "RequestItems";
const ANSWERED: [&str; 3] = ["Responses", "UnprocessedItems", "UnprocessedKeys"];
/// Levels of an expression with which a call may run on any thread's stack: the engine reads
/// expressions, of up to 4 KB, by recursion.
const SHALLOW: usize = 24;

/// A request that the engine may have.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) body: Bytes,
    /// The ARNs by which a batch named its tables, with the tables' names.
    named: Vec<(String, String)>,
}

/// Names tables as the engine does. What is no JSON is left to the engine to refuse.
pub(super) fn prepare(body: Bytes) -> Prepared {
    let named = Vec::new();
    let mut prepared = Prepared { body, named };
    let mut parts = prepared.body.windows(7);
    if parts.any(|part| part == b":table/")
        && let Ok(mut request) = serde_json::from_slice::<Value>(&prepared.body)
    {
        prepared.named = name_tables(&mut request);
        prepared.body = request.to_string().into_bytes().into();
    }
    prepared
}

impl Prepared {
    /// Whether no expression in it can nest so deep that it needs much of a stack: each level takes
    /// a parenthesis or a `NOT`, which JSON can also escape.
    pub(super) fn is_shallow(&self) -> bool {
        let levels = self.body.windows(3).filter(|part| {
            part.starts_with(b"(") || part.starts_with(b"\\u") || part.eq_ignore_ascii_case(b"not")
        });
        levels.count() <= SHALLOW
    }

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

/// Renames tables at any depth; items have no member of these names that is a text.
fn name_tables(value: &mut Value) -> Vec<(String, String)> {
    let mut named = Vec::new();
    match value {
        Value::Array(items) => named.extend(items.iter_mut().flat_map(name_tables)),
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
                    other => named.extend(name_tables(other)),
                }
            }
        }
        _ => {}
    }
    named
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
