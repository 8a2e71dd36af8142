//! What AWS asks for what a stack uses, and what is assumed of a call: docs/cost.md is the one place of
//! these numbers, for people and for the tool.

const DOCUMENT: &str = include_str!("../../docs/cost.md");
const PRICES: &str = "Prices used";
const NODES: &str = "Cache nodes";
const ASSUMED: &str = "What is assumed";
/// In front of the date of the prices, in the document.
const DATED: &str = "list prices of ";

/// The prices of one region, in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Prices {
    pub(crate) million_calls: f64,
    pub(crate) gb_second_arm64: f64,
    pub(crate) gb_second_x86_64: f64,
    pub(crate) million_writes: f64,
    pub(crate) stored_gb_month: f64,
    pub(crate) recovery_gb_month: f64,
    pub(crate) logs_gb: f64,
    pub(crate) alarm_metric_month: f64,
}

/// What is assumed where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Assumed {
    pub(crate) publisher_ms: f64,
    pub(crate) subscriber_ms: f64,
    pub(crate) query_ms: f64,
    /// In bytes, for one call; of these are Lambda's own lines.
    pub(crate) logs: f64,
    pub(crate) lambdas_logs: f64,
    /// In bytes, of the metrics in the logs of one entity that is created, projected and read.
    pub(crate) metrics: f64,
    /// In GB, of a million entities in the table.
    pub(crate) stored_gb: f64,
    /// In US dollars, for a million entities.
    pub(crate) traffic_and_keys: f64,
    /// In bytes, of one entity in the cache.
    pub(crate) cached: f64,
    /// The part of a node's memory that is there for entities.
    pub(crate) usable: f64,
    pub(crate) hours: f64,
}

/// A type of cache node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) name: &'static str,
    pub(crate) memory_gib: f64,
}

impl Prices {
    /// None where the document has none for the region.
    pub(crate) fn of(region: &str) -> Option<Self> {
        let price = |what| cell(PRICES, what, region).and_then(number);
        Some(Self {
            million_calls: price("Lambda, a million calls")?,
            gb_second_arm64: price("Lambda, a GB-second on arm64")?,
            gb_second_x86_64: price("Lambda, a GB-second on x86_64")?,
            million_writes: price("DynamoDB on demand, a million writes of 1 KB")?,
            stored_gb_month: price("DynamoDB, a GB-month")?,
            recovery_gb_month: price("DynamoDB point-in-time recovery, a GB-month")?,
            logs_gb: price("CloudWatch Logs, a GB")?,
            alarm_metric_month: price("CloudWatch alarm, a month for each metric in it")?,
        })
    }
}

impl Assumed {
    /// None where a row of the document is gone, which a test does not let happen.
    pub(crate) fn read() -> Option<Self> {
        let of = |what| cell(ASSUMED, what, "Figure").and_then(number);
        Some(Self {
            publisher_ms: of("a call of the publisher, ms")?,
            subscriber_ms: of("a change in the subscriber, ms")?,
            query_ms: of("a call of the query function, ms")?,
            logs: of("logs of a call, bytes")?,
            lambdas_logs: of("of these, Lambda's own lines")?,
            metrics: of("metrics in the logs of an order, bytes")?,
            stored_gb: of("a million orders in the table, GB")?,
            traffic_and_keys: of("traffic between zones and KMS, a million orders")?,
            cached: of("an order in the cache, bytes")?,
            usable: of("usable part of a node's memory")?,
            hours: of("hours of a month")?,
        })
    }
}

impl Node {
    /// Those that the document has, the smallest first.
    pub(crate) fn all() -> Vec<Self> {
        let read = |row: Vec<&'static str>| {
            Some(Self {
                name: row.first()?.trim_matches('`'),
                memory_gib: number(row.get(1)?)?,
            })
        };
        rows(NODES).skip(1).filter_map(read).collect()
    }

    /// What an hour of a node of this type costs, where the document says it.
    pub(crate) fn hour(name: &str, region: &str) -> Option<f64> {
        number(cell(NODES, &format!("`{name}`"), region)?)
    }

    /// How many entities fit, about.
    pub(crate) fn holds(&self, assumed: &Assumed) -> f64 {
        self.memory_gib * 1024.0 * 1024.0 * 1024.0 * assumed.usable / assumed.cached
    }
}

/// The day on which the prices held.
pub(crate) fn dated() -> &'static str {
    let (_, after) = DOCUMENT.split_once(DATED).unwrap_or_default();
    after.get(..10).unwrap_or_default()
}

/// The regions that the document has prices for.
pub(crate) fn regions() -> Vec<&'static str> {
    let header = rows(PRICES).next().unwrap_or_default();
    let names = header.into_iter().filter_map(|cell| cell.strip_prefix('`'));
    names.map(|name| name.trim_end_matches('`')).collect()
}

/// The cell of a section's table in this row and column.
fn cell(section: &str, row: &str, column: &str) -> Option<&'static str> {
    let mut rows = rows(section);
    let header = rows.next()?;
    let at = header
        .iter()
        .position(|cell| cell.trim_matches('`') == column)?;
    let found = rows.find(|cells| cells.first() == Some(&row))?;
    found.get(at).copied()
}

/// The rows of the first table in the section of this title, the header first.
fn rows(title: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let heading = format!("\n## {title}\n");
    let (_, section) = DOCUMENT.split_once(heading.as_str()).unwrap_or_default();
    let lines = section.lines().skip_while(|line| !line.starts_with('|'));
    lines
        .take_while(|line| line.starts_with('|'))
        .filter(|line| !line.starts_with("|---"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// `$0.0128`, `1.37 GiB`, `0.75`.
fn number(cell: &str) -> Option<f64> {
    let text = cell.trim_start_matches('$').split(' ').next()?;
    text.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_number_and_what_it_lacks_is_not_known() {
        let prices = Prices::of("us-east-1").expect("all rows");
        assert_eq!((prices.million_calls, prices.logs_gb), (0.2, 0.5));
        assert_eq!(Prices::of("mars-north-1"), None);
        let assumed = Assumed::read().expect("all rows");
        assert_eq!((assumed.publisher_ms, assumed.cached), (10.0, 519.0));
        assert_eq!(regions(), ["us-east-1"]);
        assert_eq!(dated(), "2026-11-23");

        let nodes = Node::all();
        assert_eq!(nodes.first().map(|node| node.name), Some("cache.t4g.micro"));
        assert!(nodes.is_sorted_by(|a, b| a.memory_gib <= b.memory_gib));
        assert_eq!(Node::hour("cache.t4g.micro", "us-east-1"), Some(0.0128));
        assert_eq!(Node::hour("cache.t4g.medium", "us-east-1"), None);
        assert_eq!(Node::hour("cache.t4g.micro", "eu-west-1"), None);
        // As docs/architecture.md says.
        let holds = nodes[0].holds(&assumed);
        assert!((770_000.0..780_000.0).contains(&holds), "{holds}");
    }
}
