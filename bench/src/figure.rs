//! Measured values, and what they are held against.

use std::fmt;
use std::time::Duration;

/// A measured value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Figure {
    Time(Duration),
    /// A second.
    Rate(f64),
    /// In bytes.
    Memory(u64),
    /// Of one processor core.
    Share(f64),
    Count(usize),
}

impl Figure {
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Memory(bytes) => bytes as f64,
            Self::Count(count) => count as f64,
            Self::Rate(number) | Self::Share(number) => number,
        }
    }

    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Time(_) => "s",
            Self::Rate(_) => "1/s",
            Self::Memory(_) => "B",
            Self::Share(_) => "cores",
            Self::Count(_) => "1",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Time(time) if time < Duration::from_micros(1000) => {
                write!(f, "{:.0} µs", time.as_secs_f64() * 1e6)
            }
            Self::Time(time) if time < Duration::from_millis(10) => {
                write!(f, "{:.2} ms", time.as_secs_f64() * 1e3)
            }
            Self::Time(time) if time < Duration::from_secs(1) => {
                write!(f, "{:.0} ms", time.as_secs_f64() * 1e3)
            }
            Self::Time(time) => write!(f, "{:.2} s", time.as_secs_f64()),
            Self::Rate(rate) => write!(f, "{rate:.0}/s"),
            Self::Memory(bytes) if bytes < 10_000 => write!(f, "{bytes} B"),
            Self::Memory(bytes) => write!(f, "{:.1} MB", bytes as f64 / 1e6),
            Self::Share(share) => write!(f, "{:.2} %", share * 100.0),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

/// What the project wants of a figure, or of its ratio to what stands beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtMost(Figure),
    AtLeast(Figure),
    RatioAtMost(f64),
    RatioAtLeast(f64),
}

impl Target {
    /// Whether it is met; `None` where it speaks of a ratio and there is none.
    pub(crate) fn is_met(self, figure: Figure, ratio: Option<f64>) -> Option<bool> {
        Some(match self {
            Self::AtMost(bound) => figure.number() <= bound.number(),
            Self::AtLeast(bound) => figure.number() >= bound.number(),
            Self::RatioAtMost(bound) => ratio? <= bound,
            Self::RatioAtLeast(bound) => ratio? >= bound,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::RatioAtMost(bound) => write!(f, "ratio ≤ {bound}"),
            Self::RatioAtLeast(bound) => write!(f, "ratio ≥ {bound}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_itself_is_within_it() {
        let second = Figure::Time(Duration::from_secs(1));
        assert_eq!(Target::AtMost(second).is_met(second, None), Some(true));
        assert_eq!(Target::AtLeast(second).is_met(second, None), Some(true));
        let ratio = Some(0.6);
        assert_eq!(Target::RatioAtLeast(0.6).is_met(second, ratio), Some(true));
        assert_eq!(Target::RatioAtLeast(0.7).is_met(second, ratio), Some(false));
        assert_eq!(Target::RatioAtMost(0.5).is_met(second, ratio), Some(false));
    }

    #[test]
    fn a_ratio_that_was_not_measured_is_neither_met_nor_missed() {
        let rate = Figure::Rate(1.0);
        assert_eq!(Target::RatioAtMost(1.5).is_met(rate, None), None);
    }
}
