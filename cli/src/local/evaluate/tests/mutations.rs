//! A template with any mistake is evaluated or refused with the mistake's place.

use std::fs;

use super::*;
use crate::stack::template::{Node, Value};

/// Where a node is: the index at each level.
type Steps = Vec<usize>;

fn collect(node: &Node, steps: &mut Steps, all: &mut Vec<Steps>) {
    all.push(steps.clone());
    let children: Vec<&Node> = match &node.value {
        Value::Scalar { .. } => Vec::new(),
        Value::Sequence(items) => items.iter().collect(),
        Value::Mapping(entries) => entries.iter().map(|entry| &entry.value).collect(),
    };
    for (index, child) in children.into_iter().enumerate() {
        steps.push(index);
        collect(child, steps, all);
        steps.pop();
    }
}

fn node_at<'a>(root: &'a mut Node, steps: &[usize]) -> &'a mut Node {
    steps
        .iter()
        .fold(root, |node, index| match &mut node.value {
            Value::Sequence(items) => &mut items[*index],
            Value::Mapping(entries) => &mut entries[*index].value,
            Value::Scalar { .. } => unreachable!("a scalar has no children"),
        })
}

fn scalar(text: &str) -> Value {
    Value::Scalar {
        text: text.to_owned(),
        plain: true,
    }
}

/// What a mistyped template may have in place of `node`.
fn mistakes(node: &Node) -> Vec<Node> {
    let with = |tag: Option<&str>, value: Value| Node {
        tag: tag.map(str::to_owned),
        value,
        at: node.at,
    };
    vec![
        with(None, scalar("mistake")),
        with(None, scalar("")),
        with(None, Value::Sequence(Vec::new())),
        with(None, Value::Mapping(Vec::new())),
        with(Some("Mistake"), node.value.clone()),
        with(Some("Ref"), scalar("Mistake")),
        with(Some("GetAtt"), scalar("Cache.PrimaryEndPoint.Address")),
        with(
            Some("Split"),
            Value::Sequence(vec![with(None, scalar(".")), node.clone()]),
        ),
    ]
}

#[test]
fn every_mistake_has_its_place_and_none_is_a_panic() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().count();
    let mut template = Template::from_text(Path::new(FILE), text).unwrap();
    let context = context();
    let judged = ["Rules", "Conditions", "Resources", "Outputs"];
    let mut all = Vec::new();
    for (index, entry) in template.root().entries().iter().enumerate() {
        if judged.contains(&entry.key.as_str()) {
            collect(&entry.value, &mut vec![index], &mut all);
        }
    }
    let mut refused = 0;
    for (index, steps) in all.iter().enumerate() {
        let original = node_at(template.root_mut(), steps).clone();
        // Two of the mistakes at each place, in turn: all at all places take long.
        for mistake in mistakes(&original).into_iter().skip(index % 4).step_by(4) {
            *node_at(template.root_mut(), steps) = mistake;
            match evaluate(&template, &context) {
                Ok(_) => {}
                Err(TemplateError::Invalid { at, what, .. }) => {
                    refused += 1;
                    assert!((1..=lines).contains(&at.line), "{at}: {what}");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        *node_at(template.root_mut(), steps) = original;
    }
    // Most are noticed: a text may often be another one.
    assert!(refused > all.len(), "{refused} at {} places", all.len());
}
