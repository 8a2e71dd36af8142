//! The charts of a run, as SVG: lines between two axes.

use super::escaped;
use crate::loadtest::summary::Summary;
use crate::loadtest::timeline::{Second, whole};

pub(super) const WIDTH: f64 = 760.0;
pub(super) const HEIGHT: f64 = 280.0;
/// Of the lines, in the chart.
const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 40.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = HEIGHT - 42.0;
/// Points of a time line; of more seconds, several make one.
pub(super) const MOST_POINTS: usize = 600;
/// The colour of what is apart from the rest: errors, the longest, and the way to the read model.
const APART: usize = 4;

pub(super) const STYLE: &str = "
text { fill: currentColor; font: 12px system-ui, sans-serif; }
.title { font-size: 15px; font-weight: 600; }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: currentColor; stroke-opacity: .15; fill: none; }
.axis { stroke: currentColor; stroke-opacity: .6; fill: none; }
.line { stroke-width: 2; fill: none; stroke-linejoin: round; stroke-linecap: round; }
.s0 { stroke: #1f77b4; } .s1 { stroke: #ff7f0e; } .s2 { stroke: #2ca02c; }
.s3 { stroke: #9467bd; } .s4 { stroke: #d62728; }
";

type Points = Vec<(f64, f64)>;

pub(super) struct Chart<'a> {
    title: &'static str,
    x: Axis,
    y: Axis,
    /// Each with its name and colour.
    lines: Vec<(&'a str, usize, Points)>,
}

/// From where to where, as `place` has it, and what is written beside it.
struct Axis {
    label: &'static str,
    place: fn(f64) -> f64,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From nothing to `high`, with some round numbers beside it.
    fn linear(label: &'static str, high: f64) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let power = 10_f64.powf(high.log10().floor());
        let steps = [0.2, 0.5, 1.0, 2.0].map(|factor| factor * power);
        let step = steps.into_iter().find(|step| high / step <= 8.0);
        let step = step.unwrap_or(power * 2.0);
        let ticks = (0..=(high / step) as usize).map(|n| n as f64 * step);
        Self {
            label,
            place: |value| value,
            low: 0.0,
            high,
            ticks: ticks.map(|value| (value, short(value))).collect(),
        }
    }

    /// Powers of ten, from one below all `values` that are more than nothing to one above them.
    fn log(label: &'static str, values: impl Iterator<Item = f64>) -> Self {
        let places = values.filter(|value| *value > 0.0).map(f64::log10);
        let (low, high) = places.fold((f64::MAX, f64::MIN), |(low, high), place| {
            (low.min(place), high.max(place))
        });
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let (first, last) = (low.floor() as i32, high.ceil() as i32);
        let last = last.max(first + 1);
        let ticks = (first..=last).map(|power| 10_f64.powi(power));
        Self {
            label,
            place: |value| value.max(f64::MIN_POSITIVE).log10(),
            low: f64::from(first),
            high: f64::from(last),
            ticks: ticks.map(|value| (value, short(value))).collect(),
        }
    }

    /// Quantiles, as far as `count` values can tell them: each step is a tenth of what is left.
    fn nines(label: &'static str, count: u64) -> Self {
        let place = |quantile: f64| -(1.0 - quantile).max(1e-9).log10();
        let high = (count.max(10) as f64).log10().min(6.0);
        let named = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999];
        let ticks = named.map(|percent| (percent / 100.0, format!("{percent} %")));
        Self {
            label,
            place,
            low: 0.0,
            high,
            ticks: ticks
                .into_iter()
                .filter(|(quantile, _)| place(*quantile) <= high + 1e-9)
                .collect(),
        }
    }

    /// Where a value is, between `from` and `to`.
    fn at(&self, value: f64, from: f64, to: f64) -> f64 {
        let share = ((self.place)(value) - self.low) / (self.high - self.low);
        from + share.clamp(0.0, 1.0) * (to - from)
    }
}

impl Chart<'_> {
    pub(super) fn svg(&self) -> String {
        let mut svg = text("title", 0.0, 16.0, self.title);
        let mut line = |class: &str, path: &str| {
            svg.push_str(&format!("<path class=\"{class}\" d=\"{path}\"/>\n"));
        };
        line("axis", &format!("M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"));
        let mut written = Vec::new();
        for (value, label) in &self.y.ticks {
            let y = self.y.at(*value, BOTTOM, TOP);
            line("grid", &format!("M{LEFT} {y:.1}H{RIGHT}"));
            written.push(text("end", LEFT - 6.0, y + 4.0, label));
        }
        for (value, label) in &self.x.ticks {
            let x = self.x.at(*value, LEFT, RIGHT);
            written.push(text("middle", x, BOTTOM + 16.0, label));
        }
        written.push(text("end", RIGHT, HEIGHT - 8.0, self.x.label));
        written.push(text("end", RIGHT, TOP - 10.0, self.y.label));
        let mut name_at = LEFT;
        for (name, color, points) in &self.lines {
            let class = format!("line s{color}");
            line(&class, &format!("M{name_at} {}h14", TOP - 14.0));
            written.push(text("name", name_at + 20.0, TOP - 10.0, name));
            name_at += 34.0 + 7.0 * name.chars().count() as f64;
            let place = |(x, y): &(f64, f64)| {
                let (x, y) = (self.x.at(*x, LEFT, RIGHT), self.y.at(*y, BOTTOM, TOP));
                format!("{x:.1} {y:.1}")
            };
            let places: Vec<_> = points.iter().map(place).collect();
            if !places.is_empty() {
                // One that has no length is drawn as a dot.
                line(&class, &format!("M{}h0", places.join("L")));
            }
        }
        svg + &written.concat()
    }
}

fn text(class: &str, x: f64, y: f64, text: &str) -> String {
    let text = escaped(text);
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>\n")
}

/// A number without needless digits.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn of(summary: &Summary) -> Vec<Chart<'_>> {
    let steps = summary.steps.iter().enumerate();
    let mut curves: Vec<_> = steps
        .map(|(color, (step, of))| (step.name(), color, of.curve.clone()))
        .collect();
    curves.push(("visible", APART, summary.visible.curve.clone()));
    let latencies = curves
        .iter()
        .flat_map(|(_, _, points)| points.iter().map(|(_, y)| *y));
    let most = summary.steps.values().map(|of| of.count).max();
    let mut charts = vec![Chart {
        title: "Latency by percentile",
        x: Axis::nines("of the operations", most.unwrap_or_default()),
        y: Axis::log("ms", latencies),
        lines: curves,
    }];
    let points = points(&summary.timeline);
    let Some(end) = points.last().map(|point| point.at) else {
        return charts;
    };
    let line = |name, color, value: fn(&Point) -> f64| {
        (
            name,
            color,
            points.iter().map(|p| (p.at, value(p))).collect(),
        )
    };
    let busiest = points.iter().map(|p| p.per_second).fold(0.0, f64::max);
    charts.push(Chart {
        title: "Operations and errors a second",
        x: Axis::linear("seconds", end),
        y: Axis::linear("a second", busiest),
        lines: vec![
            line("operations", 0, |p| p.per_second),
            line("errors", APART, |p| p.errors_per_second),
        ],
    });
    charts.push(Chart {
        title: "Latency over time",
        x: Axis::linear("seconds", end),
        y: Axis::log("ms", points.iter().flat_map(|p| [p.p50, p.max])),
        lines: vec![
            line("p50", 0, |p| p.p50),
            line("p99", 1, |p| p.p99),
            line("longest", APART, |p| p.max),
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
