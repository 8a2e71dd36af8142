//! What a simulation showed, as a row of a table.

use std::fmt::Write;

use serde_json::{Value, json};

use super::lane::Seconds;
use super::model::{Projected, Setting};
use super::options::Options;

/// Who sees a lag above this is waiting, in seconds.
const BEHIND: Seconds = 1.0;

pub(crate) struct Row {
    shards: usize,
    factor: usize,
    batch: usize,
    /// Of the records written before anything happened.
    before: Lags,
    /// Of those written from then on until the lag was small again.
    during: Lags,
    /// From the end of the burst or outage until the lag was small again: 0 where it never grew,
    /// `None` where it was not before the last write.
    caught_up: Option<Seconds>,
}

struct Lags {
    p50: Seconds,
    p99: Seconds,
    longest: Seconds,
}

impl Lags {
    fn of(records: impl Iterator<Item = Projected>) -> Self {
        let mut lags: Vec<_> = records.map(|record| record.lag).collect();
        lags.sort_unstable_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (lags.len() * percent).div_ceil(100).max(1) - 1;
            lags.get(rank).copied().unwrap_or_default()
        };
        Self {
            p50: at(50),
            p99: at(99),
            longest: at(100),
        }
    }

    fn json(&self) -> Value {
        json!({ "p50": self.p50, "p99": self.p99, "max": self.longest })
    }
}

impl Row {
    pub(crate) fn of(setting: &Setting, projected: &[Projected]) -> Self {
        let over = setting.begins + setting.burst.max(setting.outage);
        let late = projected.iter().filter(|record| record.lag > BEHIND);
        let again = late
            .map(|record| record.written + record.lag)
            .fold(over, Seconds::max);
        let records = || projected.iter().copied();
        Self {
            shards: setting.shards,
            factor: setting.factor,
            batch: setting.batch,
            before: Lags::of(records().filter(|record| record.written < setting.begins)),
            during: Lags::of(
                records().filter(|record| (setting.begins..again).contains(&record.written)),
            ),
            caught_up: (again < setting.ends).then_some(again - over),
        }
    }

    fn json(&self) -> Value {
        json!({
            "shards": self.shards,
            "parallelizationFactor": self.factor,
            "batchSize": self.batch,
            "lagBeforeSeconds": self.before.json(),
            "lagSeconds": self.during.json(),
            "caughtUpAfterSeconds": self.caught_up,
        })
    }
}

pub(crate) fn json(options: &Options, rows: &[Row]) -> String {
    let rows: Vec<_> = rows.iter().map(Row::json).collect();
    let document = json!({ "seed": options.seed, "simulations": rows });
    format!("{document:#}")
}

pub(crate) fn table(options: &Options, rows: &[Row]) -> String {
    let mut text = format!("{} writes a second", options.rate);
    // Writing to a string does not fail.
    if options.burst > 0.0 {
        let _ = write!(text, ", {} for {} s", options.burst_rate, options.burst);
    }
    if options.outage > 0.0 {
        let _ = write!(text, ", the cache away for {} s", options.outage);
    }
    let _ = writeln!(
        text,
        "\n\n{:>6} {:>6} {:>6}  {:>17}  {:>26}  {:>9}\n{:>6} {:>6} {:>6}  {:>8} {:>8}  {:>8} {:>8} {:>8}  {:>9}",
        "",
        "",
        "",
        "lag before",
        "lag from then on",
        "caught up",
        "shards",
        "factor",
        "batch",
        "p50",
        "p99",
        "p50",
        "p99",
        "max",
        "after",
    );
    for row in rows {
        let _ = writeln!(
            text,
            "{:>6} {:>6} {:>6}  {:>8} {:>8}  {:>8} {:>8} {:>8}  {:>9}",
            row.shards,
            row.factor,
            row.batch,
            seconds(row.before.p50),
            seconds(row.before.p99),
            seconds(row.during.p50),
            seconds(row.during.p99),
            seconds(row.during.longest),
            row.caught_up
                .map_or_else(|| format!("> {} s", options.after), seconds),
        );
    }
    text
}

fn seconds(value: Seconds) -> String {
    match value {
        none if none < 0.000_5 => "0 s".to_owned(),
        short if short < 1.0 => format!("{:.0} ms", short * 1e3),
        some if some < 100.0 => format!("{some:.1} s"),
        long => format!("{long:.0} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_before_from_after_and_when_the_lag_was_small_again() {
        let setting = Setting {
            rate: 1.0,
            burst_rate: 0.0,
            begins: 10.0,
            burst: 0.0,
            outage: 5.0,
            ends: 100.0,
            shards: 1,
            factor: 1,
            batch: 1,
            propagation: 0.0,
            per_batch: 0.0,
            per_record: 0.0,
            cache_per_record: 0.0,
            cold_start: 0.0,
        };
        let record = |written: f64, lag: f64| Projected { written, lag };
        let row = Row::of(
            &setting,
            &[
                record(1.0, 0.2),
                record(12.0, 8.0),
                record(15.0, 0.9),
                record(90.0, 0.1),
            ],
        );
        assert_eq!(row.before.longest, 0.2);
        assert_eq!((row.during.p50, row.during.longest), (0.9, 8.0));
        assert_eq!(row.caught_up, Some(5.0));
        let row = Row::of(&setting, &[record(1.0, 0.2), record(99.0, 8.0)]);
        assert_eq!(row.caught_up, None, "nobody knows when it would be");
    }
}
