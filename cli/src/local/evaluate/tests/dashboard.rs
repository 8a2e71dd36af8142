//! The dashboard of the project's own template: what CloudWatch would only show as an empty graph.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::own_template::own_template;
use super::value::Value;
use super::*;

/// The metrics that there are: namespace, dimensions and names, by the documentation of each
/// service. Those of `cqrs`, some of one function alone, are what the handlers' own tests find in
/// their lines.
const METRICS: &str = "
    AWS/Lambda | FunctionName | Invocations Errors Throttles Duration IteratorAge
    AWS/DynamoDB | TableName | ConsumedWriteCapacityUnits ConditionalCheckFailedRequests \
        WriteThrottleEvents
    AWS/DynamoDB | TableName Operation | SuccessfulRequestLatency SystemErrors
    AWS/SQS | QueueName | ApproximateNumberOfMessagesVisible
    AWS/ElastiCache | CacheClusterId | EngineCPUUtilization CPUUtilization CacheHits CacheMisses \
        DatabaseMemoryUsagePercentage AuthenticationFailures
    cqrs | FunctionName | coldStart
    cqrs shop-subscriber | FunctionName | applied stale failed recordLagMs cacheMs errors incomplete
    cqrs shop-query | FunctionName | cacheMs refused incomplete
    cqrs shop-publisher | FunctionName | refused";
const COMMANDS: [&str; 3] = ["create", "ship", "cancel"];

/// Where the metrics are, with their dimensions and their names.
fn known_metrics() -> impl Iterator<Item = (&'static str, Vec<&'static str>, Vec<&'static str>)> {
    METRICS.trim().lines().map(|line| {
        let mut parts = line.split('|').map(str::trim);
        let place = parts.next().unwrap();
        let mut words = || parts.next().unwrap().split_whitespace().collect();
        (place, words(), words())
    })
}

/// The body of the dashboard as AWS has it, with everything in it resolved.
fn body() -> Json {
    let (template, mut context) = (own_template(), context());
    let on = ("Dashboard".to_owned(), "on".to_owned());
    context.parameters.extend([on]);
    let mut values = parameters::values(&template, &context).unwrap().by_name;
    values.insert("CacheAccess", Value::text(template.root().at, "iam"));
    let (_, resources) = evaluate_resources(&template, &context, values).unwrap();
    let dashboard = resources
        .iter()
        .find(|resource| resource.id == "OperationsDashboard");
    let dashboard = dashboard.unwrap();
    let properties = property::Properties::of(&dashboard.properties).unwrap();
    let body = properties.text("DashboardBody").unwrap().unwrap();
    assert!(!body.contains("${"), "{body}");
    serde_json::from_str(body).unwrap()
}

fn widgets(kind: &str) -> Vec<Json> {
    let body = body();
    let widgets = body["widgets"].as_array().unwrap();
    let of_kind = widgets.iter().filter(|widget| widget["type"] == kind);
    of_kind.cloned().collect()
}

/// Every metric's namespace, name and dimensions, with what `.` and `...` repeat written out.
fn metrics() -> Vec<Vec<String>> {
    let mut metrics = Vec::new();
    for widget in widgets("metric") {
        let mut last: Vec<String> = Vec::new();
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            let texts = metric.as_array().unwrap().iter().filter_map(Json::as_str);
            let texts: Vec<String> = texts.map(str::to_owned).collect();
            if texts != ["..."] {
                let repeated = |(at, text): (usize, String)| match text.as_str() {
                    "." => last[at].clone(),
                    _ => text,
                };
                last = texts.into_iter().enumerate().map(repeated).collect();
            }
            metrics.push(last.clone());
        }
    }
    metrics
}

fn is_known(metric: &[String]) -> bool {
    let [namespace, name, dimensions @ ..] = metric else {
        return false;
    };
    let (keys, values): (Vec<&str>, Vec<&str>) = dimensions
        .chunks(2)
        .map(|pair| (pair[0].as_str(), pair[1].as_str()))
        .unzip();
    if namespace == "cqrs" && name == "commands" {
        return keys == ["FunctionName", "command"]
            && values[0] == "shop-publisher"
            && COMMANDS.contains(&values[1]);
    }
    let of_function = format!("{namespace} {}", values[0]);
    known_metrics().any(|(place, known, names)| {
        (namespace == place || of_function == place)
            && keys == known
            && names.contains(&name.as_str())
    })
}

