//! What is different between two definitions of a stack.

use host::definition::Definition;
use serde_json::Value;

use crate::stack::change_set::{Action, ResourceChanged};

/// The kinds of resource in a definition, as its JSON and as CloudFormation name them.
const KINDS: [(&str, &str); 5] = [
    ("tables", "AWS::DynamoDB::Table"),
    ("queues", "AWS::SQS::Queue"),
    ("buckets", "AWS::S3::Bucket"),
    ("functions", "AWS::Lambda::Function"),
    ("mappings", "AWS::Lambda::EventSourceMapping"),
];

/// What it takes to come from `before`, or from nothing, to `after`.
pub(crate) fn changes(before: Option<&Definition>, after: &Definition) -> Vec<ResourceChanged> {
    // Definitions are plain data: they always have a JSON form.
    let json = |definition: &Definition| serde_json::to_value(definition).unwrap_or_default();
    let before = before.map(json).unwrap_or_default();
    let after = json(after);
    let mut changes = Vec::new();
    for (kind, resource_type) in KINDS {
        let mut add = |resource: &Value, action| {
            let id = id(resource).unwrap_or_default();
            changes.push(ResourceChanged::new(action, id, resource_type));
        };
        for resource in items(&after, kind) {
            match find(&before, kind, id(resource)) {
                None => add(resource, Action::Add),
                Some(was) if was != resource => add(resource, Action::Modify),
                Some(_) => {}
            }
        }
        for resource in items(&before, kind) {
            if find(&after, kind, id(resource)).is_none() {
                add(resource, Action::Remove);
            }
        }
    }
    changes
}

fn items<'a>(definition: &'a Value, kind: &str) -> &'a [Value] {
    definition
        .get(kind)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn id(resource: &Value) -> Option<&str> {
    resource.get("logical_id").and_then(Value::as_str)
}

fn find<'a>(definition: &'a Value, kind: &str, wanted: Option<&str>) -> Option<&'a Value> {
    items(definition, kind)
        .iter()
        .find(|resource| id(resource) == wanted)
}

#[cfg(test)]
mod tests {
    use host::definition::Queue;

    use super::*;

    fn queue(name: &str, delay: u32) -> Queue {
        Queue {
            logical_id: name.to_owned(),
            name: format!("cqrs-{name}"),
            visibility_timeout_seconds: 30,
            message_retention_seconds: 60,
            delay_seconds: delay,
            receive_wait_seconds: 0,
        }
    }

    fn of(queues: Vec<Queue>) -> Definition {
        Definition {
            queues,
            ..Definition::default()
        }
    }

    #[test]
    fn what_is_new_changed_and_gone_is_known_by_logical_id() {
        let before = of(vec![
            queue("Kept", 0),
            queue("Changed", 0),
            queue("Gone", 0),
        ]);
        let after = of(vec![queue("Kept", 0), queue("Changed", 1), queue("New", 0)]);
        let changes = changes(Some(&before), &after);
        let shown: Vec<_> = changes
            .iter()
            .map(|change| (change.action, change.logical_id.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (Action::Modify, "Changed"),
                (Action::Add, "New"),
                (Action::Remove, "Gone"),
            ]
        );
        assert_eq!(changes[0].resource_type, "AWS::SQS::Queue");
    }

    #[test]
    fn a_definition_does_not_differ_from_itself() {
        let same = of(vec![queue("Kept", 0)]);
        assert_eq!(changes(Some(&same), &same), []);
    }
}
