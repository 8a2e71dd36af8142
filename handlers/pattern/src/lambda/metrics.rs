//! CloudWatch's embedded metric format: what makes members of a log line metrics.
//!
//! A member `_aws` of the line names them, and CloudWatch Logs takes their values from the line:
//! no call, no connection, no thread, and no permission but that to log. The format's terms and
//! limits are those of its specification:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::borrow::Cow;

use serde::Serialize;

/// The namespace of all metrics here.
const NAMESPACE: &str = "cqrs";
/// The dimension that every metric has, named as in Lambda's own metrics. It is also the member
/// that holds the function's name.
pub(super) const FUNCTION: &str = "FunctionName";
/// The most values of one metric in one line.
pub(super) const MOST_VALUES: usize = 100;

/// The unit of a metric, by CloudWatch's name.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) enum Unit {
    Count,
    Milliseconds,
}

/// The metrics of one line.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    of_function: Vec<Definition>,
    by: Vec<(&'static str, Definition)>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    unit: Unit,
}

/// The value of `_aws`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    timestamp: i64,
    cloud_watch_metrics: Vec<Directive<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'static str,
    dimensions: [Vec<&'static str>; 1],
    metrics: &'a [Definition],
}

impl Metrics {
    /// Makes the member `name` a metric of the function.
    pub(super) fn add(&mut self, name: &'static str, unit: Unit) {
        self.of_function.push(Definition { name, unit });
    }

    /// Makes the member `name` a metric of the function for each value of the member `dimension`.
    /// Each value is a metric of its own on the bill, so there may be few.
    pub(super) fn add_by(&mut self, dimension: &'static str, name: &'static str, unit: Unit) {
        self.by.push((dimension, Definition { name, unit }));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of_function.is_empty() && self.by.is_empty()
    }

    /// The value of `_aws` in a line of the time `millis`.
    pub(super) fn metadata(&self, millis: i64) -> impl Serialize {
        let mut directives = Vec::with_capacity(1 + self.by.len());
        if !self.of_function.is_empty() {
            directives.push(directive(vec![FUNCTION], &self.of_function));
        }
        for (dimension, definition) in &self.by {
            let dimensions = vec![FUNCTION, *dimension];
            directives.push(directive(dimensions, std::slice::from_ref(definition)));
        }
        Metadata {
            timestamp: millis,
            cloud_watch_metrics: directives,
        }
    }
}

fn directive<'a>(dimensions: Vec<&'static str>, metrics: &'a [Definition]) -> Directive<'a> {
    Directive {
        namespace: NAMESPACE,
        dimensions: [dimensions],
        metrics,
    }
}

/// At most [`MOST_VALUES`] of `values`, spread evenly over them in their order of size, so that
/// the smallest, the largest and the percentiles stay what they are.
pub(super) fn spread(values: &[i64]) -> Cow<'_, [i64]> {
    if values.len() <= MOST_VALUES {
        return Cow::Borrowed(values);
    }
    let mut values = values.to_vec();
    values.sort_unstable();
    let last = values.len() - 1;
    let places = (0..MOST_VALUES).map(|nth| nth * last / (MOST_VALUES - 1));
    places
        .filter_map(|place| values.get(place).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_for_one_line_keeps_its_ends_and_its_shape() {
        let few: Vec<i64> = (0..100).rev().collect();
        assert_eq!(spread(&few), few);
        let many: Vec<i64> = (0..1000).rev().collect();
        let many = spread(&many);
        assert_eq!(many.len(), MOST_VALUES);
        assert_eq!((many[0], many[99]), (0, 999));
        assert!((490..510).contains(&many[49]), "{many:?}");
        assert_eq!(spread(&[7; 101]), vec![7; MOST_VALUES]);
        assert!(spread(&[]).is_empty());
    }
}
