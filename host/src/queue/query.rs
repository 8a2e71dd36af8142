//! SQS's older protocol: parameters as a form, answers in XML.
//!
//! A form such as `Action=ReceiveMessage&AttributeName.1=All` becomes the JSON protocol's document,
//! and the JSON protocol's answer becomes XML. Lists are flat in both directions, and maps are lists
//! of a name and a value. (SQS API reference, "Making query API requests")

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::xml::Element;

use super::error::Failure;

/// The namespace of the answers.
const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

/// A form, read.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) action: String,
    /// As the JSON protocol has them.
    pub(super) parameters: Value,
}

/// Reads a form. Where it names no queue, the queue is the one at `path`, as in SQS's own URLs.
pub(super) fn read(path: &str, form: &[u8]) -> Form {
    let mut action = String::new();
    let mut root = Node::default();
    for (name, value) in form_urlencoded::parse(form) {
        match name.as_ref() {
            "Action" => action = value.into_owned(),
            "Version" => {}
            name => root.put(name, value),
        }
    }
    let mut parameters = root.object();
    if path.len() > 1 {
        let url = || Value::String(path.to_owned());
        parameters.entry("QueueUrl").or_insert_with(url);
    }
    Form {
        action,
        parameters: Value::Object(parameters),
    }
}

/// The parts of a parameter's name, between its dots.
#[derive(Debug, Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn put(&mut self, name: &str, value: Cow<'_, str>) {
        let node = name.split('.').fold(self, |node, part| {
            node.children.entry(part.to_owned()).or_default()
        });
        node.text = Some(value.into_owned());
    }

    fn object(self) -> Map<String, Value> {
        let pairs = self.children.into_iter().map(|(name, node)| {
            let value = match name.as_str() {
                "Attribute" | "MessageAttribute" | "MessageSystemAttribute" => {
                    return (format!("{name}s"), node.map());
                }
                "AttributeName" | "MessageAttributeName" | "MessageSystemAttributeName" => {
                    return (format!("{name}s"), node.list());
                }
                entries if entries.ends_with("RequestEntry") => {
                    return ("Entries".to_owned(), node.list());
                }
                _ => node.value(),
            };
            (name, value)
        });
        pairs.collect()
    }

    fn value(self) -> Value {
        match self.text {
            Some(text) => Value::String(text),
            None => Value::Object(self.object()),
        }
    }

    /// `Name.1`, `Name.2`; also a single one without its number.
    fn list(self) -> Value {
        if let Some(text) = self.text {
            return Value::Array(vec![Value::String(text)]);
        }
        let mut items: Vec<(u32, Node)> = self
            .children
            .into_iter()
            .filter_map(|(number, node)| Some((number.parse().ok()?, node)))
            .collect();
        items.sort_by_key(|(number, _)| *number);
        items.into_iter().map(|(_, node)| node.value()).collect()
    }

    /// `Name.1.Name` and `Name.1.Value`, and so on.
    fn map(self) -> Value {
        let pairs = self.children.into_values().filter_map(|mut pair| {
            let name = pair.children.remove("Name")?.text?;
            let value = pair.children.remove("Value")?.value();
            Some((name, value))
        });
        Value::Object(pairs.collect())
    }
}

/// The answer to a call that was done.
pub(super) fn success(action: &str, result: &Value, request_id: &str) -> String {
    let mut response = Element::document(&format!("{action}Response"), NAMESPACE);
    if let Value::Object(members) = result
        && !members.is_empty()
    {
        let mut element = response.child(&format!("{action}Result"));
        write_members(&mut element, action, members);
    }
    response
        .child("ResponseMetadata")
        .text("RequestId", request_id);
    response.finish()
}

/// The answer to a call that was not done.
pub(super) fn failure(failure: &Failure, request_id: &str) -> String {
    let mut response = Element::document("ErrorResponse", NAMESPACE);
    let mut error = response.child("Error");
    error.text("Type", failure.code().fault());
    error.text("Code", failure.code().query());
    error.text("Message", &failure.to_string());
    error.text("Detail", "");
    drop(error);
    response.text("RequestId", request_id);
    response.finish()
}

fn write_members(element: &mut Element<'_>, action: &str, members: &Map<String, Value>) {
    for (name, value) in members {
        match value {
            Value::Array(items) => {
                let name = match name.as_str() {
                    "Failed" => "BatchResultErrorEntry".to_owned(),
                    "Successful" => format!("{action}ResultEntry"),
                    plural => plural.trim_end_matches('s').to_owned(),
                };
                for item in items {
                    write(element, action, &name, item);
                }
            }
            Value::Object(map) if name == "Attributes" || name == "MessageAttributes" => {
                for (key, value) in map {
                    let mut pair = element.child(name.trim_end_matches('s'));
                    pair.text("Name", key);
                    write(&mut pair, action, "Value", value);
                }
            }
            value => write(element, action, name, value),
        }
    }
}

fn write(element: &mut Element<'_>, action: &str, name: &str, value: &Value) {
    match value {
        Value::Object(members) => write_members(&mut element.child(name), action, members),
        Value::String(text) => element.text(name, text),
        other => element.text(name, &other.to_string()),
    }
}
