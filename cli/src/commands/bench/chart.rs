//! A chart of some lines between two axes, as SVG.

use super::page::escaped;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 260.0;
/// Of the lines, in the chart.
const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 40.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = HEIGHT - 42.0;
const COLORS: usize = 6;

/// A line's name and its points, as the axes have them.
pub(super) type Line<'a> = (&'a str, Vec<(f64, f64)>);

/// From where to where, and what is written beside each step of it.
pub(super) struct Axis {
    title: &'static str,
    low: f64,
    high: f64,
    step: f64,
    label: fn(f64) -> String,
}

impl Axis {
    /// From nothing to `high`, in round steps.
    pub(super) fn linear(title: &'static str, high: f64) -> Self {
        let high = high.max(1e-3);
        let power = 10_f64.powf(high.log10().floor());
        let steps = [0.2, 0.5, 1.0, 2.0].map(|factor| factor * power);
        let step = steps.into_iter().find(|step| high / step <= 8.0);
        Self {
            title,
            low: 0.0,
            high,
            step: step.unwrap_or(power),
            label: short,
        }
    }

    /// The powers of ten around what `lines` have, which are its logarithms.
    pub(super) fn powers(title: &'static str, lines: &[Line<'_>]) -> Self {
        let values = lines.iter().flat_map(|(_, points)| points);
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), (_, y)| {
            (low.min(y.floor()), high.max(y.ceil()))
        });
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        Self {
            title,
            low,
            high: high.max(low + 1.0),
            step: 1.0,
            label: |power| short(10_f64.powf(power)),
        }
    }

    /// Quantiles by their number of nines, as far as `count` values can have them.
    pub(super) fn nines(title: &'static str, count: u64) -> Self {
        Self {
            title,
            low: 0.0,
            high: (count.max(10) as f64).log10().min(5.0),
            step: 1.0,
            label: |nines| format!("{} %", short(100.0 - 10_f64.powf(2.0 - nines))),
        }
    }

    /// Where a value is, between `from` and `to`.
    fn at(&self, value: f64, from: f64, to: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        from + share.clamp(0.0, 1.0) * (to - from)
    }

    /// The steps, each with where it is.
    fn ticks(&self, from: f64, to: f64) -> impl Iterator<Item = (f64, String)> {
        let count = ((self.high - self.low) / self.step + 1e-9) as usize;
        let values = (0..=count).map(|n| self.low + n as f64 * self.step);
        values.map(move |value| (self.at(value, from, to), (self.label)(value)))
    }
}

/// A quantile by its number of nines.
pub(super) fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).max(1e-9).log10()
}

/// The logarithm of what may be nothing.
pub(super) fn power(value: f64) -> f64 {
    value.max(1e-3).log10()
}

pub(super) fn svg(x: &Axis, y: &Axis, lines: &[Line<'_>]) -> String {
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n");
    for (at, label) in y.ticks(BOTTOM, TOP) {
        svg += &path("grid", &format!("{LEFT} {at:.1}H{RIGHT}"));
        svg += &text("end", LEFT - 6.0, at + 4.0, &label);
    }
    for (at, label) in x.ticks(LEFT, RIGHT) {
        svg += &text("middle", at, BOTTOM + 16.0, &label);
    }
    svg += &text("end", RIGHT, HEIGHT - 8.0, x.title);
    svg += &text("end", RIGHT, TOP - 10.0, y.title);
    let mut name_at = LEFT;
    for (color, (name, points)) in lines.iter().enumerate() {
        let class = format!("s{}", color % COLORS);
        svg += &path(&class, &format!("{name_at} {}h14", TOP - 14.0));
        svg += &text("name", name_at + 20.0, TOP - 10.0, name);
        name_at += 34.0 + 7.0 * name.chars().count() as f64;
        let places = points.iter().map(|(at, value)| {
            let place = (x.at(*at, LEFT, RIGHT), y.at(*value, BOTTOM, TOP));
            format!("{:.1} {:.1}", place.0, place.1)
        });
        let places: Vec<_> = places.collect();
        if !places.is_empty() {
            // A line that has no length is drawn as a dot.
            svg += &path(&class, &format!("{}h0", places.join("L")));
        }
    }
    svg + "</svg>\n"
}

fn path(class: &str, from: &str) -> String {
    format!("<path class=\"{class}\" d=\"M{from}\"/>\n")
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
