//! docs/permissions.md, held against the actions that the sources name and those that
//! CloudFormation's handlers declare for the template's types (`handlers.txt`).

use std::fs;
use std::path::Path;

use regex_lite::Regex;

use super::*;
use crate::stack::template::{Node, Template};

/// Made from AWS's schemas; see its first lines.
const DECLARED: &str = include_str!("handlers.txt");

/// A declared action: the resource's type, the handler (or `tags`), the action.
type Declared = (&'static str, &'static str, &'static str);

/// A row of the document's table of actions that are declared, and not called for this template.
struct LeftOut {
    resource_type: &'static str,
    /// `kms:*` stands for all of a service.
    actions: Vec<&'static str>,
    /// They are called where the resource has one of these, as a property or as a value.
    without: Vec<&'static str>,
}

impl LeftOut {
    fn covers(&self, resource_type: &str, action: &str) -> bool {
        self.resource_type == resource_type
            && self.actions.iter().any(|all| stands_for(all, action))
    }
}

fn stands_for(entry: &str, action: &str) -> bool {
    match entry.strip_suffix('*') {
        Some(service) => action.starts_with(service),
        None => entry == action,
    }
}

fn declared() -> Vec<Declared> {
    let mut found = Vec::new();
    let mut resource_type = "";
    for line in DECLARED.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            None => resource_type = line,
            Some(rest) => {
                let mut words = rest.split(' ');
                let handler = words.next().unwrap();
                found.extend(words.map(|action| (resource_type, handler, action)));
            }
        }
    }
    found
}

fn left_out() -> Vec<LeftOut> {
    let row = |row: Vec<Vec<&'static str>>| LeftOut {
        resource_type: row[0][0],
        actions: row[1].clone(),
        without: row[2].clone(),
    };
    rows("Left out").into_iter().map(row).collect()
}

/// What the tool or CloudFormation is granted for a command.
fn granted(command: &str) -> Grants {
    Grants::tool(command).and(Grants::cloudformation(command))
}

impl Grants {
    /// The resources that an action is granted on.
    fn on(&self, action: &str) -> Vec<&'static str> {
        let rows = self
            .0
            .iter()
            .filter(|(_, actions)| actions.contains(action));
        rows.map(|(resource, _)| *resource).collect()
    }

    fn contains(&self, action: &str) -> bool {
        !self.on(action).is_empty()
    }
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with(file!()) {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_action_that_the_sources_name_is_in_the_document() {
    let mut texts = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources(&folder, &mut texts);
    let action = Regex::new(r#""([a-z0-9]+:[A-Z][A-Za-z]+)""#).unwrap();
    let mut seen = 0;
    for text in &texts {
        for found in action.captures_iter(text) {
            let name = found.get(1).unwrap().as_str();
            assert!(DOCUMENT.contains(&format!("`{name}`")), "{name}");
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

/// What the document lacks for a template.
fn lacking(template: &Template) -> Vec<String> {
    let (declared, left_out) = (declared(), left_out());
    let (deploy, destroy) = (granted("deploy"), granted("destroy"));
    let compare = granted("status --drift");
    let mut lacking = Vec::new();
    for resource in template.root().get("Resources").unwrap().entries() {
        let resource_type = resource.value.get("Type").unwrap().text().unwrap();
        let mut said = BTreeSet::new();
        words(&resource.value, &mut said);
        if !declared.iter().any(|(of, ..)| *of == resource_type) {
            lacking.push(format!("nothing is known of {resource_type}"));
        }
        for (_, handler, action) in declared.iter().filter(|(of, ..)| *of == resource_type) {
            let covers = |row: &&LeftOut| row.covers(resource_type, action);
            let rows: Vec<_> = left_out.iter().filter(covers).collect();
            let excused = !rows.is_empty();
            if *handler == "tags" && excused {
                lacking.push(format!("{action} for the tags of {resource_type}"));
            }
            let mut words = rows.iter().flat_map(|row| &row.without);
            let is_called = words.any(|word| said.contains(word));
            let destroys = matches!(*handler, "read" | "delete");
            let is_granted = deploy.contains(action)
                && (!destroys || destroy.contains(action))
                && (*handler != "read" || compare.contains(action));
            if is_called || (!excused && !is_granted) {
                lacking.push(format!("{action} for {resource_type}"));
            }
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
    let with = |before: &str, added: &str| {
        let both = format!("{before}{added}");
        lacking(&template(|text| text.replacen(before, &both, 1)))
    };
    assert_eq!(
        with("\nResources:\n", "  News: {Type: AWS::SNS::Topic}\n"),
        ["nothing is known of AWS::SNS::Topic"]
    );
    for (property, action) in [
        ("TimeToLiveSpecification", "dynamodb:UpdateTimeToLive"),
        ("KinesisStreamSpecification", "kinesis:DescribeStream"),
    ] {
        let added = format!("      {property}: {{}}\n");
        let lack = with("      BillingMode: PAY_PER_REQUEST\n", &added);
        let expected = format!("{action} for AWS::DynamoDB::Table");
        assert!(lack.contains(&expected), "{lack:?}");
    }
}

#[test]
fn what_is_left_out_is_declared_and_the_types_are_those_of_the_template() {
    let declared = declared();
    for row in left_out() {
        for entry in &row.actions {
            let is_declared = declared
                .iter()
                .any(|(of, _, action)| *of == row.resource_type && stands_for(entry, action));
            assert!(is_declared, "{entry} for {}", row.resource_type);
        }
    }
    let template = template(|text| text);
    for (resource_type, ..) in declared {
        assert!(template.count(resource_type) > 0, "{resource_type}");
    }
}

/// AWS's Service Authorization Reference says which.
#[test]
fn each_action_is_granted_on_the_resource_that_its_api_wants() {
    let deploy = granted("deploy");
    for (action, on) in [
        (
            "logs:TagResource",
            &["logs:REGION:ACCOUNT:log-group:/aws/lambda/STACK-*"][..],
        ),
        (
            "logs:CreateLogGroup",
            &["logs:REGION:ACCOUNT:log-group:/aws/lambda/STACK-*:*"],
        ),
        ("lambda:CreateEventSourceMapping", &["*"]),
        (
            "lambda:TagResource",
            &[
                "lambda:REGION:ACCOUNT:function:STACK-*",
                "lambda:REGION:ACCOUNT:event-source-mapping:*",
            ],
        ),
        (
            "cloudwatch:TagResource",
            &[
                "cloudwatch:REGION:ACCOUNT:alarm:STACK-*",
                "cloudwatch::ACCOUNT:dashboard/STACK-REGION",
            ],
        ),
        (
            "iam:CreateServiceLinkedRole",
            &[
                "iam::ACCOUNT:role/aws-service-role/elasticache.amazonaws.com/\
                 AWSServiceRoleForElastiCache",
            ],
        ),
        ("ec2:DescribeAvailabilityZones", &["*"]),
        (
            "logs:AssociateKmsKey",
            &["logs:REGION:ACCOUNT:log-group:/aws/lambda/STACK-*:*"],
        ),
    ] {
        let on: BTreeSet<String> = on
            .iter()
            .map(|on| match *on {
                "*" => "*".to_owned(),
                on => format!("arn:PARTITION:{on}"),
            })
            .collect();
        let granted: BTreeSet<_> = deploy.on(action).into_iter().map(str::to_owned).collect();
        assert_eq!(granted, on, "{action}");
    }
}
