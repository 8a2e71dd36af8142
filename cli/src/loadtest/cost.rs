//! What a run costs on AWS: list prices times what was called, with every assumption said.
//!
//! The prices and their sources are those of docs/cost.md.

use serde::Serialize;

use crate::app::handler::Handler;

/// Where and when the prices held.
pub(crate) const PRICES: &str = "us-east-1, list prices of 2026-11-23, without free tiers";

/// In US dollars.
mod price {
    pub(super) const CALL: f64 = 0.20 / 1e6;
    pub(super) const GB_SECOND_ARM64: f64 = 0.000_013_333_4;
    pub(super) const GB_SECOND_X86_64: f64 = 0.000_016_666_7;
    /// Up to 1 KB on a table that is billed on demand.
    pub(super) const WRITE: f64 = 0.625 / 1e6;
    pub(super) const LOGS_GB: f64 = 0.50;
}

/// What is assumed where nothing was measured, as in docs/cost.md.
pub(crate) mod assumed {
    pub(crate) const PUBLISHER_MS: f64 = 10.0;
    pub(crate) const SUBSCRIBER_MS: f64 = 4.0;
    pub(crate) const QUERY_MS: f64 = 3.0;
    /// In bytes, for one call.
    pub(super) const LOGS: f64 = 900.0;
    pub(super) const MEMORY_MB: u32 = 512;
}

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
            memory_mb: assumed::MEMORY_MB,
            arm64: true,
        }
    }
}

impl Machine {
    fn gb_second(self) -> f64 {
        if self.arm64 {
            price::GB_SECOND_ARM64
        } else {
            price::GB_SECOND_X86_64
        }
    }

    fn time(self, calls: f64, ms: f64) -> f64 {
        calls * ms / 1e3 * f64::from(self.memory_mb) / 1024.0 * self.gb_second()
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
    pub(crate) prices: &'static str,
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
    let publisher_ms = usage.publisher_ms.unwrap_or(assumed::PUBLISHER_MS);
    let query_ms = usage.query_ms.unwrap_or(assumed::QUERY_MS);
    let item = |what, usd| Item { what, usd };
    let items = vec![
        item("function calls", calls * price::CALL),
        item(
            "publisher, time",
            machine.time(usage.publisher_calls, publisher_ms),
        ),
        item(
            "subscriber, time",
            machine.time(changes, assumed::SUBSCRIBER_MS),
        ),
        item("query, time", machine.time(usage.query_calls, query_ms)),
        item("table, writes", usage.publisher_calls * price::WRITE),
        item("logs", calls * assumed::LOGS / 1e9 * price::LOGS_GB),
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
            assumed::SUBSCRIBER_MS
        ),
        format!(
            "logs of {} bytes a call; an item is below 1 KB",
            assumed::LOGS
        ),
        "Lambda reads the stream for nothing; cache, storage, alarms and traffic are left out"
            .to_owned(),
    ];
    Estimate {
        usd: items.iter().map(|item| item.usd).sum(),
        prices: PRICES,
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
