//! What the time line shows: the last quarter of an hour, second by second, and what was done meanwhile.

use std::collections::VecDeque;

use serde::Serialize;

use super::frame::Point;

/// Points that are kept: as many seconds.
const POINTS: usize = 900;
/// Marks that are kept.
const MARKS: usize = 60;

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct History {
    pub(super) points: VecDeque<Point>,
    pub(super) marks: VecDeque<Mark>,
}

/// Something that was done, or that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mark {
    /// Seconds since 1970.
    pub(super) at: u64,
    pub(super) kind: Kind,
    pub(super) label: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Deploy,
    Fault,
    /// A fault is over.
    Over,
    Rebuild,
    Command,
}

impl History {
    pub(super) fn add(&mut self, point: Point) {
        push(&mut self.points, point, POINTS);
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        push(&mut self.marks, mark, MARKS);
    }
}

fn push<T>(kept: &mut VecDeque<T>, new: T, most: usize) {
    if kept.len() == most {
        kept.pop_front();
    }
    kept.push_back(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_than_is_shown() {
        let mut history = History::default();
        for at in 0..2_000 {
            history.add(Point {
                at,
                ..Point::default()
            });
        }
        assert_eq!(history.points.len(), POINTS);
        assert_eq!(history.points.back().unwrap().at, 1_999);
    }
}
