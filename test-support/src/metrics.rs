//! What CloudWatch takes out of a log line, by the specification of its embedded metric format.
//!
//! A line that breaks a MUST of it fails the test, where CloudWatch would drop it in silence:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;

use serde_json::Value;

/// The units that CloudWatch has and handlers use.
const UNITS: [&str; 2] = ["Count", "Milliseconds"];

/// One metric of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// `Unit`
    pub unit: String,
    /// The value, or the values, that the line has of it.
    pub values: Vec<f64>,
}

/// The metrics of `line`, each by its place: the namespace, the name, and `key=value` of each
/// dimension, with blanks between them. Empty where the line has none.
#[must_use]
pub fn metrics(line: &Value) -> BTreeMap<String, Metric> {
    let Some(metadata) = line.get("_aws") else {
        return BTreeMap::new();
    };
    let metadata = metadata.as_object().expect("metadata is an object");
    assert_eq!(metadata.len(), 2, "no other members: {metadata:?}");
    assert!(
        metadata["Timestamp"].is_i64(),
        "milliseconds since the epoch"
    );
    let directives = metadata["CloudWatchMetrics"].as_array().expect("an array");
    assert!(!directives.is_empty(), "metadata about nothing: {line}");
    directives
        .iter()
        .flat_map(|directive| of_directive(line, directive))
        .collect()
}

fn of_directive(line: &Value, directive: &Value) -> Vec<(String, Metric)> {
    let directive = directive.as_object().expect("a directive is an object");
    assert_eq!(directive.len(), 3, "no other members: {directive:?}");
    let namespace = text(&directive["Namespace"]);
    let definitions = directive["Metrics"].as_array().expect("an array");
    assert!((1..=100).contains(&definitions.len()), "{directive:?}");
    let sets = directive["Dimensions"].as_array().expect("an array");
    assert!(!sets.is_empty(), "a set of dimensions at least: {line}");
    let mut found = Vec::new();
    for set in sets {
        let keys = set.as_array().expect("a set of dimensions is an array");
        assert!((1..=30).contains(&keys.len()), "{set}");
        let dimensions: String = keys
            .iter()
            .map(|key| format!(" {}={}", text(key), text(&line[text(key)])))
            .collect();
        for definition in definitions {
            let name = text(&definition["Name"]);
            let unit = text(&definition["Unit"]).to_owned();
            assert!(UNITS.contains(&unit.as_str()), "{unit}");
            let values = values(&line[name]);
            let place = format!("{namespace} {name}{dimensions}");
            found.push((place, Metric { unit, values }));
        }
    }
    found
}

/// A number, or up to a hundred of them.
fn values(target: &Value) -> Vec<f64> {
    let numbers = match target {
        Value::Array(numbers) => numbers.as_slice(),
        number => std::slice::from_ref(number),
    };
    assert!((1..=100).contains(&numbers.len()), "{target}");
    numbers
        .iter()
        .map(|number| number.as_f64().expect("a metric is a number"))
        .collect()
}

/// A text that may be a name or the value of a dimension.
fn text(value: &Value) -> &str {
    let text = value.as_str().expect("a text");
    assert!((1..=1024).contains(&text.len()), "{text}");
    text
}
