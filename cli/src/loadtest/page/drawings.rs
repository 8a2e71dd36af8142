//! The charts of a run.

use super::chart::{Axis, Chart, Series};
use crate::loadtest::summary::Summary;
use crate::loadtest::timeline::{Second, whole};

/// Seconds that a time line has at most; of more, several make one point.
pub(super) const MOST_POINTS: usize = 600;
/// The colour of what is apart from the rest: errors, the longest, and the way to the read model.
const APART: usize = 4;

pub(super) fn charts(summary: &Summary) -> Vec<Chart<'_>> {
    let curves = summary
        .steps
        .iter()
        .enumerate()
        .map(|(color, (step, of))| Series {
            name: step.name(),
            color,
            points: of.curve.clone(),
        });
    let visible = Series {
        name: "visible",
        color: APART,
        points: summary.visible.curve.clone(),
    };
    let curves: Vec<_> = curves.chain([visible]).collect();
    let latencies = curves.iter().flat_map(|s| s.points.iter().map(|(_, y)| *y));
    let most = summary.steps.values().map(|of| of.count).max();
    let mut charts = vec![Chart {
        title: "Latency by percentile",
        x: Axis::nines("of the operations", most.unwrap_or_default()),
        y: Axis::log("ms", latencies),
        series: curves,
    }];
    let points = points(&summary.timeline);
    if points.is_empty() {
        return charts;
    }
    let end = points.last().map_or(0.0, |point| point.at);
    let series = |name, color, value: fn(&Point) -> f64| Series {
        name,
        color,
        points: points
            .iter()
            .map(|point| (point.at, value(point)))
            .collect(),
    };
    let seconds = || Axis::exact("seconds", end, 8);
    let busiest = points
        .iter()
        .map(|point| point.per_second)
        .fold(0.0, f64::max);
    charts.push(Chart {
        title: "Operations and errors a second",
        x: seconds(),
        y: Axis::linear("a second", busiest, 4),
        series: vec![
            series("operations", 0, |point| point.per_second),
            series("errors", APART, |point| point.errors_per_second),
        ],
    });
    let latencies = points.iter().flat_map(|point| [point.p50, point.max]);
    charts.push(Chart {
        title: "Latency over time",
        x: seconds(),
        y: Axis::log("ms", latencies),
        series: vec![
            series("p50", 0, |point| point.p50),
            series("p99", 1, |point| point.p99),
            series("longest", APART, |point| point.max),
        ],
    });
    charts
}

/// A point of the time line: a second, or several of a long run.
pub(super) struct Point {
    pub(super) at: f64,
    pub(super) per_second: f64,
    errors_per_second: f64,
    p50: f64,
    p99: f64,
    pub(super) max: f64,
}

pub(super) fn points(timeline: &[Second]) -> Vec<Point> {
    let seconds = whole(timeline);
    let together = seconds.len().div_ceil(MOST_POINTS).max(1);
    let mut end = 0.0;
    let point = |seconds: &[Second]| {
        let length: f64 = seconds.iter().map(|second| second.seconds).sum();
        let largest = |of: fn(&Second) -> f64| seconds.iter().map(of).fold(0.0, f64::max);
        let sum = |of: fn(&Second) -> u64| seconds.iter().map(of).sum::<u64>() as f64;
        end += length;
        Point {
            at: end,
            per_second: sum(|s| s.operations) / length,
            errors_per_second: sum(|s| s.errors) / length,
            p50: seconds.iter().map(|s| s.p50_ms).sum::<f64>() / seconds.len() as f64,
            p99: largest(|s| s.p99_ms),
            max: largest(|s| s.max_ms),
        }
    };
    seconds.chunks(together).map(point).collect()
}
