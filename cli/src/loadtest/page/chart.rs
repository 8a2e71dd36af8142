//! A chart with two axes, as SVG. Colours are the classes `s0` to `s4` of the page's style.

use std::fmt::Write as _;

use super::xml::Xml;

pub(super) const WIDTH: f64 = 760.0;
pub(super) const HEIGHT: f64 = 280.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 42.0;

/// One of them.
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series<'a>>,
}

/// A line through points.
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    /// Which of the colours.
    pub(super) color: usize,
    pub(super) points: Vec<(f64, f64)>,
}

/// From where to where, on what scale, and what is written beside it.
pub(super) struct Axis {
    pub(super) label: &'static str,
    scale: Scale,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

#[derive(Clone, Copy)]
enum Scale {
    Linear,
    Log,
    /// Each step is a tenth of what is left to 1.
    Nines,
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.max(f64::MIN_POSITIVE).log10(),
            Self::Nines => -(1.0 - value).max(1e-9).log10(),
        }
    }
}

impl Axis {
    /// From nothing to `high`, with about `count` round numbers beside it.
    pub(super) fn linear(label: &'static str, high: f64, count: usize) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = round_step(high / count as f64);
        let last = (high / step).ceil() as usize;
        let ticks = (0..=last).map(|n| n as f64 * step);
        Self {
            label,
            scale: Scale::Linear,
            low: 0.0,
            high: last as f64 * step,
            ticks: ticks.map(|value| (value, short(value))).collect(),
        }
    }

    /// From nothing to exactly `high`.
    pub(super) fn exact(label: &'static str, high: f64, count: usize) -> Self {
        let mut axis = Self::linear(label, high, count);
        axis.ticks.retain(|(value, _)| *value <= high);
        axis.high = if high > 0.0 { high } else { 1.0 };
        axis
    }

    /// From a round number below all `values` that are more than nothing to one above them.
    pub(super) fn log(label: &'static str, values: impl Iterator<Item = f64> + Clone) -> Self {
        let values = values.filter(|value| *value > 0.0);
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(0.0, f64::max);
        let (low, high) = if high > 0.0 { (low, high) } else { (1.0, 1.0) };
        let first = low.log10().floor() as i32;
        let last = high.log10().floor() as i32;
        let round = (first..=last + 1).flat_map(|power| [1, 2, 5].map(|n| (n, power)));
        let round = round.map(|(n, power)| (n, f64::from(n) * 10_f64.powi(power)));
        let below = round.clone().rev().find(|(_, value)| *value <= low);
        let low = below.map_or(low, |(_, value)| value);
        let above = round
            .clone()
            .find(|(_, value)| *value >= high && *value > low);
        let high = above.map_or(high, |(_, value)| value);
        // Over many powers of ten there is no room for more than those.
        let few = high / low < 500.0;
        let ticks = round.filter(|(n, value)| (low..=high).contains(value) && (few || *n == 1));
        Self {
            label,
            scale: Scale::Log,
            low,
            high,
            ticks: ticks.map(|(_, value)| (value, short(value))).collect(),
        }
    }

    /// Quantiles, as far as there are enough values to tell them.
    pub(super) fn nines(label: &'static str, count: u64) -> Self {
        let most = (count.max(10) as f64).log10().min(6.0);
        let named = ["0", "90", "99", "99.9", "99.99", "99.999", "99.9999"];
        let ticks = named.iter().zip(0..=(most as i32));
        let quantile = |nines: f64| 1.0 - 10_f64.powf(-nines);
        let mut ticks: Vec<_> = ticks
            .map(|(name, nines)| (quantile(f64::from(nines)), format!("{name} %")))
            .collect();
        ticks.push((0.5, "50 %".to_owned()));
        Self {
            label,
            scale: Scale::Nines,
            low: 0.0,
            high: quantile(most),
            ticks,
        }
    }

    /// Where a value is, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let (low, high) = (self.scale.place(self.low), self.scale.place(self.high));
        ((self.scale.place(value) - low) / (high - low)).clamp(0.0, 1.0)
    }
}

