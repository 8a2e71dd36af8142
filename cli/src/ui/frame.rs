//! What the page gets: what goes on right now, ten times a second; a point of the time line, once a
//! second; and how the parts are, when that was asked.

use std::collections::BTreeMap;

use host::live::{Calls, Delivered, Seen, Way};
use serde::Serialize;

use crate::app::handler::Handler;
use crate::observe::Minute;
use crate::settings::StackName;

/// What goes on right now.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tick {
    /// Milliseconds since 1970.
    pub(super) at: u64,
    /// What went over each line since the last tick.
    pub(super) flow: Flow,
    /// Of each part, over the last second or the last few.
    pub(super) parts: BTreeMap<&'static str, Pace>,
    /// Some of the changes that came to their end.
    pub(super) ways: Vec<Way>,
}

/// Counts since the last tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flow {
    pub(super) commands: u64,
    pub(super) refused: u64,
    pub(super) writes: u64,
    pub(super) delivered: u64,
    pub(super) projected: u64,
    pub(super) failed: u64,
    pub(super) given_up: u64,
    pub(super) queries: u64,
    pub(super) query_errors: u64,
}

/// How fast a part is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pace {
    /// A second.
    pub(super) rate: f64,
    /// A second, of those that failed or were turned away.
    pub(super) errors: f64,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
}

/// A second of the time line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Point {
    /// Seconds since 1970.
    pub(super) at: u64,
    pub(super) commands: f64,
    pub(super) writes: f64,
    pub(super) projected: f64,
    pub(super) queries: f64,
    /// Whatever failed, wherever it did.
    pub(super) failed: f64,
    pub(super) lag_p50_ms: Option<f64>,
    pub(super) lag_max_ms: Option<f64>,
}

impl From<Minute> for Point {
    /// A minute's mean; a write is a command that was not refused, as far as CloudWatch tells.
    fn from(minute: Minute) -> Self {
        let rate = |count: u64| (count as f64 / 6.0).round() / 10.0;
        Self {
            at: u64::try_from(minute.at).unwrap_or(0),
            commands: rate(minute.commands),
            writes: rate(minute.commands),
            projected: rate(minute.batches),
            queries: rate(minute.queries),
            failed: rate(minute.failed),
            lag_p50_ms: None,
            lag_max_ms: minute.lag_ms.map(|ms| ms as f64),
        }
    }
}

/// The names of a stack's functions.
#[derive(Clone, Debug)]
pub(super) struct Names {
    publisher: String,
    subscriber: String,
    query: String,
}

impl Names {
    pub(super) fn of(stack: &StackName) -> Self {
        Self {
            publisher: stack.function(Handler::Publisher),
            subscriber: stack.function(Handler::Subscriber),
            query: stack.function(Handler::Query),
        }
    }
}

/// What lies between two looks.
#[derive(Debug)]
pub(super) struct Between {
    seconds: f64,
    publisher: Calls,
    subscriber: Calls,
    query: Calls,
    writes: Calls,
    stream: Delivered,
}

impl Between {
    pub(super) fn of(before: &Seen, now: &Seen, seconds: f64, names: &Names) -> Self {
        let function = |name: &str| {
            let of = |seen: &Seen| seen.functions.get(name).cloned().unwrap_or_default();
            difference(&of(before), &of(now))
        };
        let (old, new) = (&before.stream, &now.stream);
        Self {
            seconds: seconds.max(0.001),
            publisher: function(&names.publisher),
            subscriber: function(&names.subscriber),
            query: function(&names.query),
            writes: difference(&before.writes, &now.writes),
            stream: Delivered {
                delivered: new.delivered.saturating_sub(old.delivered),
                done: new.done.saturating_sub(old.done),
                failed: new.failed.saturating_sub(old.failed),
                given_up: new.given_up.saturating_sub(old.given_up),
                lag: new.lag.since(&old.lag),
            },
        }
    }

