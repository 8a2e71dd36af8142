//! What a stack costs by its parameters: a month while idle, and a million entities that are created,
//! projected and read, each change on its own. An estimate; the numbers are those of docs/cost.md.

use std::fmt;

use serde::Serialize;

use super::preset::NODE_TYPE;
use super::values::Values;
use super::{ARCHITECTURE, Template};
use crate::loadtest::cost::{Machine, dollars};
use crate::prices::{self, Assumed, Node, Prices};

const REPLICATION_GROUP: &str = "AWS::ElastiCache::ReplicationGroup";

/// See the module's documentation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cost {
    region: String,
    /// Of which day; of another day they differ.
    prices: &'static str,
    /// None where the region or the node type has no price in the document.
    after: Option<Figures>,
    /// Of the stack that is there.
    before: Option<Figures>,
    assumptions: Vec<String>,
    #[serde(skip)]
    plural: String,
    #[serde(skip)]
    node_type: String,
}

/// In US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    idle_month: f64,
    per_million: f64,
}

impl Cost {
    /// None for a template without the pattern's cache, of whose costs nothing is known.
    pub(super) fn of(values: &Values<'_>, region: &str, plural: &str) -> Option<Self> {
        if values.template.count(REPLICATION_GROUP) == 0 {
            return None;
        }
        let node_type = values.after(NODE_TYPE)?.to_owned();
        let before = |name: &str| match values.before(name) {
            Some(value) => Some(value),
            None => values.template.parameter(name)?.default.as_deref(),
        };
        let is_there = !values.existing.is_empty();
        let template = values.template;
        Some(Self {
            region: region.to_owned(),
            prices: prices::dated(),
            after: figures(&|name| values.after(name), template, region),
            before: is_there
                .then(|| figures(&before, template, region))
                .flatten(),
            assumptions: assumptions(plural),
            plural: plural.to_owned(),
            node_type,
        })
    }

    pub(super) fn assumptions(&self) -> &[String] {
        &self.assumptions
    }
}

fn figures<'a>(
    value: &dyn Fn(&str) -> Option<&'a str>,
    template: &Template,
    region: &str,
) -> Option<Figures> {
    let prices = Prices::of(region)?;
    let assumed = Assumed::read()?;
    let number = |name: &str| value(name)?.parse::<f64>().ok();
    let nodes = 1.0 + number("CacheReplicas")?;
    let node = Node::hour(value(NODE_TYPE)?, region)? * assumed.hours;
    let alarms = template.alarm_metrics() as f64 * prices.alarm_metric_month;

    let machine = Machine {
        memory_mb: value("FunctionMemory")?.parse().ok()?,
        arm64: value(ARCHITECTURE)? != "x86_64",
    };
    let million = 1e6;
    let ms = assumed.publisher_ms + assumed.subscriber_ms + assumed.query_ms;
    let mut logs = 3.0 * assumed.logs;
    if value("PlatformLogLevel") == Some("WARN") {
        logs -= 3.0 * assumed.lambdas_logs;
    }
    if value("Metrics") == Some("on") {
        logs += assumed.metrics;
    }
    let per_million = 3.0 * prices.million_calls
        + machine.time(million, ms, &prices)
        + prices.million_writes
        + logs * million / 1e9 * prices.logs_gb
        + assumed.stored_gb * (prices.stored_gb_month + prices.recovery_gb_month)
        + assumed.traffic_and_keys;
    let cents = |usd: f64| (usd * 100.0).round() / 100.0;
    Some(Figures {
        idle_month: cents(nodes * node + alarms),
        per_million: cents(per_million),
    })
}

fn assumptions(plural: &str) -> Vec<String> {
    let assumed = Assumed::read().unwrap_or_default();
    vec![
        format!(
            "on-demand list prices of {}, without free tiers and tax",
            prices::dated()
        ),
        format!(
            "a month of {} hours; the dashboard is one of an account's first three",
            assumed.hours
        ),
        format!(
            "{plural} below 1 KB, each created, projected on its own and read once, and stored for a month"
        ),
        format!(
            "calls of {} ms (publisher), {} ms (subscriber) and {} ms (query), with {} bytes of logs each",
            assumed.publisher_ms, assumed.subscriber_ms, assumed.query_ms, assumed.logs
        ),
    ]
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            region,
            node_type,
            plural,
            ..
        } = self;
        let Some(after) = self.after else {
            let regions = prices::regions();
            return if regions.contains(&region.as_str()) {
                write!(
                    f,
                    "Cost: not known, docs/cost.md has no price of {node_type} in {region}"
                )
            } else {
                let known = regions.join(", ");
                write!(
                    f,
                    "Cost: not known, docs/cost.md has prices of {known} and none of {region}"
                )
            };
        };
        let now = |now: f64, then: f64| match now == then {
            true => String::new(),
            false => format!(" (now {})", dollars(now)),
        };
        let before = self.before.unwrap_or(after);
        write!(
            f,
            "Cost, about: {} a month while idle{}, and {} per million {plural} created, projected and \
             read{} ({region}, prices of {}; docs/cost.md)",
            dollars(after.idle_month),
            now(before.idle_month, after.idle_month),
            dollars(after.per_million),
            now(before.per_million, after.per_million),
            self.prices,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::deploy::values::fixture::with_values;

    fn cost(before: &[(&str, &str)], after: &[(&str, &str)], region: &str) -> Cost {
        let cost = |values: &Values<'_>| Cost::of(values, region, "orders");
        with_values(crate::project::template(), before, after, cost).expect("its costs")
    }

    /// The sums of docs/cost.md.
    #[test]
    fn a_stack_costs_what_the_document_says() {
        let default = cost(&[], &[], "us-east-1");
        assert_eq!(
            default.after,
            Some(Figures {
                idle_month: 11.04,
                per_million: 3.38,
            })
        );
        assert_eq!(default.before, None);
        let guarded = [(NODE_TYPE, "cache.m7g.large"), ("CacheReplicas", "1")];
        let changed = cost(&[(NODE_TYPE, "cache.t4g.micro")], &guarded, "us-east-1");
        insta::assert_snapshot!(changed.to_string(), @"Cost, about: $186.24 a month while idle (now $11.04), and $3.38 per million orders created, projected and read (us-east-1, prices of 2026-11-23; docs/cost.md)");
        let quiet = [("PlatformLogLevel", "WARN"), ("Metrics", "off")];
        let quiet = cost(&[], &quiet, "us-east-1").after.expect("figures");
        assert_eq!(quiet.per_million, 2.14);
    }

    #[test]
    fn what_has_no_price_is_not_known() {
        let elsewhere = cost(&[], &[], "eu-west-1");
        insta::assert_snapshot!(elsewhere.to_string(), @"Cost: not known, docs/cost.md has prices of us-east-1 and none of eu-west-1");
        let node = cost(&[], &[(NODE_TYPE, "cache.r7g.large")], "us-east-1");
        insta::assert_snapshot!(node.to_string(), @"Cost: not known, docs/cost.md has no price of cache.r7g.large in us-east-1");
    }
}
