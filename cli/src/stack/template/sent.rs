//! What CloudFormation is sent of a template: all that it acts on, and not what only guides whoever
//! fills a form in. The file has that, for consoles and for this tool, which checks the parameters by
//! it before it sends them.

use super::yaml::{Entry, Node, Value};
use crate::stack::deployed_by;

const METADATA: &str = "Metadata";
/// The groups of the form's questions.
pub(super) const INTERFACE: &str = "AWS::CloudFormation::Interface";
/// A rule in other words.
const CONSTRAINT: &str = "ConstraintDescription";
const DESCRIPTION: &str = "Description";

pub(super) fn sent(mut root: Node) -> Node {
    if let Some(metadata) = value_of(&mut root, METADATA) {
        let removed = remove(metadata, INTERFACE);
        if removed && metadata.entries().is_empty() {
            remove(&mut root, METADATA);
        }
    }
    if let Some(parameters) = value_of(&mut root, "Parameters") {
        for parameter in entries_of(parameters) {
            remove(&mut parameter.value, CONSTRAINT);
        }
    }
    root
}

fn entries_of(node: &mut Node) -> &mut [Entry] {
    match &mut node.value {
        Value::Mapping(entries) => entries,
        Value::Scalar { .. } | Value::Sequence(_) => &mut [],
    }
}

fn value_of<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    let mut entries = entries_of(node).iter_mut();
    let found = entries.find(|entry| entry.key == key);
    found.map(|entry| &mut entry.value)
}

/// Whether it was there.
fn remove(node: &mut Node, key: &str) -> bool {
    let Value::Mapping(entries) = &mut node.value else {
        return false;
    };
    let before = entries.len();
    entries.retain(|entry| entry.key != key);
    entries.len() < before
}

/// The template whose description says which version deployed it.
pub(super) fn described(mut root: Node, version: &str) -> Node {
    let at = root.at;
    let Value::Mapping(entries) = &mut root.value else {
        return root;
    };
    let text = |text: &str| Value::Scalar {
        text: deployed_by::marked(text, version),
        plain: false,
    };
    let found = entries.iter_mut().find(|entry| entry.key == DESCRIPTION);
    match found.map(|entry| &mut entry.value) {
        // What is no text is CloudFormation's to refuse.
        Some(description) => {
            if let Some(own) = description.text().map(str::to_owned) {
                description.value = text(&own);
            }
        }
        None => entries.insert(
            0,
            Entry {
                key: DESCRIPTION.to_owned(),
                at,
                value: Node {
                    tag: None,
                    value: text(""),
                    at,
                },
            },
        ),
    }
    root
}