#[test]
fn every_metric_exists() {
    let metrics = metrics();
    assert!(metrics.len() > 30);
    for metric in &metrics {
        assert!(is_known(metric), "{metric:?}");
    }
}

#[test]
fn every_metric_of_the_handlers_is_shown() {
    let shown: BTreeSet<Vec<String>> = metrics().into_iter().collect();
    let functions = ["shop-publisher", "shop-subscriber", "shop-query"];
    for (place, _, names) in known_metrics() {
        let functions = match place.split_once(' ') {
            Some((_, function)) => vec![function],
            None if place == "cqrs" => functions.to_vec(),
            None => Vec::new(),
        };
        for function in functions {
            for name in &names {
                let metric = ["cqrs", name, "FunctionName", function].map(str::to_owned);
                assert!(shown.contains(metric.as_slice()), "{metric:?}");
            }
        }
    }
    let commands = shown.iter().filter(|metric| metric[1] == "commands");
    assert_eq!(commands.count(), COMMANDS.len());
}

#[test]
fn every_dimension_names_a_resource_of_the_stack() {
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for metric in metrics() {
        for pair in metric[2..].chunks(2) {
            values
                .entry(pair[0].clone())
                .or_default()
                .insert(pair[1].clone());
        }
    }
    let values = serde_json::to_value(values).unwrap();
    assert_eq!(
        values,
        serde_json::json!({
            "CacheClusterId": ["shop-1-001"],
            "FunctionName": ["shop-publisher", "shop-query", "shop-subscriber"],
            "Operation": ["PutItem", "UpdateItem"],
            "QueueName": ["shop-FailuresQueue"],
            "TableName": ["shop-WriteModel"],
            "command": ["cancel", "create", "ship"],
        })
    );
}

#[test]
fn every_alarm_is_shown() {
    let template = own_template();
    let resources = section(template.root(), "Resources").unwrap();
    let kind = |entry: &&crate::stack::template::Entry| {
        entry.value.get("Type").and_then(Node::text) == Some("AWS::CloudWatch::Alarm")
    };
    let alarms = resources.iter().filter(kind).count();
    let widgets = widgets("alarm");
    let shown: BTreeSet<&str> = widgets
        .iter()
        .flat_map(|widget| widget["properties"]["alarms"].as_array().unwrap())
        .map(|arn| arn.as_str().unwrap())
        .collect();
    assert_eq!(shown.len(), alarms);
    let of_stack = "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:shop-";
    assert!(
        shown.iter().all(|arn| arn.starts_with(of_stack)),
        "{shown:?}"
    );
}

#[test]
fn widgets_fit_24_columns_and_cover_each_other_nowhere() {
    let body = body();
    let mut taken = BTreeMap::new();
    for widget in body["widgets"].as_array().unwrap() {
        let side = |name: &str| widget[name].as_u64().unwrap();
        assert!(side("width") > 0 && side("height") > 0, "{widget}");
        assert!(side("x") + side("width") <= 24, "{widget}");
        for x in side("x")..side("x") + side("width") {
            for y in side("y")..side("y") + side("height") {
                let before = taken.insert((x, y), widget);
                assert!(before.is_none(), "{widget} covers {before:?}");
            }
        }
    }
    let lowest = taken.keys().map(|(_, y)| y + 1).max().unwrap();
    let whole = usize::try_from(24 * lowest).unwrap();
    assert_eq!(taken.len(), whole, "there is a hole");
}

#[test]
fn every_graph_has_the_region_a_title_and_a_statistic() {
    let graphs = widgets("metric");
    assert_eq!(graphs.len(), 18);
    for graph in graphs {
        let properties = &graph["properties"];
        assert_eq!(properties["region"], "eu-west-1");
        assert_eq!(properties["period"], 60);
        for name in ["title", "stat"] {
            assert!(!properties[name].as_str().unwrap().is_empty(), "{graph}");
        }
    }
}
