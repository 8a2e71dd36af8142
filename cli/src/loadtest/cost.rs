//! What a run costs on AWS: list prices times what was called, with every assumption said.
//!
//! The prices and their sources are those of docs/cost.md.

use serde::Serialize;

use crate::app::handler::Handler;
use crate::prices::{self, Assumed, Prices};

/// The region whose prices are taken, wherever the stack is.
const REGION: &str = "us-east-1";
/// The template's, in MB.
const MEMORY_MB: u32 = 512;

/// What the functions run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) memory_mb: u32,
    pub(crate) arm64: bool,
}

impl Default for Machine {
    /// The template's.
    fn default() -> Self {
        Self {
            memory_mb: MEMORY_MB,
            arm64: true,
        }
    }
}

impl Machine {
    /// What so many calls of so long cost.
    pub(crate) fn time(self, calls: f64, ms: f64, prices: &Prices) -> f64 {
        let gb_second = if self.arm64 {
            prices.gb_second_arm64
        } else {
            prices.gb_second_x86_64
        };
        calls * ms / 1e3 * f64::from(self.memory_mb) / 1024.0 * gb_second
    }

    fn architecture(self) -> &'static str {
        if self.arm64 { "arm64" } else { "x86_64" }
    }
}

/// What was, or will be, asked of a stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Usage {
    pub(crate) publisher_calls: f64,
    pub(crate) query_calls: f64,
    /// What a call is billed for, where Lambda said it.
    pub(crate) publisher_ms: Option<f64>,
    pub(crate) query_ms: Option<f64>,
}

/// What it comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Estimate {
    pub(crate) usd: f64,
    pub(crate) prices: String,
    pub(crate) items: Vec<Item>,
    pub(crate) assumptions: Vec<String>,
}

/// A part of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Item {
    pub(crate) what: &'static str,
    pub(crate) usd: f64,
}

/// With enough digits to say something: a short run costs next to nothing.
pub(crate) fn dollars(usd: f64) -> String {
    if usd >= 0.01 || usd == 0.0 {
        format!("${usd:.2}")
    } else {
        format!("${usd:.6}")
    }
}

pub(crate) fn estimate(usage: Usage, machine: Machine) -> Estimate {
    // Each write that arrives is billed, and is one change at most; a batch holds one at least.
    let changes = usage.publisher_calls;
    let calls = usage.publisher_calls + usage.query_calls + changes;
    // A test holds the document to its rows.
    let prices = Prices::of(REGION).unwrap_or_default();
    let assumed = Assumed::read().unwrap_or_default();
    let publisher_ms = usage.publisher_ms.unwrap_or(assumed.publisher_ms);
    let query_ms = usage.query_ms.unwrap_or(assumed.query_ms);
    let item = |what, usd| Item { what, usd };
    let time = |calls, ms| machine.time(calls, ms, &prices);
    let million = 1e6;
    let items = vec![
        item("function calls", calls * prices.million_calls / million),
        item("publisher, time", time(usage.publisher_calls, publisher_ms)),
        item("subscriber, time", time(changes, assumed.subscriber_ms)),
        item("query, time", time(usage.query_calls, query_ms)),
        item(
            "table, writes",
            usage.publisher_calls * prices.million_writes / million,
        ),
        item("logs", calls * assumed.logs / 1e9 * prices.logs_gb),
    ];
    let duration = |function: Handler, ms: f64, measured: Option<f64>| {
        let source = if measured.is_some() {
            "as Lambda reported"
        } else {
            "assumed"
        };
        format!("a {function} call is billed for {ms:.1} ms ({source})")
    };
    let assumptions = vec![
        format!(
            "functions of {} MB on {}",
            machine.memory_mb,
            machine.architecture()
        ),
        duration(Handler::Publisher, publisher_ms, usage.publisher_ms),
        duration(Handler::Query, query_ms, usage.query_ms),
        format!(
            "each change is a call of the subscriber, {} ms: the most that it can be",
            assumed.subscriber_ms
        ),
        format!(
            "logs of {} bytes a call; an item is below 1 KB",
            assumed.logs
        ),
        "Lambda reads the stream for nothing; cache, storage, alarms and traffic are left out"
            .to_owned(),
    ];
    Estimate {
        usd: items.iter().map(|item| item.usd).sum(),
        prices: format!(
            "{REGION}, list prices of {}, without free tiers",
            prices::dated()
        ),
        items,
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 0.005
    }

    /// The document's table for a million orders, each created and read once.
    #[test]
    fn a_million_orders_cost_what_the_document_says() {
        let mut usage = Usage {
            publisher_calls: 1e6,
            query_calls: 1e6,
            publisher_ms: None,
            query_ms: None,
        };
        let found = estimate(usage, Machine::default());
        let items: Vec<_> = found.items.iter().map(|item| item.usd).collect();
        let expected = [0.60, 0.0667, 0.0267, 0.02, 0.625, 1.35];
        let all_near = items.iter().zip(expected).all(|(usd, is)| near(*usd, is));
        assert!(all_near && near(found.usd, 2.6883), "{found:?}");

        // What Lambda reported takes the place of what is assumed.
        usage.publisher_ms = Some(100.0);
        let machine = Machine {
            memory_mb: 1024,
            arm64: false,
        };
        let found = estimate(usage, machine);
        // A million calls of 0.1 s with 1 GB are 100,000 GB-seconds.
        assert!(near(found.items[1].usd, 1.66667), "{found:?}");
        let assumptions = found.assumptions.join("\n");
        assert!(assumptions.contains("1024 MB on x86_64"), "{assumptions}");
        assert!(assumptions.contains("publisher call is billed for 100.0 ms (as Lambda reported)"));
        assert!(assumptions.contains("query call is billed for 3.0 ms (assumed)"));
    }

    #[test]
    fn dollars_have_enough_digits_to_say_something() {
        let shown = [0.0, 12.345_6, 0.001_234_5].map(dollars);
        assert_eq!(shown, ["$0.00", "$12.35", "$0.001234"]);
    }
}