    pub(super) fn flow(&self) -> Flow {
        Flow {
            commands: self.publisher.done + self.publisher.throttled,
            refused: self.publisher.errors + self.publisher.throttled,
            writes: self.writes.done,
            delivered: self.stream.delivered,
            projected: self.stream.done,
            failed: self.stream.failed + self.subscriber.throttled,
            given_up: self.stream.given_up,
            queries: self.query.done + self.query.throttled,
            query_errors: self.query.errors + self.query.throttled,
        }
    }

    /// Of each part; `longer` is a longer time, for what needs many calls to be known.
    pub(super) fn paces(&self, longer: &Self) -> BTreeMap<&'static str, Pace> {
        let callers = Pace {
            rate: self.rate(self.publisher.done + self.query.done),
            errors: self.rate(
                self.publisher.errors
                    + self.query.errors
                    + self.publisher.throttled
                    + self.query.throttled,
            ),
            ..Pace::default()
        };
        let stream = Pace {
            rate: self.rate(self.stream.delivered),
            errors: self
                .rate(self.stream.failed + self.stream.given_up + self.subscriber.throttled),
            p50_ms: longer.stream.lag.quantile(0.5),
            p99_ms: longer.stream.lag.quantile(0.99),
        };
        let read_model = Pace {
            rate: self.rate(self.stream.done),
            errors: self.rate(self.stream.failed),
            ..Pace::default()
        };
        BTreeMap::from([
            ("caller", callers),
            ("publisher", self.pace(&self.publisher, &longer.publisher)),
            ("writeModel", self.pace(&self.writes, &longer.writes)),
            ("stream", stream),
            (
                "subscriber",
                self.pace(&self.subscriber, &longer.subscriber),
            ),
            ("readModel", read_model),
            ("query", self.pace(&self.query, &longer.query)),
        ])
    }

    pub(super) fn point(&self, at: u64) -> Point {
        let flow = self.flow();
        Point {
            at,
            commands: self.rate(flow.commands),
            writes: self.rate(flow.writes),
            projected: self.rate(flow.projected),
            queries: self.rate(flow.queries),
            failed: self.rate(flow.failed + flow.given_up + flow.query_errors + flow.refused),
            lag_p50_ms: self.stream.lag.quantile(0.5),
            lag_max_ms: self.stream.lag.quantile(1.0),
        }
    }

    fn pace(&self, calls: &Calls, longer: &Calls) -> Pace {
        Pace {
            rate: self.rate(calls.done),
            errors: self.rate(calls.errors + calls.throttled),
            p50_ms: longer.times.quantile(0.5),
            p99_ms: longer.times.quantile(0.99),
        }
    }

    fn rate(&self, count: u64) -> f64 {
        let rate = count as f64 / self.seconds;
        (rate * 10.0).round() / 10.0
    }
}

fn difference(before: &Calls, now: &Calls) -> Calls {
    Calls {
        done: now.done.saturating_sub(before.done),
        errors: now.errors.saturating_sub(before.errors),
        throttled: now.throttled.saturating_sub(before.throttled),
        times: now.times.since(&before.times),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_before_is_not_what_goes_on_now() {
        let names = Names::of(&StackName::default());
        let seen = |done: u64, writes: u64| {
            let mut seen = Seen::default();
            let calls = Calls {
                done,
                ..Calls::default()
            };
            seen.functions.insert("cqrs-publisher".to_owned(), calls);
            seen.writes.done = writes;
            seen.stream.done = writes;
            seen
        };
        let between = Between::of(&seen(100, 90), &seen(120, 100), 2.0, &names);
        let flow = between.flow();
        assert_eq!((flow.commands, flow.writes, flow.projected), (20, 10, 10));
        let paces = between.paces(&between);
        assert_eq!(paces["publisher"].rate, 10.0);
        assert_eq!(paces["caller"].rate, 10.0);
        assert_eq!(paces["readModel"].rate, 5.0);
        assert_eq!(paces["query"], Pace::default());
    }
}
