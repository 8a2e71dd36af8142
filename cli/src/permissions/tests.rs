use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex_lite::Regex;

use super::*;
use crate::stack::template::{Node, Template};

fn actions() -> BTreeSet<&'static str> {
    let needs = all().into_iter().flat_map(|(_, needs)| needs);
    needs.flat_map(|(_, actions)| actions).collect()
}

/// Where the table is, which proves nothing of itself.
const TABLE: [&str; 3] = [
    "permissions/table.rs",
    "permissions/handlers.rs",
    "permissions/tests.rs",
];

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs")
            && !TABLE.iter().any(|table| path.ends_with(table))
        {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_action_that_the_sources_name_is_in_the_table() {
    let mut texts = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut texts,
    );
    let action = Regex::new(r#""([a-z0-9]+:[A-Z][A-Za-z]+)""#).unwrap();
    let known = actions();
    let mut seen = 0;
    for text in &texts {
        for found in action.captures_iter(text) {
            let name = found.get(1).unwrap().as_str();
            assert!(
                known.contains(name),
                "{name} is in the sources, not in the table"
            );
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

fn template(edit: impl FnOnce(String) -> String) -> Template {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let text = edit(fs::read_to_string(&path).unwrap());
    Template::from_text(&path, text).unwrap()
}

/// Every key and text inside of a value.
fn words<'a>(node: &'a Node, found: &mut BTreeSet<&'a str>) {
    found.extend(node.tag.as_deref());
    found.extend(node.text());
    for item in node.items() {
        words(item, found);
    }
    for entry in node.entries() {
        found.insert(&entry.key);
        words(&entry.value, found);
    }
}

/// What the table lacks for a template.
fn lacking(template: &Template) -> Vec<String> {
    let declared = handlers::declared();
    let granted = actions();
    let mut lacking = Vec::new();
    for resource in template.root().get("Resources").unwrap().entries() {
        let resource_type = resource.value.get("Type").unwrap().text().unwrap();
        let mut said = BTreeSet::new();
        words(&resource.value, &mut said);
        let mut own = declared
            .iter()
            .filter(|(of, ..)| *of == resource_type)
            .peekable();
        if own.peek().is_none() {
            lacking.push(format!("nothing is known of {resource_type}"));
        }
        for (_, handler, action) in own {
            let mut left_out = handlers::LEFT_OUT
                .iter()
                .filter(|entry| entry.covers(resource_type, action))
                .peekable();
            let excused = left_out.peek().is_some();
            if *handler == "tags" && excused {
                lacking.push(format!("{action} for the tags of {resource_type}"));
            }
            let needed = left_out.any(|entry| entry.without.iter().any(|word| said.contains(word)));
            if needed || (!excused && !granted.contains(action)) {
                lacking.push(format!("{action} for {resource_type}"));
            }
        }
        if said.contains("GetAZs") && !handlers::ZONES.iter().all(|zone| granted.contains(zone)) {
            lacking.push("what Fn::GetAZs calls".to_owned());
        }
    }
    lacking
}

#[test]
fn every_type_property_and_tag_of_the_template_has_its_permissions() {
    assert_eq!(lacking(&template(|text| text)), Vec::<String>::new());
}

#[test]
fn a_type_or_a_property_that_makes_another_call_is_noticed() {
    let add = |resource: &str| {
        let resource = format!("\nResources:\n{resource}");
        lacking(&template(|text| {
            text.replacen("\nResources:\n", &resource, 1)
        }))
    };
    assert_eq!(
        add("  News: {Type: AWS::SNS::Topic}\n"),
        ["nothing is known of AWS::SNS::Topic"]
    );
    let set = |property: &str| {
        let with = format!("      BillingMode: PAY_PER_REQUEST\n      {property}\n");
        let lines = "      BillingMode: PAY_PER_REQUEST\n";
        lacking(&template(|text| text.replacen(lines, &with, 1)))
    };
    let time_to_live = "TimeToLiveSpecification: {AttributeName: gone, Enabled: true}";
    assert!(
        set(time_to_live)
            .iter()
            .all(|lack| lack == "dynamodb:UpdateTimeToLive for AWS::DynamoDB::Table")
    );
    assert!(!set(time_to_live).is_empty());
    assert!(!set("KinesisStreamSpecification: {StreamArn: x}").is_empty());
}

#[test]
fn what_is_left_out_is_declared_and_the_types_are_those_of_the_template() {
    let declared = handlers::declared();
    for entry in &handlers::LEFT_OUT {
        for action in entry.actions {
            let single = |(of, _, found): &(&str, &str, &str)| {
                entry.covers(of, found)
                    && action
                        .strip_suffix('*')
                        .map_or(found == action, |service| found.starts_with(service))
            };
            assert!(declared.iter().any(single), "{action} is not declared");
        }
    }
    let template = template(|text| text);
    let known: BTreeSet<&str> = declared.iter().map(|(of, ..)| *of).collect();
    for resource_type in known {
        assert!(template.count(resource_type) > 0, "{resource_type}");
    }
}

#[test]
fn each_action_is_allowed_on_the_resource_that_its_api_wants() {
    let deploy = &all()[0].1;
    let on = |action: &str| -> Vec<Kind> {
        let kinds = deploy
            .iter()
            .filter(|(_, actions)| actions.contains(action));
        kinds.map(|(kind, _)| *kind).collect()
    };
    // On log groups without what is in them.
    assert_eq!(on("logs:TagResource"), [Kind::LogGroupItself]);
    assert_eq!(on("logs:CreateLogGroup"), [Kind::LogGroup]);
    assert_eq!(on("lambda:TagResource"), [Kind::Function, Kind::Mapping]);
    assert_eq!(on("cloudwatch:TagResource"), [Kind::Alarm, Kind::Dashboard]);
    assert_eq!(on("iam:CreateServiceLinkedRole"), [Kind::ServiceRole]);
    assert_eq!(on("ec2:DescribeAvailabilityZones"), [Kind::Any]);
    for action in [
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeNetworkInterfaces",
        "elasticache:DecreaseReplicaCount",
        "elasticache:IncreaseReplicaCount",
        "elasticache:ModifyUser",
        "elasticache:ModifyUserGroup",
        "iam:GetRole",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
    ] {
        assert!(!on(action).is_empty(), "{action}");
    }
}

/// The table as docs/permissions.md has it.
fn markdown() -> String {
    let mut text = String::new();
    for (command, needs) in all() {
        text.push_str(&format!("\n## `cqrs {command}`\n\n"));
        text.push_str("| On | Actions |\n|---|---|\n");
        for (on, actions) in needs {
            let actions: Vec<String> = actions.iter().map(|a| format!("`{a}`")).collect();
            let on = on.arn(&Place {
                partition: "PARTITION",
                region: "REGION",
                account: "ACCOUNT",
                stack: "STACK",
                bucket: "BUCKET",
            });
            // One function stands for all three where IAM is asked.
            let on = on.replace("-publisher", "-*");
            text.push_str(&format!("| `{on}` | {} |\n", actions.join(", ")));
        }
    }
    text.push_str("\n## Left out\n\n");
    text.push_str("Declared by CloudFormation's handlers, and called only for what the template does not say:\n\n");
    text.push_str("| Type | Actions | Called only with |\n|---|---|---|\n");
    for entry in &handlers::LEFT_OUT {
        text.push_str(&entry.markdown());
    }
    text
}

#[test]
fn the_document_has_the_table_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/permissions.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("\n## ").unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{head}{}", markdown())).unwrap();
        return;
    }
    assert!(
        format!("\n## {rest}") == markdown(),
        "docs/permissions.md is out of date; renew it with \
         `UPDATE_DOCS=1 cargo test -p cqrs permissions`"
    );
}