impl Chart<'_> {
    /// Adds it to `xml`, its upper edge at `top`.
    pub(super) fn draw(&self, xml: &mut Xml, top: f64) {
        let shift = format!("translate(0 {top})");
        xml.element("g", &[("transform", &shift)], |xml| {
            xml.line(
                "text",
                &[("class", &"title"), ("x", &0), ("y", &16)],
                self.title,
            );
            self.legend(xml);
            self.axes(xml);
            for series in self.series.iter().filter(|s| !s.points.is_empty()) {
                let class = format!("line s{}", series.color);
                xml.empty("path", &[("class", &class), ("d", &self.path(series))]);
            }
        });
    }

    fn legend(&self, xml: &mut Xml) {
        let mut x = LEFT;
        for series in &self.series {
            let class = format!("line s{}", series.color);
            let swatch = format!("M{x:.1} 34h14");
            xml.empty("path", &[("class", &class), ("d", &swatch)]);
            let at = x + 20.0;
            xml.line("text", &[("x", &at), ("y", &38)], series.name);
            x = at + 14.0 + text_width(series.name);
        }
    }

    fn axes(&self, xml: &mut Xml) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, text) in &self.y.ticks {
            let y = self.y_of(*value);
            let grid = format!("M{LEFT} {y:.1}H{right}");
            xml.empty("path", &[("class", &"grid"), ("d", &grid)]);
            let (x, y) = (LEFT - 6.0, format!("{:.1}", y + 4.0));
            xml.line("text", &[("class", &"end"), ("x", &x), ("y", &y)], text);
        }
        for (value, text) in &self.x.ticks {
            let x = self.x_of(*value);
            // In the middle below its place, as far as the edge leaves room for it.
            let wide = x + text_width(text) / 2.0 > WIDTH;
            let (class, x) = if wide { ("end", WIDTH) } else { ("middle", x) };
            let (x, y) = (format!("{x:.1}"), bottom + 16.0);
            xml.line("text", &[("class", &class), ("x", &x), ("y", &y)], text);
        }
        let frame = format!("M{LEFT} {TOP}V{bottom}H{right}");
        xml.empty("path", &[("class", &"axis"), ("d", &frame)]);
        let (x, y) = (right, HEIGHT - 8.0);
        xml.line(
            "text",
            &[("class", &"end"), ("x", &x), ("y", &y)],
            self.x.label,
        );
        xml.line(
            "text",
            &[("class", &"end"), ("x", &x), ("y", &38)],
            self.y.label,
        );
    }

    fn path(&self, series: &Series<'_>) -> String {
        let mut path = String::new();
        for (at, (x, y)) in series.points.iter().enumerate() {
            let command = if at == 0 { 'M' } else { 'L' };
            // Writing to memory does not fail.
            let _ = write!(path, "{command}{:.1} {:.1}", self.x_of(*x), self.y_of(*y));
        }
        if series.points.len() == 1 {
            // A line without length is drawn as a dot.
            path.push_str("h0");
        }
        path
    }

    fn x_of(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y_of(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM)
    }
}

/// About, in the page's font.
fn text_width(text: &str) -> f64 {
    7.0 * text.chars().count() as f64
}

/// The next of 1, 2, 5, 10, 20, 50…
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= step);
    factor.unwrap_or(10.0) * power
}

/// A number without needless digits.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!(texts(&Axis::linear("", 930.0, 4)), ["0", "500", "1000"]);
        assert_eq!(texts(&Axis::linear("", 0.0, 4)), ["0", "0.5", "1"]);
        assert_eq!(
            texts(&Axis::exact("", 29.3, 6)),
            ["0", "5", "10", "15", "20", "25"]
        );
        let log = |values: &[f64]| Axis::log("", values.iter().copied());
        let near = log(&[0.0, 0.3, 4.0]);
        assert_eq!(texts(&near), ["0.2", "0.5", "1", "2", "5"]);
        assert_eq!(texts(&log(&[0.3, 900.0])), ["1", "10", "100", "1000"]);
        assert_eq!(texts(&log(&[])), ["1", "2"]);
        let nines = Axis::nines("", 5_000);
        assert_eq!(texts(&nines), ["0 %", "90 %", "99 %", "99.9 %", "50 %"]);
    }

    /// Where a text begins and ends, by its anchor.
    fn reach(text: roxmltree::Node<'_, '_>) -> (f64, f64) {
        let x: f64 = text.attribute("x").unwrap().parse().unwrap();
        let width = text_width(text.text().unwrap_or_default());
        match text.attribute("class") {
            Some("end") => (x - width, x),
            Some("middle") => (x - width / 2.0, x + width / 2.0),
            _ => (x, x + width),
        }
    }

    #[test]
    fn no_text_is_cut_at_the_edges_and_none_lies_on_its_neighbour() {
        for count in [10, 5_000, 1_000_000_000] {
            let chart = Chart {
                title: "",
                x: Axis::nines("of the operations", count),
                y: Axis::log("ms", [0.0001, 60_000.0].into_iter()),
                series: Vec::new(),
            };
            let mut xml = Xml::default();
            chart.draw(&mut xml, 0.0);
            let text = xml.finish();
            let document = roxmltree::Document::parse(&text).unwrap();
            let texts = document.descendants().filter(|n| n.has_tag_name("text"));
            for text in texts {
                let (from, to) = reach(text);
                assert!(from >= 0.0 && to <= WIDTH, "{count}: {text:?}");
            }
            let mut axis: Vec<_> = document
                .descendants()
                .filter(|n| n.is_element() && n.text().is_some_and(|text| text.ends_with('%')))
                .map(reach)
                .collect();
            axis.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(axis.windows(2).all(|two| two[0].1 < two[1].0), "{axis:?}");
        }
    }

    #[test]
    fn values_are_placed_by_the_scale_and_never_outside() {
        let linear = Axis::linear("", 10.0, 1);
        assert_eq!(
            [-1.0, 0.0, 5.0, 11.0].map(|v| linear.place(v)),
            [0.0, 0.0, 0.5, 1.0]
        );
        let log = Axis::log("", [1.0, 100.0].into_iter());
        assert_eq!(
            [0.0, 1.0, 10.0, 100.0].map(|v| log.place(v)),
            [0.0, 0.0, 0.5, 1.0]
        );
        let nines = Axis::nines("", 100);
        assert!((nines.place(0.9) - 0.5).abs() < 1e-9);
        assert_eq!(nines.place(1.0), 1.0);
    }
}
